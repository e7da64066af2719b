"""How much longer than on an idle machine something may take: measured, never a constant."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

LEAST = 1.25
MOST = 12.0


def patience() -> float:
    """By how many processes wait for each CPU of this machine at present; 1.25 where none waits."""
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
    return min(MOST, max(LEAST, LEAST * waiting))


def wait_until(check: Callable[[], object], seconds: float, pause: float = 0.05) -> float | None:
    """Wait at most `seconds` of an idle machine; how long it took, None when time ran out."""
    start = time.monotonic()
    most = patience()
    while not check():
        most = max(most, patience())
        if time.monotonic() - start > seconds * most:
            return None
        time.sleep(pause)
    return time.monotonic() - start
