"""How generated examples are chosen: the same ones in every run, unless a search is asked for.

`EXAMPLES=search` draws new ones (`make fuzz` does, with more of them); what such a search finds is
mended and kept as a test of its own.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, print_blob=True)
settings.register_profile("search", print_blob=True)
settings.load_profile("search" if os.environ.get("EXAMPLES") == "search" else "fixed")
