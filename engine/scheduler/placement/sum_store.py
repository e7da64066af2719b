"""The sums of trees of dependents that hold at the moment; `merge_sums` makes and uses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

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


class SumStore:
    """Sums by key, None for a tree that has to be walked, and which tables each of them rests on."""

    __slots__ = ("_over", "known")

    def __init__(self) -> None:
        self.known: dict[SumKey, TreeSum | None] = {}
        self._over: dict[int, list[SumKey]] = {}

    def depends(self, key: SumKey, index: int) -> None:
        """The sum rests on the table, or on another sum, of the resource with that index."""
        self._over.setdefault(index, []).append(key)

    def touched(self, index: int) -> None:
        """A table has changed: the sums over it, and the sums over those, no longer hold."""
        pending = [index]
        while pending and self.known:
            for key in self._over.pop(pending.pop(), ()):
                if key in self.known:
                    del self.known[key]
                    pending.append(key[0])

    def forget(self) -> None:
        """Nodes or colocations are not what they were."""
        self.known.clear()
        self._over.clear()
