"""Which of several nodes or resources comes first: availability, comparisons, the sort itself.

Pure functions over the model. Two orders of names exist side by side (P24.3): nodes are *chosen*
by byte order and *shown* by the numeric order of `engine.base.values.name_key`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from engine.scheduler.model.model import MINUS_INFINITY, Node, Resource, Strategy

T = TypeVar("T")

_TABLE_START = 8
_TABLE_MODULI = {8: 7, 16: 13, 32: 31, 64: 61, 128: 127, 256: 251, 512: 509, 1024: 1021}


def merge_sorted(items: Iterable[T], compare: Callable[[T, T], int]) -> list[T]:
    """Stable merge sort that halves downwards (P4.8).

    For comparisons that are no total order the result depends on the algorithm, so it is fixed
    here: n elements are split into n // 2 and the rest, and the left one wins at `<= 0`.
    """
    found = list(items)
    size = len(found)
    if size < 2:
        return found
    left = merge_sorted(found[: size // 2], compare)
    right = merge_sorted(found[size // 2 :], compare)
    merged: list[T] = []
    i = j = 0
    while i < len(left) and j < len(right):
        if compare(left[i], right[j]) <= 0:
            merged.append(left[i])
            i += 1
        else:
            merged.append(right[j])
            j += 1
    merged.extend(left[i:])
    merged.extend(right[j:])
    return merged


def hash_order(nodes: Sequence[Node]) -> list[Node]:
    """Nodes in the order of a table hashed by node id (P4.8), which breaks two ties (P24.15)."""
    return _in_hash_order(nodes, lambda node: node.id)


def names_in_hash_order(names: Sequence[str]) -> list[str]:
    """Names in the order of a table that is hashed by them (P17.11)."""
    return _in_hash_order(names, lambda name: name)


def _in_hash_order(items: Sequence[T], text_of: Callable[[T], str]) -> list[T]:
    size = _TABLE_START
    for count in range(1, len(items) + 1):
        if size <= count + count // 16:
            size = 1 << int(count * 1.333).bit_length()
    modulus = _TABLE_MODULI.get(size, size - 3)
    slots: list[T | None] = [None] * size
    for item in items:
        place = (_string_hash(text_of(item)) * 11 & 0xFFFFFFFF) % modulus
        step = 0
        while slots[place] is not None:
            step += 1
            place = (place + step) % size
        slots[place] = item
    return [item for item in slots if item is not None]


def _string_hash(text: str) -> int:
    value = 0
    for byte in text.encode():
        value = (value * 31 + (byte - 256 if byte > 127 else byte)) & 0xFFFFFFFF
    return value


def is_usable(node: Node) -> bool:
    """Online, clean, not shutting down, in standby or in maintenance (P4.1, without scores)."""
    return node.online and not (node.shutdown or node.unclean or node.standby or node.maintenance)


def is_available(node: Node, score: int) -> bool:
    """P4.1 with the score considered."""
    return score >= 0 and is_usable(node)


def guest_can_run(node: Node) -> bool:
    """False for a guest or bundle node whose launcher has no node (P4.1, guests considered)."""
    if not node.is_guest:
        return True
    connection = node.connection
    if connection is None or connection.launcher is None:
        return True
    return connection.launcher.assigned is not None


def current_node(resource: Resource) -> Node | None:
    """The one node on which an active resource is said to be (P4.7)."""
    if resource.bundle is not None:
        nodes = [n for r in resource.bundle.replicas for n in r.container.running_on]
        nodes = list(dict.fromkeys(nodes))
    else:
        nodes = resource.running_on
    if not nodes:
        return None
    source = resource.migration_source
    if source is not None and source in nodes:
        return source
    if not resource.needs_fencing:
        for node in nodes:
            if node.online and not node.unclean:
                return node
    return nodes[0]


def compare_capacity(first: Mapping[str, int], second: Mapping[str, int]) -> int:
    """Negative if the first has more capacity in more attributes (P17.3)."""
    votes = 0
    for name in first.keys() | second.keys():
        mine, theirs = first.get(name, 0), second.get(name, 0)
        if mine != theirs:
            votes += 1 if mine > theirs else -1
    return -votes


class NodeRanking:
    """Sorts the entries of a node table, best first (P4.4)."""

    __slots__ = ("_strategy",)

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy

    def best_first(
        self,
        entries: Iterable[tuple[Node, int]],
        current: Node | None = None,
        *,
        hashed: bool = True,
    ) -> list[tuple[Node, int]]:
        """(node, score) pairs in the order of preference for a resource that is on `current`.

        `hashed`: the entries are those of a resource's table, not of the cluster's list of nodes.
        """
        if self._strategy is Strategy.BALANCED:
            return self._by_capacity(entries, current, hashed=hashed)
        minimal = self._strategy is Strategy.MINIMAL
        keyed = []
        for node, score in entries:
            effective = score if is_usable(node) else MINUS_INFINITY
            if minimal:
                key = (-effective, 0, False, node.name.encode())
            else:
                key = (-effective, node.assigned_count, node is not current, node.name.encode())
            keyed.append((key, node, score))
        keyed.sort(key=lambda item: item[0])
        return [(node, score) for _, node, score in keyed]

    def _by_capacity(
        self, entries: Iterable[tuple[Node, int]], current: Node | None, *, hashed: bool
    ) -> list[tuple[Node, int]]:
        """Strategy `balanced`: capacities compare by vote, which is no order (P4.8)."""
        scores = {node.index: (node, score) for node, score in entries}
        ordered = [node for node, _ in scores.values()]
        if hashed:
            ordered = hash_order(ordered)
            ordered.reverse()

        def compare(a: Node, b: Node) -> int:
            score_a = scores[a.index][1] if is_usable(a) else MINUS_INFINITY
            score_b = scores[b.index][1] if is_usable(b) else MINUS_INFINITY
            if score_a != score_b:
                return score_b - score_a
            voted = compare_capacity(a.capacity, b.capacity)
            if voted:
                return voted
            if a.assigned_count != b.assigned_count:
                return a.assigned_count - b.assigned_count
            if current is a or current is b:
                return -1 if current is a else 1
            return -1 if a.name.encode() < b.name.encode() else int(a.name != b.name)

        return [scores[node.index] for node in merge_sorted(ordered, compare)]
