"""Statements that meet a part of the configuration that is there: nodes, properties and defaults
are merged, raw XML takes the place of what has its ids.
"""

from __future__ import annotations

from lxml import etree

from crmshell.grammar.ast import NodeStmt, PropertyStmt
from crmshell.grammar.errors import nearest_word
from crmshell.grammar.ids import fill_ids
from crmshell.grammar.to_cib import PROPERTY_TAGS
from crmshell.pending.objects import Objects
from crmshell.pending.problems import Refused
from crmshell.pending.tree import (
    CONTAINER_TAGS,
    DEFAULTS,
    SECTION_OF,
    TOPOLOGY,
    Element,
)

DEFAULT_SETS = {
    "property": "cib-bootstrap-options",
    "rsc_defaults": "rsc-options",
    "op_defaults": "op-options",
}


def put_node(tree: Objects, stmt: NodeStmt, comments: tuple[str, ...], *, replace: bool) -> None:
    """A node is merged into the one of its name, or replaces it."""
    element = tree.builder().build(stmt)
    old = tree.nodes.get(stmt.uname)
    _check_node_id(tree, stmt.uname, stmt.id, old)
    if old is None:
        tree.put(None, element, comments)
        return
    if not stmt.id:
        element.set("id", old.get("id", stmt.uname))
    if replace:
        tree.put(old, element, comments)
        return
    for name, value in element.attrib.items():
        tree.set(old, str(name), str(value))
    fill_ids(element, stmt.uname, tree.ids)
    for child in list(element):
        same = old.find(str(child.tag))
        if same is None:
            tree.insert(old, child)
        else:
            _merge_pairs(tree, same, child)


def _check_node_id(tree: Objects, uname: str, id_: str, old: Element | None) -> None:
    """A statement neither renames a node nor gives it another id, nor one that is taken."""
    owner = _node_with_id(tree, id_ or uname)
    if owner is not None and owner is not old and (id_ or old is None):
        raise Refused(
            f"id {id_ or uname} is node {owner.get('uname')} (nodes cannot be renamed)",
            code="node-id",
            word=id_ or uname,
        )
    if old is not None and id_ and old.get("id") != id_:
        raise Refused(
            f"node {uname} has id {old.get('id')}, which cannot be changed to {id_}",
            code="node-id",
            word=id_,
        )


def _node_with_id(tree: Objects, id_: str) -> Element | None:
    return next((node for node in tree.nodes.values() if node.get("id") == id_), None)


def put_properties(
    tree: Objects, stmt: PropertyStmt, comments: tuple[str, ...], *, replace: bool
) -> None:
    """A property or defaults set is merged into the set of its id, or replaces it."""
    element = tree.builder().build(stmt)
    section, old = _place_of_set(tree, stmt)
    if old is None:
        given = stmt.id or DEFAULT_SETS[stmt.kind]
        if given in tree.ids.used:
            raise Refused(f"id {given} is already in use", code="id-in-use", word=given)
        element.set("id", given)
        tree.ids.take(given)
        for place, text in enumerate(comments):
            element.insert(place, etree.Comment(text))
        fill_ids(element, given, tree.ids)
        tree.insert(section, element)
        return
    given = old.get("id", "")
    if replace:
        element.set("id", given)
        tree.put(old, element, comments)
        return
    if stmt.score:
        tree.set(old, "score", stmt.score)
    _drop_known_rules(element, old)
    _drop_known_ids(element, old)
    # Inner ids begin as in the set that was meant, also when they go into the last one there is.
    fill_ids(element, stmt.id or DEFAULT_SETS[stmt.kind], tree.ids)
    _merge_pairs(tree, old, element)


def _place_of_set(tree: Objects, stmt: PropertyStmt) -> tuple[Element, Element | None]:
    """The section of the set, and the set itself when it is there.

    Without an id that is the default set, or else the last one that always holds: what is typed
    without a rule must not end up under one.
    """
    section = tree.make_section("crm_config" if stmt.kind == "property" else stmt.kind)
    sets = section.findall(PROPERTY_TAGS[stmt.kind])
    wanted = stmt.id or DEFAULT_SETS[stmt.kind]
    for found in sets:
        if found.get("id") == wanted:
            return section, found
    if stmt.id:
        return section, None
    lasting = [found for found in sets if found.find("rule") is None]
    return section, lasting[-1] if lasting else None


