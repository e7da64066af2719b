"""Kinds, roles and policies that the scheduler's data is made of, and the bounds of scores.

Rule numbers refer to the scheduler's documents: `5.3` state, `P5.3` placement, `C5.3` transition.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final

INFINITY: Final = 1_000_000
MINUS_INFINITY: Final = -1_000_000
MOST_INSTANCES: Final = 1_000
"""Of a clone or bundle, unless there are more nodes: a mistyped number must not stop the cluster."""


class Role(IntEnum):
    """Role of an instance, ordered (1.13)."""

    UNKNOWN = 0
    STOPPED = 1
    STARTED = 2
    UNPROMOTED = 3
    PROMOTED = 4

    @property
    def text(self) -> str:
        """The word used in outputs (`Unknown`, `Stopped`, …)."""
        return self.name.capitalize()


_ROLE_WORDS: Final = {
    "stopped": Role.STOPPED,
    "started": Role.STARTED,
    "unpromoted": Role.UNPROMOTED,
    "slave": Role.UNPROMOTED,
    "promoted": Role.PROMOTED,
    "master": Role.PROMOTED,
}


def role_from_text(text: str | None) -> Role:
    """Role named by `text` in any case; `Master` and `Slave` are old names; else UNKNOWN (1.13)."""
    return _ROLE_WORDS.get(text.lower(), Role.UNKNOWN) if text else Role.UNKNOWN


class Variant(IntEnum):
    """Kind of resource, ordered as P1.3."""

    PRIMITIVE = 1
    GROUP = 2
    CLONE = 3
    BUNDLE = 4


class ProbeMode(IntEnum):
    """`resource-discovery` of a node entry, ordered as P5.8."""

    ALWAYS = 0
    NEVER = 1
    EXCLUSIVE = 2


class OnFail(IntEnum):
    """What a failure leads to, in order of severity (14.5)."""

    IGNORE = 0
    DEMOTE = 1
    RESTART = 2
    RESET_REMOTE = 3
    RESTART_CONTAINER = 4
    BAN = 5
    BLOCK = 6
    STOP = 7
    STANDBY = 8
    FENCE = 9


class Needs(IntEnum):
    """What an action, or a resource's start, requires (14.8, 12.7)."""

    NOTHING = 0
    QUORUM = 1
    FENCING = 2


class QuorumPolicy(Enum):
    """`no-quorum-policy` after 6.4."""

    STOP = "stop"
    FREEZE = "freeze"
    IGNORE = "ignore"
    DEMOTE = "demote"
    FENCE = "fence"


class MultipleActive(Enum):
    """`multiple-active` (12.3)."""

    BLOCK = "block"
    STOP_ONLY = "stop_only"
    STOP_START = "stop_start"
    STOP_UNEXPECTED = "stop_unexpected"


class Strategy(Enum):
    """`placement-strategy` (6.3)."""

    DEFAULT = "default"
    UTILIZATION = "utilization"
    MINIMAL = "minimal"
    BALANCED = "balanced"


class OrderKind(Enum):
    """`kind` of an ordering."""

    OPTIONAL = "Optional"
    MANDATORY = "Mandatory"
    SERIALIZE = "Serialize"


class DigestResult(Enum):
    """Outcome of comparing a history entry with today's parameters (26.3)."""

    MATCH = "match"
    UNKNOWN = "unknown"
    MISMATCH = "mismatch"
    RESTART = "restart"
