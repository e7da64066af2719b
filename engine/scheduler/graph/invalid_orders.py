"""Orderings that turn out to make no sense once everything is decided (C7.18)."""

from __future__ import annotations

from engine.scheduler.graph.builder import keeps_input
from engine.scheduler.model.order_graph import GUEST_ALLOWED, LOAD, NOTHING
from engine.scheduler.planning.action_table import Action
from engine.scheduler.planning.plan import Plan


def disable_invalid_orders(plan: Plan) -> None:
    """Disable orderings of guests' hosts after their own guests, and loops of migrations."""
    for action in reversed(plan.actions.all):
        launches = action.rsc is not None and bool(action.rsc.launched)
        migrates = action.task == "migrate_to" and action.rsc is not None
        if not launches and not migrates:
            continue
        for number, relations in plan.graph.before(action.id):
            first = plan.actions.all[number - 1]
            for relation in relations:
                if (launches and _waits_for_own_guest(first, action, relation)) or (
                    migrates and relation == LOAD and _closes_loop(plan, first, action)
                ):
                    plan.graph.replace(number, action.id, relation, NOTHING)


def _waits_for_own_guest(first: Action, action: Action, relation: int) -> bool:
    node = first.node
    if first.rsc is None or relation & GUEST_ALLOWED or node is None or not node.is_guest:
        return False
    return node.connection is not None and node.connection.launcher is action.rsc


def _closes_loop(plan: Plan, first: Action, action: Action) -> bool:
    """Whether `first` waits, over what the graph would keep, for the migration (C7.18 b)."""
    actions = plan.actions.all
    if not _keeps(first, action, LOAD):
        return False
    seen = {first.id}
    pending = [first]
    while pending:
        then = pending.pop()
        for number, relations in plan.graph.before(then.id):
            if number in seen:
                continue
            before = actions[number - 1]
            if not any(_keeps(before, then, relation) for relation in relations):
                continue
            if before is action:
                return True
            seen.add(number)
            pending.append(before)
    return False


def _keeps(first: Action, then: Action, relation: int) -> bool:
    return bool(keeps_input(first, then, relation))
