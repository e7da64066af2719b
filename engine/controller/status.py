"""Changes of the status section, made from what the DC learns; and what it reads back from there.

Pure: elements in, `StatusChange` values out. Every `node_state` has its `transient_attributes` and
`lrm` from the start, so that later changes find their parents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass

from lxml import etree

from engine.base.events import StatusChange, View
from engine.cib.document import Cib
from engine.lrm.state import OpEntry, ResourceRecords, element_from_entry


@dataclass(frozen=True, slots=True)
class Presence:
    """The membership half of a `node_state` (8.2)."""

    in_ccm: str
    crmd: str
    join: str
    expected: str


MEMBER = Presence("true", "online", "member", "member")
# A member whose agent does not answer: what it runs is unknown until it was fenced.
SILENT = Presence("true", "offline", "down", "member")
LOST = Presence("false", "offline", "down", "member")
DOWN = Presence("false", "offline", "down", "down")


def node_state(
    node_id: str,
    name: str,
    presence: Presence,
    lrm: etree._Element | None = None,
    attributes: Mapping[str, str] | None = None,
) -> etree._Element:
    """A whole `node_state`."""
    state = etree.Element("node_state", id=node_id, uname=name)
    _set_presence(state, presence)
    node_state_parts(state, attributes or {}, lrm)
    return state


def node_state_parts(
    state: etree._Element, attributes: Mapping[str, str], lrm: etree._Element | None = None
) -> None:
    """Give a `node_state` its transient attributes and its history."""
    node_id = state.get("id", "")
    transient = etree.SubElement(state, "transient_attributes", id=node_id)
    values = etree.SubElement(transient, "instance_attributes", id=f"status-{node_id}")
    for key, value in sorted(attributes.items()):
        values.append(_nvpair(node_id, key, value))
    if lrm is not None:
        state.append(lrm)
    else:
        etree.SubElement(etree.SubElement(state, "lrm", id=node_id), "lrm_resources")


def put_node_state(state: etree._Element) -> StatusChange:
    """The change that puts a whole `node_state`."""
    return StatusChange((("node_state", state.get("id", "")),), etree.tostring(state))


def leaving_state(state: etree._Element) -> StatusChange:
    """The state of a member that was allowed to leave: when it goes, that is no failure."""
    changed = deepcopy(state)
    changed.set("expected", "down")
    return put_node_state(changed)


def lost_state(state: etree._Element, presence: Presence = LOST) -> etree._Element:
    """The state of a node that went away without leaving: its history stays, its attributes do not."""
    changed = deepcopy(state)
    _set_presence(changed, presence)
    for values in changed.iterfind("transient_attributes/instance_attributes"):
        del values[:]
    return changed


def fenced_state(state: etree._Element, action: str) -> StatusChange | None:
    """The state of a node that was fenced: nothing runs there. None when `on` was the action."""
    if action == "on":
        return None
    name, node_id = state.get("uname", ""), state.get("id", "")
    return put_node_state(node_state(node_id, name, DOWN))


def entry_changes(
    state: etree._Element, records: ResourceRecords, entries: Iterable[OpEntry], lock: str = ""
) -> tuple[StatusChange, ...]:
    """Put history entries of one resource; with the whole resource where it or its `lock` is new."""
    node_id = state.get("id", "")
    path = _resource_path(node_id, records.id)
    known = _resource(state, records.id)
    same_agent = known is not None and (
        known.get("class", ""),
        known.get("provider", ""),
        known.get("type", ""),
    ) == (records.standard, records.provider, records.type)
    if not same_agent:
        whole = ResourceRecords(
            records.id, records.standard, records.provider, records.type, tuple(entries)
        )
        element = whole.element()
        if lock:
            element.set("shutdown-lock", lock)
        return (StatusChange(path, etree.tostring(element)),)
    if lock and known is not None and known.get("shutdown-lock", "0") != lock:
        return (StatusChange(path, etree.tostring(_with_lock(known, entries, lock))),)
    return tuple(
        StatusChange((*path, ("lrm_rsc_op", entry.id)), etree.tostring(element_from_entry(entry)))
        for entry in entries
    )


def _with_lock(known: etree._Element, entries: Iterable[OpEntry], lock: str) -> etree._Element:
    whole = deepcopy(known)
    whole.set("shutdown-lock", lock)
    for entry in entries:
        for old in whole.findall("lrm_rsc_op"):
            if old.get("id") == entry.id:
                whole.remove(old)
        whole.append(element_from_entry(entry))
    return whole


def forget_resource(state: etree._Element, resource: str) -> tuple[StatusChange, ...]:
    """Remove the history of a resource on a node."""
    if _resource(state, resource) is None:
        return ()
    return (StatusChange(_resource_path(state.get("id", ""), resource)),)


def forget_entry(state: etree._Element, resource: str, entry: str) -> tuple[StatusChange, ...]:
    """Remove one entry of a resource's history on a node."""
    found = _resource(state, resource)
    if found is None or not any(op.get("id") == entry for op in found):
        return ()
    path = _resource_path(state.get("id", ""), resource)
    return (StatusChange((*path, ("lrm_rsc_op", entry))),)


