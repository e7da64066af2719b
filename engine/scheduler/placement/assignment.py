"""All resources get their nodes, in the order that Pacemaker uses (P3, P8)."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from engine.scheduler.model.model import MINUS_INFINITY, Model, Node, Resource, Strategy, Variant
from engine.scheduler.placement.bundles import assign_bundle
from engine.scheduler.placement.clones import assign_clone
from engine.scheduler.placement.dependents import UPWARD, limited_merging, merged
from engine.scheduler.placement.groups import assign_group
from engine.scheduler.placement.placement import Assigner, Placement, PlacementHooks, Table
from engine.scheduler.placement.primitives import assign_primitive
from engine.scheduler.placement.ranking import current_node, merge_sorted
from engine.scheduler.placement.utilization import show_capacities, start_capacities

if TYPE_CHECKING:
    from engine.scheduler.placement.scores import ScoreSink

_FRAMES_PER_LINK = 8  # nested calls for one colocation followed, generously

_ASSIGNERS: Mapping[Variant, Assigner] = {
    Variant.PRIMITIVE: assign_primitive,
    Variant.GROUP: assign_group,
    Variant.CLONE: assign_clone,
    Variant.BUNDLE: assign_bundle,
}


def new_placement(model: Model, hooks: PlacementHooks, sink: ScoreSink | None) -> Placement:
    """The working state of an assignment, with nothing assigned."""
    return Placement(model, hooks, _ASSIGNERS, sink)


def assign_resources(placement: Placement) -> None:
    """Assign every resource: remote connections first, for what they make available (P8.3)."""
    with _deep_recursion(placement.model):
        _assign_all(placement)


@contextmanager
def _deep_recursion(model: Model) -> Iterator[None]:
    """Room for a chain of colocations through all resources: the rules are recursive.

    Calls from Python to Python need no stack of the machine, so a high limit is no danger.
    """
    usual = sys.getrecursionlimit()
    count = model.next_resource_index
    sys.setrecursionlimit(max(usual, usual + count * _FRAMES_PER_LINK))
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


def _assign_all(placement: Placement) -> None:
    model = placement.model
    placement.refresh_nodes()
    start_capacities(placement)
    show_capacities(placement, "Original")
    if model.options.placement_strategy is not Strategy.DEFAULT:
        model.resources = _sorted_for_assignment(placement)
    if model.has_remote_nodes:
        for resource in model.resources:
            if resource.is_remote_connection:
                placement.assign(resource, resource.migration_target, True)
    for resource in model.resources:
        if not resource.is_remote_connection:
            placement.assign(resource, None, True)
    show_capacities(placement, "Remaining")


def _sorted_for_assignment(placement: Placement) -> list[Resource]:
    """The order of assignment where load decides: by the nodes that resources prefer (P8.2, P8.5)."""
    resources = placement.model.resources
    nodes = [
        node
        for node, _ in placement.ranking.best_first(
            [(node, node.base_score) for node in placement.model.nodes], hashed=False
        )
    ]
    tables: dict[int, Table] = {}
    for resource in resources:
        with limited_merging(placement, resource):
            tables[resource.index] = merged(placement, resource, resource, None, None, 1.0, UPWARD)
    places = {r.index: current_node(r) for r in resources}
    return merge_sorted(resources, partial(_compare, nodes, tables, places))


def _compare(
    nodes: list[Node],
    tables: dict[int, Table],
    places: dict[int, Node | None],
    first: Resource,
    second: Resource,
) -> int:
    if first.priority != second.priority:
        return -1 if first.priority > second.priority else 1
    mine, theirs = tables[first.index], tables[second.index]
    a = _score_at(mine, places[first.index])
    b = _score_at(theirs, places[second.index])
    if a != b:
        return -1 if a > b else 1
    for node in nodes:
        a = mine.get(node.index, MINUS_INFINITY)
        b = theirs.get(node.index, MINUS_INFINITY)
        if a != b:
            return -1 if a > b else 1
    return 0


def _score_at(table: Table, node: Node | None) -> int:
    return MINUS_INFINITY if node is None else table.get(node.index, MINUS_INFINITY)
