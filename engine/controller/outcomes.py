"""What the result of an operation changes in the status section, and what the log says of it. Pure."""

from __future__ import annotations

from lxml import etree

from engine.base.events import StatusChange
from engine.base.exitcodes import OcfStatus
from engine.controller.attributes import failure_updates
from engine.controller.events import ChangeStatus, Effect, Story
from engine.controller.locks import lock_after
from engine.controller.status import attribute_change, entry_changes, transient_attributes
from engine.lrm.api import LrmOp, LrmResult, OpStatus
from engine.lrm.state import ResourceRecords, entries_from_result


def effects_of_result(
    result: LrmResult, state: etree._Element, *, start_is_fatal: bool, wall: float, lock: str = ""
) -> list[Effect]:
    """History, fail count and story of a result; `state` is the node state of where it ran.

    `lock` is the shutdown lock that the action in the graph has.
    """
    node_id, name = state.get("id", ""), state.get("uname", "")
    effects: list[Effect] = [result_story(name, result)]
    if not result.is_recorded:
        return effects
    changes = _history_changes(result, state, name, lock_after(result, lock))
    updates = failure_updates(
        result,
        node_id,
        transient_attributes(state),
        start_is_fatal=start_is_fatal,
        wall=wall,
    )
    changes += tuple(attribute_change(u.node_id, u.name, u.value) for u in updates)
    if changes:
        effects.append(ChangeStatus(changes))
    for update in updates:
        if update.name.startswith("fail-count-"):
            effects.append(Story("fail count", {"node": name, update.name: update.value}))
    return effects


def result_story(node: str, result: LrmResult) -> Story:
    """The line of the log about a result; a failure is a warning."""
    op = result.op
    fields = {
        "node": node,
        "rsc": op.resource,
        "op": op.operation,
        "interval": op.interval_ms,
        "rc": result.rc,
        "status": int(result.status),
        "ms": result.exec_ms,
    }
    if result.reason:
        fields["reason"] = result.reason
    return Story("result", fields, not result.is_success and not result.is_cancelled)


def effects_of_silence(
    op: LrmOp, state: etree._Element, *, allowance: float, wall: float
) -> list[Effect]:
    """The history of an operation whose result did not come within `allowance` seconds: a time-out.

    It is recorded on behalf of the node, so that the resource is recovered; the real result, should it
    come after all, takes its place.
    """
    name = state.get("uname", "")
    reason = f"{name} told no result within {allowance:g} s"
    result = LrmResult(op, -1, OcfStatus.UNKNOWN_ERROR, OpStatus.TIMED_OUT, reason, changed_at=wall)
    changes = _history_changes(result, state, name)
    return [ChangeStatus(changes)] if changes else []


def _history_changes(
    result: LrmResult, state: etree._Element, name: str, lock: str = ""
) -> tuple[StatusChange, ...]:
    op = result.op
    entries = entries_from_result(result, name)
    records = ResourceRecords(op.resource, op.standard, op.provider, op.type)
    return entry_changes(state, records, entries, lock) if entries else ()
