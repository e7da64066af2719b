"""What a whole tree of dependents wishes, added up once (P11.24).

When a primary is assigned, the scores of everything that hangs on it flow into its table, and in a
chain of colocations that is the rest of the chain, for each of its links. Additions of scores to
one entry can be summed up as long as none of them depends on the entry: this module knows when that is
so, and `merging.merged` then adds the sum instead of walking the tree. Everything else (loops,
other node attributes, negative shares, entries that a limit would cut) is walked as the rules say.

Sums are exact: infinite scores are counted far beyond all finite ones, so that `apply` can tell what
the additions one after the other would have led to.
"""

from __future__ import annotations

from typing import Final, Protocol

from engine.base.score import INFINITY
from engine.scheduler.model.model import Colocation, Resource, Variant
from engine.scheduler.placement.colocation import (
    has_influence,
    needs_host_lookup,
    this_with_list,
    with_this_list,
)
from engine.scheduler.placement.placement import Placement, Table, single
from engine.scheduler.placement.sum_store import (
    ELSEWHERE,
    NOTHING,
    RingSum,
    SumKey,
    TreeSum,
    ring_from,
)

_GROUP: Final = Variant.GROUP
# No more tables are merged for one resource than `placement.MERGES`, so sums of finite scores stay
# below 10**11, those of infinite ones below 10**17.
_PLUS: Final = 10**12
_MINUS: Final = -(10**18)
_IS_PLUS: Final = _PLUS // 2
_IS_MINUS: Final = _MINUS // 2


class SumMode(Protocol):
    """What matters here of `merging.MergeMode`."""

    @property
    def nonnegative(self) -> bool: ...

    @property
    def upward(self) -> bool: ...


def is_plain(link: Colocation) -> bool:
    """Whether the link is about nodes themselves, not about an attribute of theirs."""
    return link.node_attribute == "#uname"


def summed(
    placement: Placement,
    source: Resource,
    target: Resource,
    table: Table,
    link: Colocation,
    factor: float,
    mode: SumMode,
) -> Table | None:
    """The table with the scores of the source's tree added; None if the tree has to be walked."""
    if factor < 0 or not placement.uname_is_unique or not is_plain(link):
        return None
    if needs_host_lookup(target) or shares_group_locations(source, link):
        return None
    first = source.children[0] if source.variant is _GROUP and source.children else source
    if first.merging or not _links(placement, first, mode.upward):
        return None
    key = (first.index, factor, mode.upward)
    tree = None
    if placement.sums.rings.get(key) is None:
        tree = _sum(placement, first, factor, mode.upward, set())
    if tree is None and placement.walks == 0:  # inside a walk a part of the loop is behind it
        tree = _ring_sum(placement, first, factor, upward=mode.upward)
    return None if tree is None else apply(placement, table, tree, mode.nonnegative)


def _ring_sum(
    placement: Placement, source: Resource, factor: float, *, upward: bool
) -> TreeSum | None:
    """The sum over the loop that the source is in, None if it is in none of the kind that is kept."""
    sums = placement.sums
    key = (source.index, factor, upward)
    if key not in sums.rings:
        members = ring_from(source, lambda one: _only_link(placement, one, factor, upward))
        ring = None if members is None else RingSum(members)
        for index in members or (source.index,):
            sums.keep_ring((index, factor, upward), ring)
    ring = sums.rings[key]
    return None if ring is None else ring.sum(lambda one: _added(placement, one, factor, []))


def _only_link(
    placement: Placement, source: Resource, factor: float, upward: bool
) -> tuple[Resource, Colocation] | None:
    """The one resource that a walk goes on to from here with the same share, and the link to it."""
    if needs_host_lookup(source) or source.variant is _GROUP:
        return None
    links = _links(placement, source, upward)
    links = links if upward else [link for link in links if has_influence(link)]
    if len(links) != 1 or not is_plain(links[0]):
        return None
    link = links[0]
    other = link.primary if upward else link.dependent
    if single(single(factor * link.score) / INFINITY) != factor or other.variant is _GROUP:
        return None
    return None if shares_group_locations(other, link) else (other, link)


def _links(placement: Placement, source: Resource, upward: bool) -> list[Colocation]:
    return this_with_list(placement, source) if upward else with_this_list(placement, source)


