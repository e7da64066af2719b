"""A group places its members in order (P12)."""

from __future__ import annotations

from engine.scheduler.model.model import Node, Resource
from engine.scheduler.placement.placement import Placement


def assign_group(
    placement: Placement, group: Resource, prefer: Node | None, stop_if_fail: bool
) -> Node | None:
    """Place each member; the first node found is the group's.

    Nothing is decided at group level: the first member carries the wishes of all, and each later
    one is bound to the one before it by an internal colocation (P12.5).
    """
    if not group.unassigned:
        return _first_node(group)
    if group.assigning:
        return None
    if not group.children:
        group.unassigned = False
        return None
    group.assigning = True
    group.role = group.children[0].role
    placement.show("pcmk__group_assign", group)
    found: Node | None = None
    for member in group.children:
        node = placement.assign(member, prefer, stop_if_fail)
        if found is None:
            found = node
    group.next_role = group.children[0].next_role
    group.assigning = False
    group.unassigned = False
    return found if group.collocated else None


def _first_node(group: Resource) -> Node | None:
    if not group.collocated:
        return None
    return next((m.assigned for m in group.children if m.assigned is not None), None)
