"""Options and attributes as `crm_attribute` knows them: name-value pairs by section, node and set.

Pure functions on a tree that the caller owns. Every set of the place counts for finding a pair, also
one with a rule; a new pair goes into the set that is named, or the one with the usual id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from engine.base.errors import BadInput, EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.score import add_scores, score_from_text, score_to_text
from engine.cib.document import Cib
from engine.cib.edits import remote_names
from engine.cib.ids import legal_id
from engine.cib.operations import counted, no_such_object

SECTIONS = ("crm_config", "rsc_defaults", "op_defaults", "nodes", "status", "tickets")
OF_NODES = ("nodes", "status")
INSTANCE, UTILIZATION = "instance_attributes", "utilization"
_SET_TAGS = {
    "crm_config": "cluster_property_set",
    "rsc_defaults": "meta_attributes",
    "op_defaults": "meta_attributes",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where pairs stand: the section, the id and name of a node, the kind of the set, its id."""

    section: str
    node_id: str = ""
    node_name: str = ""
    set_tag: str = INSTANCE
    set_id: str = ""

    @property
    def tag(self) -> str:
        """The element name of the sets."""
        return _SET_TAGS.get(self.section, self.set_tag)

    @property
    def new_set_id(self) -> str:
        """The id of the set for a new pair."""
        if self.set_id:
            return self.set_id
        if self.section == "crm_config":
            return "cib-bootstrap-options"
        if self.section not in OF_NODES:
            return f"{self.section}-options"
        kind = "-utilization" if self.set_tag == UTILIZATION else ""
        return f"{self.section}-{self.node_id}{kind}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pairs are meant: those of a name, with an id, or whose name matches a pattern."""

    name: str = ""
    identity: str = ""
    pattern: str = ""

    def fits(self, pair: etree._Element) -> bool:
        """Whether a pair is one of them."""
        if self.identity and pair.get("id") != self.identity:
            return False
        if self.pattern:
            return re.search(self.pattern, pair.get("name") or "") is not None
        return not self.name or pair.get("name") == self.name


class NotUnique(EngineError):
    """More than one pair has the name; `pairs` are they."""

    def __init__(self, pairs: list[etree._Element]) -> None:
        super().__init__(
            "Please choose from one of the matches below and supply the 'id' with --attr-id",
            status=ExitStatus.MULTIPLE,
        )
        self.pairs = pairs


def node_of(root: etree._Element, name: str) -> tuple[str, str]:
    """Id and name of a node, given by either; that of a remote one is its name. Raises `EngineError`."""
    for node in root.iterfind("configuration/nodes/node"):
        if name in (node.get("uname"), node.get("id")):
            identity = node.get("id") or name
            uname = node.get("uname") or name
            return (uname if node.get("type") == "remote" else identity), uname
    for state in root.iterfind("status/node_state"):
        if name in (state.get("uname"), state.get("id")):
            return state.get("id") or name, state.get("uname") or name
    if name in remote_names(root):
        return name, name
    text = f"Could not map name={name} to a UUID"
    raise EngineError(text, status=ExitStatus.NOSUCH)


def pairs_at(root: etree._Element, place: Place, wanted: Wanted) -> list[etree._Element]:
    """The pairs of a place that are meant, in document order."""
    holder = _holder(root, place)
    if holder is None:
        return []
    if place.section == "tickets":
        pairs = holder.iter("nvpair")
        return [pair for pair in pairs if wanted.fits(pair)]
    return [
        pair
        for each in holder.iterfind(place.tag)
        if place.set_id in ("", each.get("id"))
        for pair in each.iter("nvpair")
        if wanted.fits(pair)
    ]


def set_pair(root: etree._Element, place: Place, wanted: Wanted, value: str) -> None:
    """Give the pair a value, making it where there is none; by a pattern, all that match.

    `value++` and `value+=N` count up. Raises `NotUnique`, or NOSUCH where nothing matches a pattern.
    """
    found = pairs_at(root, place, wanted)
    if not wanted.pattern:
        _refuse_several(found)
    for pair in found:
        pair.set("value", counted("value", value, pair.get("value")))
    if wanted.pattern and not found:
        raise no_such_object()
    if found:
        return
    if place.section == "tickets":
        text = "tickets are changed by crm_ticket"
        raise EngineError(text, status=ExitStatus.USAGE)
    pair = etree.SubElement(_set_for(root, place), "nvpair")
    pair.set("id", wanted.identity or legal_id(f"{place.new_set_id}-{wanted.name}"))
    pair.set("name", wanted.name)
    pair.set("value", value)


