"""Text and XML that replace parts of the pending configuration: `load`, `edit`, `filter`.

Everything is read first; one wrong statement and nothing is changed. The order of the text is the
order of the objects, except that what an object takes in comes before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import fields, is_dataclass, replace

from crmshell.errors import ShellError
from crmshell.grammar.ast import (
    BundleStmt,
    ContainerStmt,
    Member,
    NodeStmt,
    PropertyStmt,
    Statement,
    TopologyStmt,
    XmlStmt,
)
from crmshell.grammar.part_text import Style
from crmshell.grammar.printer import Printer
from crmshell.grammar.statements import Parsed, parse_text
from crmshell.grammar.tokens import split_words
from crmshell.pending import edits, merging, references
from crmshell.pending.changes import PendingCib, Way
from crmshell.pending.listing import Listing, statement_texts
from crmshell.pending.merging import DEFAULT_SETS
from crmshell.pending.problems import Refused, place_of
from crmshell.pending.tree import CONSTRAINT_TAGS, CONTAINER_TAGS, TOPOLOGY, Element
from engine.base.errors import EngineError
from engine.base.reports import Report, Severity
from engine.base.safexml import parse_xml

METHODS = ("replace", "update", "push")


def load_text(pending: PendingCib, physical: Iterable[str], file: str, method: str) -> list[Report]:
    """Statements into the configuration by one of `METHODS`; what there is to say about it."""
    parsed = parse_text(physical, file, pending.dialect(typed=False))
    if parsed.problems:
        raise ShellError(reports=parsed.problems)
    if not parsed.statements and method != "update":
        raise ShellError(
            f"{file}: the text has no statements; erase is the command that deletes everything",
            code="no-objects",
        )
    mark = pending.mark()
    try:
        if method == "replace":
            edits.erase(pending, nodes=False)
        before = _all_names(pending) if method == "push" else []
        way = Way.REPLACE if method == "push" else Way.UPDATE
        _apply_all(pending, parsed.statements, way, None)
        named = {_name_of(one.statement) for one in parsed.statements}
        _delete_missing(pending, [name for name in before if name not in named])
    except ShellError:
        pending.roll_back(mark)
        raise
    return [note for one in parsed.statements for note in one.notes]


def apply_edited(
    pending: PendingCib, physical: Iterable[str], file: str, scope: Sequence[Element]
) -> list[Report]:
    """An edited text of the objects `scope`: those are replaced or deleted, new ones created."""
    parsed = parse_text(physical, file, pending.dialect(typed=False))
    if parsed.problems:
        raise ShellError(reports=parsed.problems)
    names = [_key_of(element) for element in scope]
    mark = pending.mark()
    try:
        _apply_all(pending, parsed.statements, Way.REPLACE, set(names))
        kept = {_name_of(one.statement) for one in parsed.statements}
        _delete_missing(pending, [name for name in names if name not in kept])
    except ShellError:
        pending.roll_back(mark)
        raise
    return [note for one in parsed.statements for note in one.notes]


def renames_in(
    pending: PendingCib, physical: Iterable[str], scope: Sequence[Element]
) -> list[tuple[str, str]]:
    """(old, new) for objects that an edited text has under another id and else unchanged."""
    parsed = parse_text(physical, "edit", pending.dialect(typed=False))
    by_name = {_name_of(one.statement): one.statement for one in parsed.statements}
    listing = Listing(one_line=True)
    gone = {
        statement_texts(pending, [element], listing)[0]: _key_of(element)
        for element in scope
        if _key_of(element) not in by_name and element.tag != "node"
    }
    found: list[tuple[str, str]] = []
    printer = Printer(Style(one_line=True))
    for name, statement in by_name.items():
        if not gone or pending.find(name) is not None or not hasattr(statement, "id"):
            continue
        same = [
            (text, old)
            for text, old in gone.items()
            if printer.text(_with_id(statement, old)) == text
        ]
        if len(same) == 1:
            found.append((same[0][1], name))
            del gone[same[0][0]]
    return found


def _with_id(statement: Statement, name: str) -> Statement:
    if isinstance(statement, (NodeStmt, TopologyStmt, XmlStmt)):
        return statement
    return replace(statement, id=name)


def load_xml(pending: PendingCib, data: bytes, file: str, method: str) -> None:
    """The objects of an XML document: a whole CIB, its configuration, or one section or object."""
    try:
        root = parse_xml(data, file)
    except EngineError as problem:
        raise ShellError(str(problem), code="bad-xml") from None
    found = root if root.tag == "configuration" else root.find("configuration")
    mark = pending.mark()
    try:
        if method == "replace":
            edits.erase(pending, nodes=False)
        before = _all_names(pending) if method == "push" else []
        given = list(_objects_of_document(found if found is not None else root))
        if not given:
            raise ShellError(f"{file}: no objects of a configuration in it", code="no-objects")
        for element in given:
            merging.put_xml(pending, deepcopy(element), (), replace=True)
        kept = {_key_of(part) for element in given for part in element.iter("*")}
        _delete_missing(pending, [name for name in before if name not in kept])
    except ShellError:
        pending.roll_back(mark)
        raise


def _objects_of_document(root: Element) -> Iterator[Element]:
    if root.tag != "configuration":
        yield root
        return
    for section in root:
        if section.tag in ("rsc_defaults", "op_defaults", "fencing-topology"):
            if len(section):
                yield section
        else:
            yield from (child for child in section if isinstance(child.tag, str))


# -- applying -------------------------------------------------------------------------------------


def _apply_all(
    pending: PendingCib, statements: Sequence[Parsed], way: Way, scope: set[str] | None
) -> None:
    """All statements in the order of the text, what they need first; refuses all problems at once."""
    problems: list[Report] = []
    by_name = _named_once(statements, problems, merged=way is Way.UPDATE)
    _check_scope(pending, statements, scope, problems)
    if problems:
        raise ShellError(reports=tuple(problems))
    pending.ids.promised = set(_given_ids(statements))
    _release_members(pending, by_name, scope)
    try:
        for one in _in_order(statements, by_name):
            try:
                pending.apply(one, way)
            except Refused as refusal:
                problems.extend(_placed(refusal, one).reports)
    finally:
        pending.ids.promised = set()
    for one in statements:
        problems.extend(_dangling(pending, one))
    if problems:
        raise ShellError(reports=tuple(problems))


def _named_once(
    statements: Sequence[Parsed], problems: list[Report], *, merged: bool
) -> dict[str, Parsed]:
    """Statements by the name of their object; the same one twice is a problem, but (`merged`) for
    properties, which meet in one set."""
    by_name: dict[str, Parsed] = {}
    for one in statements:
        name = _name_of(one.statement)
        if name in by_name and not (merged and isinstance(one.statement, PropertyStmt)):
            refusal = Refused(
                f"{name.removeprefix('node ')} is defined twice in this text",
                code="defined-twice",
                word=name.removeprefix("node "),
            )
            problems.extend(_placed(refusal, one).reports)
        by_name[name] = one
    return by_name


def _check_scope(
    pending: PendingCib,
    statements: Sequence[Parsed],
    scope: set[str] | None,
    problems: list[Report],
) -> None:
    """An edit may not touch objects that were not given to be edited."""
    if scope is None:
        return
    for one in statements:
        name = _name_of(one.statement)
        there = pending.objects.get(name)
        if there is None and name.startswith("node "):
            there = pending.nodes.get(name.removeprefix("node "))
        if there is not None and name not in scope:
            word = name.removeprefix("node ")
            refusal = Refused(
                f"{word}: id is already in use by an object that is not being edited",
                code="id-in-use",
                word=word,
            )
            problems.extend(_placed(refusal, one).reports)


def _release_members(
    pending: PendingCib, by_name: dict[str, Parsed], scope: set[str] | None
) -> None:
    """Members that leave a container which the text changes are set free before anything else."""
    names = list(by_name) if scope is None else list(dict.fromkeys([*by_name, *sorted(scope)]))
    for name in names:
        container = pending.objects.get(name)
        if container is None or container.tag not in CONTAINER_TAGS:
            continue
        one = by_name.get(name)
        kept = set(_members_of(one.statement)) if one is not None else set()
        if one is not None and isinstance(one.statement, XmlStmt):
            continue
        top = pending.top(container)
        parent = top.getparent()
        if parent is None:
            continue
        following = top.getnext()
        for child in list(container):
            inside = child.tag in ("primitive", *CONTAINER_TAGS)
            if inside and child.get("id", "") not in kept:
                pending.move(child, parent, following)


def _in_order(statements: Sequence[Parsed], by_name: dict[str, Parsed]) -> Iterator[Parsed]:
    """The text's order, but what an object takes in or is made from comes before it."""
    done: set[str] = set()
    later: list[Parsed] = []

    def with_needs(one: Parsed, depth: int) -> Iterator[Parsed]:
        name = _name_of(one.statement)
        if name in done or depth > len(by_name):
            return
        done.add(name)
        for needed in _members_of(one.statement):
            other = by_name.get(needed)
            if other is not None:
                yield from with_needs(other, depth + 1)
        yield one

    for one in statements:
        if isinstance(one.statement, TopologyStmt):
            later.append(one)
        else:
            yield from with_needs(one, 0)
    yield from later


