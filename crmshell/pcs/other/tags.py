"""`pcs tag`."""

from __future__ import annotations

from lxml import etree

from crmshell.pcs.frame.book import Book, Element, Work, ids_of
from crmshell.pcs.frame.words import part, parts_of


def _tags(book: Book) -> list[Element]:
    return list(book.cib.configuration.iterfind("tags/tag"))


def _find(book: Book, name: str) -> Element | None:
    found = next((each for each in _tags(book) if each.get("id") == name), None)
    if found is None:
        book.work.refuse_name(f"tag '{name}' does not exist", name, ids_of(_tags(book)))
    return found


def create(work: Work) -> None:
    """`tag create NAME RESOURCE...`"""
    name, *members = work.words

    def change(book: Book) -> None:
        made = etree.Element("tag")
        made.set("id", book.take_id(name, "tag"))
        for member in members:
            if members.count(member) > 1:
                work.refuse(f"'{member}' is given twice", member)
            book.resource(member)
            etree.SubElement(made, "obj_ref").set("id", member)
        book.section("tags").append(made)

    work.edit(change)


def delete(work: Work) -> None:
    """`tag delete NAME...`"""

    def change(book: Book) -> None:
        for name in work.words:
            found = _find(book, name)
            if found is None:
                continue
            for each in book.constraints():
                if name in (each.get("rsc"), each.get("with-rsc"), each.get("first")):
                    work.refuse(f"tag '{name}' is used by constraint '{each.get('id')}'", name)
            book.section("tags").remove(found)

    work.edit(change)


def update(work: Work) -> None:
    """`tag update NAME [add RESOURCE... [--before|--after MEMBER]] [remove RESOURCE...]`"""
    name, *rest = work.words
    _, parts = parts_of(rest, ("add", "remove"))
    new, old = part(parts, "add"), part(parts, "remove")
    if not (new or old):
        raise work.misuse()
    for each in sorted(set(new) & set(old)):
        work.refuse(f"'{each}' cannot be added and removed at once", each)
    near = work.option("--before") or work.option("--after")

    def change(book: Book) -> None:
        tag = _find(book, name)
        if tag is None:
            return
        present = {each.get("id", ""): each for each in tag}
        for each in old:
            if each not in present:
                work.refuse_name(f"'{each}' is not in tag '{name}'", each, present)
        if near and near not in present:
            work.refuse_name(f"'{near}' is not in tag '{name}'", near, present)
        if near and near in new:
            work.refuse(f"'{near}' cannot be put next to itself", near)
        for each in new:
            book.resource(each)
            if each in present and not near:
                work.refuse(f"'{each}' is in tag '{name}' already", each)
        if work.findings:
            return
        _add(tag, present, new, near, before=work.has("--before"))
        for each in old:
            tag.remove(present[each])
        if not len(tag):
            work.refuse(f"tag '{name}' would be empty: pcs tag delete {name}", name)

    work.edit(change)


def _add(
    tag: Element, present: dict[str, Element], new: list[str], near: str, *, before: bool
) -> None:
    made = []
    for name in new:
        each = present.get(name)
        if each is None:
            each = etree.Element("obj_ref")
            each.set("id", name)
        made.append(each)
    anchor = present.get(near)
    if anchor is None:
        tag.extend(made)
        return
    for each in made if before else reversed(made):
        if before:
            anchor.addprevious(each)
        else:
            anchor.addnext(each)


def show(work: Work) -> None:
    """`tag [config [NAME...]]`"""
    book = work.read()
    for name in work.words:
        _find(book, name)
    work.check()
    work.show(tag_lines(book, work.words) or [" No tags defined"])


def tag_lines(book: Book, names: list[str]) -> list[str]:
    lines: list[str] = []
    for each in _tags(book):
        if not names or each.get("id") in names:
            lines.append(each.get("id", ""))
            lines += [f"  {one}" for one in ids_of(list(each))]
    return lines
