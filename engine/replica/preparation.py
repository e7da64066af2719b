"""Large entries of the log, made ready to be applied before the event loop has to (engine 1.1, D-2).

Parsing is done by a thread, for libxml2 lets other threads run meanwhile; the digests, which take
Python, come from the guard process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgpack
from lxml import etree

from engine.cib.document import Cib
from engine.cib.object_digests import DIGEST_SIZE, section_digests
from engine.cib.patch import Insert, Patch, element_digest, parse_fragment, patch_from_bytes
from engine.replica.judgement import configuration_part

LARGE_PAYLOAD = 64 * 1024


def is_large(payload: bytes) -> bool:
    """Whether applying the entry at once would hold up the event loop."""
    return len(payload) >= LARGE_PAYLOAD


@dataclass(frozen=True, slots=True)
class PreparedTree:
    """A whole configuration; `digests` of the objects of each section, one behind the other."""

    cib: Cib
    digests: tuple[bytes, ...] | None = None

    @classmethod
    def of(cls, xml: bytes) -> PreparedTree:
        return cls(Cib.from_bytes(xml, "replacement"))


@dataclass(frozen=True, slots=True)
class PreparedPatch:
    """A change of some objects; what it inserts, by the place of the operation, and the digests."""

    patch: Patch
    fragments: Mapping[int, etree._Element] = field(default_factory=dict)
    digests: Mapping[etree._Element, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, packed: bytes) -> PreparedPatch:
        return cls(configuration_part(patch_from_bytes(packed)))


Preparation = PreparedTree | PreparedPatch


def prepare(payload: bytes) -> Preparation:
    """The part of the work that makes objects of this process."""
    fields = msgpack.unpackb(payload, raw=False)
    if fields["x"]:
        return PreparedTree.of(fields["x"])
    prepared = PreparedPatch.of(fields["p"])
    return replace(prepared, fragments=_fragments(prepared))


def digests_of(payload: bytes) -> list[bytes]:
    """The part that only computes: for a whole configuration a string for each section, for a
    change one for each object that it inserts."""
    fields = msgpack.unpackb(payload, raw=False)
    if fields["x"]:
        configuration = Cib.from_bytes(fields["x"], "replacement").configuration
        return [section_digests(section) for section in configuration]
    prepared = PreparedPatch.of(fields["p"])
    return [element_digest(element) for element in _fragments(prepared).values()]


def with_digests(prepared: Preparation, digests: list[bytes]) -> Preparation:
    """Both parts together; digests that do not fit are left out."""
    if any(len(each) % DIGEST_SIZE for each in digests):
        return prepared
    if isinstance(prepared, PreparedTree):
        sizes = [len(section) * DIGEST_SIZE for section in prepared.cib.configuration]
        fits = sizes == [len(each) for each in digests]
        return replace(prepared, digests=tuple(digests)) if fits else prepared
    elements = prepared.fragments.values()
    if len(elements) != len(digests):
        return prepared
    return replace(prepared, digests=dict(zip(elements, digests, strict=True)))


def _fragments(prepared: PreparedPatch) -> dict[int, etree._Element]:
    return {
        number: parse_fragment(item.xml)
        for number, item in enumerate(prepared.patch.operations)
        if isinstance(item, Insert)
    }