def _delete_missing(pending: PendingCib, names: Sequence[str]) -> None:
    for name in names:
        if name.startswith("node "):
            node = pending.nodes.get(name.removeprefix("node "))
            if node is not None:
                pending.remove(node)
            continue
        if pending.objects.get(name) is not None:
            references.delete(pending, [name], missing_ok=True)


def _dangling(pending: PendingCib, one: Parsed) -> list[Report]:
    """A loaded constraint must name resources that exist."""
    element = pending.objects.get(_name_of(one.statement))
    if element is None or element.tag not in CONSTRAINT_TAGS:
        return []
    found = pending.dangling(element.get("id", ""))
    return [
        Report(
            note.code,
            Severity.ERROR,
            note.message,
            subject=note.subject,
            span=place_of(note.subject, one.line, split_words(one.line)),
            nearest=note.nearest,
        )
        for note in found
    ]


def _placed(refusal: Refused, one: Parsed) -> ShellError:
    if isinstance(one.statement, XmlStmt):
        return refusal.at(one.line)
    return refusal.at(one.line, split_words(one.line))


# -- names ----------------------------------------------------------------------------------------


def _name_of(statement: Statement) -> str:
    """The key of the object that a statement makes; nodes have names of their own."""
    if isinstance(statement, NodeStmt):
        return f"node {statement.uname}"
    if isinstance(statement, TopologyStmt):
        return TOPOLOGY
    if isinstance(statement, XmlStmt):
        return _name_in_xml(statement)
    if isinstance(statement, PropertyStmt):
        return statement.id or DEFAULT_SETS[statement.kind]
    return statement.id


