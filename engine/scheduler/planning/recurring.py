"""Recurring operations: which run where, which are cancelled, and their place in the order (C9)."""

from __future__ import annotations

from collections import Counter
from typing import Final

from engine.scheduler.model.model import Node, OpConfig, Resource, Role
from engine.scheduler.model.order_graph import BLOCKS, FIRST_THEN, ORDERED
from engine.scheduler.planning.action_table import OPTIONAL, RESCHEDULE, RUNNABLE, Action
from engine.scheduler.planning.plan import Plan

# Naming a member of an enumeration takes ten times as long as naming a constant.
_UNKNOWN: Final = Role.UNKNOWN
_STOPPED: Final = Role.STOPPED
_PROMOTED: Final = Role.PROMOTED

_NEVER_RECURRING = frozenset(
    {"start", "stop", "promote", "demote", "reload-agent", "migrate_to", "migrate_from"}
)
_PROMOTED_RC = "8"
_NOT_RUNNING_RC = "7"


def create_recurring_actions(plan: Plan, rsc: Resource) -> None:
    """Recurring operations of a primitive on all nodes where they belong."""
    if rsc.blocked or rsc.maintenance:
        return
    start: Action | None = None
    node = rsc.assigned
    if (
        node is not None
        and not node.maintenance
        and (rsc.next_role is not _STOPPED or not rsc.managed)
    ):
        start = plan.actions.obtain(rsc, "start", node, optional=True)
    for op in recurring_operations(rsc):
        if op.role is _STOPPED:
            _create_for_stopped(plan, rsc, op)
        elif start is not None and node is not None:
            _create_for_active(plan, rsc, op, start, node)


def recurring_operations(rsc: Resource) -> list[OpConfig]:
    """The configured recurring operations that count; of duplicates none does (C9.2)."""
    uses = Counter((op.name, op.interval_ms) for op in rsc.ops if op.id)
    return [
        op
        for op in rsc.ops
        if op.interval_ms > 0
        and op.id
        and op.name not in _NEVER_RECURRING
        and uses[op.name, op.interval_ms] == 1
        and op.enabled
        and (op.role is not _UNKNOWN or not op.attributes.get("role"))
    ]


def _create_for_active(plan: Plan, rsc: Resource, op: OpConfig, start: Action, node: Node) -> None:
    """An operation for a role in which the resource runs (C9.3 to C9.5)."""
    suffix = f"{op.name}_{op.interval_ms}"
    known = plan.actions.row(rsc).by_key.get(suffix, {}).get(node.index)
    is_running = bool(start.flags & OPTIONAL) and known is not None and not known.flags & RESCHEDULE
    if op.role is _UNKNOWN:
        matches = rsc.next_role is not _PROMOTED
    else:
        matches = op.role is rsc.next_role
    if not matches:
        if is_running:
            _cancel_before_role_change(plan, rsc, op, node)
        return
    action = plan.actions.obtain(
        rsc, op.name, node, optional=is_running, interval_ms=op.interval_ms
    )
    if not start.flags & RUNNABLE or not node.online or node.unclean:
        action.flags &= ~RUNNABLE
    if rsc.next_role is _PROMOTED:
        action.set_meta("op_target_rc", _PROMOTED_RC)
    if not rsc.managed:
        return
    plan.order_before_action(rsc, "start_0", action, FIRST_THEN | BLOCKS)
    plan.order_before_action(rsc, "reload-agent_0", action, FIRST_THEN | BLOCKS)
    if rsc.next_role is _PROMOTED:
        plan.order_before_action(rsc, "promote_0", action, ORDERED | BLOCKS)
    elif rsc.role is _PROMOTED:
        plan.order_before_action(rsc, "demote_0", action, ORDERED | BLOCKS)


def _cancel_before_role_change(plan: Plan, rsc: Resource, op: OpConfig, node: Node) -> None:
    cancel = cancel_operation(plan, rsc, op.name, op.interval_ms, node)
    after = ""
    if rsc.role in (Role.STARTED, Role.UNPROMOTED):
        after = {_PROMOTED: "promote_0", _STOPPED: "stop_0"}.get(rsc.next_role, "")
    elif rsc.role is _PROMOTED:
        after = "demote_0"
    if after:
        plan.order_action_before(cancel, rsc, after, BLOCKS)


def _create_for_stopped(plan: Plan, rsc: Resource, op: OpConfig) -> None:
    """An operation that runs where the resource does not (C9.6)."""
    if not rsc.unique:
        return
    suffix = f"{op.name}_{op.interval_ms}"
    for node in plan.model.nodes:
        is_running = node.index in plan.actions.row(rsc).by_key.get(suffix, {})
        if node is rsc.assigned:
            if is_running:
                cancel = cancel_operation(plan, rsc, op.name, op.interval_ms, node)
                if rsc.next_role in (Role.STARTED, Role.UNPROMOTED):
                    plan.order_action_before(cancel, rsc, "start_0", BLOCKS)
            continue
        action = plan.actions.obtain(
            rsc, op.name, node, optional=is_running, interval_ms=op.interval_ms
        )
        action.set_meta("op_target_rc", _NOT_RUNNING_RC)
        if rsc.managed:
            probe = plan.actions.first(rsc, "monitor_0", node)
            if probe is not None:
                plan.order_actions(probe, action, BLOCKS)
        stop = plan.actions.first(rsc, "stop_0", node)
        if stop is not None:
            _order_after_stop(plan, rsc, stop, action)
        if not node.online or node.unclean:
            action.flags &= ~RUNNABLE


def _order_after_stop(plan: Plan, rsc: Resource, stop: Action, action: Action) -> None:
    if not stop.flags & RUNNABLE:
        action.flags &= ~RUNNABLE
    if rsc.managed:
        plan.order_actions(stop, action, FIRST_THEN | BLOCKS)
    elif not stop.flags & OPTIONAL and not action.flags & OPTIONAL:
        action.flags |= OPTIONAL


def cancel_operation(plan: Plan, rsc: Resource, task: str, interval_ms: int, node: Node) -> Action:
    """The required end of a recurring operation on a node (C9.9)."""
    is_new = plan.actions.first(rsc, f"{task}_{interval_ms}", node) is None
    cancel = plan.actions.obtain(rsc, task, node, optional=False, interval_ms=interval_ms)
    if is_new:
        cancel.config_task = "cancel"
    cancel.task = "cancel"
    cancel.cancel_task = task
    cancel.set_meta("operation", task)
    cancel.set_meta("interval", str(interval_ms))
    return cancel