def _sum(
    placement: Placement, source: Resource, factor: float, upward: bool, path: set[int]
) -> TreeSum | None:
    if source.variant is _GROUP:
        if not source.children:
            return NOTHING
        source = source.children[0]
    if factor == 0:
        return NOTHING
    sums = placement.sums
    key = (source.index, factor, upward)
    if key in sums.known:
        return sums.known[key]
    if source.index in path:
        return None
    path.add(source.index)
    found = _computed(placement, source, factor, upward, path)
    path.remove(source.index)
    sums.known[key] = found
    sums.depends(key, source.index)
    return found


def _computed(
    placement: Placement, source: Resource, factor: float, upward: bool, path: set[int]
) -> TreeSum | None:
    if needs_host_lookup(source):
        return None
    parts = []
    key: SumKey = (source.index, factor, upward)
    for link in _links(placement, source, upward):
        if not upward and not has_influence(link):
            continue
        other = link.primary if upward else link.dependent
        share = single(single(factor * link.score) / INFINITY)
        if share < 0 or not is_plain(link) or shares_group_locations(other, link):
            return None
        part = _sum(placement, other, share, upward, path)
        if other.variant is _GROUP and other.children:
            other = other.children[0]
        placement.sums.depends(key, other.index)
        if part is None:
            return None
        parts.append(part)
    return _added(placement, source, factor, parts)


def _added(placement: Placement, source: Resource, factor: float, parts: list[TreeSum]) -> TreeSum:
    """The source's own wishes, and those of the trees below it."""
    allowed = source.allowed
    wishes: Table = {}
    objections = set()
    swing = 0
    scores = [
        (index, allowed.get(index, -INFINITY))
        for index, usable in enumerate(placement.usable)
        if usable
    ]
    for index, score in [*scores, (ELSEWHERE, -INFINITY)]:
        wish = wishes[index] = _counted(placement.delta(factor, score))
        if wish < 0:
            objections.add(index)
        if _IS_MINUS < wish < _IS_PLUS:
            swing = max(swing, abs(wish))
    size = 1
    for part in parts:
        size += part.size
        swing += part.swing
        for index, wish in part.wishes.items():
            wishes[index] += wish
            if index not in part.welcoming:
                objections.add(index)
    welcoming = frozenset(wishes) - objections
    return TreeSum(size, wishes, welcoming, swing)


def _counted(score: int) -> int:
    if score >= INFINITY:
        return _PLUS
    return _MINUS if score <= -INFINITY else score


def apply(placement: Placement, table: Table, tree: TreeSum, nonnegative: bool) -> Table | None:
    """The table after the walk; None if the walk would depend on what it meets on the way."""
    if placement.merges_left < tree.size:
        return None
    if not any(score >= 0 and index in tree.welcoming for index, score in table.items()):
        return None  # the walk ends where no usable node is left, and one must be there throughout
    found: Table = {}
    for index, old in table.items():
        place = index if index in tree.wishes else ELSEWHERE
        wish = tree.wishes.get(place, 0)
        if place not in tree.welcoming:
            is_banned = wish <= _IS_MINUS or old <= -INFINITY
            if nonnegative or not (is_banned or abs(old) + tree.swing < INFINITY):
                return None  # it would matter in which order the scores come
        new = _after(old, wish)
        if new is None:
            return None
        found[index] = new
    placement.merges_left -= tree.size
    return found


def _after(old: int, wish: int) -> int | None:
    """One entry after all additions; None for an entry with a meaning of its own."""
    if old < -INFINITY:
        return None
    if old <= -INFINITY or wish <= _IS_MINUS:
        return -INFINITY
    if old >= INFINITY or wish >= _IS_PLUS:
        return INFINITY
    return max(-INFINITY, min(INFINITY, old + wish))


def shares_group_locations(source: Resource, colocation: Colocation) -> bool:
    """A member that the user bound explicitly, from which P5.10 has withheld group locations."""
    group = source.parent
    return (
        source is colocation.dependent
        and colocation.explicit
        and group is not None
        and group.variant is _GROUP
        and source is not group.children[0]
        and bool(group.locations)
    )
