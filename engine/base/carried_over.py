"""Results of a pure function that are carried from one run to the next."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """What a pure function answered, by everything the answer depends on.

    It never holds more than two runs need: what a run did not ask for is forgotten when the next one
    begins. Whoever takes a value out must not change it.
    """

    __slots__ = ("_earlier", "_used")

    def __init__(self) -> None:
        self._earlier: dict[K, V] = {}
        self._used: dict[K, V] = {}

    def __len__(self) -> int:
        """Number of answers of this run, those of earlier runs that it took over included."""
        return len(self._used)

    def begin(self) -> None:
        """A run begins: what the last one did not use is dropped."""
        self._earlier, self._used = self._used, {}

    def find(self, key: K) -> V | None:
        """The answer of this run or of the last one, None if there is none."""
        known = self._used.get(key)
        if known is None:
            known = self._earlier.get(key)
            if known is not None:
                self._used[key] = known
        return known

    def keep(self, key: K, value: V) -> V:
        """Remember the answer; returns it."""
        self._used[key] = value
        return value
