"""The versions of Pacemaker's formats and programs that ours are."""

from __future__ import annotations

# The schemas of `pacemaker-result` documents that are written.
API_VERSION = "2.42"
# The release whose feature set and programs these are; agents and scripts compare it.
COMPATIBLE_WITH = "3.0.2"
