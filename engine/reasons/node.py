"""Why a node runs what it runs and nothing else: what keeps resources away from it, each tried without. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.base.errors import EngineError
from engine.cib.document import Cib
from engine.reasons.candidates import changes_of_node
from engine.reasons.changes import Change, applied
from engine.reasons.outcome import Place, places_of_all
from engine.scheduler.api import schedule


@dataclass(frozen=True, slots=True)
class Keeping:
    """Something about a node, and which resources it would run, or not run any more, without it."""

    change: Change
    gains: tuple[str, ...]
    loses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodeExplanation:
    """What a node will run, and what has a say in that; `is_complete` False: time ran out."""

    node: str
    runs: tuple[str, ...]
    keeping: tuple[Keeping, ...]
    is_complete: bool


def explain_node(
    cib: Cib, now: float, node: str, may_go_on: Callable[[], bool] = lambda: True
) -> NodeExplanation:
    """What the state, failures and locations of a node mean for what it runs; `now` is epoch seconds.

    Raises `EngineError` when the CIB cannot be scheduled.
    """
    before = _on(places_of_all(schedule(cib.copy(), now)), node)
    keeping: list[Keeping] = []
    is_complete = True
    for change in changes_of_node(cib, node):
        if not may_go_on():
            is_complete = False
            break
        try:
            after = _on(places_of_all(schedule(applied(cib, change), now)), node)
        except EngineError:
            continue
        gains, loses = tuple(sorted(after - before)), tuple(sorted(before - after))
        keeping.append(Keeping(change, gains, loses))
    return NodeExplanation(node, tuple(sorted(before)), tuple(keeping), is_complete)


def _on(places: dict[str, tuple[Place, ...]], node: str) -> set[str]:
    return {name for name, found in places.items() if any(place.node == node for place in found)}
