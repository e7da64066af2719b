"""What the local resource manager is asked to do, and what it says came of it.

Both travel between nodes as messages (`engine.base.wire`), hence plain field types.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from engine.base.exitcodes import OcfStatus


class OpStatus(IntEnum):
    """`op-status` of a history entry, Pacemaker's numbers (20.2)."""

    PENDING = -1
    DONE = 0
    CANCELLED = 1
    TIMED_OUT = 2
    NOT_SUPPORTED = 3
    ERROR = 4
    ERROR_HARD = 5
    ERROR_FATAL = 6
    NOT_INSTALLED = 7
    NOT_CONNECTED = 8
    INVALID = 9
    NO_FENCE_DEVICE = 10


# A degraded result counts as the plain one (OCF API 1.1).
DEGRADED = {
    int(OcfStatus.DEGRADED): int(OcfStatus.OK),
    int(OcfStatus.DEGRADED_PROMOTED): int(OcfStatus.RUNNING_PROMOTED),
}


@dataclass(frozen=True, slots=True)
class LrmOp:
    """One operation of one resource on this node.

    `resource` is the id of the history entry and the name under which the agent runs: instances of an
    anonymous clone all have the name of their primitive. `meta` are the `CRM_meta_…` values without that prefix. `transition_key` is
    `action:transition:expected rc:uuid`.
    """

    resource: str
    standard: str
    provider: str
    type: str
    operation: str
    interval_ms: int = 0
    timeout_ms: int = 20_000
    start_delay_ms: int = 0
    parameters: dict[str, str] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)
    transition_key: str = ""
    expected_rc: int = 0
    operation_key: str = ""

    @property
    def name(self) -> str:
        """The name under which the agent runs."""
        return self.resource

    @property
    def key(self) -> str:
        """The key of the operation, `RSC_OPERATION_INTERVALMS` unless it has another."""
        return self.operation_key or f"{self.resource}_{self.operation}_{self.interval_ms}"

    @property
    def is_probe(self) -> bool:
        return self.operation == "monitor" and self.interval_ms == 0

    @property
    def is_connection(self) -> bool:
        """Whether the resource is the connection to a remote node, which this agent makes itself."""
        agent = (self.standard, self.provider.lower(), self.type.lower())
        return agent == ("ocf", "pacemaker", "remote")

    @property
    def recurring_key(self) -> tuple[str, str, int]:
        return (self.resource, self.operation, self.interval_ms)


@dataclass(frozen=True, slots=True)
class LrmResult:
    """What came of one run; `status` is an `OpStatus`, `changed_at` epoch seconds of its start.

    `digests` are the attributes that the agent's meta-data adds to the history entry (`lrm.reloads`).
    `is_recorded` is False for what makes no history: a cancelled run, and one whose resource was dropped
    while it ran. Whoever waits for the result is told all the same.
    """

    op: LrmOp
    call: int
    rc: int
    status: int
    reason: str = ""
    queue_ms: int = 0
    exec_ms: int = 0
    changed_at: float = 0.0
    digests: dict[str, str] = field(default_factory=dict)
    is_recorded: bool = True

    @property
    def is_cancelled(self) -> bool:
        return self.status == OpStatus.CANCELLED

    @property
    def is_success(self) -> bool:
        """As expected; a degraded service runs, and what a notification returns does not count."""
        if self.op.operation == "notify":
            return True
        rc = DEGRADED.get(self.rc, self.rc)
        return self.status == OpStatus.DONE and rc == self.op.expected_rc
