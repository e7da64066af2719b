"""Ids of elements: made legal, and unique in a document."""

from __future__ import annotations

import re

from lxml import etree

from engine.base.digits import is_digits

_ILLEGAL = re.compile(r"[^A-Za-z0-9_.-]")


def legal_id(text: str) -> str:
    """The text as an XML id: other characters become `.`, a bad first one gets a prefix."""
    id_ = _ILLEGAL.sub(".", text) or "_"
    if is_digits(id_[0]):
        return f"num-{id_}"
    return f"_{id_}" if id_[0] in ".-" else id_


def free_id(anywhere: etree._Element, wanted: str) -> str:
    """The wanted id made legal, with `-0`, `-1`, … where the document of `anywhere` has it."""
    id_ = legal_id(wanted)
    taken = {str(each) for each in anywhere.getroottree().getroot().xpath("//@id")}
    if id_ not in taken:
        return id_
    number = 0
    while f"{id_}-{number}" in taken:
        number += 1
    return f"{id_}-{number}"
