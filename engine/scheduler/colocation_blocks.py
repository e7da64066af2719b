"""What must be together with something that cannot start does not start either (C7.17)."""

from __future__ import annotations

from collections.abc import Iterator

from engine.scheduler.actions import RUNNABLE, Action
from engine.scheduler.model import INFINITY, Colocation, Resource, Role, Variant
from engine.scheduler.plan import Plan


def block_dependents(plan: Plan, action: Action) -> list[Action]:
    """Take RUNNABLE from the dependents of an unrunnable start or promote; what changed, in order."""
    if action.flags & RUNNABLE or action.rsc is None or action.task not in ("start", "promote"):
        return []
    changed: list[Action] = []
    pending = [action]
    while pending:
        blocked = pending.pop()
        for affected in _block(plan, blocked):
            changed.append(affected)
            pending.append(affected)
    return changed


def _block(plan: Plan, action: Action) -> list[Action]:
    rsc = action.rsc
    if rsc is None:
        return []
    top = rsc.outermost if rsc.is_bundled else rsc.top
    for child in top.children:
        start = plan.actions.first(child, f"{action.task}_0")
        if start is None or start.flags & RUNNABLE:
            return []
    changed: list[Action] = []
    for colocation in plan.with_this(top):
        if colocation.score < INFINITY:
            continue
        if action.task == "promote" and colocation.primary_role is not Role.PROMOTED:
            continue
        changed.extend(_block_dependent(plan, colocation, rsc))
    return changed


def _block_dependent(plan: Plan, colocation: Colocation, primary: Resource) -> list[Action]:
    task = "promote" if colocation.dependent_role is Role.PROMOTED else "start"
    changed: list[Action] = []
    for rsc in _with_descendants(colocation.dependent):
        action = plan.actions.first(rsc, f"{task}_0")
        if action is not None and action.flags & RUNNABLE:
            action.flags &= ~RUNNABLE
            action.reason = action.reason or f"colocation with {primary.id}"
            plan.actions.changed(rsc)
            changed.append(action)
    return changed


def _with_descendants(rsc: Resource) -> Iterator[Resource]:
    yield rsc
    if rsc.variant is not Variant.PRIMITIVE:
        for child in rsc.children:
            yield from _with_descendants(child)
