"""Actions of the graph that the DC carries out itself: fencing, shutdown, clearing of history. Pure."""

from __future__ import annotations

from lxml import etree

from engine.base.digits import is_whole
from engine.base.events import StatusChange
from engine.controller import dispatch
from engine.controller.attributes import clearing_updates
from engine.controller.events import ChangeStatus, Effect, Fence, Story, Tell
from engine.controller.messages import ForgetResource, ShutdownGranted
from engine.controller.remotes import is_remote
from engine.controller.status import (
    attribute_change,
    forget_entry,
    forget_resource,
    leaving_state,
    transient_attributes,
)
from engine.scheduler.model.transition import GraphAction


def effects_of_cluster_action(
    action: GraphAction, node: int | None, state: etree._Element | None, term: int
) -> tuple[list[Effect], bool]:
    """What a `crm_event` wants done, and whether the action is thereby confirmed.

    `state` is the state of the node that the action names, if there is one.
    """
    if action.operation == dispatch.FENCE:
        return [_fence(action)], False
    if state is None:
        return [], True
    match action.operation:
        case dispatch.SHUTDOWN:
            if node is None or is_remote(state):
                return [], True
            story = Story("shutdown granted", {"node": action.node})
            leave: list[Effect] = [ChangeStatus((leaving_state(state),)), story]
            return [*leave, Tell(node, ShutdownGranted(term))], True
        case dispatch.CLEAR_FAIL_COUNT:
            return _clear_fail_count(action, node, state, term), True
        case dispatch.FORGET:
            resource = dispatch.resource_of_key(action.key)
            return [ChangeStatus(forget_resource(state, resource))], True
        case _:
            return [], True


def unfenced_changes(
    action: GraphAction, state: etree._Element, wall: float
) -> tuple[StatusChange, ...]:
    """What is remembered of an unfenced node until it boots: when, and by which devices as they were."""
    values = {
        "#node-unfenced": str(int(wall)),
        "#digests-all": action.meta("digests_all"),
        "#digests-secure": action.meta("digests_secure"),
    }
    node_id = state.get("id", "")
    return tuple([attribute_change(node_id, name, text) for name, text in values.items() if text])


def _fence(action: GraphAction) -> Fence:
    delay = action.meta("priority_fencing_delay", "0")
    seconds = float(delay) if is_whole(delay) else 0.0
    operation = action.meta("stonith_action", "reboot")
    devices: tuple[str, ...] = ()
    if operation == "on":  # `ID:AGENT:DIGEST,` for each device that unfences
        texts = action.meta("digests_all").split(",")
        devices = tuple([text.split(":")[0] for text in texts if text])
    return Fence(action.node, operation, seconds, "transition", devices)


def _clear_fail_count(
    action: GraphAction, node: int | None, state: etree._Element, term: int
) -> list[Effect]:
    resource = dispatch.resource_of_key(action.key)
    updates = clearing_updates(state.get("id", ""), transient_attributes(state), resource)
    changes = tuple(attribute_change(u.node_id, u.name, None) for u in updates)
    changes += forget_entry(state, resource, f"{resource}_last_failure_0")
    effects: list[Effect] = [ChangeStatus(changes)] if changes else []
    if node is None:
        return effects
    remote = state.get("id", "") if is_remote(state) else ""
    order = ForgetResource(term, 0, resource, only_failure=True, remote=remote)
    return [*effects, Tell(node, order)]
