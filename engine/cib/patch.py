"""Differences of two CIB trees as data, and their three-way application (engine 6.6, 6.7).

A patch names elements by path (tag, id, place among equals) and carries the old values; it fits a
tree in which what it touches still has them, whatever else has changed. Attribute order and
white space between elements carry no meaning; the order of children does.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from typing import Any

import msgpack
from lxml import etree

from engine.base.errors import BadInput
from engine.base.safexml import parse_xml

Step = tuple[str, str, int]
Path = tuple[Step, ...]

COMMENT = "#comment"
TEXT = "#text"
MAX_OPERATIONS = 50_000
# A patch with more of them lists the children that it meets instead of searching for each.
FEW_OPERATIONS = 16

MAX_DEPTH = 64

_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# What a conflict names: the innermost of these on the path, sets only where nothing else is.
_SETS = frozenset({"cluster_property_set", "meta_attributes"})
_NAMED = frozenset(
    {
        *("primitive", "group", "clone", "master", "bundle", "template", "node", "tag"),
        *("rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket", "fencing-level"),
        *("acl_role", "acl_target", "acl_group", "alert"),
    }
)
OBJECT_TAGS = _NAMED | _SETS
_VALUE_SETS = _SETS | {"instance_attributes", "utilization"}


@dataclass(frozen=True, slots=True)
class SetAttribute:
    """`old` or `new` is None when the attribute is absent; the name `#text` is the element's text."""

    path: Path
    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Remove:
    """`digest` is the `element_digest` of what is removed."""

    path: Path
    digest: bytes


@dataclass(frozen=True, slots=True)
class Insert:
    """A new child `xml` of `parent`, behind the child `after` (None: first)."""

    parent: Path
    step: Step
    after: Step | None
    xml: bytes


@dataclass(frozen=True, slots=True)
class Move:
    """A child gets another place: it was behind `before`, it shall be behind `after`."""

    path: Path
    before: Step | None
    after: Step | None


Operation = SetAttribute | Remove | Insert | Move


