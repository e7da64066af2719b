"""What alerts tell of: nodes, fencing, resources and attributes, each with the variables that its script gets.

Pure. Names and contents of the variables are Pacemaker's (live L5.A).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

TIMED_OUT = 2  # an execution status


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """A node became a member of the cluster, or is lost."""

    kind: ClassVar[str] = "node"
    node: str
    node_id: str
    is_member: bool

    def variables(self) -> dict[str, str]:
        desc = "member" if self.is_member else "lost"
        return {"node": self.node, "nodeid": self.node_id, "desc": desc}


@dataclass(frozen=True, slots=True)
class NodeFenced:
    """A fencing request is over; `by` carried it out, `origin` asked for it."""

    kind: ClassVar[str] = "fencing"
    target: str
    action: str
    by: str
    origin: str
    ok: bool
    error: str = ""

    def variables(self) -> dict[str, str]:
        result = "OK" if self.ok else self.error or "failed"
        who = self.by or "<no-one>"
        desc = f"Operation {self.action} of {self.target} by {who} for {self.origin}: {result}"
        return {
            "node": self.target,
            "desc": desc,
            "task": "st_notify_fence",
            "rc": "0" if self.ok else "-201",
        }


@dataclass(frozen=True, slots=True)
class OperationEnded:
    """An operation of a resource ended on a node, or on the remote node that it is connected to.

    `result` and `status` are words for `rc` and the execution status; times are milliseconds.
    """

    kind: ClassVar[str] = "resource"
    node: str
    resource: str
    task: str
    interval_ms: int
    rc: int
    expected_rc: int
    status: int
    words: str
    exec_ms: int
    timeout_ms: int

    def variables(self) -> dict[str, str]:
        took = self.exec_ms
        if self.status == TIMED_OUT and not took:
            took = self.timeout_ms
        return {
            "node": self.node,
            "rsc": self.resource,
            "task": self.task,
            "interval": str(self.interval_ms),
            "rc": str(self.rc),
            "target_rc": str(self.expected_rc),
            "status": str(self.status),
            "desc": self.words,
            "exec_time": str(took),
        }


@dataclass(frozen=True, slots=True)
class AttributeWritten:
    """The value of an attribute of a node was written; `value` is empty when it was removed."""

    kind: ClassVar[str] = "attribute"
    node: str
    node_id: str
    name: str
    value: str

    def variables(self) -> dict[str, str]:
        return {
            "node": self.node,
            "nodeid": self.node_id,
            "attribute_name": self.name,
            "attribute_value": self.value,
        }


Happening = NodeSeen | NodeFenced | OperationEnded | AttributeWritten