def delete_pairs(root: etree._Element, place: Place, wanted: Wanted) -> list[etree._Element]:
    """Delete the pair, or by a pattern all that match; the result is what was there."""
    found = pairs_at(root, place, wanted)
    if not wanted.pattern:
        _refuse_several(found)
    for pair in found:
        parent = pair.getparent()
        if parent is not None:
            parent.remove(pair)
    return found


def _refuse_several(found: list[etree._Element]) -> None:
    if len(found) > 1:
        raise NotUnique(found)


def _holder(root: etree._Element, place: Place) -> etree._Element | None:
    """The element that holds the sets, None where the CIB has none."""
    if place.section == "tickets":
        return root.find("status/tickets")
    if place.section == "nodes":
        return _with_id(root, "configuration/nodes/node", place.node_id)
    if place.section == "status":
        state = _with_id(root, "status/node_state", place.node_id)
        return None if state is None else state.find("transient_attributes")
    return root.find(f"configuration/{place.section}")


def _with_id(root: etree._Element, path: str, identity: str) -> etree._Element | None:
    return next((each for each in root.iterfind(path) if each.get("id") == identity), None)


def _set_for(root: etree._Element, place: Place) -> etree._Element:
    holder = _holder(root, place)
    if holder is None:
        holder = _new_holder(root, place)
    for each in holder.iterfind(place.tag):
        if each.get("id") == place.new_set_id:
            return each
    made = etree.SubElement(holder, place.tag)
    made.set("id", place.new_set_id)
    return made


def _new_holder(root: etree._Element, place: Place) -> etree._Element:
    if place.section == "nodes":
        node = etree.SubElement(Cib(root).section("nodes"), "node")
        node.set("id", place.node_id)
        node.set("type", "remote")
        node.set("uname", place.node_name)
        return node
    if place.section != "status":
        return Cib(root).section(place.section)
    status = root.find("status")
    if status is None:
        status = etree.SubElement(root, "status")
    state = _with_id(root, "status/node_state", place.node_id)
    if state is None:
        state = etree.SubElement(status, "node_state")
        state.set("id", place.node_id)
        state.set("uname", place.node_name)
    holder = etree.SubElement(state, "transient_attributes")
    holder.set("id", place.node_id)
    return holder


# -- failures -----------------------------------------------------------------------------------------


def failcount_of(
    root: etree._Element, node_id: str, resource: str, operation: str = "", interval_ms: int = 0
) -> str:
    """How often a resource failed on a node, all operations or one; INFINITY wins."""
    total = 0
    for pair, key in _failure_pairs(root, node_id, resource, ("fail-count-",)):
        if not operation or key == f"{operation}_{interval_ms}":
            total = add_scores(total, _count(pair.get("value") or ""))
    return score_to_text(total)


def forget_failures(
    root: etree._Element, node_id: str, resource: str, operation: str = "", interval_ms: int = 0
) -> None:
    """Delete the counts and times of failures."""
    prefixes = ("fail-count-", "last-failure-")
    for pair, key in list(_failure_pairs(root, node_id, resource, prefixes)):
        holder = pair.getparent()
        if holder is not None and (not operation or key == f"{operation}_{interval_ms}"):
            holder.remove(pair)


def _failure_pairs(
    root: etree._Element, node_id: str, resource: str, prefixes: tuple[str, ...]
) -> Iterator[tuple[etree._Element, str]]:
    for pair in pairs_at(root, Place("status", node_id), Wanted()):
        name = pair.get("name") or ""
        for prefix in prefixes:
            owner, _, key = name.removeprefix(prefix).partition("#")
            if name.startswith(prefix) and owner == resource:
                yield pair, key


def _count(text: str) -> int:
    try:
        return score_from_text(text)
    except BadInput:
        return 0
