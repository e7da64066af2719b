"""The sums over trees and loops of dependents that hold at the moment; `dependent_sums` uses them.

A walk that begins anywhere in a loop merges each member once and ends where it began. So all its
members share one sum, and when one of them is assigned only its own part of the sum changes. A
loop of a thousand resources then costs what a chain of a thousand costs. Kept for loops whose
members have one dependent (or, upward, one primary) each and whose shares are all the same, which
is what mandatory colocations give; any other loop is walked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from engine.scheduler.model.model import Colocation, Resource

SumKey: TypeAlias = tuple[int, float, bool]
"""Index of the source, the share of its scores, and whether primaries are followed."""


ELSEWHERE: Final = -1


@dataclass(slots=True)
class TreeSum:
    """The wishes of a source and of all that hangs on it.

    `size` is the number of tables that the walk would merge; `wishes` the sum for each usable node,
    and under ELSEWHERE that for any other one; `welcoming` are those of them that nobody objects to;
    `swing` bounds how far finite scores may go up and down on the way.
    """

    size: int
    wishes: dict[int, int]
    welcoming: frozenset[int]
    swing: int


NOTHING: Final = TreeSum(0, {}, frozenset(), 0)


Part = Callable[[Resource], TreeSum]
"""What one member adds by itself."""


@dataclass(slots=True)
class RingSum:
    """The sum of all members. `_stale` are those whose table has changed since `_parts` was made.

    `_total`, `_objections` (how many members object to a node) and `_swing` are always those of
    `_parts`.
    """

    members: dict[int, Resource]
    _stale: set[int] = field(default_factory=set)
    _parts: dict[int, TreeSum] = field(default_factory=dict)
    _total: dict[int, int] = field(default_factory=dict)
    _objections: dict[int, int] = field(default_factory=dict)
    _swing: int = 0

    def __post_init__(self) -> None:
        self._stale.update(self.members)

    def touched(self, index: int) -> None:
        """The table of that member has changed."""
        self._stale.add(index)

    def sum(self, part_of: Part) -> TreeSum:
        """The sum as it is now."""
        for index in self._stale:
            old = self._parts.get(index)
            if old is not None:
                self._count(old, -1)
            new = self._parts[index] = part_of(self.members[index])
            self._count(new, 1)
        self._stale.clear()
        welcoming = frozenset(place for place, count in self._objections.items() if count == 0)
        return TreeSum(len(self.members), self._total, welcoming, self._swing)

    def _count(self, part: TreeSum, sign: int) -> None:
        for place, preference in part.wishes.items():
            self._total[place] = self._total.get(place, 0) + sign * preference
            objects = place not in part.welcoming
            self._objections[place] = self._objections.get(place, 0) + sign * objects
        self._swing += sign * part.swing


def ring_from(
    source: Resource, next_of: Callable[[Resource], tuple[Resource, Colocation] | None]
) -> dict[int, Resource] | None:
    """The members of the loop through `source` by index, None if there is no such loop.

    `next_of` answers the one resource that follows, or None where there is not exactly one.
    """
    members: dict[int, Resource] = {}
    one = source
    while one.index not in members:
        members[one.index] = one
        following = next_of(one)
        if following is None:
            return None
        one = following[0]
    return members if one is source else None


class SumStore:
    """Sums by key, None for a tree that has to be walked, and which tables each of them rests on."""

    __slots__ = ("_over", "_rings_over", "known", "rings")

    def __init__(self) -> None:
        self.known: dict[SumKey, TreeSum | None] = {}
        self._over: dict[int, list[SumKey]] = {}
        self.rings: dict[SumKey, RingSum | None] = {}  # None: in no loop whose sum can be kept
        self._rings_over: dict[int, list[RingSum]] = {}

    def depends(self, key: SumKey, index: int) -> None:
        """The sum rests on the table, or on another sum, of the resource with that index."""
        self._over.setdefault(index, []).append(key)

    def touched(self, index: int) -> None:
        """A table has changed: the sums over it, and the sums over those, no longer hold."""
        for ring in self._rings_over.get(index, ()):
            ring.touched(index)
        pending = [index]
        while pending and self.known:
            for key in self._over.pop(pending.pop(), ()):
                if key in self.known:
                    del self.known[key]
                    pending.append(key[0])

    def keep_ring(self, key: SumKey, ring: RingSum | None) -> None:
        """The loop that the resource of the key is in, or that it is in none."""
        self.rings[key] = ring
        if ring is not None:
            self._rings_over.setdefault(key[0], []).append(ring)

    def forget(self) -> None:
        """Nodes or colocations are not what they were."""
        self.known.clear()
        self._over.clear()
        self.rings.clear()
        self._rings_over.clear()
