"""Editing the status section of a CIB quickly: node states, history entries, attributes, tickets.

The tree belongs to the caller; this class keeps an index into it, so that playing thousands of
actions never searches it (C20.3, C20.4).
"""

from __future__ import annotations

from lxml import etree

from engine.base.values import int_from_text
from engine.cib.document import Cib

_UP = {"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"}
_DOWN = {"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "down"}
_LOST = {**_UP, "in_ccm": "false"}


class StatusTree:
    """An index of `<status>`; every method edits the tree at once."""

    def __init__(self, cib: Cib) -> None:
        root = cib.root
        found = root.find("status")
        self._status = etree.SubElement(root, "status") if found is None else found
        self._by_name: dict[str, etree._Element] = {}
        self._by_id: dict[str, etree._Element] = {}
        for state in self._status.iterfind("node_state"):
            self._remember(state)
        self._resources: dict[etree._Element, dict[str, etree._Element]] = {}
        self._entries: dict[etree._Element, dict[str, etree._Element]] = {}
        self._last_calls: dict[etree._Element, int] = {}

    def _remember(self, state: etree._Element) -> None:
        name, state_id = state.get("uname"), state.get("id")
        if name:
            self._by_name.setdefault(name.lower(), state)
        if state_id:
            self._by_id.setdefault(state_id.lower(), state)

    # Nodes.

    def node_state(self, name: str, node_id: str) -> etree._Element:
        """The state of a node, found by name, else by id, else made."""
        state = self._by_name.get(name.lower())
        if state is None:
            state = self._by_id.get(node_id.lower())
            if state is None:
                state = etree.SubElement(self._status, "node_state", id=node_id)
            state.set("uname", name)
            self._remember(state)
        return state

    def take_up(self, state: etree._Element) -> None:
        """The node is a member and its daemons run."""
        _set(state, _UP)

    def take_down(self, state: etree._Element) -> None:
        """The node is off: with its membership go its history and transient attributes."""
        _set(state, _DOWN)
        for tag in ("lrm", "transient_attributes"):
            for child in state.findall(tag):
                state.remove(child)
        self._resources.pop(state, None)

    def lose(self, state: etree._Element) -> None:
        """The node is expected up, but no longer a member."""
        _set(state, _LOST)

    def set_transient(self, state: etree._Element, name: str, value: str) -> None:
        """Set a transient node attribute."""
        self._transient(state, name).set("value", value)

    def add_to_transient(self, state: etree._Element, name: str, more: int) -> str:
        """Add a number to a transient node attribute; the new value. INFINITY stays what it is."""
        pair = self._transient(state, name)
        old = pair.get("value")
        if old in {"INFINITY", "+INFINITY"}:
            return "INFINITY"
        value = str((int_from_text(old) or 0) + more)
        pair.set("value", value)
        return value

    def _transient(self, state: etree._Element, name: str) -> etree._Element:
        parent = state.find("transient_attributes")
        state_id = state.get("id", "")
        if parent is None:
            parent = etree.SubElement(state, "transient_attributes", id=state_id)
        block = parent.find("instance_attributes")
        if block is None:
            block = etree.SubElement(parent, "instance_attributes", id=f"status-{state_id}")
        for pair in block.iterfind("nvpair"):
            if pair.get("name") == name:
                return pair
        pair_id = f"status-{state_id}-{_id_text(name)}"
        return etree.SubElement(block, "nvpair", id=pair_id, name=name)

    # History.

    def history(
        self, state: etree._Element, names: tuple[str, ...], agent: dict[str, str]
    ) -> etree._Element:
        """The `lrm_resource` of the first known name; made under the last name if none is."""
        known = self._resources.get(state)
        if known is None:
            known = self._resources[state] = {
                found.get("id", ""): found
                for found in state.iterfind("lrm/lrm_resources/lrm_resource")
            }
        for name in names:
            found = known.get(name)
            if found is not None:
                return found
        lrm = state.find("lrm")
        if lrm is None:
            lrm = etree.SubElement(state, "lrm", id=state.get("id", ""))
        resources = lrm.find("lrm_resources")
        if resources is None:
            resources = etree.SubElement(lrm, "lrm_resources")
        made = etree.SubElement(resources, "lrm_resource", id=names[-1])
        _set(made, agent)
        known[names[-1]] = made
        return made

    def next_call(self, resource: etree._Element) -> int:
        """A call id above all that the history of the resource holds."""
        last = self._last_calls.get(resource)
        if last is None:
            calls = [int_from_text(op.get("call-id")) or 0 for op in resource]
            last = max(calls, default=0)
        self._last_calls[resource] = last + 1
        return last + 1

    def record(self, resource: etree._Element, entry_id: str, values: dict[str, str]) -> None:
        """Write a history entry; an older one with the same id keeps what the new one does not say."""
        entries = self._entries.get(resource)
        if entries is None:
            entries = self._entries[resource] = {op.get("id", ""): op for op in resource}
        entry = entries.get(entry_id)
        if entry is None:
            entry = entries[entry_id] = etree.SubElement(resource, "lrm_rsc_op", id=entry_id)
        _set(entry, values)

    # Tickets.

    def set_ticket(self, ticket_id: str, name: str, value: str) -> None:
        """Set an attribute of a ticket's state (`granted`, `standby`)."""
        tickets = self._status.find("tickets")
        if tickets is None:
            tickets = etree.SubElement(self._status, "tickets")
        for state in tickets.iterfind("ticket_state"):
            if state.get("id") == ticket_id:
                state.set(name, value)
                return
        made = etree.SubElement(tickets, "ticket_state", id=ticket_id)
        made.set(name, value)


def _set(element: etree._Element, values: dict[str, str]) -> None:
    for name, value in values.items():
        element.set(name, value)


def _id_text(name: str) -> str:
    """The name with everything replaced that no XML id may hold."""
    return "".join(c if c.isalnum() or c in "-_." else "." for c in name)
