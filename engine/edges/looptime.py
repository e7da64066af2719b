"""How long the event loop of this process stood still: the time between two looks at its sockets."""

from __future__ import annotations

import selectors
import time
from asyncio import SelectorEventLoop

Ready = list[tuple[selectors.SelectorKey, int]]


class TimedSelector(selectors.DefaultSelector):
    """The system's selector; it also measures what happens between two of its calls."""

    def __init__(self) -> None:
        super().__init__()
        self._awake_since = 0.0
        self.longest_ms = 0.0

    def select(self, timeout: float | None = None) -> Ready:
        if self._awake_since:
            self.longest_ms = max(self.longest_ms, (time.monotonic() - self._awake_since) * 1000)
        found: Ready = super().select(timeout)
        self._awake_since = time.monotonic()
        return found

    def take_longest_ms(self) -> float:
        """The longest stand since the last call, in milliseconds."""
        found, self.longest_ms = self.longest_ms, 0.0
        return found


def timed_loop(selector: TimedSelector) -> SelectorEventLoop:
    """An event loop that is measured by this selector."""
    return SelectorEventLoop(selector)
