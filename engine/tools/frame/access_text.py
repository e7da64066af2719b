"""A CIB with the rights of a user shown in it (`cibadmin --show-access`): in colour, text or namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from engine.cib.access import DENY, READ, WRITE, Access

SHAPES = ("auto", "color", "text", "namespace")
_COLOURS = {WRITE: "\x1b[32m", READ: "\x1b[34m", DENY: "\x1b[31m"}
_PLAIN = "\x1b[0m"
_MARKS = {WRITE: "WRITABLE", READ: "READABLE", DENY: "~DENIED~"}
_NAMES = {WRITE: "writable", READ: "readable", DENY: "denied"}
_SPACE = "http://clusterlabs.org/ns/pacemaker/access/"


def shown(access: Access, user: str, shape: str) -> str:
    """The text of the whole CIB in one of the shapes."""
    lines = _namespace_lines(access) if shape == "namespace" else _lines(access, shape)
    return "\n".join([f"<!-- ACLs as evaluated for user {user} -->", *lines]) + "\n"


def _lines(access: Access, shape: str) -> Iterator[str]:
    yield from _element_lines(access, access.root, "", "", shape)


def _element_lines(
    access: Access, element: etree._Element, above: str, indent: str, shape: str
) -> Iterator[str]:
    if not isinstance(element.tag, str):
        yield f"{indent}<!--{element.text}-->"
        return
    kind = access.kind_at(element)
    colour, end = (_COLOURS[kind], _PLAIN) if shape == "color" else ("", "")
    if shape == "text" and kind != above:
        if above:
            yield indent
        yield f"{indent}vvv---[ {_MARKS[kind]} ]---vvv"
    values = "".join(f" {name}={quoteattr(str(v))}" for name, v in element.attrib.items())
    head = f"{indent}{colour}<{element.tag}{values}"
    text = escape(element.text) if element.text and element.text.strip() else ""
    if not len(element) and not text:
        yield f"{head}/>{end}"
        return
    yield f"{head}>{text}"
    for child in element:
        yield from _element_lines(access, child, kind, f"{indent}  ", shape)
    yield f"{indent}{colour}</{element.tag}>{end}"


def _namespace_lines(access: Access) -> Iterator[str]:
    names = {f"pcmk-access-{name}": _SPACE + name for name in _NAMES.values()}
    made = _spaced(access, access.root, "", names)
    yield etree.tostring(made, pretty_print=True, encoding="unicode").rstrip("\n")


def _spaced(
    access: Access, element: etree._Element, above: str, names: dict[str, str] | None
) -> etree._Element:
    if not isinstance(element.tag, str):
        return etree.Comment(element.text or "")
    kind = access.kind_at(element)
    tag = element.tag if kind == above else f"{{{_SPACE}{_NAMES[kind]}}}{element.tag}"
    copy = etree.Element(tag, dict(element.attrib.items()), nsmap=names)
    copy.text = element.text
    copy.extend([_spaced(access, child, kind, None) for child in element])
    return copy
