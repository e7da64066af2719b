"""The pending configuration as text and as XML: order, selection, comments (shell 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lxml import etree

from crmshell.grammar.cib_values import NoText
from crmshell.grammar.errors import nearest_word
from crmshell.grammar.from_cib import Reader, xml_statement
from crmshell.grammar.part_text import Paint, Style, hide_nothing, plain
from crmshell.grammar.printer import Printer
from crmshell.pending.changes import PendingCib
from crmshell.pending.problems import Refused
from crmshell.pending.tree import (
    CONTAINER_TAGS,
    TOPOLOGY,
    Element,
)

KINDS = (
    "node",
    "rsc_template",
    "primitive",
    "bundle",
    "group",
    "ms",
    "clone",
    "tag",
    "location",
    "colocation",
    "order",
    "rsc_ticket",
    "fencing_topology",
    "property",
    "rsc_defaults",
    "op_defaults",
    "role",
    "acl_target",
    "acl_group",
    "user",
    "alert",
)
_RANK = {kind: place for place, kind in enumerate(KINDS)}
# Kinds that stand mixed, by id.
_RANK |= {"colocation": _RANK["location"], "order": _RANK["location"]}
_RANK["fencing_topology"] = _RANK["rsc_ticket"]

_MEMBERS = ("primitive", *CONTAINER_TAGS)


@dataclass(frozen=True, slots=True)
class Listing:
    """How to list. `order`: `kind` (by kind, then id), or `cib` (as it stands in the CIB);
    `all_ids`: so that loading gives the same ids; `hides`: names whose values are starred."""

    order: str = "kind"
    all_ids: bool = False
    one_line: bool = False
    paint: Paint = plain
    hides: Callable[[str], bool] = hide_nothing


def configuration_text(
    pending: PendingCib, elements: Iterable[Element], listing: Listing = Listing()
) -> str:
    """The objects as statements, one after the other; "" for none."""
    return "\n".join(statement_texts(pending, elements, listing))


def statement_texts(
    pending: PendingCib, elements: Iterable[Element], listing: Listing = Listing()
) -> list[str]:
    """One text for each object."""
    chosen = ordered(pending, elements) if listing.order == "kind" else list(elements)
    referenced = {str(ref) for ref in pending.cib.configuration.xpath("//@id-ref")}
    style = Style(
        referenced,
        listing.all_ids,
        listing.one_line,
        () if listing.all_ids else tuple(pending.nodes),
        listing.paint,
        listing.hides,
    )
    printer = Printer(style)
    reader = Reader(pending.dialect(typed=False))
    free = _free_comments(pending, chosen) if listing.all_ids else {}
    return [_object_text(element, reader, printer, free.get(element, [])) for element in chosen]


def _object_text(
    element: Element, reader: Reader, printer: Printer, free: Sequence[str] = ()
) -> str:
    try:
        statement = reader.statement(element)
    except NoText:
        statement = xml_statement(element)
        return printer.text(statement, [*free, *_comments(element, inside=False)])
    return printer.text(statement, [*free, *_comments(element)])


def _free_comments(pending: PendingCib, chosen: Sequence[Element]) -> dict[Element, list[str]]:
    """Lines of the comments that belong to no object, by the object that follows: those at the
    head by the first that is listed, those at the end by the last.

    Only for the whole configuration: a part of it does not speak for the rest.
    """
    if not chosen or len(chosen) != sum(1 for _ in pending.everything()):
        return {}
    objects = set(chosen)
    found: dict[Element, list[str]] = {}
    waiting: list[str] = []
    seen = False
    for part in pending.cib.configuration.iter():
        if part in objects:
            if waiting:
                found[part if seen else chosen[0]] = waiting
            waiting, seen = [], True
        elif isinstance(part, etree._Comment) and not (
            _announced_by(part) in objects or objects.intersection(part.iterancestors())
        ):
            waiting += _comment_lines(part)
    if waiting:
        found.setdefault(chosen[-1], []).extend(waiting)
    return found


def _announced_by(comment: etree._Comment) -> Element | None:
    """The element right behind a comment, or behind the comments that follow it."""
    behind = comment.getnext()
    while isinstance(behind, etree._Comment):
        behind = behind.getnext()
    return behind


def _comments(element: Element, *, inside: bool = True) -> list[str]:
    """Comments just before the object, and those in it, one line each."""
    found: list[Element] = []
    before = element.getprevious()
    while isinstance(before, etree._Comment):
        found.insert(0, before)
        before = before.getprevious()
    if inside:
        for child in element:
            if isinstance(child, etree._Comment):
                announced = _announced_by(child)
                if announced is None or announced.tag not in _MEMBERS:
                    found.append(child)
            elif child.tag not in _MEMBERS and len(child):
                found += child.iter(etree.Comment)
    return [line for comment in found for line in _comment_lines(comment)]


def _comment_lines(comment: Element) -> list[str]:
    return [line.strip() for line in (comment.text or "").splitlines() if line.strip()]


def ordered(pending: PendingCib, elements: Iterable[Element]) -> list[Element]:
    """By kind, then id."""
    last = len(KINDS)

    def key(element: Element) -> tuple[int, str]:
        name = TOPOLOGY if element.tag == "fencing-topology" else element.get("id", "")
        return _RANK.get(pending.kind(element), last), name

    return sorted(elements, key=key)


# -- selection ------------------------------------------------------------------------------------


def select(pending: PendingCib, words: Sequence[str]) -> list[Element]:
    """The objects that the selectors mean, in document order; everything without selectors.

    `and` intersects what is left of it with the next selector only.
    """
    selectors = [word for word in words if not word.startswith("obscure:")]
    if not selectors:
        return list(pending.everything())
    chosen: dict[int, Element] = {}
    joining = False
    for word in selectors:
        if word.lower() in ("and", "or"):
            joining = word.lower() == "and"
            continue
        found = {id(element): element for element in _one_selector(pending, word)}
        if joining:
            chosen = {key: element for key, element in chosen.items() if key in found}
        else:
            chosen.update(found)
        joining = False
    if not chosen:
        return []
    return [element for element in pending.everything() if id(element) in chosen]


def _one_selector(pending: PendingCib, word: str) -> list[Element]:
    head, colon, rest = word.partition(":")
    if colon and head == "type":
        return _of_kind(pending, rest)
    if colon and head == "tag":
        return _tagged(pending, rest)
    if colon and head == "related":
        return _related(pending, rest)
    found = pending.find(word)
    if found is not None:
        return [found]
    if any(sign in word for sign in "*?["):
        matching = [el for el in pending.everything() if fnmatchcase(_name(el), word)]
        if matching:
            return matching
    pending.require(word)
    return []


def _name(element: Element) -> str:
    if element.tag == "fencing-topology":
        return TOPOLOGY
    return element.get("uname" if element.tag == "node" else "id", "")


def _of_kind(pending: PendingCib, kind: str) -> list[Element]:
    wanted = {"resource": ("primitive",), "template": ("rsc_template",)}.get(kind, (kind,))
    if not any(word in _RANK for word in wanted):
        raise Refused(
            f"no such type: {kind}",
            code="no-such-type",
            word=f"type:{kind}",
            nearest=nearest_word(kind, KINDS),
        )
    return [element for element in pending.everything() if pending.kind(element) in wanted]


def _tagged(pending: PendingCib, name: str) -> list[Element]:
    tag = pending.objects.get(name)
    if tag is None or tag.tag != "tag":
        raise Refused(f"no such tag: {name}", code="no-such-tag", word=f"tag:{name}")
    members = [pending.find(ref.get("id", "")) for ref in tag.findall("obj_ref")]
    return [member for member in members if member is not None]


def _related(pending: PendingCib, name: str) -> list[Element]:
    """The object and all that mention it; or the primitives whose agent's name has the word."""
    element = pending.find(name)
    if element is None:
        return [el for el in pending.everything() if _agent_has(el, name)]
    found = [element]
    parent = element.getparent()
    while parent is not None and parent.tag in CONTAINER_TAGS:
        found.append(parent)
        parent = parent.getparent()
    return [*found, *pending.naming(name)]


