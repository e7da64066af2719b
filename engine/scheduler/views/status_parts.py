"""Which parts a status shows, in any format."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class StatusParts:
    """Which optional parts a status shows."""

    attributes: bool = False
    failcounts: bool = False
