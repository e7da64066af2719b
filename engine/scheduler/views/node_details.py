"""Node attributes, fail counts and failed operations: optional parts of a status, as data and text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from engine.base.digits import clipped, is_whole
from engine.base.values import int_from_text
from engine.cib.history import NOT_INSTALLED
from engine.scheduler.model.model import FailedOp, Model, Node, Resource, leaves
from engine.scheduler.reading.failcounts import fail_count
from engine.scheduler.reading.history_entries import base_name
from engine.scheduler.reading.parameters import parameters
from engine.scheduler.views.node_text import display_name
from engine.scheduler.views.result_words import exit_text, status_text
from engine.scheduler.views.status_parts import EVERYTHING, Look

_EPOCH = dt.datetime(1970, 1, 1)
_OWN_PREFIXES = ("#", "fail-count", "last-failure", "shutdown", "terminate", "standby")
_MASKED: Final = frozenset((2, 5))
_PING_AGENTS = frozenset(("ping", "pingd"))


# -- node attributes ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute that users or agents gave to a node.

    `expected` is what a connectivity check writes if it reaches everybody, None for other ones.
    """

    name: str
    value: str
    expected: int | None = None

    @property
    def remark(self) -> str:
        """What the value says about the node's connectivity; "" if all is well."""
        if self.expected is None:
            return ""
        value = int_from_text(self.value) or 0
        if value <= 0:
            return "Connectivity is lost"
        if value < self.expected:
            return f"Connectivity is degraded (Expected={self.expected})"
        return ""


def node_attributes(model: Model) -> list[tuple[Node, list[Attribute]]]:
    """The attributes of each online node that has some, by name."""
    found = []
    for node in model.nodes:
        names = [name for name in sorted(node.attributes) if not name.startswith(_OWN_PREFIXES)]
        if node.online and names:
            expected = _expected_pings(model, node)
            rows = [Attribute(n, node.attributes[n], expected.get(n.lower())) for n in names]
            found.append((node, rows))
    return found


def _expected_pings(model: Model, node: Node) -> dict[str, int]:
    """Attribute (lower case) of each connectivity check on the node → its best value."""
    found: dict[str, int] = {}
    for resource in node.running:
        for leaf in leaves(resource):
            if leaf.agent_type.lower() not in _PING_AGENTS:
                continue
            values = parameters(model, leaf, node)
            hosts = values.get("host_list")
            count = len(hosts.split(" ")) if hosts else 0
            multiplier = int_from_text(values.get("multiplier"))
            best = count * (1 if multiplier is None else multiplier)
            found.setdefault(values.get("name", "pingd").lower(), best)
    return found


def attribute_lines(model: Model, look: Look = EVERYTHING) -> list[str]:
    """The part "Node Attributes" below its heading, which is the first line."""
    lines = ["  * Node Attributes:"]
    for node, attributes in node_attributes(model):
        if not look.shows_node(node):
            continue
        lines.append(f"    * Node: {display_name(node, look)}:")
        for attribute in attributes:
            line = f"      * {attribute.name:<32}\t: {attribute.value:<10}"
            lines.append(line + (f"\t: {attribute.remark}" if attribute.remark else ""))
    return lines


# -- fail counts -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FailCount:
    """How often a resource failed on a node; `last` is the time of the last failure as text."""

    resource: str
    threshold: int
    count: int
    last: str


def fail_counts(model: Model) -> list[tuple[Node, list[FailCount]]]:
    """For each online node, in the order of the status section, the resources that failed there."""
    found = []
    for name in model.histories.node_names:
        node = model.node_named(name)
        if node is None or not node.online:
            continue
        rows = [
            row
            for history in model.histories.entries(name)
            for row in _fail_count(model, history.id, node)
        ]
        if rows:
            found.append((node, rows))
    return found


def _fail_count(model: Model, name: str, node: Node) -> Iterable[FailCount]:
    resource = _resource_of_history(model, name)
    if resource is None:
        return
    count, last = fail_count(model, resource, node, effective=False)
    if count > 0:
        text = clock_text(model, last) if last > 0 else ""
        yield FailCount(name, resource.migration_threshold, count, text)


def _resource_of_history(model: Model, name: str) -> Resource | None:
    return model.find(name) or model.find(f"{base_name(name)}:0")


