"""Tickets in the status of a CIB: what they hold, and their changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

from engine.base.values import is_true


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket and its attributes; one that only a constraint names has none."""

    name: str
    values: Mapping[str, str]

    @property
    def is_granted(self) -> bool:
        return is_true(self.values.get("granted"))

    @property
    def is_standby(self) -> bool:
        return is_true(self.values.get("standby"))


def tickets_of(root: etree._Element) -> list[Ticket]:
    """All tickets: those with a state, then those that constraints name."""
    found: dict[str, Ticket] = {}
    for state in root.iterfind("status/tickets/ticket_state"):
        values = {str(name): str(value) for name, value in state.attrib.items() if name != "id"}
        name = state.get("id") or ""
        found[name] = Ticket(name, values)
    for constraint in root.iterfind("configuration/constraints/rsc_ticket"):
        name = constraint.get("ticket") or ""
        found.setdefault(name, Ticket(name, {}))
    return list(found.values())


def change_ticket(
    root: etree._Element, name: str, new: Mapping[str, str], gone: Iterable[str], wall: float
) -> None:
    """Set and delete attributes of a ticket; one that is newly granted gets the time (`wall`).

    A ticket without a state gets one only for an attribute that is set.
    """
    state = _state(root, name)
    if state is None:
        if not new:
            return
        state = etree.SubElement(_tickets(root), "ticket_state", {"id": name})
    was_granted = is_true(state.get("granted"))
    for key, value in new.items():
        state.set(key, value)
    if is_true(new.get("granted")) and not was_granted:
        state.set("last-granted", str(int(wall)))
    for key in gone:
        state.attrib.pop(key, None)


def forget_ticket(root: etree._Element, name: str) -> None:
    """Delete the state of a ticket."""
    state = _state(root, name)
    parent = None if state is None else state.getparent()
    if state is not None and parent is not None:
        parent.remove(state)


def _state(root: etree._Element, name: str) -> etree._Element | None:
    states = root.iterfind("status/tickets/ticket_state")
    return next((each for each in states if each.get("id") == name), None)


def _tickets(root: etree._Element) -> etree._Element:
    status = root.find("status")
    if status is None:
        status = etree.SubElement(root, "status")
    found = status.find("tickets")
    return etree.SubElement(status, "tickets") if found is None else found
