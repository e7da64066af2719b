"""The version of the schemas of `pacemaker-result` documents that are written."""

from __future__ import annotations

API_VERSION = "2.42"
