"""What the fixture `shell` gives: a function that runs one `crm`, and what it said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """What a run of the shell said, and the CIB file afterwards."""

    status: int
    out: str
    err: str
    cib: str


Shell = Callable[..., Said]
