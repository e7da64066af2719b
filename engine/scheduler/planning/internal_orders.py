"""Orderings that follow from what a resource is: within primitives, groups, clones, bundles (C5).

Only orderings: the colocations and bans of the same phase belong to placement. The records are made
in the order of the rules, because the numbers and reasons of actions depend on it.
"""

from __future__ import annotations

from engine.scheduler.model.model import Node, Replica, Resource, Role, Strategy, Variant
from engine.scheduler.model.order_graph import (
    BLOCKS,
    CANCELS_FIRST,
    FIRST_GRAPHS_THEN,
    FIRST_THEN,
    FIRST_THEN_LOCAL,
    GUEST_ALLOWED,
    LOAD,
    ORDERED,
    PROMOTED_THEN_FIRST,
    RESTART,
    SAME_NODE,
    THEN_FIRST,
    THEN_GRAPHS_FIRST,
)
from engine.scheduler.planning.action_table import PSEUDO, RUNNABLE, Action
from engine.scheduler.planning.plan import Plan

START, STOP, PROMOTE, DEMOTE = "start_0", "stop_0", "promote_0", "demote_0"
RUNNING, STOPPED, PROMOTED, DEMOTED = "running_0", "stopped_0", "promoted_0", "demoted_0"
PROBE = "monitor_0"


def order_internally(plan: Plan) -> None:
    """The implicit orderings of every resource, in list order (phase 4)."""
    for rsc in plan.model.resources:
        order_resource(plan, rsc)


def order_resource(plan: Plan, rsc: Resource) -> None:
    """The implicit orderings of one resource and of what it contains."""
    match rsc.variant:
        case Variant.PRIMITIVE:
            _order_primitive(plan, rsc)
        case Variant.GROUP:
            _order_group(plan, rsc)
        case Variant.CLONE:
            _order_clone(plan, rsc)
        case Variant.BUNDLE:
            _order_bundle(plan, rsc)


# -- primitives (C5.1) --------------------------------------------------------------------------


def _order_primitive(plan: Plan, rsc: Resource) -> None:
    if not rsc.managed:
        return
    plan.order(rsc, STOP, rsc, START, ORDERED | FIRST_THEN | RESTART)
    if rsc.top.promotable or rsc.role > Role.UNPROMOTED:
        plan.order(rsc, DEMOTE, rsc, STOP, PROMOTED_THEN_FIRST)
        plan.order(rsc, START, rsc, PROMOTE, BLOCKS)
    plan.order(rsc, "lrm_delete_0", rsc, PROBE, SAME_NODE | CANCELS_FIRST)
    if plan.model.unfencing_in_use and rsc.needs_unfencing and not rsc.is_fence_device:
        for node in _allowed_by_name(plan, rsc):
            unfence = plan.actions.fence_action(node, "on", optional=True, reason="")
            plan.order_before_action(rsc, STOP, unfence, ORDERED | SAME_NODE)
            plan.order_action_before(unfence, rsc, START, FIRST_THEN_LOCAL | SAME_NODE)
    if rsc.utilization and plan.model.options.placement_strategy is not Strategy.DEFAULT:
        _order_load(plan, rsc)
    if rsc.launcher is not None:
        _order_launched(plan, rsc, rsc.launcher)


def _allowed_by_name(plan: Plan, rsc: Resource) -> list[Node]:
    return [node for node in plan.model.nodes if node.index in rsc.allowed]


def _order_load(plan: Plan, rsc: Resource) -> None:
    """What leaves a node frees room before something else arrives there (C15.4)."""
    for node in rsc.running_on:
        plan.order_before_action(rsc, STOP, _load_stopped(plan, node), LOAD)
    for node in _allowed_by_name(plan, rsc):
        load_stopped = _load_stopped(plan, node)
        plan.order_action_before(load_stopped, rsc, START, LOAD)
        plan.order_action_before(load_stopped, rsc, "migrate_to_0", LOAD)


def _load_stopped(plan: Plan, node: Node) -> Action:
    name = f"load_stopped_{node.name}"
    action = plan.actions.cluster_action(name, name, node, optional=False)
    action.flags |= PSEUDO | RUNNABLE
    return action


