"""What changed configuration asks for: cancel, reschedule, reload, restart, clean up (C10)."""

from __future__ import annotations

from typing import Final

from engine.base.timespec import text_from_milliseconds
from engine.cib.history import OpRecord, ResourceHistory
from engine.scheduler.model.model import DigestResult, KeptChecks, Node, Resource, Variant
from engine.scheduler.model.order_graph import CANCELS_FIRST, ORDERED
from engine.scheduler.planning.action_table import RESCHEDULE
from engine.scheduler.planning.fencing import trigger_unfencing
from engine.scheduler.planning.plan import Plan
from engine.scheduler.planning.recurring import cancel_operation
from engine.scheduler.reading.digests import compare, only_private_changed
from engine.scheduler.reading.failcounts import fail_count
from engine.scheduler.reading.operations import find_op

# Naming a member of an enumeration takes ten times as long as naming a constant.
_PRIMITIVE: Final = Variant.PRIMITIVE
_MATCH: Final = DigestResult.MATCH

_CHECKED_TASKS = frozenset({"monitor", "start", "promote", "migrate_from"})
_CHANGED = "resource definition change"


def check_changes(plan: Plan) -> None:
    """Compare the histories of all usable nodes with the configuration (C10.1)."""
    known = _usable_answers(plan)
    for node in plan.model.nodes:
        if not node.maintenance and not _is_available(node):
            continue
        for history in plan.model.histories.entries(node.name):
            if history.ops and not (known is not None and _is_known(plan, known, node, history)):
                _check_resources(plan, node, history, known)


def check_deferred(plan: Plan) -> None:
    """Checks of connections whose address is known only after assignment (16.13, phase 7)."""
    for rsc, node, record in plan.model.deferred_checks:
        if compare(plan.model, rsc, node, record) in (DigestResult.MISMATCH, DigestResult.RESTART):
            reason = "resource parameters have changed"
            plan.actions.clear_fail_count(rsc, node, reason)
    for rsc, node, record in plan.deferred_checks:
        _check_active(plan, rsc, node, record)


def clear_fail_counts_of_removed(plan: Plan) -> None:
    """Nothing is left of a resource that was removed (25.13)."""
    if not plan.model.options.stop_removed_resources:
        return
    for rsc in plan.model.resources:
        if not rsc.removed:
            continue
        for node in plan.model.nodes:
            if node.online and fail_count(plan.model, rsc, node)[0]:
                plan.actions.clear_fail_count(rsc, node, "it is removed")
                clear = plan.actions.first(rsc, "clear_failcount_0", node)
                if clear is not None:
                    plan.order_action_before(clear, rsc, "stop_0", ORDERED)


def _is_available(node: Node) -> bool:
    return node.online and not (node.unclean or node.standby or node.shutdown)


# What an earlier run found about a history under the same configuration.
_SAME_AGENT: Final = 1
_ALL_SAME: Final = 2


def _usable_answers(plan: Plan) -> KeptChecks | None:
    """Answers of earlier runs, if this run's would only depend on history and configuration."""
    model = plan.model
    if model.sanitized or model.rescheduled or any(node.maintenance for node in model.nodes):
        return None
    return model.kept_checks


def _is_known(plan: Plan, known: KeptChecks, node: Node, history: ResourceHistory) -> bool:
    """Whether this history asked for nothing before and cannot now."""
    answer = known.find(history)
    if answer == _SAME_AGENT:
        found = plan.model.find_all(history.id)
        return not any(node in rsc.running_on for rsc in found)
    return answer == _ALL_SAME


def _check_resources(
    plan: Plan, node: Node, history: ResourceHistory, known: KeptChecks | None
) -> None:
    """Compare one history with every resource that it may be about."""
    agent = _recorded_agent(history)
    answer = _SAME_AGENT
    for rsc in reversed(plan.model.find_all(history.id)):
        if rsc.variant is _PRIMITIVE:
            found = _check_history(plan, rsc, node, history, agent)
            answer = max(answer, found) if found and answer else 0
    if known is not None and answer:
        known.keep(history, answer)


def _recorded_agent(history: ResourceHistory) -> tuple[str, str, str]:
    get = history.attributes.get
    return get("type", ""), get("class", ""), get("provider", "")


