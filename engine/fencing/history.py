"""What was fenced, when, by what and with which result; every member remembers it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

KEPT = 500


@dataclass(frozen=True, slots=True)
class FenceEvent:
    """One request that ended; `when` is epoch seconds.

    `device` did it on the node `delegate`, as the DC, `coordinator`, said; `origin` asked: `transition` or the
    name of a user.
    """

    target: str
    action: str
    ok: bool
    when: float
    device: str = ""
    origin: str = ""
    error: str = ""
    delegate: str = ""
    coordinator: str = ""


@dataclass(slots=True)
class FenceHistory:
    """The latest requests, newest last."""

    events: list[FenceEvent] = field(default_factory=list)

    def add(self, event: FenceEvent) -> None:
        """Remember an event, once."""
        if event in self.events:
            return
        self.events.append(event)
        del self.events[:-KEPT]

    def about(self, target: str = "") -> tuple[FenceEvent, ...]:
        """The requests about a node, or all."""
        return tuple(event for event in self.events if target in ("", event.target))

    def forget(self, target: str = "") -> None:
        """Remember nothing of a node, or of any."""
        self.events = [event for event in self.events if target not in ("", event.target)]

    def last(self, target: str) -> FenceEvent | None:
        """The latest request about a node."""
        return next((e for e in reversed(self.events) if e.target == target), None)
