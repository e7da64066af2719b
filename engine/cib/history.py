"""Operation history: `lrm_rsc_op` entries as plain records, and their order in time (section 19).

A record is read once from the XML; everything later works on the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PENDING: Final = -1
NO_CALL: Final = -1


@dataclass(slots=True, eq=False)
class OpRecord:
    """One `lrm_rsc_op`. Numbers are -1 where missing or unreadable; times are epoch seconds.

    `interval_ms` is the `interval` attribute; `transition`, `expected_rc` and `uuid` come from
    `transition-key` (19.2). `attributes` are the entry's own, as found.
    """

    id: str
    key: str
    task: str
    interval_ms: int
    call_id: int
    status: int
    rc: int
    expected_rc: int
    last_change: int
    on_node: str
    attributes: Mapping[str, str]

    @property
    def exit_reason(self) -> str:
        return self.attributes.get("exit-reason", "")

    @property
    def feature_set(self) -> str:
        return self.attributes.get("crm_feature_set", "")

    @property
    def is_probe(self) -> bool:
        return self.interval_ms == 0 and self.task == "monitor"


@dataclass(slots=True, eq=False)
class ResourceHistory:
    """One `lrm_resource` of a node: `ops` sorted oldest first (19.4), window by 19.5 (-1 = none)."""

    id: str
    attributes: Mapping[str, str]
    ops: list[OpRecord]
    start_index: int = -1
    stop_index: int = -1
