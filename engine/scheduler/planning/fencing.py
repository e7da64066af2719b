"""Fencing, unfencing and shutdown as actions, and what waits for them (C11)."""

from __future__ import annotations

from engine.scheduler.model.model import Model, Needs, Node, Resource, Variant
from engine.scheduler.model.order_graph import BLOCKS, FIRST_THEN, GUEST_ALLOWED, ORDERED
from engine.scheduler.planning.action_table import OPTIONAL, PSEUDO, RUNNABLE, Action
from engine.scheduler.planning.notifications import order_notifications_after_fencing
from engine.scheduler.planning.plan import Plan
from engine.scheduler.reading.nodes import can_fence

SHUTDOWN = "do_shutdown"


def schedule_fencing_and_shutdown(plan: Plan) -> None:
    """Fence what is unclean, let what is shutting down leave, the DC last (C11.3)."""
    model = plan.model
    has_managed = any(_is_managed(rsc) for rsc in model.resources)
    dc_down: Action | None = None
    fencings: list[Action] = []
    shutdowns: list[Action] = []
    for node in model.nodes:
        if node.is_guest:
            if node.remote_reset and has_managed and can_fence(model, node):
                _fence_guest(plan, node)
        elif has_managed and node.unclean and can_fence(model, node):
            fencing = plan.actions.fence_action(
                node, None, optional=False, reason="node is unclean"
            )
            _order_around_fencing(plan, fencing, node)
            if node.is_dc:
                dc_down = fencing
            else:
                if not model.options.concurrent_fencing and fencings:
                    plan.link(fencings[-1], fencing, ORDERED)
                fencings.append(fencing)
        elif node.online and node.shutdown and not node.is_remote_type:
            shutdown = _shut_down(plan, node)
            if node.is_dc:
                dc_down = shutdown
            else:
                shutdowns.append(shutdown)
    if dc_down is not None:
        _order_dc_last(plan, dc_down, fencings, shutdowns)


def _is_managed(rsc: Resource) -> bool:
    return rsc.managed or any(_is_managed(child) for child in rsc.children)


def _order_dc_last(
    plan: Plan, dc_down: Action, fencings: list[Action], shutdowns: list[Action]
) -> None:
    if dc_down.task == SHUTDOWN:
        for action in shutdowns:
            plan.link(action, dc_down, ORDERED)
    if not plan.model.options.concurrent_fencing:
        fencings = fencings[-1:]
    for action in fencings:
        plan.link(action, dc_down, ORDERED)


# -- around one fencing action (C11.4) ----------------------------------------------------------


def _order_around_fencing(plan: Plan, fencing: Action, node: Node) -> None:
    for rsc in plan.model.resources:
        _order_resource_around(plan, rsc, fencing, node)


def _order_resource_around(plan: Plan, rsc: Resource, fencing: Action, node: Node) -> None:
    if rsc.variant is not Variant.PRIMITIVE:
        for child in rsc.children:
            _order_resource_around(plan, child, fencing, node)
    elif rsc.managed:
        _order_starts_after(plan, rsc, fencing, node)
        _imply_stops(plan, rsc, fencing, node)


def _order_starts_after(plan: Plan, rsc: Resource, fencing: Action, node: Node) -> None:
    if not rsc.needs_fencing and not rsc.needs_quorum:
        return
    for action in plan.actions.of(rsc):
        if action.needs is Needs.FENCING:
            plan.link(fencing, action, ORDERED)
        elif (
            action.needs is Needs.QUORUM
            and action.task == "start"
            and node.index in rsc.allowed
            and not _is_known(rsc, node)
        ):
            plan.link(fencing, action, ORDERED | BLOCKS)


def _is_known(rsc: Resource, node: Node) -> bool:
    """Whether the state of the resource, or of its anonymous clone, on the node is known."""
    if node.index in rsc.known_on:
        return True
    parent = rsc.parent
    return parent is not None and parent.is_anonymous_clone and node.index in parent.known_on