def _name_in_xml(statement: XmlStmt) -> str:
    try:
        element = parse_xml(statement.xml.encode(), "xml statement")
    except EngineError:
        return ""
    if element.tag in ("rsc_defaults", "op_defaults") and len(element):
        return element[0].get("id", "")
    return _key_of(element)


def _key_of(element: Element) -> str:
    if element.tag == "node":
        return f"node {element.get('uname', '')}"
    return TOPOLOGY if element.tag == "fencing-topology" else element.get("id", "")


def _all_names(pending: PendingCib) -> list[str]:
    """Keys of all objects: constraints and containers before what is in them."""
    return [_key_of(element) for element in pending.everything()][::-1]


def _members_of(statement: Statement) -> Sequence[str]:
    if isinstance(statement, ContainerStmt):
        return statement.members
    if isinstance(statement, BundleStmt):
        return [part.id for part in statement.parts if isinstance(part, Member)]
    return ()


def _given_ids(statements: Iterable[Parsed]) -> Iterator[str]:
    """Ids that the text gives to objects and to inner parts: they are not handed out to others."""
    for one in statements:
        text = one.line.text
        if "$" in text or "id=" in text or ": " in text:
            yield from _ids_in(one.statement)


def _ids_in(value: object) -> Iterator[str]:
    if isinstance(value, tuple):
        for part in value:
            yield from _ids_in(part)
    elif is_dataclass(value):
        for field in fields(value):
            inner = getattr(value, field.name)
            if field.name == "id" and inner:
                yield str(inner)
            elif isinstance(inner, tuple):
                yield from _ids_in(inner)
