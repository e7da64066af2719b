"""What was fenced, when, by what and with which result; kept by the DC for status and alerts. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

KEPT = 500


@dataclass(frozen=True, slots=True)
class FenceEvent:
    """One request that ended; `when` is epoch seconds."""

    target: str
    action: str
    ok: bool
    when: float
    device: str = ""
    origin: str = ""
    error: str = ""


@dataclass(slots=True)
class FenceHistory:
    """The latest requests, newest last."""

    events: list[FenceEvent] = field(default_factory=list)

    def add(self, event: FenceEvent) -> None:
        self.events.append(event)
        del self.events[:-KEPT]

    def last(self, target: str) -> FenceEvent | None:
        """The latest request about a node."""
        return next((e for e in reversed(self.events) if e.target == target), None)