def failcount_lines(model: Model) -> list[str]:
    """The part "Migration Summary" with its heading."""
    lines = ["  * Migration Summary:"]
    for node, counts in fail_counts(model):
        lines.append(f"    * Node: {node.name}:")
        for row in counts:
            text = f"{row.resource}: migration-threshold={row.threshold} fail-count={row.count}"
            lines.append(f"      * {text}" + (f" last-failure='{row.last}'" if row.last else ""))
    return lines


# -- failed operations -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed operation as it is shown. `key` is its key, or its id if it has none."""

    key: str
    has_key: bool
    node: str
    exit: str
    rc: str
    reason: str | None
    call: str
    status: str
    changed_at: int | None  # epoch seconds
    queued_ms: str
    exec_ms: str
    interval_ms: str
    task: str


def failures(model: Model, look: Look = EVERYTHING) -> list[Failure]:
    """The failed operations on nodes that are online, as far as they are asked for.

    A probe that could not look for the resource is told with the resource, not as a failure.
    """
    return [
        _failure(failed)
        for failed in model.failed_ops
        if not could_not_look(failed)
        and (look.nodes is None or failed.node_name in look.nodes)
        and look.names(failed.resource_id)
    ]


def could_not_look(failed: FailedOp) -> bool:
    """Whether it is a probe on a node where the resource could not be anyway."""
    is_probe = failed.task == "monitor" and failed.interval_ms == 0
    return is_probe and (failed.rc in _MASKED or failed.status == NOT_INSTALLED)


def _failure(failed: FailedOp) -> Failure:
    values = failed.attributes
    key = values.get("operation_key")
    rc = values.get("rc-code", str(failed.rc))
    status = values.get("op-status", "")
    when = values.get("last-rc-change", "")
    return Failure(
        key=values.get("id", failed.key) if key is None else key,
        has_key=key is not None,
        node=failed.node_name,
        exit=exit_text(clipped(rc) if is_whole(rc) else failed.rc),
        rc=rc,
        reason=values.get("exit-reason"),
        call=values.get("call-id", str(failed.call_id)),
        status=status_text(clipped(status) if is_whole(status) else failed.status),
        changed_at=clipped(when) if is_whole(when) and clipped(when) > 0 else None,
        queued_ms=values.get("queue-time", "0"),
        exec_ms=values.get("exec-time", "0"),
        interval_ms=values.get("interval", "0"),
        task=values.get("operation", failed.task),
    )


def failure_lines(model: Model, look: Look = EVERYTHING) -> list[str]:
    """The part "Failed Resource Actions" below its heading, which is the first line."""
    lines = ["  * Failed Resource Actions:"]
    for failure in failures(model, look):
        text = f"{failure.key} on {failure.node} '{failure.exit}' ({failure.rc}):"
        text += f" call={failure.call}, status='{failure.status}'"
        if failure.reason:
            text += f", exitreason='{failure.reason}'"
        if failure.changed_at is not None:
            text += f", last-rc-change='{clock_text(model, failure.changed_at)}'"
            text += f", queued={failure.queued_ms}ms, exec={failure.exec_ms}ms"
        lines.append(f"    * {text}")
    return lines


def clock_text(model: Model, moment: int) -> str:
    """A moment as `date` writes it: `Thu Jan 10 09:26:58 2013`."""
    shown = _local_time(model, moment)
    return str(moment) if shown is None else f"{shown:%a %b %e %H:%M:%S %Y}"


def iso_text(model: Model, moment: int) -> str:
    """A moment as ISO 8601 with the zone: `2013-01-10 09:26:58Z`."""
    shown = _local_time(model, moment)
    if shown is None:
        return str(moment)
    offset = model.zone.utc_offset
    hours, minutes = divmod(abs(offset) // 60, 60)
    zone = f" {'-' if offset < 0 else '+'}{hours:02}:{minutes:02}" if offset else "Z"
    return f"{shown:%Y-%m-%d %H:%M:%S}{zone}"


def _local_time(model: Model, moment: int) -> dt.datetime | None:
    """None for a moment that no calendar has."""
    try:
        return _EPOCH + dt.timedelta(seconds=moment + model.zone.utc_offset)
    except OverflowError:
        return None