def _order_launched(plan: Plan, rsc: Resource, launcher: Resource) -> None:
    """A resource that another one contains starts after it and stops before it (C5.1.6)."""
    if rsc.is_remote_connection:
        plan.order(launcher, PROBE, rsc, STOP, ORDERED)
    elif launcher.is_remote_connection or any(r.is_remote_connection for r in launcher.launched):
        return
    plan.order(launcher, START, rsc, START, FIRST_THEN | BLOCKS)
    plan.order(rsc, STOP, launcher, STOP, THEN_FIRST)


# -- groups (C5.2) ------------------------------------------------------------------------------


def _order_group(plan: Plan, group: Resource) -> None:
    plan.order(group, STOP, group, STOPPED, BLOCKS)
    plan.order(group, STOPPED, group, START, ORDERED)
    plan.order(group, START, group, RUNNING, BLOCKS)
    promotable = group.top.promotable
    previous: Resource | None = None
    last_active: Resource | None = None
    for member in group.children:
        order_resource(plan, member)
        first_of_ordered = group.ordered and previous is None
        down = THEN_GRAPHS_FIRST | (ORDERED if first_of_ordered else 0)
        downed = FIRST_THEN if first_of_ordered else FIRST_GRAPHS_THEN
        up = BLOCKS | FIRST_THEN | FIRST_GRAPHS_THEN
        if promotable:
            plan.order(group, DEMOTE, member, DEMOTE, down)
            plan.order(member, DEMOTE, group, DEMOTED, downed)
            plan.order(member, PROMOTE, group, PROMOTED, up)
            plan.order(group, PROMOTE, member, PROMOTE, THEN_GRAPHS_FIRST)
        plan.order(group, STOP, member, STOP, down)
        plan.order(member, STOP, group, STOPPED, downed)
        plan.order(group, START, member, START, THEN_GRAPHS_FIRST)
        plan.order(member, START, group, RUNNING, up)
        if not group.ordered:
            _order_unordered_member(plan, group, member, promotable)
        elif previous is not None:
            _order_neighbours(plan, previous, member, promotable)
        if member.running_on:
            if group.ordered and previous is not None and not previous.running_on and last_active:
                plan.order(member, STOP, last_active, STOP, ORDERED)
            last_active = member
        previous = member


def _order_unordered_member(
    plan: Plan, group: Resource, member: Resource, promotable: bool
) -> None:
    relation = FIRST_THEN | BLOCKS | THEN_GRAPHS_FIRST
    plan.order(group, START, member, START, relation)
    if promotable:
        plan.order(group, PROMOTE, member, PROMOTE, relation)


def _order_neighbours(plan: Plan, previous: Resource, member: Resource, promotable: bool) -> None:
    plan.order(previous, START, member, START, FIRST_THEN | BLOCKS)
    plan.order(member, STOP, previous, STOP, ORDERED | RESTART)
    if member.running_on and not previous.running_on:
        plan.order(member, STOP, previous, START, THEN_FIRST | BLOCKS)
    if promotable:
        plan.order(previous, PROMOTE, member, PROMOTE, FIRST_THEN | BLOCKS)
        plan.order(member, DEMOTE, previous, DEMOTE, ORDERED)


# -- clones (C5.3, C5.4) ------------------------------------------------------------------------


def _order_clone(plan: Plan, clone: Resource) -> None:
    settings = clone.clone
    ordered = settings is not None and settings.ordered
    plan.order(clone, STOPPED, clone, START, ORDERED)
    plan.order(clone, START, clone, RUNNING, BLOCKS)
    plan.order(clone, STOP, clone, STOPPED, BLOCKS)
    if clone.promotable:
        plan.order(clone, DEMOTED, clone, STOP, ORDERED)
        plan.order(clone, RUNNING, clone, PROMOTE, BLOCKS)
    if ordered:
        sort_by_instance(clone)
    for place, instance in enumerate(clone.children):
        order_resource(plan, instance)
        plan.order(clone, START, instance, START, BLOCKS | THEN_GRAPHS_FIRST)
        plan.order(instance, START, clone, RUNNING, FIRST_GRAPHS_THEN)
        plan.order(clone, STOP, instance, STOP, THEN_GRAPHS_FIRST)
        plan.order(instance, STOP, clone, STOPPED, FIRST_GRAPHS_THEN)
        if ordered:
            for later in clone.children[place + 1 :]:
                plan.order(instance, START, later, START, ORDERED)
                plan.order(later, STOP, instance, STOP, ORDERED)
    if clone.promotable:
        _order_promotable(plan, clone)
        _order_promotable_instances(plan, clone, ordered)


