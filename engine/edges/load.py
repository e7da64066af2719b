"""How busy this machine is."""

from __future__ import annotations

import os


def machine_load() -> tuple[float, int]:
    """The load average of the last minute, and the number of cores."""
    return os.getloadavg()[0], os.cpu_count() or 1
