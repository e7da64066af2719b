"""The phases after assignment, in their order: probes, actions, orderings, propagation, graph (C1.1)."""

from __future__ import annotations

from engine.scheduler.graph.builder import GraphBuilder
from engine.scheduler.graph.invalid_orders import disable_invalid_orders
from engine.scheduler.model.transition import Transition
from engine.scheduler.planning.config_changes import check_deferred, clear_fail_counts_of_removed
from engine.scheduler.planning.fencing import schedule_fencing_and_shutdown
from engine.scheduler.planning.plan import Plan
from engine.scheduler.planning.probes import create_probes, order_probes
from engine.scheduler.planning.propagation import Propagation
from engine.scheduler.planning.remote_actions import order_remote_actions
from engine.scheduler.planning.role_actions import create_actions


def finish(plan: Plan) -> Transition:
    """Everything from the assigned nodes and roles to the transition."""
    check_deferred(plan)
    create_probes(plan)
    clear_fail_counts_of_removed(plan)
    for rsc in plan.model.resources:
        create_actions(plan, rsc)
    order_remote_actions(plan)
    schedule_fencing_and_shutdown(plan)
    plan.resolve_records()
    order_probes(plan)
    plan.records.clear()  # all of them are edges now
    Propagation(plan).run()
    disable_invalid_orders(plan)
    return GraphBuilder(plan).build()
