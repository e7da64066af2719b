"""Remote nodes in the status section: who they are, what is known of them, through whom they are reached. Pure.

A remote node has no number: its id in the CIB is its name. Whether it is there is the state of its connection
resource; its `node_state` holds its history and its attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from engine.base.errors import BadInput
from engine.base.events import StatusChange
from engine.base.safexml import parse_xml
from engine.controller.messages import RemoteState
from engine.controller.status import (
    find_state,
    node_state_parts,
    put_node_state,
    transient_attributes,
)


@dataclass(slots=True)
class RemoteHosts:
    """Through which member each remote node is reached, as the members told."""

    _hosts: dict[str, int] = field(default_factory=dict)

    def of(self, name: str) -> int | None:
        """The number of the member that is connected to a remote node."""
        return self._hosts.get(name)

    def take(self, member: int, message: RemoteState) -> bool:
        """Note what a member says; False for the farewell of one that another has taken over from."""
        if message.is_up:
            self._hosts[message.name] = member
            return True
        if self._hosts.get(message.name, member) != member:
            return False
        self._hosts.pop(message.name, None)
        return True


def remote_names(root: etree._Element) -> tuple[str, ...]:
    """The remote and guest nodes that the configuration makes, in its order."""
    found = []
    for primitive in root.iterfind("configuration/resources//primitive"):
        agent = tuple((primitive.get(name) or "").lower() for name in ("class", "provider", "type"))
        if agent == ("ocf", "pacemaker", "remote"):
            found.append(primitive.get("id", ""))
        for pair in primitive.iterfind("meta_attributes/nvpair"):
            if pair.get("name") == "remote-node" and pair.get("value"):
                found.append(pair.get("value", ""))
    return tuple(name for name in found if name)


def is_remote(state: etree._Element) -> bool:
    """Whether a `node_state` is that of a remote node."""
    return state.get("remote_node") in ("true", "1")


def remote_states(status: etree._Element | None) -> Iterator[etree._Element]:
    """The states of remote nodes."""
    for state in status.iterfind("node_state") if status is not None else ():
        if is_remote(state):
            yield state


def connected_state(
    status: etree._Element | None, message: RemoteState, wall: float
) -> StatusChange:
    """The state of a remote node as it tells it; attributes outlive a connection, but not the machine."""
    known = find_state(status, message.name)
    attributes: dict[str, str] = {}
    if known is not None and known.get("crm-debug-origin") == message.life:
        attributes = transient_attributes(known)
    state = remote_state(message.name, message.life, str(int(wall)), attributes)
    lrm = _lrm(message)
    if lrm is not None:
        old = state.find("lrm")
        if old is not None:
            state.replace(old, lrm)
    return put_node_state(state)


def parted_state(state: etree._Element) -> StatusChange:
    """The state of a remote node that is no longer connected: what it did stays known."""
    changed = etree.fromstring(etree.tostring(state))
    changed.set("in_ccm", "0")
    return put_node_state(changed)


def fenced_remote_state(name: str, wall: float) -> StatusChange:
    """The state of a remote node that was fenced: nothing runs there."""
    state = remote_state(name, "", "0", {})
    state.set("node_fenced", str(int(wall)))
    return put_node_state(state)


def remote_state(name: str, life: str, since: str, attributes: dict[str, str]) -> etree._Element:
    """A whole `node_state` of a remote node; `life` names the time since its machine started."""
    state = etree.Element("node_state", remote_node="true", id=name, uname=name, in_ccm=since)
    state.set("crm-debug-origin", life)
    state.set("node_fenced", "0")
    node_state_parts(state, attributes)
    return state


def _lrm(message: RemoteState) -> etree._Element | None:
    try:
        lrm = parse_xml(message.lrm, f"history of {message.name}")
    except BadInput:
        return None
    if lrm.tag != "lrm":
        return None
    lrm.set("id", message.name)
    return lrm
