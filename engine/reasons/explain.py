"""Why a resource is where it is, and the smallest changes that would have it otherwise. Pure.

Nothing is derived from scores: each thing near the resource is taken away in turn and the cluster is scheduled again.
What changes the outcome has decided it; what brings about the wished outcome is proposed. So every answer was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

from engine.base.errors import EngineError
from engine.base.score import INFINITY
from engine.cib.document import Cib
from engine.reasons.candidates import candidates
from engine.reasons.changes import Change, applied
from engine.reasons.outcome import Outcome, outcome_of
from engine.reasons.preference import preference, smallest_preference

_MOST_IN_PAIRS = 12


@dataclass(frozen=True, slots=True)
class Cause:
    """What has decided, and what would be without it. Several changes: none of them alone decides."""

    changes: tuple[Change, ...]
    without: Outcome


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer about one resource, on one node or on all (`node` "").

    `causes` decided today's outcome, `ways` each lead to the wished one: that it runs at all, or on that node
    if it does not. `preference` is the smallest score of a new location that brings it there, None for none.
    `is_complete` is False when time ran out before everything was tried.
    """

    name: str
    node: str
    outcome: Outcome
    causes: tuple[Cause, ...]
    ways: tuple[Cause, ...]
    preference: int | None
    is_complete: bool

    @property
    def wished(self) -> str:
        """`there` when it is asked why it is on a node and it is; `here`, `anywhere` when it is not."""
        if self.node:
            return "there" if self.outcome.is_on(self.node) else "here"
        return "there" if self.outcome.will else "anywhere"


@dataclass(slots=True)
class _Search:
    cib: Cib
    now: float
    name: str
    may_go_on: Callable[[], bool]
    is_complete: bool = True
    tried: dict[tuple[Change, ...], Outcome] = field(default_factory=dict)

    def outcome(self, *changes: Change) -> Outcome | None:
        """What would be with these changes; None when that cannot be scheduled, or time ran out."""
        if not self.may_go_on():
            self.is_complete = False
            return None
        if changes not in self.tried:
            try:
                self.tried[changes] = outcome_of(applied(self.cib, *changes), self.now, self.name)
            except EngineError:
                return None
        return self.tried[changes]


def explain(
    cib: Cib,
    now: float,
    name: str,
    node: str = "",
    may_go_on: Callable[[], bool] = lambda: True,
) -> Explanation:
    """Why a resource is where it is, or why (not) on `node`; `now` is epoch seconds.

    `may_go_on` is asked before each try: a large cluster takes long. Raises `EngineError` when the CIB
    cannot be scheduled.
    """
    outcome = outcome_of(cib, now, name)
    search = _Search(cib, now, name, may_go_on)
    everything = candidates(cib, name, now)
    is_wished = _wish(outcome, node)
    causes: list[Cause] = []
    ways: list[Cause] = []
    for change in everything:
        without = search.outcome(change)
        if without is None or without.will == outcome.will:
            continue
        if is_wished is not None and is_wished(without):
            ways.append(Cause((change,), without))
        if is_wished is None and not (node and without.is_on(node)):
            causes.append(Cause((change,), without))
    if is_wished is None and not causes:
        causes += _together(search, everything, lambda other: other.will != outcome.will)
    smallest = None
    if node and is_wished is not None:
        smallest = smallest_preference(cib, now, name, node, may_go_on)
    if is_wished is not None and not ways and smallest is None:
        more = [preference(cib, name, node, INFINITY)] if node else []
        ways += _pairs(search, [*more, *everything], is_wished)
    if is_wished is not None:
        causes = list(ways)
    typed = tuple(way for way in ways if all(change.command for change in way.changes))
    return Explanation(name, node, outcome, tuple(causes), typed, smallest, search.is_complete)


def _wish(outcome: Outcome, node: str) -> Callable[[Outcome], bool] | None:
    """What whoever asks would like to see instead; None when it is so already."""
    if node:
        return None if outcome.is_on(node) else (lambda other: other.is_on(node))
    return None if outcome.will else (lambda other: bool(other.will))


def _together(
    search: _Search, everything: list[Change], differs: Callable[[Outcome], bool]
) -> Iterator[Cause]:
    """The smallest set of changes that decides when none does alone: all of them, less what is not needed."""
    needed = list(everything)
    outcome = search.outcome(*needed)
    if len(needed) < 2 or outcome is None or not differs(outcome):
        return
    for change in reversed(everything):
        rest = [one for one in needed if one is not change]
        without = search.outcome(*rest) if rest else None
        if without is not None and differs(without):
            needed, outcome = rest, without
    yield Cause(tuple(needed), outcome)


def _pairs(
    search: _Search, everything: list[Change], is_wished: Callable[[Outcome], bool]
) -> Iterator[Cause]:
    """Two changes at once where none suffices, and more where two do not."""
    found = False
    for pair in combinations(everything[:_MOST_IN_PAIRS], 2):
        outcome = search.outcome(*pair)
        if outcome is not None and is_wished(outcome):
            found = True
            yield Cause(pair, outcome)
    if not found:
        yield from _together(search, everything, is_wished)
