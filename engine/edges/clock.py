"""Real time and real randomness for the seams `Clock` and `Rng`."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable


class RealClock:
    """Time of this machine; timers run on the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def call_later(self, delay: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        return self._loop.call_later(delay, callback)


class RealRng:
    """Streams seeded by the operating system."""

    def __init__(self) -> None:
        self._streams: dict[str, random.Random] = {}

    def stream(self, name: str) -> random.Random:
        found = self._streams.get(name)
        if found is None:
            found = self._streams[name] = random.Random(os.urandom(16))
        return found


def random_bytes(count: int) -> bytes:
    """Bytes fit for keys and ids."""
    return os.urandom(count)
