"""The one place that builds XML parsers for input from outside.

No entities, no DTD, no network, no processing instructions; limits are checked on the bytes before
libxml2 sees them, because some versions of it need quadratic time for one huge tag.
"""

from __future__ import annotations

import re
from functools import cache

from lxml import etree

from engine.base.errors import BadInput

MAX_BYTES = 256 * 1024 * 1024
MAX_TAG_BYTES = 256 * 1024
MAX_ATTRIBUTES = 1000
MAX_DEPTH = 64

_LONG = 3 * MAX_ATTRIBUTES  # bytes: a shorter tag has room for no more attributes than that
_LONG_TAG = re.compile(rb"<[^>]{%d,}>?" % _LONG)
_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)


def parser() -> etree.XMLParser:
    """A parser that expands nothing and fetches nothing."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_pis=True,
        remove_blank_text=True,
    )


def parse_xml(data: bytes, what: str = "XML") -> etree._Element:
    """Root of the document in `data`; raises `BadInput` with one line (what, where, why)."""
    if len(data) > MAX_BYTES:
        raise BadInput(f"{what}: {len(data)} bytes, the limit is {MAX_BYTES}")
    if not data.strip():
        raise BadInput(f"{what}: empty, expected an XML document")
    if _DOCTYPE.search(data):
        raise BadInput(f"{what}: a DOCTYPE is not accepted")
    _check_tags(data, what)
    try:
        root = etree.fromstring(data, parser())
    except etree.XMLSyntaxError as problem:
        line, column = problem.position
        raise BadInput(f"{what}:{line}:{column}: not well-formed: {problem.msg}") from None
    except ValueError as problem:
        raise BadInput(f"{what}: {problem}") from None
    _check_depth(root, what)
    return root


def _check_tags(data: bytes, what: str) -> None:
    for match in _LONG_TAG.finditer(data):
        size = match.end() - match.start()
        tag = match.group()
        line = data.count(b"\n", 0, match.start()) + 1
        if size > MAX_TAG_BYTES and not tag.startswith(b"<!"):
            raise BadInput(f"{what}:{line}: one tag of {size} bytes, the limit is {MAX_TAG_BYTES}")
        if tag.count(b"=") > MAX_ATTRIBUTES:
            raise BadInput(f"{what}:{line}: more than {MAX_ATTRIBUTES} attributes in one tag")


def _check_depth(root: etree._Element, what: str) -> None:
    found = _too_deep()(root)
    if isinstance(found, list) and found and isinstance(found[0], etree._Element):
        line = found[0].sourceline
        raise BadInput(f"{what}:{line}: elements nested more than {MAX_DEPTH} deep")


@cache
def _too_deep() -> etree.XPath:
    """Finds the elements that are nested too deep, without a call of Python's for each other one."""
    return etree.XPath("/*" * (MAX_DEPTH + 1))
