"""Deleting resources: what refers to them goes with them, and nothing is left dangling."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crmshell.pcs.frame.book import CLONES, Book, Element, Work, ids_of, members_of


def delete(work: Work) -> None:
    """`resource delete RESOURCE...`, `stonith delete`."""

    def change(book: Book) -> None:
        found = [each for name in work.words if (each := book.resource(name)) is not None]
        doomed = _with_all_inside(found)
        _refuse_tagged(book, doomed)
        if not work.findings:
            if work.session.source.live:
                work.info(f"deleted: {', '.join(doomed)}")
            remove_resources(book, ids_of(found))

    work.edit(change)


def _with_all_inside(found: Iterable[Element]) -> list[str]:
    names: dict[str, None] = {}
    for each in found:
        for one in each.iter("primitive", "group", "clone", "master", "bundle"):
            names[one.get("id", "")] = None
    return list(names)


def _refuse_tagged(book: Book, doomed: Sequence[str]) -> None:
    for tag in book.cib.configuration.iterfind("tags/tag"):
        for ref in tag.iterchildren("obj_ref"):
            if ref.get("id") in doomed:
                book.work.refuse(
                    f"'{ref.get('id')}' is in tag '{tag.get('id')}': first remove it there with"
                    f" pcs tag update {tag.get('id')} remove {ref.get('id')}",
                    ref.get("id", ""),
                )


def remove_resources(book: Book, names: Sequence[str]) -> None:
    """Take resources out of the CIB with what refers to them; empty containers go, too."""
    gone: set[str] = set()
    for name in names:
        element = book.find_resource(name)
        if element is not None:
            gone |= set(_with_all_inside([element]))
            gone |= _drop_up(element)
    forget_references(book, gone)
    book.forget_ids()


def _drop_up(element: Element) -> set[str]:
    """Remove an element, and its container when that is left without a member."""
    gone: set[str] = set()
    while True:
        parent = element.getparent()
        gone.add(element.get("id", ""))
        if parent is None:
            return gone
        parent.remove(element)
        if parent.tag not in ("group", *CLONES) or members_of(parent):
            return gone
        element = parent


def forget_references(book: Book, gone: set[str]) -> None:
    """Constraints, sets, fencing levels and rights that name what is gone."""
    for constraint in book.constraints():
        named = {constraint.get(name) for name in ("rsc", "with-rsc", "first", "then")}
        if named & gone:
            remove_constraint(constraint)
            continue
        drop_from_sets(constraint, gone)
    for level in list(book.cib.configuration.iterfind("fencing-topology/fencing-level")):
        _drop_devices(level, gone)
    for right in list(book.cib.configuration.iterfind("acls/acl_role/acl_permission")):
        if right.get("reference") in gone:
            _drop(right)


def drop_from_sets(constraint: Element, gone: set[str]) -> bool:
    """Take members out of the sets of a constraint; it goes when it is empty. True: it changed."""
    changed = False
    for one in list(constraint.iterchildren("resource_set")):
        for ref in list(one):
            if ref.get("id") in gone:
                one.remove(ref)
                changed = True
        if not len(one):
            constraint.remove(one)
    if changed and constraint.find("resource_set") is None:
        remove_constraint(constraint)
    return changed


def _drop_devices(level: Element, gone: set[str]) -> None:
    devices = level.get("devices", "").split(",")
    left = [each for each in devices if each not in gone]
    if len(left) == len(devices):
        return
    if left:
        level.set("devices", ",".join(left))
    else:
        _drop(level)


def remove_constraint(constraint: Element) -> None:
    _drop(constraint)


def _drop(element: Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
