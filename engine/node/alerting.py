"""What this node sees happen, for the alerts of the configuration: each node tells of what it saw itself (live L5.1 to L5.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from lxml import etree

from engine.alerts.configured import Receiver, receivers
from engine.alerts.happenings import (
    AttributeWritten,
    Happening,
    NodeFenced,
    NodeSeen,
    OperationEnded,
)
from engine.alerts.runs import Run, runs
from engine.base.events import StatusChange
from engine.base.exitcodes import OcfStatus
from engine.controller.status import transient_attributes
from engine.fencing.history import FenceEvent
from engine.lrm.api import LrmResult, OpStatus
from engine.scheduler.views.result_words import exit_text, status_text

# What agents' exit codes are called in alerts, and why an operation has none.
_EXIT_WORDS = {
    OcfStatus.OK: "ok",
    OcfStatus.UNKNOWN_ERROR: "error",
    OcfStatus.INVALID_PARAM: "invalid parameter",
    OcfStatus.UNIMPLEMENTED: "unimplemented feature",
    OcfStatus.INSUFFICIENT_PRIV: "insufficient permissions",
    OcfStatus.NOT_INSTALLED: "not installed",
    OcfStatus.NOT_CONFIGURED: "not configured",
    OcfStatus.NOT_RUNNING: "not running",
    OcfStatus.RUNNING_PROMOTED: "promoted",
    OcfStatus.FAILED_PROMOTED: "promoted (failed)",
    OcfStatus.DEGRADED: "degraded",
    OcfStatus.DEGRADED_PROMOTED: "promoted (degraded)",
}
_TIMED_OUT = "Timed Out"


class Alerting:
    """Turns what the parts of a node report into runs of alert scripts.

    `cib` is the `<cib>` as it is, `start` begins a run, `wall` is the time (epoch seconds).
    """

    def __init__(
        self,
        name: str,
        names: Mapping[int, str],
        cib: Callable[[], etree._Element],
        start: Callable[[Run], None],
        wall: Callable[[], float],
    ) -> None:
        self._name = name
        self._names = names
        self._cib = cib
        self._start = start
        self._wall = wall
        self._members: frozenset[int] = frozenset()  # of the last view; empty before the first one
        self._remotes: set[str] = set()  # remote nodes that this node is connected to
        self._sequence = 0  # of the last run on this node

    def view_installed(self, members: Iterable[int]) -> None:
        """Another view: who is new in it and who has gone."""
        now = frozenset(members)
        before, self._members = self._members, now
        for number in sorted(now ^ before):
            self._tell(NodeSeen(self._names.get(number, str(number)), str(number), number in now))

    def remote_seen(self, name: str, *, is_up: bool) -> None:
        """The connection of this node to a remote node is there, or is over."""
        if is_up == (name in self._remotes):
            return
        self._remotes.symmetric_difference_update((name,))
        self._tell(NodeSeen(name, "0", is_up))

    def fenced(self, event: FenceEvent) -> None:
        self._tell(
            NodeFenced(
                event.target, event.action, event.delegate, event.origin, event.ok, event.error
            )
        )

    def operation_ended(self, result: LrmResult, remote: str = "") -> None:
        """An operation ended here, or on a remote node that this one is connected to."""
        op = result.op
        is_probe = op.operation == "monitor" and op.interval_ms == 0
        is_expected = result.status == OpStatus.DONE and result.rc == op.expected_rc
        if result.status == OpStatus.PENDING or (is_probe and is_expected):
            return
        self._tell(
            OperationEnded(
                remote or self._name,
                op.resource,
                op.operation,
                op.interval_ms,
                result.rc,
                op.expected_rc,
                result.status,
                _words(result),
                result.exec_ms,
                op.timeout_ms,
            )
        )

    def status_changed(self, changes: Iterable[StatusChange]) -> None:
        """This node, as DC, writes attributes: each of their values is told, also those that stay."""
        found: dict[str, dict[str, str]] = {}
        for change in changes:
            written = _attribute_of(change, self._cib())
            if written is not None:
                node_id, name, value = written
                found.setdefault(name, {})[node_id] = value
        if found and self._receivers():
            self._tell_attributes(found)

    def _tell_attributes(self, found: Mapping[str, Mapping[str, str]]) -> None:
        present = {
            state.get("id", ""): (state.get("uname", ""), transient_attributes(state))
            for state in self._cib().iterfind("status/node_state")
        }
        for name, written in found.items():
            for node_id, (node, attributes) in present.items():
                if node_id in written or name in attributes:
                    value = written.get(node_id, attributes.get(name, ""))
                    self._tell(AttributeWritten(node, node_id, name, value))

    def _receivers(self) -> tuple[Receiver, ...]:
        return receivers(self._cib(), self._wall())

    def _tell(self, happening: Happening) -> None:
        for run in runs(happening, self._receivers(), self._wall(), None, self._sequence):
            self._sequence += 1
            self._start(run)


def _words(result: LrmResult) -> str:
    """A word for the exit code of a program that ended, else for why it did not."""
    if result.status == OpStatus.TIMED_OUT:
        return _TIMED_OUT
    if result.status != OpStatus.DONE:
        return status_text(result.status)
    known = {int(code): words for code, words in _EXIT_WORDS.items()}
    return known.get(result.rc) or exit_text(result.rc)


def _attribute_of(change: StatusChange, cib: etree._Element) -> tuple[str, str, str] | None:
    """Node, name and value of an attribute that a change of the status section writes."""
    if len(change.path) != 4 or change.path[1][0] != "transient_attributes":
        return None
    node_id, pair_id = change.path[0][1], change.path[3][1]
    if change.xml:
        pair = etree.fromstring(change.xml)
        return node_id, pair.get("name", ""), pair.get("value", "")
    for state in cib.iterfind("status/node_state"):
        if state.get("id") == node_id:
            for pair in state.iterfind("transient_attributes//nvpair"):
                if pair.get("id") == pair_id:
                    return node_id, pair.get("name", ""), ""
    return None
