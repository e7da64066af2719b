"""Is this CIB of a form we accept: our own RELAX NG grammar, ids given once, references that exist.

`validate` is what shell and agent ask before they take a CIB in; `dangling_references` are errors
for a commit, but the scheduler still plans for the rest of such a CIB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from engine.base.reports import Report, error, warning

if TYPE_CHECKING:
    from engine.cib.shapes import Shape  # explaining a refusal: loaded when there is one

SCHEMAS = (
    "pacemaker-1.0",
    "pacemaker-1.2",
    "pacemaker-1.3",
    *(f"pacemaker-2.{minor}" for minor in range(11)),
    *(f"pacemaker-3.{minor}" for minor in range(11)),
    "pacemaker-4.0",
)
# libxml2 is asked about so many objects of a section at once.
OBJECTS_AT_ONCE = 200
# For so many faults the nearest legal word is looked for: that takes a look at every known word.
EXPLAINED = 20
_GRAMMAR = Path(__file__).with_name("cib.rng")

# Elements whose `id` names another object, and so may be repeated.
_ID_IS_REFERENCE = frozenset({"resource_ref", "obj_ref", "role", "role_ref"})
_CONSTRAINT_REFERENCES = ("rsc", "with-rsc", "first", "then")
_RESOURCE_TAGS = frozenset({"primitive", "group", "clone", "master", "bundle", "template"})


def validate(root: etree._Element) -> list[Report]:
    """Findings about the form of the CIB, in document order; empty when it is accepted.

    A CIB that says `validate-with="none"` is taken as it is, with a warning.
    """
    if root.tag != "cib":
        return [error("cib-root", f"the document element is <{root.tag!s}>, expected <cib>")]
    claimed = root.get("validate-with")
    if claimed == "none":
        return [warning("schema-none", "validate-with=none: the form of this CIB is not checked")]
    reports = []
    if claimed is None:
        reports.append(
            error("schema-missing", "<cib> has no validate-with, expected a schema name")
        )
    elif claimed not in SCHEMAS:
        reports.append(_unknown_schema(claimed))
    grammar = compiled_grammar()
    for piece in pieces(root):
        if not grammar.validate(piece):
            reports.extend(_structure_reports(root, piece, grammar.error_log))
            break
    reports.extend(_duplicate_ids(root))
    return reports


def check_configuration(root: etree._Element) -> list[Report]:
    """What the DC demands of a configuration: its form, and that what it names exists.

    The status section is the cluster's own and far larger; it is set aside meanwhile.
    """
    status, empty = root.find("status"), etree.Element("status")
    if status is not None:
        root.replace(status, empty)
    try:
        return [*validate(root), *dangling_references(root)]
    finally:
        if status is not None:
            root.replace(empty, status)


def pieces(root: etree._Element) -> Iterator[etree._Element]:
    """The CIB as several that are valid together exactly when it is.

    Sections hold any number of objects in any order, but libxml2 needs quadratic time for many.
    """
    configuration = root.find("configuration")
    if configuration is None or all(len(each) <= OBJECTS_AT_ONCE for each in configuration):
        yield root
        return
    first = _shell(root)
    for child in root:
        first.append(_shell(child) if child is configuration else deepcopy(child))
    inner = first.find("configuration")
    for section in configuration:
        is_large = len(section) > OBJECTS_AT_ONCE
        if inner is not None:
            inner.append(_shell(section) if is_large else deepcopy(section))
        if is_large:
            yield from _excerpts(root, configuration, section)
    yield first


def _excerpts(
    root: etree._Element, configuration: etree._Element, section: etree._Element
) -> Iterator[etree._Element]:
    """The CIB with all of its sections, empty but for some of the objects of one."""
    objects = iter(section)
    while batch := list(islice(objects, OBJECTS_AT_ONCE)):
        piece = _shell(root)
        inner = _shell(configuration)
        piece.append(inner)
        for each in configuration.iterchildren(etree.Element):
            copy = _shell(each)
            inner.append(copy)
            if each is section:
                copy.extend(deepcopy(batch))
        yield piece


def _shell(element: etree._Element) -> etree._Element:
    """A copy without children; its text stays, for it may be wrong."""
    if not isinstance(element.tag, str):
        return deepcopy(element)
    made = etree.Element(element.tag, dict(element.attrib))
    made.text = element.text
    return made


def dangling_references(root: etree._Element) -> list[Report]:
    """References in the configuration to objects that do not exist."""
    configuration = root.find("configuration")
    if configuration is None:
        return []
    known: dict[str, dict[str, None]] = {}
    for kind, identity in definitions(configuration):
        known.setdefault(kind, {})[identity] = None
    found: list[Report] = []
    for element, name, wanted, kind in references(configuration):
        words = known.get(kind, {})
        if wanted not in words:
            candidates = words if len(found) < EXPLAINED else ()
            found.append(_dangling(element, name, wanted, candidates))
    return found


def definitions(configuration: etree._Element) -> Iterator[tuple[str, str]]:
    """What references may lead to, as kind and id: anything with an id, resources and tags, roles."""
    for element in configuration.iter(etree.Element):
        identity = element.get("id")
        if identity is not None and element.tag not in _ID_IS_REFERENCE:
            yield "id", identity
    for element in configuration.iterfind("resources//*"):
        if element.tag in _RESOURCE_TAGS:
            yield "resource", element.get("id") or ""
    for element in configuration.iterfind("tags/tag"):
        yield "resource", element.get("id") or ""
    for element in configuration.iterfind("acls/acl_role"):
        yield "role", element.get("id") or ""


def references(
    configuration: etree._Element,
) -> Iterator[tuple[etree._Element, str, str, str]]:
    """All references: the element, how it refers, to whom, and to which kind of definition."""
    for element in configuration.iter(etree.Element):
        if (wanted := element.get("id-ref")) is not None:
            yield element, "id-ref", wanted, "id"
        if element.tag == "primitive" and (template := element.get("template")) is not None:
            yield element, "template", template, "resource"
    for element in configuration.iterfind("constraints/*"):
        for name in _CONSTRAINT_REFERENCES:
            if (wanted := element.get(name)) is not None:
                yield element, name, wanted, "resource"
        for reference in element.iterfind("resource_set/resource_ref"):
            yield element, "resource_ref", reference.get("id") or "", "resource"
    for tag in configuration.iterfind("tags/tag"):
        for reference in tag.iterchildren("obj_ref"):
            yield tag, "obj_ref", reference.get("id") or "", "id"
    for owner in configuration.iterfind("acls/*"):
        for right in owner.iterfind("acl_permission[@reference]"):
            yield owner, "reference", right.get("reference") or "", "id"
        for reference in owner.iterchildren("role"):
            yield owner, "role", reference.get("id") or "", "role"


def unique_ids(configuration: etree._Element) -> Iterator[str]:
    """The ids that must be given once, each as often as it is given."""
    for element in configuration.iter(etree.Element):
        if _has_id_of_its_own(element):
            yield element.get("id") or ""


@cache
def compiled_grammar() -> etree.RelaxNG:
    """The grammar, compiled once in a process."""
    return etree.RelaxNG(etree.parse(str(_GRAMMAR)))


@cache
def known_shapes() -> dict[str, Shape]:
    """What the grammar allows of each element, by element name."""
    from engine.cib.shapes import shapes_from_grammar

    return shapes_from_grammar(etree.parse(str(_GRAMMAR)).getroot())


def _unknown_schema(claimed: str) -> Report:
    nearest = _nearest(claimed, SCHEMAS)
    expected = f", did you mean {nearest}?" if nearest else f", the newest known is {SCHEMAS[-1]}"
    return error(
        "schema-unknown",
        f"validate-with={claimed!r} is no known schema{expected}",
        nearest=nearest,
    )


def _structure_reports(
    root: etree._Element, piece: etree._Element, log: etree._ListErrorLog
) -> list[Report]:
    """All faults that the shapes of the grammar show; else libxml2's innermost place, explained.

    `piece` is the part of the CIB that the log is about.
    """
    from engine.cib.shapes import faults, what_is_absent

    shapes = known_shapes()
    configuration = root.find("configuration")
    if configuration is None:
        return [error("schema-invalid", "<cib> has no <configuration>")]
    found = [
        _structure_report(element, message, nearest)
        for element in configuration.iter(etree.Element)
        for message, nearest in faults(element, shapes)
    ]
    if found:
        return found
    innermost = log[0]
    place = _element_at(piece, innermost)
    if place is None:
        return [error("schema-invalid", f"line {innermost.line}: {innermost.message}")]
    return [_structure_report(place, what_is_absent(place, shapes), "")]


def _structure_report(element: etree._Element, message: str, nearest: str) -> Report:
    line = f"line {element.sourceline}: " if element.sourceline else ""
    return error(
        "schema-invalid",
        f"{line}{describe(element)}: {message}",
        subject=_nearest_id(element),
        nearest=nearest,
    )


def _nearest_id(element: etree._Element) -> str:
    """The id of the element, or of what it belongs to."""
    found: etree._Element | None = element
    while found is not None and found.get("id") is None:
        found = found.getparent()
    return "" if found is None else found.get("id") or ""


def _element_at(root: etree._Element, entry: etree._LogEntry) -> etree._Element | None:
    if not entry.path:
        return None
    try:
        found = root.getroottree().xpath(entry.path)
    except etree.XPathError:
        return None
    match found:
        case [etree._Element() as element, *_]:
            return element
    return None


def _nearest(word: str, words: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(word, words, 1)
    return found[0] if found else ""


def _did_you_mean(nearest: str) -> str:
    return f", did you mean {nearest}?" if nearest else ""


def _duplicate_ids(root: etree._Element) -> Iterator[Report]:
    configuration = root.find("configuration")
    if configuration is None:
        return
    seen: dict[str, etree._Element] = {}
    for element in configuration.iter(etree.Element):
        if not _has_id_of_its_own(element):
            continue
        identity = element.get("id") or ""
        first = seen.setdefault(identity, element)
        if first is not element:
            yield error(
                "id-duplicate",
                f"line {element.sourceline}: {describe(element)}: the id is taken already"
                f" by <{first.tag!s}> in line {first.sourceline}",
                subject=identity,
            )


def _has_id_of_its_own(element: etree._Element) -> bool:
    if element.get("id") is None or element.tag in _ID_IS_REFERENCE:
        return False
    return element.tag != "node"


def _dangling(element: etree._Element, name: str, wanted: str, known: Iterable[str]) -> Report:
    nearest = _nearest(wanted, tuple(sorted(filter(None, known))))
    return error(
        "reference-dangling",
        f"{describe(element)}: {name} names {wanted!r}, which does not exist{_did_you_mean(nearest)}",
        subject=_nearest_id(element),
        nearest=nearest,
    )


def describe(element: etree._Element) -> str:
    """`<tag id=…>` as it is named in findings."""
    identity = element.get("id")
    return f"<{element.tag!s} id={identity!r}>" if identity else f"<{element.tag!s}>"
