"""The status section that a new DC builds from what the members say about themselves.

Each node is authoritative for what runs on it; a node that is away keeps what is known of it
(engine 8.2). Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from copy import deepcopy

from lxml import etree

from engine.base.errors import BadInput
from engine.base.safexml import parse_xml
from engine.cib.document import Cib
from engine.cib.edits import set_property
from engine.cib.patch import Patch, diff
from engine.controller.locks import add_locks
from engine.controller.messages import JoinState
from engine.controller.status import (
    DOWN,
    MEMBER,
    SILENT,
    find_state,
    lost_state,
    node_state,
)
from engine.lrm.api import OpStatus

Locks = dict[str, etree._Element]


def build_status(
    old: etree._Element | None,
    names: Mapping[int, str],
    members: Iterable[int],
    joined: Container[int],
    fresh: Mapping[int, JoinState],
    locks_of: Callable[[etree._Element | None], Locks],
) -> etree._Element:
    """The whole `<status>`: members as they report, the silent as to be fenced, the absent as known.

    What the nodes in `joined` told is in `old` already, with the results that came since; the words
    of those in `fresh` are not there yet. `locks_of` tells the shutdown locks of a known state.
    """
    status = etree.Element("status")
    present = set(members)
    for node_id in sorted(names):
        name = names[node_id]
        known = find_state(old, str(node_id))
        if node_id in fresh:
            status.append(add_locks(joined_state(node_id, name, fresh[node_id]), locks_of(known)))
        elif node_id in joined and known is not None:
            status.append(deepcopy(known))
        elif node_id in present and known is not None:
            status.append(lost_state(known, SILENT))
        elif node_id in present:
            status.append(node_state(str(node_id), name, SILENT))
        elif known is not None:
            status.append(absent_state(known, locks_of(known)))
    for child in old if old is not None else ():
        if child.tag != "node_state" or child.get("remote_node") in ("true", "1"):
            status.append(deepcopy(child))
    return status


def joined_state(node_id: int, name: str, message: JoinState) -> etree._Element:
    """The node state of a member that told its own."""
    attributes = {str(k): str(v) for k, v in message.attributes.items()}
    return node_state(str(node_id), name, MEMBER, _lrm(node_id, message), attributes)


def unseen_operations(message: JoinState) -> set[str]:
    """The operations that run on a member and that its history does not show as begun.

    What the history shows concerns its own resource only: the scheduler takes it as under way.
    """
    unseen = set(message.in_flight)
    lrm = _lrm(0, message) if unseen else None
    for entry in lrm.iter("lrm_rsc_op") if lrm is not None else ():
        if entry.get("op-status") == str(int(OpStatus.PENDING)):
            unseen.discard(entry.get("operation_key", ""))
    return unseen


def absent_state(known: etree._Element, locks: Locks) -> etree._Element:
    """The state of a node that is no member: down if it left cleanly or was fenced, else lost."""
    if known.get("expected") == "down":
        return add_locks(node_state(known.get("id", ""), known.get("uname", ""), DOWN), locks)
    return lost_state(known)


def missing_nodes(cib: Cib, names: Mapping[int, str], cluster: str) -> Patch:
    """The change that brings every node and the cluster's name into the configuration.

    Costs what these two sections cost, however large the rest is.
    """
    old = _excerpt(cib, ("nodes", "crm_config"))
    changed = old.copy()
    section = changed.section("nodes")
    known = {node.get("id") for node in section} | {node.get("uname") for node in section}
    for node_id, name in sorted(names.items()):
        if str(node_id) not in known and name not in known:
            etree.SubElement(section, "node", id=str(node_id), uname=name)
    options = changed.section("crm_config")
    if not any(pair.get("name") == "cluster-name" for pair in options.iter("nvpair")):
        set_property(changed, "cluster-name", cluster)
    return diff(old.root, changed.root)


def _excerpt(cib: Cib, sections: tuple[str, ...]) -> Cib:
    root = etree.Element("cib", dict(cib.root.attrib))
    configuration = etree.SubElement(root, "configuration", dict(cib.configuration.attrib))
    configuration.extend(deepcopy(cib.section(name)) for name in sections)
    return Cib(root)


def _lrm(node_id: int, message: JoinState) -> etree._Element | None:
    try:
        lrm = parse_xml(message.lrm, f"history of {message.name}")
    except BadInput:
        return None
    if lrm.tag != "lrm":
        return None
    lrm.set("id", str(node_id))
    return lrm
