"""Ids of inner elements: making them, and keeping those of what is being replaced (2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml import etree

from engine.base.digits import is_digits

_ILLEGAL = re.compile(r"[^A-Za-z0-9_.-]")
_SETS = frozenset(("instance_attributes", "meta_attributes", "utilization"))
_EXPRESSIONS = frozenset(("expression", "date_expression", "rsc_expression", "op_expression"))
_OF_PREFIX = frozenset(
    ("resource_set", "acl_permission", "attribute", "port-mapping", "storage-mapping")
)
_WITHOUT_ID = frozenset(
    ("operations", "docker", "podman", "rkt", "network", "storage", "select", "select_nodes",
     "lifetime", "select_fencing", "select_resources", "select_attributes", "fencing-topology",
     "resource_ref", "obj_ref", "role", "role_ref", "member-place")
)  # fmt: skip


def legal_id(text: str) -> str:
    """The text made an XML id: other characters become '.', a bad first one gets a prefix."""
    made = _ILLEGAL.sub(".", text)
    if is_digits(made[:1]):
        return "num-" + made
    return "_" + made if made[:1] in (".", "-", "") else made


# So many clashes are tried one by one; a base that has more goes on where it was.
FEW = 100


class IdClash(Exception):
    """An id that was given for an inner part is already in use."""


class IdMaker:
    """Hands out ids that are not in use; knows all ids of the configuration."""

    __slots__ = ("_next", "promised", "taken", "used")

    def __init__(self, used: Iterable[str] = ()) -> None:
        self.used = set(used)
        self.promised: set[str] = set()
        self.taken: list[str] = []
        self._next: dict[str, int] = {}

    def make(self, wanted: str) -> str:
        """`wanted` made legal; `-0`, `-1`, … appended when it is taken or promised to another."""
        base = legal_id(wanted)
        made, count = base, 0
        while made in self.used or made in self.promised:
            if count == FEW:
                count = self._next.get(base, FEW)
            made = f"{base}-{count}"
            count += 1
        if count > FEW:
            self._next[base] = count
        self.take(made)
        return made

    def take(self, given: str) -> None:
        """This id is in use from now on."""
        self.used.add(given)
        self.taken.append(given)

    def give_back(self) -> None:
        """Gives back what was taken since `taken` was last empty: the statement has failed."""
        self.used.difference_update(self.taken)
        self.taken.clear()

    def reserve(self, root: etree._Element) -> None:
        """Takes all ids of a tree."""
        for element in root.iter(etree.Element):
            given = element.get("id")
            if given is not None and element.tag not in _REFERENCES:
                self.used.add(given)

    def release(self, root: etree._Element) -> None:
        """Gives back all ids of a tree that is no longer in use."""
        for element in root.iter(etree.Element):
            given = element.get("id")
            if given is not None and element.tag not in _REFERENCES:
                self.used.discard(given)


_OBJECTS = frozenset(("primitive", "group", "clone", "master", "bundle"))
# Elements whose id names something else, and nodes: they may share a name with a resource.
_REFERENCES = frozenset(("resource_ref", "obj_ref", "role", "role_ref", "node"))


def fill_ids(element: etree._Element, prefix: str, ids: IdMaker) -> None:
    """Gives every inner element that needs one an id, in document order; takes the given ones.

    Resources inside a container are left alone: they have their ids. Raises `IdClash`.
    """
    for child in element:
        tag = child.tag
        if not isinstance(tag, str) or tag in _OBJECTS:
            continue
        given = child.get("id")
        if given is None and tag not in _WITHOUT_ID and child.get("id-ref") is None:
            given = ids.make(_wanted(tag, child, prefix))
            child.set("id", given)
        elif given is not None and tag not in _REFERENCES:
            if given in ids.used:
                raise IdClash(given)
            ids.take(given)
        if len(child):
            fill_ids(child, given if given is not None else prefix, ids)


def _wanted(tag: str, element: etree._Element, prefix: str) -> str:
    if tag == "nvpair":
        return f"{prefix}-{element.get('name', '')}"
    if tag in _SETS:
        return f"{prefix}-{tag}"
    if tag == "op":
        interval = element.get("interval")
        name = element.get("name", "")
        return f"{prefix}-{name}" if interval is None else f"{prefix}-{name}-{interval}"
    if tag in _EXPRESSIONS:
        return f"{prefix}-expression"
    if tag in _OF_PREFIX:
        return prefix
    if tag == "fencing-level":
        return "fencing"
    if tag == "recipient":
        return f"{prefix}-recipient-{_place(element)}"
    return f"{prefix}-{tag}"


def _place(element: etree._Element) -> int:
    """Which one of its kind it is among its siblings, from 1."""
    return 1 + sum(1 for _ in element.itersiblings(str(element.tag), preceding=True))


def adopt_ids(new: etree._Element, old: etree._Element) -> None:
    """Inner parts of `new` that have no id take that of the part of `old` which they replace."""
    candidates: dict[tuple[str, ...], list[etree._Element]] = {}
    for child in old:
        if isinstance(child.tag, str):
            candidates.setdefault(_identity(child), []).append(child)
    for child in new:
        if not isinstance(child.tag, str):
            continue
        same = candidates.get(_identity(child))
        if not same:
            continue
        match = same.pop(0)
        given = match.get("id")
        if given is not None and child.get("id") is None and child.get("id-ref") is None:
            child.set("id", given)
        if len(child):
            adopt_ids(child, match)


_IDENTITY: dict[str, tuple[str, ...]] = {
    "nvpair": ("name", "id-ref"),
    "op": ("name", "interval"),
    "rule": ("score", "score-attribute", "role", "id-ref"),
    "expression": ("attribute", "operation", "value"),
    "fencing-level": (
        "target",
        "target-pattern",
        "target-attribute",
        "target-value",
        "devices",
    ),
    "recipient": ("value",),
    "alert": ("path",),
}


def _identity(element: etree._Element) -> tuple[str, ...]:
    """What makes a part the same one after an edit; other tags go by their order."""
    tag = str(element.tag)
    return (tag, *(element.get(name) or "" for name in _IDENTITY.get(tag, ())))
