"""Operation history: `lrm_rsc_op` entries as plain records, and their order in time (section 19).

A record is read once from the XML; everything later works on the record. It holds nothing of the tree,
in which an entry takes three times the memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from sys import intern
from typing import Final, TypeAlias

from lxml import etree

from engine.base.carried_over import Kept
from engine.base.safexml import parse_xml
from engine.base.values import int_from_text

PENDING: Final = -1
DONE: Final = 0
CANCELLED: Final = 1
TIMED_OUT: Final = 2
UNSUPPORTED: Final = 3
ERROR: Final = 4
ERROR_HARD: Final = 5
ERROR_FATAL: Final = 6
NOT_INSTALLED: Final = 7
NOT_CONNECTED: Final = 8
INVALID: Final = 9
NO_FENCE_DEVICE: Final = 10
NO_SECRETS: Final = 11

NOT_RUNNING_RC: Final = 7

_UNREADABLE: Final = -99

# Attribute of an `lrm` element whose content was cut out: the number of its text.
CUT: Final = "cut"


@dataclass(slots=True, eq=False)
class OpRecord:
    """One `lrm_rsc_op`. Times are epoch seconds; -1 stands for "missing or unreadable".

    `key` is `operation_key`, or `id` where that is empty; `status` and `rc` of an entry that lacks
    them are None. `expected_rc`, `transition` and `uuid` come from `transition-key` (19.2).
    """

    id: str
    key: str
    task: str
    interval_ms: int
    call_id: int
    status: int | None
    rc: int | None
    transition: int
    expected_rc: int
    uuid: str
    last_change: int
    attributes: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """Any further attribute of the entry."""
        return self.attributes.get(name)

    @property
    def exit_reason(self) -> str:
        return self.attributes.get("exit-reason", "")

    @property
    def on_node(self) -> str:
        return self.attributes.get("on_node", "")

    @property
    def feature_set(self) -> str:
        return self.attributes.get("crm_feature_set", "")

    @property
    def is_probe(self) -> bool:
        return self.interval_ms == 0 and self.task == "monitor"


@dataclass(slots=True, eq=False)
class ResourceHistory:
    """One `lrm_resource` of a node: `ops` sorted oldest first (19.4), window by 19.5 (-1 = none).

    `only_absent`: a single probe, which found that the resource does not run there.
    """

    id: str
    attributes: Mapping[str, str]
    ops: list[OpRecord]
    start_index: int = -1
    stop_index: int = -1
    only_absent: bool = False
    in_container: bool = False  # the entry says that the resource ran inside another one


def _number(text: str | None, default: int) -> int:
    """The integer, `default` if missing or unreadable; plain digits take the short way."""
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        value = int_from_text(text)
        return default if value is None else value


def _attributes(element: etree._Element) -> dict[str, str]:
    """All attributes; their names are few and are kept once."""
    return {intern(str(name)): str(value) for name, value in element.attrib.items()}


def read_record(element: etree._Element) -> OpRecord:
    """The record of one `lrm_rsc_op`."""
    attributes = _attributes(element)
    get = attributes.get
    status: int | None = _number(get("op-status"), _UNREADABLE)
    rc: int | None = _number(get("rc-code"), _UNREADABLE)
    transition, expected, uuid = split_transition_key(get("transition-key"))
    entry_id = get("id", "")
    return OpRecord(
        entry_id,
        get("operation_key") or entry_id,
        get("operation", ""),
        _number(get("interval"), 0),
        _number(get("call-id"), -1),
        None if status == _UNREADABLE else status,
        None if rc == _UNREADABLE else rc,
        transition,
        expected,
        uuid,
        _number(get("last-rc-change"), -1),
        attributes,
    )


def split_transition_key(text: str | None) -> tuple[int, int, str]:
    """Transition number, expected exit code and UUID of `ACTION:TRANSITION:RC:UUID` (19.2)."""
    parts = text.split(":", 3) if text else ()
    if len(parts) != 4:
        return -1, -1, ""
    try:
        return int(parts[1]), int(parts[2]), parts[3]
    except ValueError:
        return -1, -1, ""


def read_history(element: etree._Element) -> ResourceHistory:
    """Records of an `lrm_resource` in order of time, and the active window."""
    ops = [read_record(child) for child in element if child.tag == "lrm_rsc_op"]
    attributes = _attributes(element)
    history = ResourceHistory(attributes.get("id", ""), attributes, sort_records(ops))
    history.start_index, history.stop_index = active_window(history.ops)
    history.in_container = "container" in attributes
    history.only_absent = len(ops) == 1 and _says_absent(ops[0])
    return history


def _says_absent(op: OpRecord) -> bool:
    is_answer = op.is_probe and op.status == DONE and op.rc == NOT_RUNNING_RC
    return is_answer and bool(op.id) and not op.id.endswith("_last_failure_0")


# The histories in an `lrm` element, by its text.
KeptHistories: TypeAlias = Kept[bytes, tuple[ResourceHistory, ...]]


class HistoryStore:
    """All histories of a status section, read when first asked for.

    Nodes are named by the `uname` of their state, exactly as written there. `kept` holds histories
    of earlier runs; those of a node whose text is the same are taken from there. `texts` are those of
    the `lrm` elements that were cut out of the CIB's text before it was parsed (see `engine.cib.cut`).
    """

    __slots__ = ("_by_id", "_kept", "_of_state", "_states", "_texts")

    def __init__(
        self, kept: KeptHistories | None = None, texts: tuple[bytes, ...] | None = None
    ) -> None:
        self._texts = texts
        self._states: dict[str, list[etree._Element]] = {}
        self._by_id: dict[str, dict[str, list[ResourceHistory]]] = {}
        self._kept = kept
        self._of_state: dict[etree._Element, list[ResourceHistory]] = {}

    def add_state(self, state: etree._Element) -> None:
        """Make a `node_state` known."""
        name = state.get("uname")
        if name is not None:
            self._states.setdefault(name, []).append(state)

    @property
    def node_names(self) -> list[str]:
        """The nodes that have a state, in document order."""
        return list(self._states)

    def of_state(self, state: etree._Element) -> list[ResourceHistory]:
        """The histories of a `node_state`, in document order; read once."""
        known = self._of_state.get(state)
        if known is None:
            lrms = [child for child in state if child.tag == "lrm"]
            known = [history for lrm in lrms for history in self._histories(lrm)]
            self._of_state[state] = known
        return known

    def _histories(self, lrm: etree._Element) -> tuple[ResourceHistory, ...]:
        """The histories in an `lrm` element; what is kept is a copy, so that it holds no whole CIB."""
        if self._kept is None and self._texts is None:
            return tuple(read_history(element) for element in _resource_elements([lrm]))
        if self._texts is not None and (number := lrm.get(CUT)) is not None:
            text = self._texts[int(number)]
        else:
            text = etree.tostring(lrm, with_tail=False)
        known = self._kept.find(text) if self._kept is not None else None
        if known is None:
            own = parse_xml(text, "history")
            known = tuple(read_history(element) for element in _resource_elements([own]))
            if self._kept is not None:
                self._kept.keep(text, known)
        return known

    def entries(self, node_name: str) -> list[ResourceHistory]:
        """Histories of the node, in document order; none if it has several states (0.4)."""
        states = self._states.get(node_name, ())
        if len(states) != 1:
            return []
        return self.of_state(states[0])

    def find(self, node_name: str, resource_id: str) -> ResourceHistory | None:
        """The one history of that resource on that node, else None."""
        index = self._by_id.get(node_name)
        if index is None:
            index = {}
            for state in self._states.get(node_name, ()):
                for history in self.of_state(state):
                    index.setdefault(history.id, []).append(history)
            self._by_id[node_name] = index
        found = index.get(resource_id, ())
        return found[0] if len(found) == 1 else None


def _resource_elements(lrms: list[etree._Element]) -> list[etree._Element]:
    return [
        resource
        for lrm in lrms
        for resources in lrm
        if resources.tag == "lrm_resources"
        for resource in resources
        if resource.tag == "lrm_resource"
    ]


# -- order in time -----------------------------------------------------------------------------


def sort_records(ops: list[OpRecord]) -> list[OpRecord]:
    """Oldest first (19.4). `ops` are in document order."""
    count = len(ops)
    if count < 2:
        return ops
    ops = ops[::-1]
    calls = [op.call_id for op in ops]
    distinct = len(set(calls)) == count and len({op.id for op in ops}) == count
    if distinct and min(calls) >= 0 and _same_node(ops):
        ops.sort(key=_call_id)
        return ops
    return _merge_sort(ops)


def _call_id(op: OpRecord) -> int:
    return op.call_id


def _same_node(ops: list[OpRecord]) -> bool:
    first = ops[0].on_node.lower()
    return all(op.on_node.lower() == first for op in ops)


def _merge_sort(ops: list[OpRecord]) -> list[OpRecord]:
    """Top-down merge sort: the comparison is no total order, so the way of sorting shows (19.4)."""
    count = len(ops)
    if count < 2:
        return ops
    middle = (count + 1) // 2
    left, right = _merge_sort(ops[:middle]), _merge_sort(ops[middle:])
    merged: list[OpRecord] = []
    i = j = 0
    while i < len(left) and j < len(right):
        if compare_records(left[i], right[j]) <= 0:
            merged.append(left[i])
            i += 1
        else:
            merged.append(right[j])
            j += 1
    return merged + left[i:] + right[j:]


def compare_records(a: OpRecord, b: OpRecord) -> int:
    """Negative if `b` is newer, positive if `a` is, 0 if nobody can tell (19.3)."""
    same_node = a.on_node.lower() == b.on_node.lower()
    if same_node and a.id == b.id:
        return 0
    if a.call_id == -1 and b.call_id == -1:
        return 0
    if same_node and a.call_id >= 0 and b.call_id >= 0 and a.call_id != b.call_id:
        return -1 if a.call_id < b.call_id else 1
    if a.call_id >= 0 and b.call_id >= 0:
        if a.last_change >= 0 and a.last_change < b.last_change:
            return -1
        if b.last_change >= 0 and a.last_change > b.last_change:
            return 1
        return 0
    return _compare_pending(a, b)


def _compare_pending(a: OpRecord, b: OpRecord) -> int:
    """One of the two is pending: the transitions in their magic strings decide."""
    magic_a, magic_b = _magic(a), _magic(b)
    if magic_a is None or magic_b is None:
        return 0
    transition_a, uuid_a = magic_a
    transition_b, uuid_b = magic_b
    if uuid_a != uuid_b or transition_a == transition_b:
        return -1 if b.call_id == -1 else 1
    if transition_a == -1:
        return 1
    if transition_b == -1:
        return -1
    return -1 if transition_a < transition_b else 1


def _magic(op: OpRecord) -> tuple[int, str] | None:
    """Transition number and UUID of `transition-magic`, None if missing or unreadable."""
    text = op.get("transition-magic")
    if not text:
        return None
    head, separator, key = text.partition(";")
    if not separator or ":" not in head:
        return None
    transition, _expected, uuid = split_transition_key(key)
    return (transition, uuid) if uuid else None


def is_newer(a: OpRecord, b: OpRecord) -> bool:
    """Whether `a` happened after `b`."""
    return compare_records(a, b) > 0


def active_window(ops: list[OpRecord]) -> tuple[int, int]:
    """Start and stop index of the sorted records (19.5)."""
    start, stop = -1, -1
    implied_monitor, implied_clone = -1, -1
    for place, op in enumerate(ops):
        task = op.task
        if task == "stop":
            if op.status == DONE:
                stop = place
        elif task in {"start", "migrate_from"}:
            start = place
        elif task == "monitor":
            if implied_monitor <= stop and op.rc in {0, 8}:
                implied_monitor = place
        elif task in {"promote", "demote"}:
            implied_clone = place
    if start == -1:
        start = implied_clone if implied_clone != -1 else implied_monitor
    return start, stop
