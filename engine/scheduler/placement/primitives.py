"""A primitive gets its node (P9, P10)."""

from __future__ import annotations

from engine.scheduler.model.model import (
    INFINITY,
    Colocation,
    Node,
    QuorumPolicy,
    Resource,
    Role,
    Strategy,
    Variant,
)
from engine.scheduler.placement.colocation import this_with_list, with_this_list
from engine.scheduler.placement.colocation_binding import bind
from engine.scheduler.placement.dependents import add_dependent_scores, limited_merging
from engine.scheduler.placement.placement import Placement
from engine.scheduler.placement.ranking import current_node, is_available, is_usable
from engine.scheduler.placement.utilization import ban_insufficient_capacity


def assign_primitive(
    placement: Placement, resource: Resource, prefer: Node | None, stop_if_fail: bool
) -> Node | None:
    """Place everything the primitive depends on, then the primitive (P9)."""
    parent = resource.parent
    if parent is not None and not parent.assigning:
        placement.assign(parent, prefer, stop_if_fail)
    if not resource.unassigned:
        return resource.assigned
    if resource.assigning:
        return None
    resource.assigning = True
    _apply_colocations(placement, resource)
    model = placement.model
    if resource.next_role is Role.STOPPED:
        placement.ban(resource, None, "it shall be stopped")
    elif (
        resource.next_role > resource.role
        and not model.quorate
        and model.options.no_quorum_policy is QuorumPolicy.FREEZE
    ):
        resource.next_role = resource.role
    placement.show("pcmk__primitive_assign", resource)
    _decide(placement, resource, prefer, stop_if_fail)
    resource.assigning = False
    if resource.is_remote_connection:
        _update_remote_node(placement, resource)
    return resource.assigned


def _apply_colocations(placement: Placement, resource: Resource) -> None:
    """P9.5; the lists are fetched once, whatever the recursion adds to them."""
    this_with = this_with_list(placement, resource)
    with_this = with_this_list(placement, resource)
    if not this_with and not with_this:
        return
    this_with, with_this = list(this_with), list(with_this)
    with limited_merging(placement, resource):
        for mandatory in (True, False):
            for colocation in this_with:
                if (abs(colocation.score) >= INFINITY) is mandatory:
                    _follow_primary(placement, resource, colocation)
            for colocation in with_this:
                if (abs(colocation.score) >= INFINITY) is mandatory:
                    add_dependent_scores(placement, resource, colocation)


def _follow_primary(placement: Placement, resource: Resource, colocation: Colocation) -> None:
    """Assign the primary first and follow it, unless that would leave no node (P9.6)."""
    may_be_undone = colocation.dependent_role is Role.PROMOTED or -INFINITY < colocation.score < 0
    backup = dict(resource.allowed) if may_be_undone else None
    primary = colocation.primary
    if primary.unassigned:
        placement.assign(primary, None, True)
    bind(placement, resource, primary, colocation)
    if backup is not None and not placement.any_usable(resource.allowed):
        resource.allowed = backup
        placement.touched(resource)
        placement.note(resource, None, f"{colocation.id}: not followed, it would leave no node")


def _decide(
    placement: Placement, resource: Resource, prefer: Node | None, stop_if_fail: bool
) -> None:
    """Leave it where it is, stop it, or choose a node (P9.9, P9.10)."""
    model = placement.model
    if model.options.fencing_enabled and not model.has_fence_device:
        resource.managed = False
    if not resource.managed:
        resource.next_role = resource.role
        node = current_node(resource)
        score = 0 if node is None else node.base_score
        placement.settle(resource, node, score=score, force=True, stop_if_fail=stop_if_fail)
    elif model.options.stop_all_resources:
        placement.settle(resource, None, force=True, stop_if_fail=stop_if_fail)
    else:
        _choose(placement, resource, prefer, stop_if_fail)


def _choose(
    placement: Placement, resource: Resource, prefer: Node | None, stop_if_fail: bool
) -> None:
    """Take the best node, or the preferred one where it is as good (P10.1 to P10.5)."""
    if placement.model.options.placement_strategy is not Strategy.DEFAULT:
        most_capable = ban_insufficient_capacity(placement, resource)
        if prefer is None:
            prefer = most_capable
    running = current_node(resource)
    ranked = placement.ranking.best_first(placement.entries(resource), running)
    if not ranked:
        placement.settle(resource, None, stop_if_fail=stop_if_fail)
        return
    best, best_score = ranked[0]
    chosen = best
    if prefer is not None and is_usable(prefer):
        score = resource.allowed.get(prefer.index, -1)
        if score >= max(best_score, 0):
            placement.settle(resource, prefer, score=score, stop_if_fail=stop_if_fail)
            return
    if (
        best_score > 0
        and running is not None
        and is_usable(best)
        and is_available(running, running.base_score)
        and not _is_unique_instance(resource)
    ):
        for node, score in ranked:
            if score != best_score:
                break
            if node is running:
                chosen = node
                break
    placement.settle(resource, chosen, score=best_score, stop_if_fail=stop_if_fail)


def _is_unique_instance(resource: Resource) -> bool:
    parent = resource.parent
    return parent is not None and parent.variant is Variant.CLONE and parent.unique


def _update_remote_node(placement: Placement, resource: Resource) -> None:
    """P9.11: the node behind a connection is there if its connection will be."""
    node = placement.model.node_named(resource.id)
    if node is None or not node.is_remote_type:
        return
    if resource.assigned is not None and resource.next_role is not Role.STOPPED:
        node.online = True
        if not node.seen:
            node.unclean = False
    else:
        node.shutdown = True
    placement.refresh_nodes()
