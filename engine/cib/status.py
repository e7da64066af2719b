"""Small changes of the status section: one element put or removed by its path; and the tickets in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

from engine.base.errors import BadInput
from engine.base.events import StatusChange
from engine.base.safexml import parse_xml
from engine.base.values import is_true


def change_status(root: etree._Element, change: StatusChange) -> None:
    """Carry out one change on a `<cib>`; missing parents are made, removing what is not there is nothing."""
    status = root.find("status")
    if status is None:
        status = etree.SubElement(root, "status")
    if not change.path:
        if change.xml:
            root.replace(status, _parsed(change.xml))
        return
    parent = status
    for tag, ident in change.path[:-1]:
        child = _child(parent, tag, ident)
        if child is None:
            if not change.xml:
                return
            child = etree.SubElement(parent, tag)
            if ident:
                child.set("id", ident)
        parent = child
    tag, ident = change.path[-1]
    old = _child(parent, tag, ident)
    if not change.xml:
        if old is not None:
            parent.remove(old)
    elif old is None:
        parent.append(_parsed(change.xml))
    else:
        parent.replace(old, _parsed(change.xml))


def _child(parent: etree._Element, tag: str, ident: str) -> etree._Element | None:
    for child in parent.iterchildren(tag):
        if not ident or child.get("id") == ident:
            return child
    return None


def _parsed(xml: bytes) -> etree._Element:
    if not xml:
        raise BadInput("status: empty element")
    return parse_xml(xml, "status")


# -- tickets ------------------------------------------------------------------------------------------


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
    state = ticket_state(root, name)
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
    state = ticket_state(root, name)
    parent = None if state is None else state.getparent()
    if state is not None and parent is not None:
        parent.remove(state)


def ticket_state(root: etree._Element, name: str) -> etree._Element | None:
    """The state of a ticket, None where it has none."""
    states = root.iterfind("status/tickets/ticket_state")
    return next((each for each in states if each.get("id") == name), None)


def _tickets(root: etree._Element) -> etree._Element:
    status = root.find("status")
    if status is None:
        status = etree.SubElement(root, "status")
    found = status.find("tickets")
    return etree.SubElement(status, "tickets") if found is None else found
