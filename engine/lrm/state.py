"""The operation history of this node, in Pacemaker's form: `lrm_resource` and `lrm_rsc_op` as values.

Which entry a result overwrites, which it adds, what is recorded for one that is still running
(19 and 26, C20.4). Pure; XML is made at the end.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from lxml import etree

from engine.base.exitcodes import OcfStatus
from engine.cib.document import FEATURE_SET
from engine.lrm.api import LrmOp, LrmResult

NOT_DIGESTED = frozenset(
    {"id", "crm_feature_set", "op-digest", "on_node", "on_node_uuid", "pcmk_external_ip"}
)
KEPT_UNDER_THEIR_KEY = ("migrate_to", "migrate_from", "notify")
RELOADS = ("reload", "reload-agent")
# After these the resource, if it runs at all, runs with the parameters that they were given.
_USES_PARAMETERS = ("start", "migrate_from", "monitor", *RELOADS)
# Not part of a resource's state, so there is no entry for them.
NOT_RECORDED = ("notify", "meta-data", "validate-all", "cancel", "delete")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


@dataclass(frozen=True, slots=True)
class OpEntry:
    """One `lrm_rsc_op`: its attributes, among them `id`."""

    attributes: dict[str, str]

    @property
    def id(self) -> str:
        return self.attributes["id"]


@dataclass(frozen=True, slots=True)
class ResourceRecords:
    """One `lrm_resource` and its entries, oldest first.

    `runs_with` are the parameters of the last start, reload or monitor, `is_known` whether there was one:
    a resource is stopped as it was started, whatever its definition says by then.
    """

    id: str
    standard: str
    provider: str
    type: str
    entries: tuple[OpEntry, ...] = ()
    runs_with: dict[str, str] = field(default_factory=dict)
    is_known: bool = False

    def with_entry(self, entry: OpEntry) -> ResourceRecords:
        """The entry in the place of the one with its id, else at the end."""
        kept = tuple(item for item in self.entries if item.id != entry.id)
        return replace(self, entries=(*kept, entry))

    def element(self) -> etree._Element:
        found = etree.Element("lrm_resource", id=self.id, type=self.type)
        found.set("class", self.standard)
        if self.provider:
            found.set("provider", self.provider)
        for entry in self.entries:
            found.append(element_from_entry(entry))
        return found


@dataclass(slots=True)
class NodeHistory:
    """What was done on this node, by resource."""

    node: str
    resources: dict[str, ResourceRecords] = field(default_factory=dict)

    def record(self, result: LrmResult) -> tuple[OpEntry, ...]:
        """Take a result; the entries that it makes or overwrites."""
        op = result.op
        made = entries_from_result(result, self.node)
        if not made:
            return ()
        entries = self._put(op, made)
        if op.operation in _USES_PARAMETERS:
            self.resources[op.resource] = replace(
                self.resources[op.resource], runs_with=dict(op.parameters), is_known=True
            )
        return entries

    def in_order(self, result: LrmResult) -> LrmResult:
        """The result, dated after what is recorded of its resource.

        The newest entry decides what the resource is. Where the machine's clock was set back, a failure
        would count as older than the success before it, and nothing would be done about it (D-12).
        """
        records = self.resources.get(result.op.resource)
        known = [entry.attributes for entry in records.entries] if records else []
        newest = max([0, *(int(entry["last-rc-change"]) for entry in known)])
        # Of two results of one call only the date says which is the newer.
        same = [int(e["last-rc-change"]) + 1 for e in known if e["call-id"] == str(result.call)]
        least = max([newest, *same])
        if int(result.changed_at) >= least:
            return result
        return replace(result, changed_at=float(max(newest + 1, least)))

    def as_started(self, op: LrmOp) -> LrmOp:
        """A `stop` with the parameters that the resource runs with; any other operation as it is."""
        records = self.resources.get(op.resource)
        if op.operation != "stop" or records is None or not records.is_known:
            return op
        if (records.standard, records.provider, records.type) != (
            op.standard,
            op.provider,
            op.type,
        ):
            return op
        return replace(op, parameters=dict(records.runs_with))

    def record_pending(self, op: LrmOp, wall: float) -> tuple[OpEntry, ...]:
        """Note that an operation was begun."""
        return self._put(op, pending_entries(op, self.node, wall))

    def forget(self, resource: str, operation: str = "", interval_ms: int = 0) -> bool:
        """Drop a resource, or one recurring operation of it; whether there was something."""
        records = self.resources.get(resource)
        if records is None:
            return False
        if not operation:
            del self.resources[resource]
            return True
        name = f"{resource}_{operation}_{interval_ms}"
        kept = tuple(item for item in records.entries if item.id != name)
        self.resources[resource] = replace(records, entries=kept)
        return len(kept) < len(records.entries)

    def forget_failure(self, resource: str) -> bool:
        """Drop the record of the last failure."""
        records = self.resources.get(resource)
        if records is None:
            return False
        name = f"{resource}_last_failure_0"
        kept = tuple(item for item in records.entries if item.id != name)
        self.resources[resource] = replace(records, entries=kept)
        return len(kept) < len(records.entries)

    def last_call(self) -> int:
        """The highest call id on record."""
        calls = [
            int(entry.attributes.get("call-id", "0"))
            for records in self.resources.values()
            for entry in records.entries
        ]
        return max([0, *calls])

    def element(self, node_id: str) -> etree._Element:
        """The `<lrm>` of this node."""
        lrm = etree.Element("lrm", id=node_id)
        resources = etree.SubElement(lrm, "lrm_resources")
        for records in self.resources.values():
            resources.append(records.element())
        return lrm

    def _put(self, op: LrmOp, entries: tuple[OpEntry, ...]) -> tuple[OpEntry, ...]:
        records = self.resources.get(op.resource)
        if records is None or (records.standard, records.provider, records.type) != (
            op.standard,
            op.provider,
            op.type,
        ):
            records = ResourceRecords(op.resource, op.standard, op.provider, op.type)
        for entry in entries:
            records = records.with_entry(entry)
        self.resources[op.resource] = records
        return entries


def entries_from_result(result: LrmResult, node: str) -> tuple[OpEntry, ...]:
    """The history entries of a finished operation: a failure is kept beside the latest one."""
    op = result.op
    if op.operation in NOT_RECORDED or result.is_cancelled or not result.is_recorded:
        return ()
    attributes = _attributes(op, node) | {
        "transition-magic": f"{int(result.status)}:{result.rc};{op.transition_key}",
        "call-id": str(result.call),
        "rc-code": str(result.rc),
        "op-status": str(int(result.status)),
        "last-rc-change": str(int(result.changed_at)),
        "exec-time": str(result.exec_ms),
        "queue-time": str(result.queue_ms),
        "exit-reason": result.reason,
        **result.digests,
    }
    if op.operation in RELOADS:
        # The scheduler knows no reloads of the past: a start with these parameters, or a finding.
        task = "start" if result.is_success else "monitor"
        attributes |= {"operation": task, "operation_key": f"{op.resource}_{task}_0"}
    if result.is_success:
        return (_entry(attributes, _own_id(op)),)
    failure = _entry(attributes, f"{op.resource}_last_failure_0")
    if op.interval_ms > 0:
        return (failure,)
    return (failure, _entry(attributes, _own_id(op)))


def pending_entries(op: LrmOp, node: str, wall: float) -> tuple[OpEntry, ...]:
    """The entry of an operation that was begun; none if the operation does not want one."""
    if op.operation in NOT_RECORDED or op.meta.get("record_pending", "true") in ("false", "0"):
        return ()
    if op.interval_ms > 0 or op.operation in RELOADS:
        return ()  # must not hide the result before it: the resource runs meanwhile
    attributes = _attributes(op, node) | {
        "transition-magic": f"-1:{int(OcfStatus.UNKNOWN)};{op.transition_key}",
        "call-id": "-1",
        "rc-code": str(int(OcfStatus.UNKNOWN)),
        "op-status": "-1",
        "last-rc-change": str(int(wall)),
        "exec-time": "0",
        "queue-time": "0",
        "exit-reason": "",
    }
    return (_entry(attributes, _own_id(op)),)


def operation_digest(op: LrmOp) -> str:
    """`op-digest`: MD5 of the parameters as one line of XML (26.1, 26.2)."""
    parameters = {k: v for k, v in op.parameters.items() if k not in NOT_DIGESTED}
    if op.interval_ms > 0:
        parameters["CRM_meta_timeout"] = str(op.timeout_ms)
    inside = "".join(f' {name}="{_escape(parameters[name])}"' for name in sorted(parameters))
    text = f" <parameters{inside}/>\n"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def element_from_entry(entry: OpEntry) -> etree._Element:
    """The `lrm_rsc_op` of an entry; what no XML can hold in an agent's words becomes `?`."""
    found = etree.Element("lrm_rsc_op")
    for name, value in entry.attributes.items():
        found.set(name, "".join(c if c.isprintable() else "?" for c in value))
    return found


def _attributes(op: LrmOp, node: str) -> dict[str, str]:
    attributes = {
        "id": "",
        "operation_key": op.key,
        "operation": op.operation,
        "crm-debug-origin": "crm-agent",
        "crm_feature_set": FEATURE_SET,
        "transition-key": op.transition_key,
        "on_node": node,
        "interval": str(op.interval_ms),
        "op-digest": operation_digest(op),
    }
    if op.operation in ("migrate_to", "migrate_from"):
        attributes["migrate_source"] = op.meta.get("migrate_source", "")
        attributes["migrate_target"] = op.meta.get("migrate_target", "")
    return attributes


def _own_id(op: LrmOp) -> str:
    if op.interval_ms > 0 or op.operation in KEPT_UNDER_THEIR_KEY:
        return op.key
    return f"{op.resource}_last_0"


def _entry(attributes: dict[str, str], name: str) -> OpEntry:
    return OpEntry({**attributes, "id": name})


def _escape(value: str) -> str:
    return "".join(
        _ESCAPES.get(c) or (f"&#x{ord(c):02X};" if ord(c) < 32 or ord(c) == 127 else c)
        for c in value
    )
