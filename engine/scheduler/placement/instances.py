"""Instances of a clone, and containers of a bundle, are spread over the nodes (P13)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from engine.base.digits import clipped
from engine.scheduler.model.model import INFINITY, MINUS_INFINITY, Node, Resource
from engine.scheduler.placement.colocation import has_influence, this_with_list, with_this_list
from engine.scheduler.placement.dependents import NONNEGATIVE, PLAIN, limited_merging, merged
from engine.scheduler.placement.placement import Placement, Table, is_failed, single
from engine.scheduler.placement.ranking import current_node, is_available, merge_sorted

_NUMBER = re.compile(r":([0-9]+)[^:]*$")
_DASHED_NUMBER = re.compile(r"-([0-9]+)[^-]*$")


@dataclass(frozen=True, slots=True)
class Collective:
    """What is spread: the clone or bundle, its instances in order, and how many may run where."""

    resource: Resource
    instances: tuple[Resource, ...]
    max_total: int
    max_per_node: int


def assign_instances(placement: Placement, collective: Collective) -> None:
    """Leave instances where they are if the scores want that, then place the others."""
    owner = collective.resource
    owner.counts = dict.fromkeys(owner.allowed, 0)
    usable = sum(1 for index in owner.allowed if placement.usable[index])
    optimal = max(1, collective.max_total // usable if usable else 0)
    assigned = 0
    for instance in collective.instances:
        if assigned >= collective.max_total:
            break
        node = _node_to_keep(owner, instance, optimal)
        if node is not None:
            left = collective.max_total - assigned
            assigned += _assign_early(placement, collective, instance, node, left)
    for instance in collective.instances:
        if not instance.unassigned:
            continue
        if assigned >= collective.max_total:
            placement.ban(instance, None, f"{owner.id} has enough instances")
        elif _assign_one(placement, collective, instance, None) is not None:
            assigned += 1


def _node_to_keep(owner: Resource, instance: Resource, optimal: int) -> Node | None:
    """The node an active, healthy instance is on, unless that has enough of them (P13.3)."""
    if not instance.unassigned or instance.failed:
        return None
    node = current_node(instance)
    if node is None or not is_available(node, node.base_score):
        return None
    return None if owner.counts.get(node.index, 0) >= optimal else node


def _assign_early(
    placement: Placement, collective: Collective, instance: Resource, node: Node, left: int
) -> bool:
    """Try to keep the instance where it is; each other node it wants takes one turn (P13.5)."""
    if not is_available(node, instance.allowed.get(node.index, MINUS_INFINITY)):
        return False
    owner = collective.resource
    backup = [(r, r.allowed) for r in (instance, *instance.children)]
    counts = owner.counts
    owner.counts = dict(counts)
    reserved = 0
    kept = False
    while reserved < left:
        for resource, table in backup:
            resource.allowed = dict(table)
            placement.touched(resource)
        got = _assign_one(placement, collective, instance, node)
        if got is node:
            kept = True
            break
        for resource, table in backup:
            resource.allowed = table
            placement.note(resource, None, f"not tried on {node.name} any more")
        if got is None:
            instance.unassigned = True
            break
        placement.unassign(instance)
        if placement.sink is None:  # scores that are shown list every turn
            reserved += _turns_of(collective, got, left - reserved - 1)
        reserved += 1
    owner.counts = counts
    if kept:
        counts[node.index] = counts.get(node.index, 0) + 1
    return kept


def _turns_of(collective: Collective, node: Node, left: int) -> int:
    """How many more turns this node takes, counted there: nothing differs until it is full."""
    counts = collective.resource.counts
    if node.index not in counts:
        return left
    turns = max(0, min(left, collective.max_per_node - counts[node.index]))
    counts[node.index] += turns
    return turns


def _assign_one(
    placement: Placement, collective: Collective, instance: Resource, prefer: Node | None
) -> Node | None:
    """Assign one instance, not to a node that is full, and count it there (P13.6)."""
    if instance.assigning:
        return None
    owner = collective.resource
    _ban_full_nodes(placement, owner, instance, collective.max_per_node)
    node = placement.assign(instance, prefer, prefer is None)
    if node is not None and node.index in owner.counts:
        owner.counts[node.index] += 1
    return node


def _ban_full_nodes(
    placement: Placement, owner: Resource, instance: Resource, max_per_node: int
) -> None:
    usable = placement.usable
    allowed = owner.allowed
    counts = owner.counts
    for index in instance.allowed:
        if (
            instance.removed
            or not usable[index]
            or allowed.get(index, -1) < 0
            or counts.get(index, 0) >= max_per_node
        ):
            instance.allowed[index] = MINUS_INFINITY
            for child in instance.children:
                if index in child.allowed:
                    child.allowed[index] = MINUS_INFINITY
            if placement.sink is not None:
                _note_full(placement, owner, instance, index)
    for resource in (instance, *instance.children):
        placement.touched(resource)


def _note_full(placement: Placement, owner: Resource, instance: Resource, index: int) -> None:
    node = placement.model.node_table[index]
    reason = f"no room for one more of {owner.id} there"
    for resource in (instance, *instance.children):
        placement.note(resource, node, reason)


# Order of instances.


def sorted_instances(
    placement: Placement, owner: Resource, instances: list[Resource]
) -> list[Resource]:
    """Instances in the order in which they are assigned, best first (P13.2)."""
    facts = {instance.index: _Facts(placement, owner, instance) for instance in instances}
    return merge_sorted(instances, partial(_compare, facts))


def compare_instances(
    placement: Placement, owner: Resource, first: Resource, second: Resource
) -> int:
    """P13.2 for two instances: negative if the first comes first."""
    facts = {i.index: _Facts(placement, owner, i) for i in (first, second)}
    return _compare(facts, first, second)


def instance_number(resource: Resource) -> int:
    """The digits after the last `:` of the id, without any after the last `-` (P13.2)."""
    found = (_NUMBER if ":" in resource.id else _DASHED_NUMBER).search(resource.id)
    return clipped(found[1]) if found else -1


class _Facts:
    """What the comparison needs of one instance, computed once per sort."""

    __slots__ = (
        "_colocation",
        "active_count",
        "allowed_here",
        "failed",
        "instance",
        "node",
        "number",
        "owner",
        "placement",
    )

    def __init__(self, placement: Placement, owner: Resource, instance: Resource) -> None:
        self.placement = placement
        self.owner = owner
        self.instance = instance
        self.active_count = len(instance.running_on)
        self.node = current_node(instance) if instance.running_on else None
        self.allowed_here = True
        if self.node is not None and instance.allowed.get(self.node.index, -1) < 0:
            self.allowed_here = False
            self.node = None
        self.failed = is_failed(instance)
        self.number = instance_number(instance)
        self._colocation: int | None = None

    @property
    def colocation(self) -> int:
        """The instance's colocation score on its own node (step 9)."""
        if self._colocation is None:
            self._colocation = _colocation_score(self.placement, self.instance, self.node)
        return self._colocation


