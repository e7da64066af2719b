"""The CIB as a document: its version, and the tree that has one owner.

`Cib` is the only holder of mutable CIB XML; everybody else gets copies or reads.
"""

from __future__ import annotations

from typing import NamedTuple

from lxml import etree

from engine.base.compressed import plain_bytes
from engine.base.digits import is_digits
from engine.base.errors import BadInput
from engine.base.safexml import parse_xml

FEATURE_SET = "3.20.5"
DEFAULT_SCHEMA = "pacemaker-3.9"
SECTIONS = (
    "crm_config",
    "nodes",
    "resources",
    "constraints",
    "rsc_defaults",
    "op_defaults",
    "fencing-topology",
    "tags",
    "acls",
    "alerts",
)


class CibVersion(NamedTuple):
    """`admin_epoch.epoch.num_updates`; orders as a tuple."""

    admin_epoch: int = 0
    epoch: int = 0
    num_updates: int = 0


class Cib:
    """A CIB and its version."""

    __slots__ = ("root",)

    def __init__(self, root: etree._Element) -> None:
        if root.tag != "cib":
            raise BadInput(f"the document element is <{root.tag!s}>, expected <cib>")
        self.root = root

    @classmethod
    def from_bytes(cls, data: bytes, what: str = "CIB") -> Cib:
        """Parse, unpacked if need be; raises `BadInput` for what is no `<cib>` within the limits."""
        return cls(parse_xml(plain_bytes(data, what), what))

    @property
    def version(self) -> CibVersion:
        values = [self.root.get(name) or "0" for name in CibVersion._fields]
        if not all(is_digits(value) for value in values):
            raise BadInput(f"the CIB version {'.'.join(values)} is not three whole numbers")
        return CibVersion(*(int(value) for value in values))

    @version.setter
    def version(self, version: CibVersion) -> None:
        for name, value in zip(CibVersion._fields, version, strict=True):
            self.root.set(name, str(value))

    @property
    def configuration(self) -> etree._Element:
        found = self.root.find("configuration")
        if found is None:
            raise BadInput("the CIB has no <configuration>")
        return found

    def section(self, name: str) -> etree._Element:
        """The section of `<configuration>`; made, at its place in the schema's order, when missing."""
        found = self.configuration.find(name)
        if found is not None:
            return found
        made = etree.Element(name)
        order = {tag: place for place, tag in enumerate(SECTIONS)}
        mine = order.get(name, len(SECTIONS))
        for place, child in enumerate(self.configuration):
            if order.get(str(child.tag), len(SECTIONS)) > mine:
                self.configuration.insert(place, made)
                return made
        self.configuration.append(made)
        return made

    def copy(self) -> Cib:
        return Cib(_deep_copy(self.root))

    def to_bytes(self) -> bytes:
        return etree.tostring(self.root, encoding="utf-8", pretty_print=True)


def empty_cib() -> Cib:
    """A valid CIB without nodes, resources or constraints."""
    root = etree.Element("cib")
    for name, value in (
        ("crm_feature_set", FEATURE_SET),
        ("validate-with", DEFAULT_SCHEMA),
        ("epoch", "0"),
        ("num_updates", "0"),
        ("admin_epoch", "0"),
    ):
        root.set(name, value)
    configuration = etree.SubElement(root, "configuration")
    for name in ("crm_config", "nodes", "resources", "constraints"):
        etree.SubElement(configuration, name)
    etree.SubElement(root, "status")
    return Cib(root)


def _deep_copy(root: etree._Element) -> etree._Element:
    from copy import deepcopy

    return deepcopy(root)
