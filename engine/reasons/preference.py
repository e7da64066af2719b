"""The smallest score of a new location that brings a resource to a node. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lxml import etree

from engine.base.errors import EngineError
from engine.base.score import INFINITY
from engine.cib.document import Cib
from engine.cib.edits import find_resource, topmost
from engine.cib.ids import free_id
from engine.reasons.changes import Change, applied
from engine.reasons.outcome import outcome_of


def preference(cib: Cib, name: str, node: str, score: int) -> Change:
    """A new location of the resource, or of what it is in, on the node."""
    try:
        top = topmost(find_resource(cib, name)).get("id", name)
    except EngineError:
        top = name
    words = "inf" if score >= INFINITY else str(score)
    command = f"crm configure location {top}-on-{node} {top} {words}: {node}"
    return Change(f"no location prefers {node}", command, partial(_prefer, top, node, score))


def _prefer(top: str, node: str, score: int, cib: Cib) -> None:
    section = cib.section("constraints")
    location = etree.SubElement(section, "rsc_location", id=free_id(section, f"{top}-on-{node}"))
    location.set("rsc", top)
    location.set("node", node)
    location.set("score", "INFINITY" if score >= INFINITY else str(score))


def smallest_preference(
    cib: Cib, now: float, name: str, node: str, may_go_on: Callable[[], bool]
) -> int | None:
    """The score, `INFINITY` when only that does, None when none does (or time ran out)."""

    def suffices(score: int) -> bool:
        changed = applied(cib, preference(cib, name, node, score))
        return outcome_of(changed, now, name).is_on(node)

    if not may_go_on() or not suffices(INFINITY):
        return None
    low, high = 0, INFINITY
    while high - low > 1:
        if not may_go_on():
            return high
        middle = 1 if low == 0 and high == INFINITY else min((low + high) // 2, max(2 * low, 1))
        if suffices(middle):
            high = middle
        else:
            low = middle
    return high
