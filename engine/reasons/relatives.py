"""Which resources have a say in where another one runs: its containers and members, and over constraints. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator

from lxml import etree

from engine.cib.document import Cib
from engine.cib.edits import RESOURCE_TAGS, resources

FARTHEST = 3
_ENDS = ("rsc", "with-rsc", "first", "then")


def relatives(cib: Cib, name: str) -> dict[str, int]:
    """Ids of resources, each with the number of constraints between it and `name` (0: itself and its family)."""
    links = _links(cib)
    family = _families(cib)
    found: dict[str, int] = {}
    queue = deque([(name, 0)])
    while queue:
        one, far = queue.popleft()
        for member in family.get(one, {one}):
            if member in found:
                continue
            found[member] = far
            if far < FARTHEST:
                queue.extend((other, far + 1) for other in links[member])
    return found


def resources_of(constraint: etree._Element, cib: Cib) -> set[str]:
    """The resources that a constraint names, itself or through tags and templates."""
    names = {constraint.get(end, "") for end in _ENDS}
    names |= {ref.get("id", "") for ref in constraint.iter("resource_ref")}
    names.discard("")
    tags = {tag.get("id", ""): tag for tag in cib.root.iterfind("configuration/tags/tag")}
    found = set()
    for one in names:
        tag = tags.get(one)
        found |= {ref.get("id", "") for ref in tag} if tag is not None else {one}
    users = {e.get("id", "") for e in resources(cib) if e.get("template") in found}
    return found | users


def _links(cib: Cib) -> dict[str, set[str]]:
    links: dict[str, set[str]] = defaultdict(set)
    for constraint in constraints(cib):
        if constraint.tag in ("rsc_colocation", "rsc_order"):
            names = resources_of(constraint, cib)
            for one in names:
                links[one] |= names - {one}
    return links


def constraints(cib: Cib) -> Iterator[etree._Element]:
    """All constraints, in their order."""
    for element in cib.root.iterfind("configuration/constraints/*"):
        if isinstance(element.tag, str):
            yield element


def _families(cib: Cib) -> dict[str, set[str]]:
    """Each resource with all that it is in, and all that is in it."""
    found: dict[str, set[str]] = {}
    for element in resources(cib):
        name = element.get("id", "")
        around = {e.get("id", "") for e in element.iterancestors() if e.tag in RESOURCE_TAGS}
        inside = {e.get("id", "") for e in element.iter() if e.tag in RESOURCE_TAGS}
        found[name] = around | inside
    return found
