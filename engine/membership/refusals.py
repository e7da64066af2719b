"""Who was turned away by this node, why and how often: for the log, now and then, and for `health`.

Pure. Bounded: somebody who comes from everywhere leaves a few lines, not a full disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PAUSE_SECONDS = 60.0
MOST = 32
REMEMBERED_SECONDS = 3600.0


@dataclass(slots=True)
class Refusal:
    """One reason at one address; times are monotonic seconds."""

    count: int
    last: float
    told_at: float


class Refusals:
    """Remembers them; `note` says whether a line in the log is due."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Refusal] = {}

    def note(self, host: str, reason: str, now: float) -> str:
        """Somebody was turned away. The line for the log, "" when one like it was there just now."""
        key = (host, reason)
        found = self._known.pop(key, None)
        if found is None:
            found = Refusal(0, now, float("-inf"))
        self._known[key] = found  # the newest is last
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        found.count, found.last = found.count + 1, now
        if now - found.told_at < PAUSE_SECONDS:
            return ""
        found.told_at = now
        return f"connection refused host={host} reason={reason} times={found.count}"

    def recent(self, now: float) -> list[dict[str, Any]]:
        """Those of the last hour, oldest first; `ago` is in seconds."""
        return [
            {"host": host, "reason": reason, "count": found.count, "ago": now - found.last}
            for (host, reason), found in self._known.items()
            if now - found.last < REMEMBERED_SECONDS
        ]