def _check_history(
    plan: Plan, rsc: Resource, node: Node, history: ResourceHistory, agent: tuple[str, str, str]
) -> int:
    """Compare a history with one resource: 0 where something differs, or may differ next time."""
    if rsc.removed:
        if not rsc.top.is_anonymous_clone:
            _schedule_cleanup(plan, rsc, node)
        return 0
    is_active = node in rsc.running_on
    if agent != (rsc.agent_type, rsc.agent_class, rsc.agent_provider):
        _replace_agent(plan, rsc, node, is_active)
        answer = 0
    else:
        answer = _ALL_SAME if is_active else _SAME_AGENT
    if not is_active or history.start_index < history.stop_index:
        return answer
    for place, record in enumerate(history.ops):
        if place < history.start_index:
            continue
        if record.interval_ms and (rsc.maintenance or node.maintenance):
            _cancel(plan, rsc, node, record)
            answer = 0
        elif record.interval_ms or record.task in _CHECKED_TASKS:
            if rsc.address_is_uname:
                plan.deferred_checks.append((rsc, node, record))
                answer = 0
            elif not _check_active(plan, rsc, node, record):
                answer = 0
    return answer


def _check_active(plan: Plan, rsc: Resource, node: Node, record: OpRecord) -> bool:
    """Whether the operation ran with today's parameters."""
    if not _check_operation(plan, rsc, node, record):
        return True
    if fail_count(plan.model, rsc, node)[0]:
        plan.actions.clear_fail_count(rsc, node, "action definition changed")
    return False


def _replace_agent(plan: Plan, rsc: Resource, node: Node, is_active: bool) -> None:
    """The history is that of another agent: the resource restarts, and it is deleted (26.8)."""
    trigger_unfencing(plan, rsc, node, "Device definition changed")
    if is_active:
        plan.actions.stop(rsc, node, optional=False)
        rsc.start_pending = True
    _schedule_cleanup(plan, rsc, node)


def _schedule_cleanup(plan: Plan, rsc: Resource, node: Node) -> None:
    """Delete the history of the resource on the node, between stop and start (C10.6)."""
    if rsc.failed or not node.online or node.unclean:
        return
    plan.actions.obtain(rsc, "delete", node, optional=False)
    plan.order(rsc, "stop_0", rsc, "delete_0", ORDERED)
    plan.order(rsc, "delete_0", rsc, "start_0", ORDERED)


def _cancel(plan: Plan, rsc: Resource, node: Node, record: OpRecord) -> None:
    cancel = cancel_operation(plan, rsc, record.task, record.interval_ms, node)
    call_id = record.get("call-id")
    if call_id is not None:
        cancel.set_meta("call_id", call_id)
    plan.order_before_action(rsc, "stop_0", cancel, ORDERED)


def _check_operation(plan: Plan, rsc: Resource, node: Node, record: OpRecord) -> bool:
    """Compare one entry with the configuration; whether something changed (C10.2)."""
    interval_ms = record.interval_ms
    task = record.task
    if interval_ms:
        if find_op(rsc, task, interval_ms, enabled_only=True) is None:
            if plan.model.options.cancel_removed_actions:
                _cancel(plan, rsc, node, record)
            return True
    elif task in ("monitor", "promote", "migrate_from"):
        task = "start"
    result = compare(plan.model, rsc, node, record)
    if result is _MATCH:
        return False
    if only_private_changed(plan.model, rsc, node, record):
        plan.notices.append(
            f"Only 'private' parameters to {text_from_milliseconds(interval_ms)}-interval"
            f" {record.task} for {rsc.id} on {node.name} changed: {record.get('transition-magic')}"
        )
        return False
    if result is DigestResult.RESTART:
        _force_restart(plan, rsc, node, task, interval_ms)
    elif interval_ms:
        trigger_unfencing(plan, rsc, node, "Device parameters changed (reschedule)")
        action = plan.actions.obtain(rsc, task, node, optional=True, interval_ms=interval_ms)
        action.flags |= RESCHEDULE
    elif record.get("op-restart-digest") is not None:
        trigger_unfencing(plan, rsc, node, "Device parameters changed (reload)")
        _schedule_reload(plan, rsc, node)
    else:
        _force_restart(plan, rsc, node, task, interval_ms)
    return True


def _force_restart(plan: Plan, rsc: Resource, node: Node, task: str, interval_ms: int) -> None:
    """The action must run again with the new parameters, on whichever node (C10.3)."""
    required = plan.actions.obtain(rsc, task, None, optional=False, interval_ms=interval_ms)
    required.reason = _CHANGED
    trigger_unfencing(plan, rsc, node, "Device parameters changed")


def _schedule_reload(plan: Plan, rsc: Resource, node: Node | None) -> None:
    """The agent re-reads its parameters while it runs, unless it stops anyway (C10.4)."""
    if node is None or not rsc.managed or rsc.failed:
        return
    if rsc.start_pending:
        plan.actions.stop(rsc, node, optional=False)
        return
    plan.actions.row(rsc).reload = True
    reload = plan.actions.obtain(rsc, "reload-agent", node, optional=False)
    reload.reason = reload.reason or _CHANGED
    plan.order_action_before(reload, rsc, "stop_0", ORDERED | CANCELS_FIRST)
    plan.order_action_before(reload, rsc, "demote_0", ORDERED | CANCELS_FIRST)
