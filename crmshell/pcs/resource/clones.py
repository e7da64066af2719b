"""Clones: `resource clone`, `promotable`, `unclone`."""

from __future__ import annotations

from lxml import etree

from crmshell.pcs.frame.book import CLONES, Book, Element, Work, clone_of, members_of, primitives_in
from crmshell.pcs.frame.words import Pairs, pairs_of
from crmshell.pcs.resource.operations import element_agent


def clone(work: Work) -> None:
    """`resource clone RESOURCE [ID] [meta] [name=value...]`"""
    _make(work, work.words[0], *_rest(work, work.words[1:]))


def promotable(work: Work) -> None:
    """`resource promotable RESOURCE [ID] [meta] [name=value...]`"""
    given, values = _rest(work, work.words[1:])
    _make_promotable(work, work.words[0], given, values)


def master(work: Work) -> None:
    """`resource master [ID] RESOURCE [name=value...]` of pcs 0.9."""
    names = [word for word in work.words if "=" not in word and word != "meta"]
    values = pairs_of(work, [word for word in work.words if "=" in word])
    *given, name = names or [""]
    if len(given) > 1 or not name:
        raise work.misuse()
    _make_promotable(work, name, given[0] if given else "", values)


def _rest(work: Work, words: list[str]) -> tuple[str, Pairs]:
    words = list(words)
    given = ""
    if words and "=" not in words[0] and words[0] != "meta":
        given = words.pop(0)
    return given, pairs_of(work, [word for word in words if word != "meta"])


def _make_promotable(work: Work, name: str, given: str, values: Pairs) -> None:
    if values.setdefault("promotable", "true").lower() not in ("true", "yes", "on", "1", "y"):
        work.refuse("a promotable clone has promotable=true", f"promotable={values['promotable']}")
    _make(work, name, given, values)


def _make(work: Work, name: str, given: str, values: Pairs) -> None:
    def change(book: Book) -> None:
        found = book.resource(name)
        if found is None or not _may_be_cloned(book, found):
            return
        if values.get("promotable", "").lower() in ("true", "yes", "on", "1", "y"):
            _check_promotable(work, found)
        parent = found.getparent()
        if parent is None:
            return
        made = etree.Element("clone")
        made.set("id", book.take_id(given, "clone") if given else book.new_id(f"{name}-clone"))
        if parent.tag == "group":
            _leave_group(book, parent, made)
        else:
            parent.replace(found, made)
        made.append(found)
        book.put(made, "meta_attributes", values)

    work.edit(change)


def _leave_group(book: Book, group: Element, made: Element) -> None:
    """A clone cannot be in a group: it takes its member out of it."""
    book.work.info(f"the resource leaves group '{group.get('id')}'")
    if len(members_of(group)) == 1:
        from crmshell.pcs.resource.removal import forget_references

        parent = group.getparent()
        if parent is not None:
            parent.replace(group, made)
        forget_references(book, {group.get("id", "")})
    else:
        group.addnext(made)


def _may_be_cloned(book: Book, element: Element) -> bool:
    work = book.work
    name = element.get("id", "")
    outer = clone_of(element)
    parent = element.getparent()
    if element.get("class") == "stonith":
        work.refuse(f"'{name}' is a fencing device; there is no need to clone it", name)
    elif outer is not None:
        what = "a clone" if outer is element else f"in clone '{outer.get('id')}'"
        work.refuse(f"'{name}' is {what} already", name)
    elif element.tag == "bundle" or (parent is not None and parent.tag == "bundle"):
        work.refuse(f"'{name}' is a bundle or in one; it cannot be cloned", name)
    return not work.findings


def _check_promotable(work: Work, element: Element) -> None:
    for each in primitives_in(element):
        agent = element_agent(work, each)
        if agent.data is not None and not agent.data.is_promotable:
            work.refuse(
                f"'{each.get('id')}' cannot be promotable: {agent.name} has no promote action",
                each.get("id", ""),
                forceable=True,
            )


def unclone(work: Work) -> None:
    """`resource unclone CLONE|RESOURCE`"""
    (name,) = work.words

    def change(book: Book) -> None:
        found = book.resource(name)
        if found is None:
            return
        outer = clone_of(found)
        if outer is None or outer.tag not in CLONES:
            work.refuse(f"'{name}' is no clone and in none", name)
            return
        parent = outer.getparent()
        inside = members_of(outer)
        if parent is None or not inside:
            return
        if found.tag == "primitive" and inside[0].tag == "group":
            group = inside[0]
            if len(members_of(group)) > 1:
                outer.addnext(found)
                return
            inside = [found]
        from crmshell.pcs.resource.removal import forget_references

        outer.addnext(inside[0])
        parent.remove(outer)
        forget_references(book, {outer.get("id", "")})

    work.edit(change)
