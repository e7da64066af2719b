"""Pacemaker's XML patches (`<diff format="2">`): made, applied, and shown as text; and CIB digests.

A patch in this form names elements by path and id and children by position; it carries no old
values, so it fits only the version that it was made from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

from lxml import etree

from engine.base.digits import is_digits
from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.cib.digests import md5_of_text
from engine.cib.document import CibVersion
from engine.cib.operations import path_of

_UNDIGESTED = frozenset({"cib-last-written", "update-origin", "update-client", "update-user"})


# -- digests ----------------------------------------------------------------------------------------


def digest_of_cib(root: etree._Element) -> str:
    """MD5 over a CIB as files have it."""
    return md5_of_text(f" {_compact(root)}\n")


def digest_of_patch(root: etree._Element) -> str:
    """MD5 over a CIB as patches have it: without when and by whom it was written."""
    copy = deepcopy(root)
    for name in _UNDIGESTED:
        copy.attrib.pop(name, None)
    return md5_of_text(_compact(copy))


def _compact(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode", with_tail=False)


# -- making -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Style:
    """How a patch is made: with versions, with the order of attributes, with a digest."""

    with_version: bool = True
    ordered_attributes: bool = False
    with_digest: bool = False


def make_patchset(
    old: etree._Element, new: etree._Element, style: Style | None = None
) -> etree._Element | None:
    """The `<diff>` that makes `new` of `old`, None where they do not differ."""
    style = style or Style()
    if not style.with_version:
        new = _with_version_of(old, new)
    changes = [*_deletions(old, new), *_changes(old, new, style)]
    if not changes:
        return None
    patch = etree.Element("diff", {"format": "2"})
    if style.with_version:
        version = etree.SubElement(patch, "version")
        for name, root in (("source", old), ("target", new)):
            values = zip(CibVersion._fields, _version_texts(root), strict=True)
            etree.SubElement(version, name, dict(values))
    patch.extend(changes)
    if style.with_digest:
        patch.set("digest", digest_of_patch(new))
    return patch


def _with_version_of(old: etree._Element, new: etree._Element) -> etree._Element:
    copy = deepcopy(new)
    for name in CibVersion._fields:
        if name in copy.attrib and old.get(name) is not None:
            copy.set(name, str(old.get(name)))
    return copy


def _version_texts(root: etree._Element) -> list[str]:
    return [root.get(name) or "0" for name in CibVersion._fields]


def _change(operation: str, path: str, position: int | None = None) -> etree._Element:
    made = etree.Element("change", {"operation": operation, "path": path})
    if position is not None:
        made.set("position", str(position))
    return made


def _deletions(old: etree._Element, new: etree._Element) -> Iterator[etree._Element]:
    """What is gone; a comment has the position that it has when all before it are gone."""
    partners = _partners(old, new)
    kept = 0
    for child in old:
        partner = partners.get(child)
        if partner is None:
            is_comment = not isinstance(child.tag, str)
            yield _change("delete", path_of(child), kept if is_comment else None)
            continue
        kept += 1
        if isinstance(child.tag, str):
            yield from _deletions(child, partner)


def _changes(old: etree._Element, new: etree._Element, style: Style) -> Iterator[etree._Element]:
    """What is changed, new or at another place, in the order of the new tree."""
    if (modified := _modification(old, new, style)) is not None:
        yield modified
    partners = _partners(old, new)
    origins = {partner: child for child, partner in partners.items()}
    moved = _moved(old, new, partners)
    for place, child in enumerate(new):
        origin = origins.get(child)
        if origin is None:
            made = _change("create", path_of(new), place)
            made.append(_bare_copy(child))
            yield made
            continue
        if isinstance(child.tag, str):
            yield from _changes(origin, child, style)
        if child in moved:
            yield _change("move", path_of(child), place)


def _partners(old: etree._Element, new: etree._Element) -> dict[etree._Element, etree._Element]:
    """The children of an element that are still there, and what they are in the new tree.

    An element is known by tag and id, a comment by its text, and only among the comments that
    stand at the same place between the elements.
    """
    known: dict[tuple[str, str, int], etree._Element] = {}
    for key, child in _keyed(new):
        known.setdefault(key, child)
    found: dict[etree._Element, etree._Element] = {}
    for key, child in _keyed(old):
        if key in known:
            found[child] = known.pop(key)
    return found


def _keyed(parent: etree._Element) -> Iterator[tuple[tuple[str, str, int], etree._Element]]:
    """Children with what makes them the same thing in two trees: comments also by their place."""
    counts: dict[tuple[str, str], int] = {}
    for place, child in enumerate(parent):
        if not isinstance(child.tag, str):
            yield (("", child.text or "", place), child)
            continue
        name = (child.tag, child.get("id") or "")
        number = counts.get(name, 0)
        counts[name] = number + 1
        yield ((*name, number), child)


def _moved(
    old: etree._Element,
    new: etree._Element,
    partners: dict[etree._Element, etree._Element],
) -> set[etree._Element]:
    """The kept children whose place among the kept ones is another; who moved up makes room."""
    places = {child: place for place, child in enumerate(c for c in new if c in partners.values())}
    moved: set[etree._Element] = set()
    before = 0
    for child in old:
        if child not in partners:
            continue
        partner = partners[child]
        if before != places[partner]:
            moved.add(partner)
        if before <= places[partner]:
            before += 1
    return moved


def _modification(old: etree._Element, new: etree._Element, style: Style) -> etree._Element | None:
    before, after = list(old.attrib.items()), list(new.attrib.items())
    present = dict(before)
    rows: list[tuple[str, str | None]] = []
    places = {name: place for place, (name, _) in enumerate(before)}
    for place, (name, value) in enumerate(after):
        is_moved = style.ordered_attributes and places.get(name, place) != place
        if present.get(name) != value or is_moved:
            rows.append((str(name), str(value)))
    rows += [(str(name), None) for name, _ in before if name not in new.attrib]
    if not rows:
        return None
    change = _change("modify", path_of(new))
    listed = etree.SubElement(change, "change-list")
    for name, new_value in rows:
        attribute = etree.SubElement(listed, "change-attr", {"name": name})
        attribute.set("operation", "unset" if new_value is None else "set")
        if new_value is not None:
            attribute.set("value", new_value)
    result = etree.SubElement(change, "change-result")
    etree.SubElement(result, new.tag, dict(new.attrib.items()))
    return change


def _bare_copy(element: etree._Element) -> etree._Element:
    copy = deepcopy(element)
    copy.tail = None
    return copy


# -- applying -----------------------------------------------------------------------------------------


def diff_failed(why: str = "") -> EngineError:
    """The refusal of a patch that does not fit."""
    text = "Application of update diff failed"
    return EngineError(f"{text}: {why}" if why else text, status=ExitStatus.ERROR)


def apply_patchset(root: etree._Element, patch: etree._Element) -> etree._Element:
    """A changed copy of a CIB. Raises `EngineError`: OLD for another version, ERROR where it does not fit."""
    if patch.tag != "diff" or patch.get("format") != "2":
        text = 'Bad XML patch format, expected <diff format="2">'
        raise EngineError(text, status=ExitStatus.DATAERR)
    _refuse_other_version(root, patch)
    new = deepcopy(root)
    later: list[tuple[int, etree._Element, etree._Element]] = []
    for change in patch.iterchildren("change"):
        _take(new, change, later)
    for place, change, target in sorted(later, key=lambda item: item[0]):
        _place(change, target, place)
    digest = patch.get("digest")
    if digest is not None and digest != digest_of_patch(new):
        raise diff_failed()
    return new


def _refuse_other_version(root: etree._Element, patch: etree._Element) -> None:
    source = patch.find("version/source")
    if source is None:
        return
    wanted = [source.get(name) or "0" for name in CibVersion._fields]
    have = _version_texts(root)
    if wanted != have:
        text = f"the patch is for version {'.'.join(wanted)}, this is {'.'.join(have)}"
        raise diff_failed(text)


def _take(
    root: etree._Element,
    change: etree._Element,
    later: list[tuple[int, etree._Element, etree._Element]],
) -> None:
    """Carry out a deletion or modification; what needs a place waits until the others are done."""
    operation, path = change.get("operation"), change.get("path") or ""
    place = _number(change.get("position"))
    target = _at(root, path, place)
    if target is None:
        if operation == "delete":
            return
        raise diff_failed(f"{path} is not there")
    if operation == "delete":
        parent = target.getparent()
        if parent is None:
            raise diff_failed("the document itself cannot be deleted")
        parent.remove(target)
    elif operation == "modify":
        result = change.find("change-result")
        if result is None or not len(result):
            raise diff_failed(f"the change of {path} has no result")
        values = list(result[0].attrib.items())
        target.attrib.clear()
        for name, value in values:
            target.set(str(name), str(value))
    elif operation in ("create", "move"):
        later.append((place, change, target))
    else:
        raise diff_failed(f"unknown operation '{operation}'")


def _place(change: etree._Element, target: etree._Element, place: int) -> None:
    if change.get("operation") == "create":
        if not len(change):
            raise diff_failed("a creation without an object")
        target.insert(place, _bare_copy(change[0]))
        return
    parent = target.getparent()
    if parent is None:
        raise diff_failed("the document itself cannot be moved")
    parent.remove(target)
    parent.insert(place, target)


def _number(text: str | None) -> int:
    return int(text) if text and is_digits(text) else 0


_STEP = re.compile(r"/([A-Za-z_][\w.-]*)(?:\[@id='([^']*)'\])?")


def _at(root: etree._Element, path: str, place: int) -> etree._Element | None:
    """The element of a path; a comment by its position."""
    steps = _STEP.findall(path)
    if "".join(f"/{t}" + (f"[@id='{i}']" if i else "") for t, i in steps) != path or not steps:
        raise diff_failed(f"'{path}' is not a path")
    if steps[0][0] != root.tag:
        return None
    at = root
    for tag, identity in steps[1:]:
        if tag == "comment" and (tag, identity) == steps[-1] and not identity:
            inside = at[place] if place < len(at) else None
            return inside if inside is not None and not isinstance(inside.tag, str) else None
        fitting = (
            child for child in at.iterchildren(tag) if not identity or child.get("id") == identity
        )
        found = next(fitting, None)
        if found is None:
            return None
        at = found
    return at


# -- as text ------------------------------------------------------------------------------------------


def patchset_lines(patch: etree._Element) -> Iterator[str]:
    """A patch for reading: what went (`--`), changed (`+`), came (`++`) and moved (`+~`)."""
    version = patch.find("version")
    if version is not None:
        source, target = version.find("source"), version.find("target")
        if source is not None and target is not None:
            yield f"Diff: --- {'.'.join(_version_texts(source))} {patch.get('format')}"
            digest = patch.get("digest") or "(no digest)"
            yield f"Diff: +++ {'.'.join(_version_texts(target))} {digest}"
    for change in patch.iterchildren("change"):
        yield from _change_lines(change)


def _change_lines(change: etree._Element) -> Iterator[str]:
    operation, path, place = (change.get(name) for name in ("operation", "path", "position"))
    if operation == "create":
        head = f"++ {path}:  "
        for number, line in enumerate(_pretty_lines(change[0])):
            yield f"{head}{line}" if number == 0 else f"++{' ' * (len(head) - 2)}{line}"
    elif operation == "move":
        yield f"+~ {path} moved to offset {place}"
    elif operation == "delete":
        yield f"-- {path}" if place is None else f"-- {path} ({place})"
    else:
        rows = change.findall("change-list/change-attr")
        gone = [f"@{row.get('name')}" for row in rows if row.get("operation") == "unset"]
        new = [
            f"@{row.get('name')}={row.get('value')}"
            for row in rows
            if row.get("operation") != "unset"
        ]
        if new:
            yield f"+  {path}:  {', '.join(new)}"
        if gone:
            yield f"-- {path}:  {', '.join(gone)}"


def _pretty_lines(element: etree._Element) -> list[str]:
    copy = _bare_copy(element)
    return etree.tostring(copy, pretty_print=True, encoding="unicode").rstrip("\n").split("\n")