def _agent_has(element: Element, word: str) -> bool:
    if element.tag not in ("primitive", "template"):
        return False
    return (
        element.get("class") == word
        or element.get("provider") == word
        or word in element.get("type", "")
    )


# -- XML ------------------------------------------------------------------------------------------


def configuration_xml(pending: PendingCib, elements: Sequence[Element] | None) -> str:
    """A complete `<cib>` with the selected objects (None: all), pretty printed, no status."""
    root = etree.Element("cib")
    for name, value in pending.cib.root.attrib.items():
        root.set(str(name), str(value))
    if elements is None:
        root.append(deepcopy(pending.cib.configuration))
    else:
        root.append(_chosen_configuration(pending, elements))
    text = etree.tostring(root, pretty_print=True, encoding="unicode")
    return '<?xml version="1.0" ?>\n' + text.rstrip("\n")


def _chosen_configuration(pending: PendingCib, elements: Sequence[Element]) -> Element:
    made = etree.Element("configuration")
    for name in ("crm_config", "nodes", "resources", "constraints"):
        etree.SubElement(made, name)
    seen: set[int] = set()
    for element in elements:
        top = pending.top(element)
        if id(top) in seen:
            continue
        seen.add(id(top))
        parent = top.getparent()
        if top.tag == "fencing-topology" or parent is None:
            made.append(deepcopy(top))
            continue
        section = made.find(str(parent.tag))
        if section is None:
            section = etree.SubElement(made, str(parent.tag))
        section.append(deepcopy(top))
    return made


def ids_for_completion(pending: PendingCib) -> list[str]:
    """Every id a selector may name."""
    return [_name(element) for element in pending.everything()]