def _imply_stops(plan: Plan, rsc: Resource, fencing: Action, node: Node) -> None:
    """Fencing a node stops and demotes what runs there: nobody has to do it (C11.4)."""
    waits = rsc.needs_fencing or node.is_guest
    bundled = rsc.is_bundled
    stop = plan.actions.first(rsc, "stop_0", node)
    if stop is not None:
        stop.flags |= PSEUDO | RUNNABLE
        plan.actions.changed(rsc)
        if waits:
            if not bundled:
                plan.link(fencing, stop, GUEST_ALLOWED)
            parent_stop = plan.actions.first(rsc.top, "stop_0")
            plan.link(fencing, parent_stop, GUEST_ALLOWED)
        if rsc.notify:
            order_notifications_after_fencing(plan, stop, rsc, fencing)
    demote = plan.actions.first(rsc, "demote_0", node)
    if demote is not None and (not node.online or node.unclean or rsc.failed):
        demote.flags |= PSEUDO | RUNNABLE
        plan.actions.changed(rsc)
        if waits and not bundled:
            plan.link(fencing, demote, GUEST_ALLOWED | ORDERED)


def _fence_guest(plan: Plan, node: Node) -> None:
    """A guest is "fenced" by the recovery of its launcher; the action is a pseudo one (C11.7)."""
    connection = node.connection
    if connection is None:
        return
    launcher = connection.launcher
    stop: Action | None = None
    operation = "off"
    if launcher is not None:
        stop = plan.actions.first(launcher, "stop_0")
        if plan.actions.first(launcher, "start_0") is not None:
            operation = "reboot"
    fencing = plan.actions.fence_action(node, operation, optional=False, reason="guest is unclean")
    fencing.flags |= PSEUDO | RUNNABLE
    if stop is not None and stop.flags & PSEUDO and stop.node is not None:
        host = plan.actions.fence_action(stop.node, None, optional=False, reason="")
        plan.link(host, fencing, BLOCKS | FIRST_THEN)
    elif stop is not None:
        plan.link(stop, fencing, BLOCKS | FIRST_THEN)
    else:
        plan.link(plan.actions.first(connection, "stop_0"), fencing, ORDERED)
    _order_around_fencing(plan, fencing, node)


# -- unfencing (C11.9, C11.10) ------------------------------------------------------------------


def order_after_unfencing(
    plan: Plan, rsc: Resource, node: Node, action: Action, relation: int
) -> None:
    """A probe or start of a resource that needs it waits for the node's unfencing (C11.9)."""
    model = plan.model
    if not rsc.needs_unfencing and not (rsc.is_fence_device and model.unfencing_in_use):
        return
    unfence = plan.actions.fence_action(node, "on", optional=True, reason="")
    plan.link(unfence, action, relation)
    if not is_unfenced(node):
        trigger_unfencing(plan, None, node, f"required by {rsc.id} {action.task}")


def is_unfenced(node: Node) -> bool:
    """Whether the node has been unfenced since it joined (27.1)."""
    return node.attributes.get("#node-unfenced", "0") != "0"


def trigger_unfencing(plan: Plan, rsc: Resource | None, node: Node | None, reason: str) -> None:
    """Unfence a node, or all nodes of a fence device that changed (27.1)."""
    model: Model = plan.model
    if not model.unfencing_in_use or (rsc is not None and not rsc.is_fence_device):
        return
    if node is not None and _can_be_unfenced(node):
        plan.actions.fence_action(node, "on", optional=False, reason=reason)
    elif rsc is not None:
        for candidate in model.nodes:
            if candidate.index in rsc.allowed and _can_be_unfenced(candidate):
                plan.actions.fence_action(candidate, "on", optional=False, reason=reason)


def _can_be_unfenced(node: Node) -> bool:
    return node.online and not node.unclean and not node.shutdown


# -- shutdown (C11.8) ---------------------------------------------------------------------------


def _shut_down(plan: Plan, node: Node) -> Action:
    """The node leaves when everything that has to stop there has stopped."""
    shutdown = plan.actions.cluster_action(
        SHUTDOWN, f"{SHUTDOWN}-{node.name}", node, optional=False
    )
    shutdown.set_meta("op_no_wait", "true")
    if node.maintenance:
        return shutdown
    for action in reversed(plan.actions.all):
        rsc = action.rsc
        if action.task != "stop" or action.node is not node or rsc is None or rsc.maintenance:
            continue
        if rsc.managed or rsc.blocked:
            action.flags &= ~OPTIONAL
            plan.order_actions(action, shutdown, ORDERED | BLOCKS)
    return shutdown