@dataclass(frozen=True, slots=True)
class Patch:
    """Operations in the order in which they are applied."""

    operations: tuple[Operation, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.operations)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that the patch touches is not as it was: `subject` (`primitive db`) and what of it."""

    subject: str
    what: str
    path: Path = ()


# ---- making a patch


def diff(old: etree._Element, new: etree._Element) -> Patch:
    """The patch that makes `new` of `old`; both have the same document element."""
    if old.tag != new.tag:
        raise BadInput(f"cannot compare <{old.tag!s}> with <{new.tag!s}>")
    found: list[Operation] = []
    _diff_element((), old, new, found)
    return Patch(tuple(found))


def _diff_element(
    path: Path, old: etree._Element, new: etree._Element, found: list[Operation]
) -> None:
    before, after = _attributes(old), _attributes(new)
    for name, value in before.items():
        if after.get(name) != value:
            found.append(SetAttribute(path, name, value, after.get(name)))
    for name, value in after.items():
        if name not in before:
            found.append(SetAttribute(path, name, None, value))
    if len(old) or len(new):
        _diff_children(path, old, new, found)


def _diff_children(
    path: Path, old: etree._Element, new: etree._Element, found: list[Operation]
) -> None:
    before, after = dict(keyed_children(old)), dict(keyed_children(new))
    for step in reversed(before):
        if step not in after:
            found.append(Remove((*path, step), element_digest(before[step])))
    previous = dict(zip(before, [None, *before], strict=False))
    staying = _longest_run(list(before), [step for step in after if step in before])
    last: Step | None = None
    for step, element in after.items():
        mine = before.get(step)
        if mine is None:
            found.append(Insert(path, step, last, _serialized(element)))
        else:
            if step not in staying:
                found.append(Move((*path, step), previous[step], last))
            if step[0] != COMMENT and _serialized(mine) != _serialized(element):
                _diff_element((*path, step), mine, element, found)
        last = step


def _longest_run(old: list[Step], common: list[Step]) -> frozenset[Step]:
    """The most children that keep their order; only the others need to move."""
    place = {step: number for number, step in enumerate(old)}
    tails: list[int] = []
    ends: list[Step] = []
    link: dict[Step, Step | None] = {}
    for step in common:
        spot = bisect_left(tails, place[step])
        link[step] = ends[spot - 1] if spot else None
        tails[spot:] = [place[step], *tails[spot + 1 :]] if spot < len(tails) else [place[step]]
        ends[spot:] = [step, *ends[spot + 1 :]] if spot < len(ends) else [step]
    kept: list[Step] = []
    last = ends[-1] if ends else None
    while last is not None:
        kept.append(last)
        last = link[last]
    return frozenset(kept)


# ---- applying a patch


def apply_patch(root: etree._Element, patch: Patch) -> tuple[Conflict, ...]:
    """Apply to the tree in place; with any conflict the tree stays as it is."""
    plan = plan_patch(root, patch)
    if plan.conflicts:
        return plan.conflicts
    plan.apply()
    return ()


@dataclass(slots=True)
class Plan:
    """A patch fitted to one tree: what stands against it, or the steps that apply it."""

    conflicts: tuple[Conflict, ...]
    changes: list[Callable[[], Callable[[], None]]]
    find: Callable[[Path], etree._Element | None]
    """The element that a path of the patch meant before it was applied, or that it inserts."""

    def apply(self) -> Callable[[], None]:
        """Do it, wholly or not at all; the result, when called, takes it back."""
        undo: list[Callable[[], None]] = []

        def take_back() -> None:
            for call in reversed(undo):
                call()

        try:
            for change in self.changes:
                undo.append(change())
        except BaseException:
            take_back()
            raise
        return take_back


def plan_patch(
    root: etree._Element, patch: Patch, fragments: Mapping[int, etree._Element] | None = None
) -> Plan:
    """Compare all old values with the tree, before anything is changed.

    `fragments` are elements to be inserted that were parsed before, by the place of their operation.
    """
    if len(patch.operations) > MAX_OPERATIONS:
        raise BadInput(f"the change touches more than {MAX_OPERATIONS} elements")
    fitting = _Fitting(root, is_small=len(patch.operations) <= FEW_OPERATIONS)
    known = fragments or {}
    for number, operation in enumerate(patch.operations):
        fitting.fit(operation, known.get(number))
    return Plan(tuple(fitting.conflicts), fitting.changes, fitting.find)


class _Children:
    """The children of an element by step: as they were, and what the patch adds.

    For a small patch each is searched by libxml2, for a large one all are listed once.
    """

    __slots__ = ("_element", "_known")

    def __init__(self, element: etree._Element | None, *, is_searched: bool) -> None:
        self._element = element if is_searched else None
        self._known: dict[Step, etree._Element | None] = {}
        if element is not None and not is_searched:
            self._known.update(keyed_children(element))

    def get(self, step: Step) -> etree._Element | None:
        if step not in self._known and self._element is not None:
            self._known[step] = _child(self._element, step)
        return self._known.get(step)

    def add(self, step: Step, element: etree._Element) -> None:
        self._known[step] = element


class _Fitting:
    """Finds the elements of a patch in one tree."""

    def __init__(self, root: etree._Element, *, is_small: bool) -> None:
        self._root = root
        self._is_small = is_small
        self._indexes: dict[Path, _Children] = {}
        self.conflicts: list[Conflict] = []
        self.changes: list[Callable[[], Callable[[], None]]] = []

    def fit(self, operation: Operation, fragment: etree._Element | None) -> None:
        if isinstance(operation, SetAttribute):
            self._fit_attribute(operation)
        elif isinstance(operation, Remove):
            self._fit_removal(operation)
        elif isinstance(operation, Insert):
            self._fit_insertion(operation, fragment)
        else:
            self._fit_move(operation)

    def find(self, path: Path) -> etree._Element | None:
        if not path:
            return self._root
        return self._index(path[:-1]).get(path[-1])

    def _index(self, parent: Path) -> _Children:
        index = self._indexes.get(parent)
        if index is None:
            index = _Children(self.find(parent), is_searched=self._is_small)
            self._indexes[parent] = index
        return index

    def _clash(self, path: Path, what: str) -> None:
        """Note a conflict; of something that went with its parent, the parent is what was removed."""
        lengths = range(1, len(path))
        path = next((path[:end] for end in lengths if self.find(path[:end]) is None), path)
        subject = subject_of(path)
        tag, ident, _ = path[-1] if path else ("cib", "", 0)
        part = f"{tag} {ident}".rstrip()
        self.conflicts.append(
            Conflict(subject, what if part == subject else f"{part} {what}", path)
        )

    def _fit_attribute(self, operation: SetAttribute) -> None:
        _check_attribute(operation)
        element = self.find(operation.path)
        if element is None:
            self._clash(operation.path, "was removed")
            return
        now = _attributes(element).get(operation.name)
        if now == operation.new:
            return
        if now != operation.old:
            shown = "removed" if now is None else f"'{now}' now"
            what = f"{_label(element, operation.name)} is {shown}"
            self.conflicts.append(Conflict(subject_of(operation.path), what, operation.path))
            return
        self.changes.append(lambda: _set(element, operation.name, operation.new))

    def _fit_removal(self, operation: Remove) -> None:
        element = self.find(operation.path)
        if element is None:
            return
        if element_digest(element) != operation.digest:
            self._clash(operation.path, "was changed")
            return
        self.changes.append(lambda: _take_out(element))

    def _fit_insertion(self, operation: Insert, fragment: etree._Element | None) -> None:
        parent = self.find(operation.parent)
        if parent is None:
            self._clash(operation.parent, "was removed")
            return
        element = parse_fragment(operation.xml) if fragment is None else fragment
        if _step_of(element) != operation.step[:2]:
            raise BadInput(f"the change adds {operation.step[0]} under another name")
        index = self._index(operation.parent)
        there = index.get(operation.step)
        if there is not None:
            path = (*operation.parent, operation.step)
            if _holds_only_values(there) and _holds_only_values(element):
                self._fit_values(path, there, element)
            elif element_digest(there) != element_digest(element):
                self._clash(path, "was added")
            return
        after = index.get(operation.after) if operation.after else None
        at_start = operation.after is None
        index.add(operation.step, element)
        self.changes.append(lambda: _put(parent, element, after, at_start))

    def _fit_values(self, path: Path, there: etree._Element, element: etree._Element) -> None:
        """Two new sets with one id are one set with the values of both."""
        index = self._index(path)
        for step, pair in keyed_children(element):
            known = index.get(step)
            if known is None:
                index.add(step, pair)
                self.changes.append(partial(_put, there, pair, None, False))
            elif element_digest(known) != element_digest(pair):
                what = f"{_label(known, 'value')} is '{known.get('value', '')}' now"
                where = (*path, step)
                self.conflicts.append(Conflict(subject_of(where), what, where))

    def _fit_move(self, operation: Move) -> None:
        element = self.find(operation.path)
        if element is None:
            self._clash(operation.path, "was removed")
            return
        parent = operation.path[:-1]
        index = self._index(parent)
        owner = self.find(parent)
        if owner is None or not self._is_behind(element, operation.before, index):
            self._clash(operation.path, "was moved")
            return
        after = index.get(operation.after) if operation.after else None
        at_start = operation.after is None
        self.changes.append(lambda: _put(owner, element, after, at_start))

    def _is_behind(self, element: etree._Element, before: Step | None, index: _Children) -> bool:
        """Still behind its old neighbour; when that one is gone, nothing can be said against it."""
        neighbour = element.getprevious()
        if before is None:
            return neighbour is None
        old = index.get(before)
        return old is None or neighbour is old


def _set(element: etree._Element, name: str, value: str | None) -> Callable[[], None]:
    old = element.text if name == TEXT else element.get(name)

    def put(text: str | None) -> None:
        if name == TEXT:
            element.text = text
        elif text is None:
            element.attrib.pop(name, None)  # a damaged patch may remove it twice
        else:
            element.set(name, text)

    put(value)
    return lambda: put(old)


def _take_out(element: etree._Element) -> Callable[[], None]:
    parent = element.getparent()
    if parent is None:
        raise BadInput("the document element cannot be removed")
    place = parent.index(element)
    parent.remove(element)
    return lambda: parent.insert(place, element)


def _put(
    parent: etree._Element,
    element: etree._Element,
    after: etree._Element | None,
    at_start: bool,
) -> Callable[[], None]:
    """Bring an element, new or moved, behind `after`, to the start, or (neighbour gone) to the end."""
    owner = element.getparent()
    place = owner.index(element) if owner is not None else -1
    if owner is not None:
        owner.remove(element)
    if after is not None and after.getparent() is parent:
        after.addnext(element)
    elif at_start:
        parent.insert(0, element)
    else:
        parent.append(element)

    def take_back() -> None:
        parent.remove(element)
        if owner is not None:
            owner.insert(place, element)

    return take_back


# ---- elements


def keyed_children(element: etree._Element) -> Iterator[tuple[Step, etree._Element]]:
    """Children with their steps, in order."""
    counts: dict[tuple[str, str], int] = {}
    for child in element:
        key = _step_of(child)
        number = counts.get(key, 0)
        counts[key] = number + 1
        yield (*key, number), child


def children_named(element: etree._Element, tag: str, identity: str) -> list[etree._Element]:
    """The children with this tag and id, in order; `identity` is not empty."""
    found = _by_id()(element, id=identity)
    return [child for child in found if child.tag == tag] if isinstance(found, list) else []


@cache
def _by_id() -> etree.XPath:
    return etree.XPath("*[@id=$id]")


def _child(element: etree._Element, step: Step) -> etree._Element | None:
    tag, identity, number = step
    if tag != COMMENT and identity:
        found = children_named(element, tag, identity)
        return found[number] if 0 <= number < len(found) else None
    return next((child for each, child in keyed_children(element) if each == step), None)


def _step_of(element: etree._Element) -> tuple[str, str]:
    if isinstance(element.tag, str):
        return element.tag, element.get("id") or ""
    return COMMENT, element.text or ""


def element_digest(element: etree._Element) -> bytes:
    """16 bytes over tags, attributes, texts and order; not over white space and attribute order."""
    parts: list[str] = []
    _flatten(element, parts)
    return sha256("\0".join(parts).encode()).digest()[:16]


def _flatten(element: etree._Element, parts: list[str]) -> None:
    if not isinstance(element.tag, str):
        parts += ["!", element.text or ""]
        return
    parts.append(element.tag)
    for name, value in sorted(_attributes(element).items()):
        parts += [name, value]
    parts.append("<")
    for child in element:
        _flatten(child, parts)
    parts.append(">")


def _attributes(element: etree._Element) -> dict[str, str]:
    found = {str(name): str(value) for name, value in element.items()}
    if element.text is not None and element.text.strip():
        found[TEXT] = element.text
    return found


def _serialized(element: etree._Element) -> bytes:
    return etree.tostring(element, encoding="utf-8", with_tail=False)


def parse_fragment(xml: bytes) -> etree._Element:
    """What an `Insert` inserts."""
    if xml.startswith(b"<!--"):
        try:
            return etree.Comment(xml[4:-3].decode())
        except ValueError:
            raise BadInput("the change adds a comment that is none") from None
    return parse_xml(xml, "change")


def _check_attribute(operation: SetAttribute) -> None:
    """What an attribute may be called and hold; ids are what paths are made of and stay."""
    name, value = operation.name, operation.new
    if name == "id" or (name != TEXT and not _ATTRIBUTE.match(name)):
        raise BadInput(f"the change sets an attribute '{name}', which cannot be")
    if value is not None and _NO_XML.search(value):
        raise BadInput(f"the change gives {name} a value with control characters")


def xml_text(text: str) -> str:
    """The text with a question mark for each character that XML cannot hold."""
    return _NO_XML.sub("?", text)


def _holds_only_values(element: etree._Element) -> bool:
    """A set that holds always, of values with ids of their own."""
    return (
        element.tag in _VALUE_SETS
        and set(element.attrib) <= {"id"}
        and len(element) > 0
        and all(child.tag == "nvpair" and child.get("id") for child in element)
    )


def _label(element: etree._Element, attribute: str) -> str:
    """An attribute in the user's words: `ip` for the value of that parameter, `monitor timeout`."""
    name = element.get("name", "")
    if element.tag == "nvpair" and attribute == "value" and name:
        return name
    return f"{name} {attribute}" if element.tag == "op" and name else attribute


