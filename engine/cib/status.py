"""Small changes of the status section: one element put or removed by its path."""

from __future__ import annotations

from lxml import etree

from engine.base.errors import BadInput
from engine.base.events import StatusChange
from engine.base.safexml import parse_xml


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
