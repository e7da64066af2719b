"""Nodes with too little capacity are ruled out (P17)."""

from __future__ import annotations

from collections.abc import Mapping

from engine.scheduler.model.model import INFINITY, Node, Resource, Variant
from engine.scheduler.placement.colocation import this_with_list, with_this_list
from engine.scheduler.placement.colocation_binding import Effect, effect_of
from engine.scheduler.placement.placement import Placement, capacity_of, needs
from engine.scheduler.placement.ranking import compare_capacity, hash_order, is_available


def start_capacities(placement: Placement) -> None:
    """Each node starts with its configured capacity (P17.2)."""
    for node in placement.model.node_table:
        node.capacity = capacity_of(node)


def show_capacities(placement: Placement, comment: str) -> None:
    """One line for each node that is not a bundle's (P17.11)."""
    if placement.sink is not None:
        for node in placement.model.nodes:
            if not node.is_bundle:
                placement.sink.capacity(comment, node, node.capacity)


def ban_insufficient_capacity(placement: Placement, resource: Resource) -> Node | None:
    """Ban the resource from nodes that cannot hold it together with its companions.

    If no node can hold all of them, only nodes that cannot hold the resource itself are banned, and
    the node with the most free capacity is the result (P17.6 to P17.8).
    """
    together = companions(placement, resource)
    if resource not in together:
        together.append(resource)
    need: dict[str, int] = {}
    for member in together:
        _add_need(member, together, need)
    entries = list(placement.entries(resource))
    candidates = [node for node, score in entries if is_available(node, score)]
    if any(fits(node.capacity, need) for node in candidates):
        _ban_where_too_big(placement, resource, candidates, need)
        return None
    most_capable: Node | None = None
    for node in hash_order([node for node, _ in entries]):
        if node not in candidates:
            continue
        if most_capable is None or compare_capacity(node.capacity, most_capable.capacity) < 0:
            most_capable = node
    _ban_where_too_big(placement, resource, candidates, needs(resource))
    return most_capable


def fits(capacity: Mapping[str, int], need: Mapping[str, int]) -> bool:
    """Whether the capacity covers the need in every dimension (P17.4)."""
    return all(value <= capacity.get(name, 0) for name, value in need.items())


def _ban_where_too_big(
    placement: Placement, resource: Resource, nodes: list[Node], need: Mapping[str, int]
) -> None:
    for node in nodes:
        if not fits(node.capacity, need):
            placement.ban(resource, node, "not enough capacity")


def companions(placement: Placement, resource: Resource) -> list[Resource]:
    """The resource and everything that must be on its node (P17.5)."""
    found: dict[int, Resource] = {}
    _add_companions(placement, resource, resource, found)
    return list(found.values())


def _add_companions(
    placement: Placement, resource: Resource, origin: Resource, found: dict[int, Resource]
) -> None:
    if resource.index in found:
        return
    found[resource.index] = resource
    in_clone = resource.parent is not None and resource.parent.variant is Variant.CLONE
    if resource.variant is Variant.GROUP and (resource.collocated or in_clone):
        for member in resource.children:
            _add_companions(placement, member, origin, found)
        return
    for c in this_with_list(placement, resource):
        if (
            c.primary is not origin
            and c.score == INFINITY
            and effect_of(resource, c.primary, c, preview=True) is Effect.LOCATION
        ):
            _add_companions(placement, c.primary, origin, found)
    for c in with_this_list(placement, resource):
        if c.dependent is origin:
            continue
        if resource.variant is Variant.CLONE and c.dependent.variant is not Variant.CLONE:
            continue
        if (
            c.score == INFINITY
            and effect_of(c.dependent, resource, c, preview=True) is Effect.LOCATION
        ):
            _add_companions(placement, c.dependent, origin, found)


def _add_need(resource: Resource, together: list[Resource], need: dict[str, int]) -> None:
    """What a companion that has no node yet adds to the need (P17.6)."""
    if not resource.unassigned:
        return
    match resource.variant:
        case Variant.PRIMITIVE:
            for name, value in needs(resource).items():
                need[name] = need.get(name, 0) + value
        case Variant.GROUP:
            in_clone = resource.parent is not None and resource.parent.variant is Variant.CLONE
            members = resource.children
            if not (resource.collocated or in_clone):
                members = members[:1]
            for member in members:
                if member not in together:
                    _add_need(member, together, need)
        case Variant.CLONE:
            _add_need_of_clone(resource, together, need)
        case Variant.BUNDLE:
            if resource.bundle is not None and resource.bundle.replicas:
                _add_need(resource.bundle.replicas[0].container, together, need)


def _add_need_of_clone(clone: Resource, together: list[Resource], need: dict[str, int]) -> None:
    for instance in clone.children:
        if instance in together:
            return
        if any(member in together for member in instance.children):
            _add_need(instance, together, need)
            return
    if clone.children:
        _add_need(clone.children[0], together, need)
