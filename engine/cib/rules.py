"""Rules: expressions over node attributes, dates, resource types and operations (section 5)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its parts, references resolved."""

    id: str