def sort_by_instance(clone: Resource) -> None:
    """Put the instances of a clone in the order of their numbers."""
    clone.children.sort(key=_instance_number)


def _instance_number(rsc: Resource) -> int:
    return -1 if rsc.instance is None else rsc.instance


def _order_promotable(plan: Plan, rsc: Resource) -> None:
    """The seven sequences of a promotable clone's, or bundle's, own pseudo-actions (C5.4)."""
    plan.order(rsc, STOPPED, rsc, START, ORDERED)
    plan.order(rsc, STOPPED, rsc, PROMOTE, ORDERED)
    plan.order(rsc, DEMOTED, rsc, STOP, ORDERED)
    plan.order(rsc, DEMOTED, rsc, START, ORDERED)
    plan.order(rsc, DEMOTED, rsc, PROMOTE, ORDERED)
    plan.order(rsc, RUNNING, rsc, PROMOTE, ORDERED)
    plan.order(rsc, DEMOTE, rsc, DEMOTED, ORDERED)


def _order_promotable_instances(plan: Plan, clone: Resource, ordered: bool) -> None:
    previous: Resource | None = None
    for instance in clone.children:
        plan.order(instance, DEMOTE, instance, PROMOTE, ORDERED)
        plan.order(clone, PROMOTE, instance, PROMOTE, ORDERED)
        plan.order(instance, PROMOTE, clone, PROMOTED, ORDERED)
        if ordered and previous is not None:
            plan.order(previous, PROMOTE, instance, PROMOTE, ORDERED)
        plan.order(clone, DEMOTE, instance, DEMOTE, THEN_GRAPHS_FIRST)
        plan.order(instance, DEMOTE, clone, DEMOTED, FIRST_GRAPHS_THEN)
        if ordered and previous is not None:
            plan.order(instance, DEMOTE, previous, DEMOTE, ORDERED)
        previous = instance


# -- bundles (C5.5) -----------------------------------------------------------------------------


def _order_bundle(plan: Plan, bundle: Resource) -> None:
    settings = bundle.bundle
    if settings is None:
        return
    for replica in settings.replicas:
        _order_replica(plan, bundle, replica)
    inner = settings.inner_clone
    if inner is None:
        return
    plan.order(bundle, START, inner, START, THEN_GRAPHS_FIRST)
    plan.order(inner, RUNNING, bundle, RUNNING, FIRST_GRAPHS_THEN)
    plan.order(bundle, STOP, inner, STOP, THEN_GRAPHS_FIRST)
    plan.order(inner, STOPPED, bundle, STOPPED, FIRST_GRAPHS_THEN)
    order_resource(plan, inner)
    if inner.promotable:
        _order_promotable(plan, bundle)
        plan.order(bundle, DEMOTE, inner, DEMOTE, THEN_GRAPHS_FIRST)
        plan.order(inner, DEMOTED, bundle, DEMOTED, FIRST_GRAPHS_THEN)
        plan.order(bundle, PROMOTE, inner, PROMOTE, THEN_GRAPHS_FIRST)
        plan.order(inner, PROMOTED, bundle, PROMOTED, FIRST_GRAPHS_THEN)


def _order_replica(plan: Plan, bundle: Resource, replica: Replica) -> None:
    container = replica.container
    order_resource(plan, container)
    plan.order(bundle, START, container, START, BLOCKS | THEN_GRAPHS_FIRST)
    if replica.child is not None:
        plan.order(bundle, STOP, replica.child, STOP, THEN_GRAPHS_FIRST)
    plan.order(bundle, STOP, container, STOP, THEN_GRAPHS_FIRST)
    plan.order(container, START, bundle, RUNNING, FIRST_GRAPHS_THEN)
    plan.order(container, STOP, bundle, STOPPED, FIRST_GRAPHS_THEN)
    if replica.ip is not None:
        order_resource(plan, replica.ip)
        plan.order(replica.ip, START, container, START, BLOCKS | GUEST_ALLOWED)
        plan.order(container, STOP, replica.ip, STOP, THEN_FIRST | GUEST_ALLOWED)
    if replica.connection is not None:
        order_resource(plan, replica.connection)
