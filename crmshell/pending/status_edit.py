"""A status section to try things on: what would the cluster do if this node failed?

It takes the place of the real status in simulations; nothing of it ever reaches the cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.cib.document import Cib
from engine.simulator.inject import Injections, OpSpec, inject


@dataclass(slots=True)
class StatusEdit:
    """A CIB whose status is edited, where it came from, and what has been done to it."""

    cib: Cib
    origin: str
    changes: list[str] = field(default_factory=list)

    def inject(self, wanted: Injections, now: float) -> list[str]:
        """Make changes; the lines that say what was done. Raises `EngineError` for unknown names."""
        lines = [each.text for each in inject(self.cib, wanted, now)]
        self.changes += lines
        return lines

    def set_op_status(self, spec: OpSpec, number: int) -> None:
        """Give the newest record of an injected result another status (timeout, pending, …)."""
        newest = None
        for op in self.cib.root.iterfind(
            "status/node_state/lrm/lrm_resources/lrm_resource/lrm_rsc_op"
        ):
            if op.get("on_node") != spec.node or op.get("operation_key") != spec.key:
                continue
            if newest is None or int(op.get("call-id", "0")) >= int(newest.get("call-id", "0")):
                newest = op
        if newest is None:
            return
        newest.set("op-status", str(number))
        _, _, rest = newest.get("transition-magic", "0:0").partition(":")
        newest.set("transition-magic", f"{number}:{rest}")

    def put_into(self, cib: Cib) -> Cib:
        """A copy of another CIB with this status, and this quorum."""
        made = cib.copy()
        status = self.cib.copy().root.find("status")
        old = made.root.find("status")
        if status is not None and old is not None:
            made.root.replace(old, status)
        elif status is not None:
            made.root.append(status)
        for name in ("have-quorum", "dc-uuid"):
            value = self.cib.root.get(name)
            if value is not None:
                made.root.set(name, value)
        return made
