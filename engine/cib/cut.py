"""A CIB whose histories are still text: only those that changed since the last run are parsed.

Histories are nearly all of a large CIB, and after one event nearly all of them are what they were. The
text of each `lrm` element is cut out before the rest is parsed; `history.HistoryStore` finds what it
means by that text. This works on text that the cluster wrote itself: no comments, no character data
sections, no namespaces, UTF-8. Anything else is parsed as a whole.
"""

from __future__ import annotations

import re

from lxml import etree

from engine.base.compressed import plain_bytes
from engine.base.safexml import parse_xml
from engine.cib.document import Cib
from engine.cib.history import CUT

_DECLARATION = re.compile(rb"<\?xml version=.1\.0. encoding=.(?:utf|UTF)-8.\?>")
# A raw `<` begins markup wherever it stands, so these are found without looking at anything else.
_TOKEN = re.compile(rb"<(/?)(?:(lrm)|node_state)[\s/>]|<[!?]")


class CutCib(Cib):
    """A CIB that has `texts` in the place of its histories; `cut` attributes are indexes into them."""

    __slots__ = ("texts",)

    def __init__(self, root: etree._Element, texts: tuple[bytes, ...] = ()) -> None:
        super().__init__(root)
        self.texts = texts

    @classmethod
    def from_bytes(cls, data: bytes, what: str = "CIB", known: tuple[bytes, ...] = ()) -> CutCib:
        """Parse what remains; raises `BadInput` as for any CIB. `known` are texts of an earlier one."""
        rest, texts = cut_histories(plain_bytes(data, what), known)
        return cls(parse_xml(rest, what), texts)


def cut_histories(data: bytes, known: tuple[bytes, ...] = ()) -> tuple[bytes, tuple[bytes, ...]]:
    """The text without its `lrm` elements, and their texts; all of it uncut where that is unsure.

    A text that is the one at its place in `known` is that very object: it was copied and hashed
    before, and megabytes of it need not be again.
    """
    declared = _DECLARATION.match(data)
    parts: list[bytes] = []
    texts: list[bytes] = []
    done, start = 0, -1
    for token in _TOKEN.finditer(data, declared.end() if declared else 0):
        closes, is_lrm = token.groups()
        if closes is None:
            return data, ()
        if is_lrm and closes:
            if start < 0:
                return data, ()
            parts.append(data[done:start])
            parts.append(f'<lrm {CUT}="{len(texts)}"/>'.encode())
            texts.append(_piece(data, start, token.end(), known[len(texts) : len(texts) + 1]))
            done = token.end()
        # An `lrm` that has no end before the next token is empty, or wrong: the parser will see it.
        start = token.start() if is_lrm and not closes else -1
    parts.append(data[done:])
    rest = b"".join(parts)
    if b"xmlns" in rest or rest.count(b" " + CUT.encode() + b"=") != len(texts):
        return data, ()
    return rest, tuple(texts)


def _piece(data: bytes, start: int, end: int, known: tuple[bytes, ...]) -> bytes:
    for text in known:
        if len(text) == end - start and data.startswith(text, start):
            return text
    return data[start:end]
