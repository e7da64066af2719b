"""How generated examples are chosen: the same ones in every run, unless a search is asked for.

`EXAMPLES=search` draws new ones (`make fuzz` does, with more of them); what such a search finds is
mended and kept as a test of its own.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No example has a deadline: how fast the machine is says nothing about the code.
ANY_SPEED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("fixed", derandomize=True, **ANY_SPEED)
settings.register_profile("search", **ANY_SPEED)
settings.load_profile("search" if os.environ.get("EXAMPLES") == "search" else "fixed")