def _colocation_score(placement: Placement, instance: Resource, node: Node | None) -> int:
    if node is None:
        return 0
    table: Table = {node.index: node.base_score}
    with limited_merging(placement, instance):
        for c in this_with_list(placement, instance):
            factor = single(c.score / INFINITY)
            table = merged(placement, c.primary, instance, table, c, factor, PLAIN)
        for c in with_this_list(placement, instance):
            if has_influence(c, instance):
                factor = single(c.score / INFINITY)
                table = merged(placement, c.dependent, instance, table, c, factor, NONNEGATIVE)
    return table.get(node.index, MINUS_INFINITY)


def _compare(facts: dict[int, _Facts], first: Resource, second: Resource) -> int:
    a, b = facts[first.index], facts[second.index]
    if a.active_count and b.active_count and a.active_count != b.active_count:
        return a.active_count - b.active_count
    if a.allowed_here != b.allowed_here:
        return -1 if a.allowed_here else 1
    if first.priority != second.priority:
        return -1 if first.priority > second.priority else 1
    if a.node is None or b.node is None:
        return int(a.node is None) - int(b.node is None)
    return _compare_places(a, b, a.node, b.node)


def _compare_places(a: _Facts, b: _Facts, here: Node, there: Node) -> int:
    """Steps 5 to 10, for two instances that are active where they may be."""
    usable = a.placement.usable
    if usable[here.index] != usable[there.index]:
        return -1 if usable[here.index] else 1
    owner = a.owner
    known, other_known = here.index in owner.allowed, there.index in owner.allowed
    if known != other_known:
        return -1 if known else 1
    if not known:
        return 0
    count, other_count = owner.counts.get(here.index, 0), owner.counts.get(there.index, 0)
    if count != other_count:
        return -1 if count < other_count else 1
    if a.failed != b.failed:
        return 1 if a.failed else -1
    if a.colocation != b.colocation:
        return -1 if a.colocation > b.colocation else 1
    return a.number - b.number
