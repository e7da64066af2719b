"""The scheduler as one pure function: a CIB and a moment in, a schedule out (C1.1).

`schedule` keeps nothing between calls, unless it is given a memory, and never changes its input. Each phase is a module of its
own; the order of the calls here is part of the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from engine.base.isodate import Zone
from engine.base.reports import Report, Reporter, ReportList, error, warning
from engine.cib.cut import CutCib
from engine.cib.document import Cib
from engine.cib.history import HistoryStore
from engine.scheduler.graph.xml import transition_pieces
from engine.scheduler.model.model import (
    MINUS_INFINITY,
    Colocation,
    Location,
    Model,
    Order,
    OrderSets,
    TicketConstraint,
)
from engine.scheduler.model.transition import Transition
from engine.scheduler.pipeline import finish
from engine.scheduler.placement.assignment import assign_resources, new_placement
from engine.scheduler.placement.bans import apply_node_criteria
from engine.scheduler.placement.colocation import (
    add_colocation,
    add_internal_constraints,
    with_this_list,
)
from engine.scheduler.placement.colocation_loops import colocation_loops
from engine.scheduler.placement.location import add_location, health_locations
from engine.scheduler.placement.tickets import apply_ticket
from engine.scheduler.planning.action_table import Action, ActionTable
from engine.scheduler.planning.config_changes import check_changes
from engine.scheduler.planning.internal_orders import order_internally
from engine.scheduler.planning.plan import Plan
from engine.scheduler.planning.user_orders import apply_order, order_anti_colocation
from engine.scheduler.reading.constraints import unpack_constraints
from engine.scheduler.reading.unpack import fill_model
from engine.scheduler.reading.warm import Warm

if TYPE_CHECKING:
    from engine.scheduler.placement.scores import ScoreSink

_SHOWN = 8  # actions in one finding


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the scheduler decided, and why it could.

    `transition` is what shall happen; `reports` are findings about the input; `model` holds nodes
    and resources with their assigned nodes and next roles; `built` all actions and what became of
    their orderings, for summaries and explanations.
    """

    transition: Transition
    reports: tuple[Report, ...]
    model: Model
    plan: Plan

    def graph_xml(self) -> bytes:
        """The transition as Pacemaker's `transition_graph`."""
        return b"".join(self.graph_pieces())

    def graph_pieces(self) -> Iterator[bytes]:
        """The same text in pieces, one after the other."""
        return transition_pieces(self.transition)


def schedule(
    cib: Cib,
    now: float,
    reporter: Reporter | None = None,
    *,
    scores: ScoreSink | None = None,
    zone: Zone | None = None,
    sanitized: bool = False,
    warm: Warm | None = None,
) -> Schedule:
    """Decide what shall happen in the cluster that the CIB describes.

    `now` is epoch seconds, `zone` the meaning of times without a zone. Findings about the input go
    to the reporter and into the result. `sanitized` says that private values are missing (26.5).
    `warm` is the memory of a process that schedules repeatedly; it makes the run shorter, no more.
    Raises `BadInput` for a CIB that is too new.
    """
    reports = ReportList()
    model = Model(now, zone if zone is not None else Zone())
    model.sanitized = sanitized
    if scores is not None:
        from engine.scheduler.placement.scores import watch

        watch(model, scores)
    if warm is not None:
        warm.begin()
        model.kept_digests = warm.digests
    texts = cib.texts if isinstance(cib, CutCib) else None
    model.histories = HistoryStore(warm.histories if warm is not None else None, texts)
    actions = ActionTable(model)
    reading = fill_model(cib, model, requests=actions, reporter=reports, warm=warm)
    plan = Plan(model, actions)
    placement = new_placement(model, actions, scores)
    plan.with_this = partial(with_this_list, placement)
    locations = health_locations(model)
    unpack_constraints(reading)
    _apply_constraints(plan, locations)
    apply_node_criteria(placement, locations)
    add_internal_constraints(placement)
    order_internally(plan)
    check_changes(plan)
    assign_resources(placement)
    transition = finish(plan)
    reports.extend(colocation_loops(model))
    if placement.too_dense:
        names = ", ".join(dict.fromkeys(placement.too_dense[:_SHOWN]))
        message = f"too many colocations depend on {names}; only the nearest were considered"
        reports.report(warning("colocations-too-dense", message))
    reports.extend(_loop_report(loop) for loop in plan.loops)
    if plan.stuck:
        reports.report(
            warning(
                "waits-in-vain",
                "these actions wait for something that will not happen, so they are left out: "
                + _names(plan.stuck),
            )
        )
    if reporter is not None:
        for report in reports.items:
            reporter.report(report)
    return Schedule(transition, tuple(reports.items), model, plan)


def _apply_constraints(plan: Plan, locations: list[Location]) -> None:
    """The constraints in document order; locations are only collected (P3.3, P3.4)."""
    model = plan.model
    for constraint in model.constraints:
        match constraint:
            case Location():
                add_location(model, constraint)
                locations.append(constraint)
            case Colocation():
                add_colocation(constraint)
                if constraint.score <= MINUS_INFINITY:
                    order_anti_colocation(plan, constraint)
            case Order() | OrderSets():
                apply_order(plan, constraint)
            case TicketConstraint():
                apply_ticket(model, plan.actions, constraint)


def _loop_report(loop: list[Action]) -> Report:
    """Actions that wait for each other; they are not in the transition."""
    return error(
        "ordering-loop",
        "the orderings make these actions wait for each other, so none of them is done: "
        + _names(loop),
    )


def _names(actions: list[Action]) -> str:
    names = [f"{a.key} on {a.node.name}" if a.node else a.key for a in actions]
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