def attribute_change(node_id: str, name: str, value: str | None) -> StatusChange:
    """Put or (None) remove a transient attribute."""
    pair = _nvpair(node_id, name, value or "")
    path = (
        ("node_state", node_id),
        ("transient_attributes", node_id),
        ("instance_attributes", f"status-{node_id}"),
        ("nvpair", pair.get("id", "")),
    )
    return StatusChange(path, etree.tostring(pair) if value is not None else b"")


def cib_bytes(cib: Cib, view: View | None, *, with_status: bool = True) -> bytes:
    """The CIB as others read it, with quorum and DC of this view; the tree itself is not copied."""
    head = etree.Element("cib", dict(cib.root.attrib))
    head.set("have-quorum", "1" if view is not None and view.quorate else "0")
    if view is not None:
        head.set("dc-uuid", str(view.dc))
    parts = [etree.tostring(head).removesuffix(b"/>"), b">"]
    for child in cib.root:
        if with_status or child.tag != "status":
            parts.append(etree.tostring(child, encoding="utf-8", with_tail=False))
    if not with_status:
        parts.append(b"<status/>")
    return b"".join([*parts, b"</cib>\n"])


def find_state(status: etree._Element | None, node_id: str) -> etree._Element | None:
    """The `node_state` with this id."""
    if status is None:
        return None
    return next((s for s in status.iterfind("node_state") if s.get("id") == node_id), None)


def find_state_by_name(status: etree._Element | None, name: str) -> etree._Element | None:
    """The `node_state` of the node with this name."""
    if status is None:
        return None
    return next((s for s in status.iterfind("node_state") if s.get("uname") == name), None)


def transient_attributes(state: etree._Element | None) -> dict[str, str]:
    """The transient attributes in a node state."""
    if state is None:
        return {}
    pairs = state.iterfind("transient_attributes/instance_attributes/nvpair")
    return {pair.get("name", ""): pair.get("value", "") for pair in pairs}


def resources_in(state: etree._Element) -> tuple[etree._Element, ...]:
    """The `lrm_resource` elements of a node state."""
    return tuple(state.iterfind("lrm/lrm_resources/lrm_resource"))


def _resource(state: etree._Element, resource: str) -> etree._Element | None:
    return next((r for r in resources_in(state) if r.get("id") == resource), None)


def _resource_path(node_id: str, resource: str) -> tuple[tuple[str, str], ...]:
    return (
        ("node_state", node_id),
        ("lrm", node_id),
        ("lrm_resources", ""),
        ("lrm_resource", resource),
    )


def _nvpair(node_id: str, name: str, value: str) -> etree._Element:
    identity = f"status-{node_id}-{name}".replace("#", ".").replace(":", "-")
    return etree.Element("nvpair", id=identity, name=name, value=value)


def _set_presence(state: etree._Element, presence: Presence) -> None:
    state.set("in_ccm", presence.in_ccm)
    state.set("crmd", presence.crmd)
    state.set("crm-debug-origin", "crm-agent")
    state.set("join", presence.join)
    state.set("expected", presence.expected)