def subject_of(path: Path) -> str:
    """The object that a path leads to or into, in the user's words."""
    for tags in (_NAMED, _SETS):
        for tag, ident, _ in reversed(path):
            if ident and tag in tags:
                return f"{tag} {ident}"
    for tag, ident, _ in reversed(path):
        if ident:
            return f"{tag} {ident}"
    return path[-1][0] if path else "cib"


def touched_paths(patch: Patch) -> Iterator[Path]:
    """The path of everything that a patch changes."""
    for operation in patch.operations:
        if isinstance(operation, Insert):
            yield (*operation.parent, operation.step)
        else:
            yield operation.path


# ---- on the wire

_CODES: tuple[type[Operation], ...] = (SetAttribute, Remove, Insert, Move)


def patch_to_bytes(patch: Patch) -> bytes:
    """The patch as msgpack."""
    rows = [
        [_CODES.index(type(item)), *[getattr(item, name) for name in type(item).__slots__]]
        for item in patch.operations
    ]
    packed: bytes = msgpack.packb(rows, use_bin_type=True)
    return packed


def patch_from_bytes(data: bytes) -> Patch:
    """The inverse; raises `BadInput` for anything that is not a patch."""
    try:
        rows = msgpack.unpackb(data, raw=False)
        return Patch(tuple([_operation_from_row(row) for row in rows]))
    except (ValueError, TypeError, IndexError, KeyError, msgpack.UnpackException):
        raise BadInput("the change is not a patch") from None


def _operation_from_row(row: list[Any]) -> Operation:
    code, *values = row
    match code, values:
        case 0, [path, str(name), str() | None as old, str() | None as new]:
            return SetAttribute(_path(path), name, old, new)
        case 1, [path, bytes(digest)]:
            return Remove(_path(path), digest)
        case 2, [parent, step, after, bytes(xml)]:
            return Insert(_path(parent), _step(step), _step(after) if after else None, xml)
        case 3, [path, before, after]:
            before_step = _step(before) if before else None
            return Move(_path(path), before_step, _step(after) if after else None)
    raise ValueError(code)


def _path(steps: Iterable[Any]) -> Path:
    path = tuple([_step(step) for step in steps])
    if len(path) > MAX_DEPTH:
        raise ValueError(path)
    return path


def _step(step: Any) -> Step:
    match step:
        case [str(tag), str(ident), int(number)]:
            return tag, ident, number
    raise ValueError(step)
