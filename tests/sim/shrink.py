"""Makes a failing schedule smaller: faults are taken out as long as it still fails."""

from __future__ import annotations

import time
from typing import Any

from tests.sim.runs import run_artefact


def fails(artefact: dict[str, Any]) -> bool:
    try:
        run_artefact(artefact)
    except Exception:  # any exception is a finding
        return True
    return False


def shrink(artefact: dict[str, Any], seconds: float = 60.0) -> dict[str, Any]:
    """The artefact with the fewest faults that was found within the time."""
    deadline = time.monotonic() + seconds
    best = artefact
    size = max(1, len(best["schedule"]) // 2)
    while size and time.monotonic() < deadline:
        place = 0
        while place < len(best["schedule"]) and time.monotonic() < deadline:
            schedule = best["schedule"][:place] + best["schedule"][place + size :]
            smaller = {**best, "schedule": schedule}
            if fails(smaller):
                best = smaller
            else:
                place += size
        size //= 2
    return best
