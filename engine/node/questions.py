"""Questions that this node put to the DC and that are not answered yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Answered = Callable[[Mapping[str, Any]], None]


class Questions:
    """Each question has a number and somebody who waits for its answer."""

    def __init__(self) -> None:
        self._open: dict[int, Answered] = {}
        self._lasting: set[int] = set()
        self._last = 0

    def add(self, done: Answered, *, is_lasting: bool = False) -> int:
        """A new question; its number. A lasting one outlives a view as long as the DC stays."""
        self._last += 1
        self._open[self._last] = done
        if is_lasting:
            self._lasting.add(self._last)
        return self._last

    def answer(self, number: int, fields: Mapping[str, Any]) -> None:
        """Tell who waits; an answer that nobody waits for any more is dropped."""
        done = self._open.pop(number, None)
        self._lasting.discard(number)
        if done is not None:
            done(fields)

    def drop(self, number: int) -> bool:
        """Nobody waits any more; whether the question was still open."""
        self._lasting.discard(number)
        return self._open.pop(number, None) is not None

    def answer_all(self, fields: Mapping[str, Any], *, lasting: bool) -> None:
        """The same answer to everybody who waits, to lasting questions only if `lasting`."""
        for number in list(self._open):
            if lasting or number not in self._lasting:
                self.answer(number, fields)
