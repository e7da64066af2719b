"""A clone: what its dependents want, then its instances, then their roles (P14)."""

from __future__ import annotations

from engine.scheduler.model.model import Node, Resource
from engine.scheduler.placement.colocation import this_with_list, with_this_list
from engine.scheduler.placement.dependents import add_dependent_scores, limited_merging
from engine.scheduler.placement.instances import Collective, assign_instances, sorted_instances
from engine.scheduler.placement.placement import Placement
from engine.scheduler.placement.promotion import add_promotion_scores, choose_roles


def assign_clone(
    placement: Placement, clone: Resource, prefer: Node | None, stop_if_fail: bool
) -> Node | None:
    """Place all instances and, in a promotable clone, choose which are promoted.

    The result is always None: a clone is where its instances are (P14.9).
    """
    settings = clone.clone
    if not clone.unassigned or clone.assigning or settings is None:
        return None
    clone.assigning = True
    if clone.promotable:
        add_promotion_scores(placement, clone)
    for colocation in list(this_with_list(placement, clone)):
        placement.assign(colocation.primary, prefer, stop_if_fail)
    with limited_merging(placement, clone):
        for colocation in list(with_this_list(placement, clone)):
            add_dependent_scores(placement, clone, colocation)
    placement.show("pcmk__clone_assign", clone)
    clone.children = sorted_instances(placement, clone, clone.children)
    assign_instances(
        placement,
        Collective(clone, tuple(clone.children), settings.clone_max, settings.clone_node_max),
    )
    if clone.promotable:
        choose_roles(placement, clone)
    clone.unassigned = False
    clone.assigning = False
    return None
