"""What clients did to a cluster and what they were told: plain values, written as JSON lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Version = tuple[int, int]
End = Literal["ok", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Change:
    """One request to add or to drop an item, or to count up; times are seconds of one clock.

    `version` is that of the acknowledged commit. `count` is the value that a strict count-up wrote.
    """

    kind: Literal["add", "drop", "count"]
    item: str
    began: float
    ended: float
    end: End
    version: Version = (0, 0)
    count: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """One answered read with `sync`: the version, the items and the counter that it showed."""

    began: float
    ended: float
    version: Version
    items: frozenset[str]
    count: int
    host: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A resource on a host: `starting` before it is there, `stopped` after it is gone, `off` with its host."""

    at: float
    what: Literal["starting", "stopped", "off"]
    host: str
    resource: str = ""
