"""A view change that a node leads: where it stands, and what the others have promised. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from engine.base.events import View
from engine.membership.messages import Promise


class Phase(Enum):
    """Where a candidate's attempt stands."""

    PREPARING = 1
    FETCHING = 2
    INSTALLING = 3


@dataclass(slots=True)
class Attempt:
    """A view change that this node leads."""

    term: int
    members: tuple[int, ...]
    quorate: bool
    durable: bool
    started: float
    until: float
    got: dict[int, Promise] = field(default_factory=dict)
    phase: Phase = Phase.PREPARING
    view: View | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store knows of terms at start."""

    promised: int = 0
    accepted: int = 0
    blank: bool = True
    view: View | None = None
