"""Name/value blocks: instance and meta attributes, utilization, properties (section 4)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.cib.rules import Rule


@dataclass(frozen=True, slots=True)
class NvSet:
    """One block with references resolved. `rule` None: always in force; pairs in document order."""

    id: str
    score: int
    rule: Rule | None
    pairs: tuple[tuple[str, str], ...]
