"""Groups: add, remove, list; resources leave what they are in."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from crmshell.pcs.frame.book import Book, Element, Work, ids_of, in_group, members_of


def add(work: Work) -> None:
    """`resource group add GROUP RESOURCE... [--before|--after MEMBER]`"""
    name, *members = work.words
    if work.has("--before") and work.has("--after"):
        work.refuse("--before and --after cannot both be given")
    for member in sorted({each for each in members if members.count(each) > 1}):
        work.refuse(f"resource '{member}' is given twice", member)
    for option in ("--before", "--after"):
        if work.has(option) and work.option(option) in members:
            work.refuse(f"'{work.option(option)}' cannot stand {option[2:]} itself", option)

    def change(book: Book) -> None:
        found = [_free_primitive(book, each) for each in members]
        ready = [each for each in found if each is not None]
        if len(ready) == len(members) and not work.findings:
            place_in_group(book, name, ready, work.option("--before"), work.option("--after"))

    work.edit(change)


def _free_primitive(book: Book, name: str) -> Element | None:
    """A primitive that may be put into a group."""
    found = book.resource(name)
    if found is None:
        return None
    parent = found.getparent()
    if found.tag != "primitive":
        book.work.refuse(f"'{name}' is a {found.tag!s}; only primitives can be in a group", name)
        return None
    if found.get("class") == "stonith":
        book.work.refuse(f"'{name}' is a fencing device; it cannot be in a group", name)
        return None
    if parent is not None and parent.tag in ("clone", "master", "bundle"):
        book.work.refuse(
            f"'{name}' is in the {parent.tag!s} '{parent.get('id')}'; it cannot be in a group", name
        )
        return None
    return found


def place_in_group(
    book: Book, name: str, members: Sequence[Element], before: str = "", after: str = ""
) -> None:
    """Put primitives into the group, made when missing, at its end or next to a member."""
    work = book.work
    group = book.find_resource(name)
    if group is None:
        group = etree.SubElement(book.section("resources"), "group")
        group.set("id", book.take_id(name, "group"))
    elif group.tag != "group":
        work.refuse(f"'{name}' is no group, it is a {group.tag!s}", name)
        return
    near = before or after
    anchor = next((each for each in members_of(group) if each.get("id") == near), None)
    if near and anchor is None:
        work.refuse_name(f"'{near}' is not in group '{name}'", near, ids_of(members_of(group)))
        return
    for member in members:
        leave(book, member, group)
    if anchor is None:
        group.extend(members)
    elif before:
        for member in members:
            anchor.addprevious(member)
    else:
        for member in reversed(members):
            anchor.addnext(member)


def leave(book: Book, member: Element, stays: Element | None = None) -> None:
    """Take a resource out of where it is; a group that is empty then goes with its constraints."""
    parent = member.getparent()
    if parent is None:
        return
    parent.remove(member)
    if parent is not stays and parent.tag == "group" and not members_of(parent):
        from crmshell.pcs.resource.removal import remove_resources

        remove_resources(book, [parent.get("id", "")])


def remove(work: Work) -> None:
    """`resource group remove GROUP [RESOURCE...]` and `resource ungroup`."""
    name, *wanted = work.words

    def change(book: Book) -> None:
        group = book.resource(name, "group")
        if group is None:
            return
        if group.tag != "group":
            work.refuse(f"'{name}' is no group, it is a {group.tag!s}", name)
            return
        present = members_of(group)
        for each in wanted:
            if each not in ids_of(present):
                work.refuse_name(f"'{each}' is not in group '{name}'", each, ids_of(present))
        if work.findings:
            return
        _take_out(book, group, [e for e in present if not wanted or e.get("id") in wanted])

    work.edit(change)


def _take_out(book: Book, group: Element, leaving: Sequence[Element]) -> None:
    """Put members behind the group (or behind its clone when it ends with them)."""
    parent = group.getparent()
    in_clone = parent is not None and parent.tag in ("clone", "master")
    if in_clone and len(leaving) == len(members_of(group)) and len(leaving) > 1:
        book.work.refuse(
            f"group '{group.get('id')}' is in clone '{parent.get('id') if parent is not None else ''}'"
            " and more than one resource would have to take its place"
        )
        return
    if in_clone and parent is not None and len(leaving) == len(members_of(group)):
        parent.replace(group, leaving[0])
        _forget_group(book, group)
        return
    resources = book.section("resources")
    for member in leaving:
        resources.append(member)
    if not members_of(group):
        from crmshell.pcs.resource.removal import remove_resources

        remove_resources(book, [group.get("id", "")])


def _forget_group(book: Book, group: Element) -> None:
    from crmshell.pcs.resource.removal import forget_references

    forget_references(book, {group.get("id", "")})


def list_groups(work: Work) -> None:
    """`resource group list`: each group with its members."""
    lines = [
        f"{each.get('id')}: {' '.join(ids_of(members_of(each)))}"
        for each in work.read().resources()
        if each.tag == "group"
    ]
    work.show(lines)


def group_of(element: Element) -> str:
    """Name of the group that a resource is in, or nothing."""
    group = in_group(element)
    return "" if group is None else group.get("id", "")