def _merge_pairs(tree: Objects, old: Element, new: Element) -> None:
    """nvpairs of `new` overwrite those of the same name in `old`, others come behind."""
    tree.ids.used.discard(new.get("id", ""))
    tree.ids.reserve(old)
    there = {child.get("name"): child for child in old.iterchildren("nvpair")}
    first_pair = next(iter(there.values()), None)
    for child in list(new):
        same = there.get(child.get("name")) if child.tag == "nvpair" else None
        if same is None:
            tree.insert(old, child, first_pair if child.tag == "rule" else None)
        else:
            tree.set(same, "value", child.get("value"))
            if child.get("id") != same.get("id"):
                tree.ids.used.discard(child.get("id", ""))


def _drop_known_ids(new: Element, old: Element) -> None:
    """A value that names its id, and is there under this id already, only gets its new value."""
    there = {(pair.get("id"), pair.get("name")) for pair in old.iterchildren("nvpair")}
    for pair in new.iterchildren("nvpair"):
        if pair.get("id") is not None and (pair.get("id"), pair.get("name")) in there:
            del pair.attrib["id"]


def _drop_known_rules(new: Element, old: Element) -> None:
    """A rule that the set has already is not added once more."""
    known = [_shape(rule) for rule in old.findall("rule")]
    for rule in new.findall("rule"):
        if _shape(rule) in known:
            new.remove(rule)


_UNSAID = frozenset((("boolean-op", "and"), ("value-source", "literal")))


def _shape(element: Element) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """What a rule says, without ids and what goes without saying."""
    return [
        (
            str(part.tag),
            tuple(
                sorted(
                    (str(k), str(v))
                    for k, v in part.attrib.items()
                    if k != "id" and (k, v) not in _UNSAID
                )
            ),
        )
        for part in element.iter(etree.Element)
    ]


# -- raw XML --------------------------------------------------------------------------------------


def put_xml(tree: Objects, element: Element, comments: tuple[str, ...], *, replace: bool) -> None:
    """An object given as XML; `<rsc_defaults>` and `<op_defaults>` hold sets, each an object."""
    tag = str(element.tag)
    if tag in DEFAULTS:
        for inner in list(element):
            _put_xml_set(tree, tag, inner, comments, replace=replace)
        return
    if tag == "cluster_property_set":
        _put_xml_set(tree, "crm_config", element, comments, replace=replace)
        return
    if tag not in SECTION_OF and tag != "fencing-topology":
        raise Refused(
            f"xml: <{tag}> is no object of a configuration",
            code="no-object",
            word=tag,
            nearest=nearest_word(tag, SECTION_OF),
        )
    name = TOPOLOGY if tag == "fencing-topology" else element.get("id", "")
    if not name:
        raise Refused(f"xml: <{tag}> has no id", code="no-id", word=tag)
    if tag == "node":
        old = tree.nodes.get(element.get("uname", ""))
        _check_node_id(tree, element.get("uname", ""), name, old)
    else:
        old = tree.objects.get(name)
    if old is not None and (not replace or old.tag != tag):
        raise Refused(f"{name}: id is already in use", code="id-in-use", subject=name)
    if tag in CONTAINER_TAGS:
        _clear_members(tree, element, old)
    tree.put(old, element, comments)


def _put_xml_set(
    tree: Objects, section: str, element: Element, comments: tuple[str, ...], *, replace: bool
) -> None:
    given = element.get("id", "")
    if not given:
        raise Refused(f"xml: <{element.tag!s}> has no id", code="no-id", word=str(element.tag))
    old = tree.objects.get(given)
    if old is not None and replace:
        tree.put(old, element, comments)
        return
    if given in tree.ids.used:
        raise Refused(f"{given}: id is already in use", code="id-in-use", subject=given)
    tree.ids.take(given)
    for place, text in enumerate(comments):
        element.insert(place, etree.Comment(text))
    fill_ids(element, given, tree.ids)
    tree.insert(tree.make_section(section), element)


def _clear_members(tree: Objects, element: Element, old: Element | None) -> None:
    """Members written inside a raw container replace the resources that have their ids."""
    for inner in element.iter("primitive", "group"):
        name = inner.get("id", "")
        there = tree.objects.get(name)
        if inner is element or there is None:
            continue
        parent = there.getparent()
        while parent is not None and parent.tag in CONTAINER_TAGS and parent is not old:
            parent = parent.getparent()
        inside = parent is old
        direct = there.getparent()
        if not inside and direct is not None and direct.tag in CONTAINER_TAGS:
            raise Refused(
                f"{name} already in use at {direct.get('id')}", code="child-in-use", word=name
            )
        tree.remove(there)
