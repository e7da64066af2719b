"""Configured orderings, and the orderings that anti-colocations imply (C6, C5.6).

Each configured ordering becomes records; with `require-all=false` or `clone-min` a pseudo-action
stands between the two sides and waits for enough of the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from engine.scheduler.model.model import (
    MINUS_INFINITY,
    Colocation,
    Order,
    OrderKind,
    OrderSets,
    Resource,
    ResourceSet,
    Role,
    Variant,
)
from engine.scheduler.model.order_graph import (
    ASYMMETRIC,
    BLOCKS,
    FIRST_GRAPHS_THEN,
    FIRST_THEN,
    MIN_RUNNABLE,
    ORDERED,
    REQUIRED_SAME_NODE,
    SERIALIZE,
    THEN_FIRST,
)
from engine.scheduler.planning.action_table import Action, inverse_task
from engine.scheduler.planning.plan import Plan

_BLOCKING_TASKS = ("start", "promote", "migrate_from")


def apply_order(plan: Plan, order: Order | OrderSets) -> None:
    """Make the records of one configured ordering (phase 2)."""
    if isinstance(order, Order):
        _order_pair(plan, order)
    else:
        _order_sets(plan, order)


# -- two resources (C6.4, C6.5) -----------------------------------------------------------------


def _order_pair(plan: Plan, order: Order) -> None:
    first_task = order.first_action or "start"
    then_task = order.then_action or first_task
    symmetric = _is_symmetric(order.kind, order.symmetrical)
    forward = _forward(order.kind, symmetric, first_task)
    minimum = _minimum_instances(order)
    if minimum:
        _order_after_enough(plan, order, first_task, then_task, forward, minimum)
    else:
        plan.order(order.first, f"{first_task}_0", order.then, f"{then_task}_0", forward)
    if not symmetric:
        return
    undo_then, undo_first = inverse_task(then_task), inverse_task(first_task)
    if undo_then and undo_first:
        plan.order(
            order.then, f"{undo_then}_0", order.first, f"{undo_first}_0", _inverse(order.kind)
        )


def _is_symmetric(kind: OrderKind, configured: bool | None) -> bool:
    """Whether the inverse ordering holds too (C6.3)."""
    return kind is not OrderKind.SERIALIZE and configured is not False


def _forward(kind: OrderKind, symmetric: bool, first_task: str) -> int:
    """Relation of the ordering as configured (C6.4)."""
    if kind is OrderKind.OPTIONAL:
        return ORDERED
    if kind is OrderKind.SERIALIZE:
        return SERIALIZE
    if not symmetric:
        return ORDERED | ASYMMETRIC
    return ORDERED | FIRST_THEN | (BLOCKS if first_task in _BLOCKING_TASKS else 0)


def _inverse(kind: OrderKind) -> int:
    return ORDERED if kind is OrderKind.OPTIONAL else ORDERED | THEN_FIRST


def _minimum_instances(order: Order) -> int:
    """How many instances of the first clone are enough; 0: the rule does not apply (C6.5)."""
    clone = order.first.clone
    if order.first.variant is not Variant.CLONE or clone is None:
        return 0
    return clone.clone_min or (0 if order.require_all else 1)


def _order_after_enough(
    plan: Plan, order: Order, first_task: str, then_task: str, forward: int, minimum: int
) -> None:
    enough = _enough(plan, f"clone-one-or-more:{order.id}", minimum)
    for instance in order.first.children:
        plan.order_before_action(
            instance, f"{first_task}_0", enough, MIN_RUNNABLE | FIRST_GRAPHS_THEN
        )
    plan.order_action_before(enough, order.then, f"{then_task}_0", forward | BLOCKS)


def _enough(plan: Plan, name: str, minimum: int) -> Action:
    action = plan.actions.pseudo(None, name, optional=True)
    action.needs_runnable = minimum
    return action


# -- sets (C6.6, C6.7) --------------------------------------------------------------------------


def _order_sets(plan: Plan, order: OrderSets) -> None:
    symmetric = _is_symmetric(order.kind, order.symmetrical)
    previous: ResourceSet | None = None
    for current in order.sets:
        _order_members(plan, order, current)
        if previous is not None:
            _order_two_sets(plan, order.kind, symmetric, previous, current)
            if symmetric:
                _order_two_sets_inverted(plan, order.kind, current, previous)
        previous = current


def _order_members(plan: Plan, order: OrderSets, members: ResourceSet) -> None:
    """Orderings inside one set (C6.6)."""
    kind = members.kind or order.kind
    symmetric = _is_symmetric(kind, order.symmetrical)
    task = members.action or "start"
    forward = _forward(kind, symmetric, task)
    chain = members.members
    if kind is OrderKind.SERIALIZE:
        for place, first in enumerate(chain):
            for then in chain[place + 1 :]:
                plan.order(first, f"{task}_0", then, f"{task}_0", forward)
        return
    if members.sequential is False:
        return
    for first, then in pairwise(chain):
        plan.order(first, f"{task}_0", then, f"{task}_0", forward)
    undo = inverse_task(task)
    if symmetric and undo:
        for first, then in pairwise(chain):
            plan.order(then, f"{undo}_0", first, f"{undo}_0", _inverse(kind))


def _order_two_sets(
    plan: Plan, kind: OrderKind, symmetric: bool, first: ResourceSet, then: ResourceSet
) -> None:
    first_task, then_task = first.action or "start", then.action or "start"
    relation = _forward(kind, symmetric, first_task)
    if not first.require_all and first_task not in ("stop", "demote"):
        _order_after_any(plan, first, first_task, then.members, then_task, relation)
        return
    firsts = first.members[-1:] if first.sequential is True else first.members
    thens = then.members[:1] if then.sequential is True else then.members
    _order_all(plan, firsts, first_task, thens, then_task, relation)


def _order_two_sets_inverted(
    plan: Plan, kind: OrderKind, first: ResourceSet, then: ResourceSet
) -> None:
    """The inverse of "`then` before `first`": undo the later set, then the earlier one."""
    first_task = inverse_task(first.action or "start")
    then_task = inverse_task(then.action or "start")
    if not first_task or not then_task:
        return
    relation = _inverse(kind)
    if not first.require_all and first_task not in ("stop", "demote"):
        _order_after_any(plan, first, first_task, then.members, then_task, relation)
        return
    firsts = first.members[:1] if first.sequential is True else first.members
    thens = then.members[-1:] if then.sequential is True else then.members
    _order_all(plan, firsts, first_task, thens, then_task, relation)


def _order_after_any(
    plan: Plan,
    first: ResourceSet,
    first_task: str,
    thens: Sequence[Resource],
    then_task: str,
    relation: int,
) -> None:
    """One member of the first set is enough for all of the second one."""
    enough = _enough(plan, f"one-or-more:{first.id}", 1)
    for rsc in first.members:
        plan.order_before_action(rsc, f"{first_task}_0", enough, MIN_RUNNABLE | FIRST_GRAPHS_THEN)
    for rsc in thens:
        plan.order_action_before(enough, rsc, f"{then_task}_0", relation | BLOCKS)


def _order_all(
    plan: Plan,
    firsts: Sequence[Resource],
    first_task: str,
    thens: Sequence[Resource],
    then_task: str,
    relation: int,
) -> None:
    for first in firsts:
        for then in thens:
            plan.order(first, f"{first_task}_0", then, f"{then_task}_0", relation)


# -- anti-colocations (C5.6) --------------------------------------------------------------------


def order_anti_colocation(plan: Plan, colocation: Colocation) -> None:
    """What must not be together: one leaves a node before the other arrives there."""
    if colocation.score > MINUS_INFINITY:
        return
    dependent = (colocation.dependent, colocation.dependent_role)
    primary = (colocation.primary, colocation.primary_role)
    for (first, first_role), (then, then_role) in ((dependent, primary), (primary, dependent)):
        for lose in _losing_tasks(first_role):
            for gain in _gaining_tasks(then_role):
                plan.order(first, f"{lose}_0", then, f"{gain}_0", REQUIRED_SAME_NODE)


def _losing_tasks(role: Role) -> tuple[str, ...]:
    if role is Role.PROMOTED:
        return ("demote",)
    return ("stop", "promote") if role is Role.UNPROMOTED else ("stop",)


def _gaining_tasks(role: Role) -> tuple[str, ...]:
    if role is Role.PROMOTED:
        return ("promote",)
    return ("start", "demote") if role is Role.UNPROMOTED else ("start",)
