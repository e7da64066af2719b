"""`pcs acl`: who may read and write what in the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from crmshell.pcs.frame.book import Book, Element, Work
from crmshell.pcs.other.property import property_set

KINDS = ("read", "write", "deny")
SCOPES = ("xpath", "id")


def enable(work: Work) -> None:
    """`acl enable`"""
    work.edit(lambda book: book.put_in(property_set(book), {"enable-acl": "true"}))


def disable(work: Work) -> None:
    """`acl disable`"""
    work.edit(lambda book: book.put_in(property_set(book), {"enable-acl": "false"}))


def _find(book: Book, tags: Sequence[str], name: str, what: str) -> Element | None:
    known = {e.get("id", ""): e for e in book.section("acls") if e.tag in tags}
    if name not in known:
        book.work.refuse_name(f"{what} '{name}' does not exist", name, known)
    return known.get(name)


def role_create(work: Work) -> None:
    """`acl role create NAME [description=TEXT] [read|write|deny xpath|id WHAT]...`"""
    name, *rest = work.words
    text = ""
    if rest and rest[0].startswith("description="):
        text = rest.pop(0).partition("=")[2]
    rights = _rights(work, rest)

    def change(book: Book) -> None:
        role = etree.SubElement(book.section("acls"), "acl_role")
        role.set("id", book.take_id(name, "role"))
        if text:
            role.set("description", text)
        _add_rights(book, role, rights)

    work.edit(change)


def _rights(work: Work, words: Sequence[str]) -> list[tuple[str, str, str]]:
    if len(words) % 3:
        raise work.misuse()
    found = []
    for at in range(0, len(words), 3):
        kind, scope, what = words[at : at + 3]
        if kind.lower() not in KINDS:
            work.refuse_name(f"'{kind}': expected {', '.join(KINDS)}", kind, KINDS)
        if scope.lower() not in SCOPES:
            work.refuse_name(f"'{scope}': expected xpath or id", scope, SCOPES)
        if scope.lower() == "xpath":
            try:
                etree.XPath(what)
            except etree.XPathSyntaxError:
                work.refuse(f"'{what}' is no XPath", what)
        found.append((kind.lower(), scope.lower(), what))
    return found


def _add_rights(book: Book, role: Element, rights: list[tuple[str, str, str]]) -> None:
    for kind, scope, what in rights:
        made = etree.SubElement(role, "acl_permission")
        made.set("id", book.new_id(f"{role.get('id')}-{kind}"))
        made.set("kind", kind)
        if scope == "id":
            if what not in book.ids and what not in [e.get("id") for e in book.nodes()]:
                book.work.refuse_name(f"id '{what}' does not exist", what, book.ids)
            made.set("reference", what)
        else:
            made.set("xpath", what)


def role_delete(work: Work) -> None:
    """`acl role delete NAME`"""

    def change(book: Book) -> None:
        section = book.section("acls")
        for name in work.words:
            role = _find(book, ("acl_role",), name, "role")
            if role is None:
                continue
            section.remove(role)
            for each in [*section.iter("role")]:
                parent = each.getparent()
                if each.get("id") == name and parent is not None:
                    parent.remove(each)
                    if work.has("--autodelete") and not len(parent):
                        section.remove(parent)

    work.edit(change)


def _owner_words(work: Work, keyword: str) -> tuple[str, tuple[str, ...], str]:
    """Role, kinds of owner, owner: `ROLE to|from [user|group] NAME`."""
    words = list(work.words)
    role = words.pop(0)
    if words and words[0] == keyword:
        words.pop(0)
    tags: tuple[str, ...] = ("acl_target", "acl_group")
    if len(words) == 2 and words[0] in ("user", "group"):
        tags = ("acl_target",) if words.pop(0) == "user" else ("acl_group",)
    if len(words) != 1:
        raise work.misuse()
    return role, tags, words[0]


def assign(work: Work) -> None:
    """`acl role assign ROLE [to] [user|group] NAME`"""
    role, tags, name = _owner_words(work, "to")

    def change(book: Book) -> None:
        _find(book, ("acl_role",), role, "role")
        owner = _find(book, tags, name, "user or group")
        if owner is None:
            return
        if role in [each.get("id") for each in owner]:
            work.refuse(f"'{name}' has role '{role}' already", role)
        etree.SubElement(owner, "role").set("id", role)

    work.edit(change)


def unassign(work: Work) -> None:
    """`acl role unassign ROLE [from] [user|group] NAME [--autodelete]`"""
    role, tags, name = _owner_words(work, "from")

    def change(book: Book) -> None:
        owner = _find(book, tags, name, "user or group")
        if owner is None:
            return
        found = [each for each in owner if each.get("id") == role]
        if not found:
            known = [each.get("id", "") for each in owner]
            work.refuse_name(f"'{name}' has no role '{role}'", role, known)
        for each in found:
            owner.remove(each)
        if work.has("--autodelete") and not len(owner):
            book.section("acls").remove(owner)

    work.edit(change)


def user_create(work: Work) -> None:
    """`acl user create NAME [ROLE]...`"""
    _create_owner(work, "acl_target", "user")


def group_create(work: Work) -> None:
    """`acl group create NAME [ROLE]...`"""
    _create_owner(work, "acl_group", "group")


def _create_owner(work: Work, tag: str, what: str) -> None:
    name, *roles = work.words

    def change(book: Book) -> None:
        made = etree.Element(tag)
        made.set("id", book.take_id(name, what))
        for role in dict.fromkeys(roles):
            _find(book, ("acl_role",), role, "role")
            etree.SubElement(made, "role").set("id", role)
        book.section("acls").append(made)

    work.edit(change)


def user_delete(work: Work) -> None:
    """`acl user delete NAME`"""
    _delete_owner(work, "acl_target", "user")


def group_delete(work: Work) -> None:
    """`acl group delete NAME`"""
    _delete_owner(work, "acl_group", "group")


def _delete_owner(work: Work, tag: str, what: str) -> None:
    def change(book: Book) -> None:
        for name in work.words:
            found = _find(book, (tag,), name, what)
            if found is not None:
                book.section("acls").remove(found)

    work.edit(change)


def permission_add(work: Work) -> None:
    """`acl permission add ROLE read|write|deny xpath|id WHAT ...`; the role is made when missing."""
    name, *rest = work.words
    rights = _rights(work, rest)
    if not rights:
        raise work.misuse()

    def change(book: Book) -> None:
        section = book.section("acls")
        roles = [e for e in section.iterchildren("acl_role") if e.get("id") == name]
        if not roles:
            roles = [etree.SubElement(section, "acl_role")]
            roles[0].set("id", book.take_id(name, "role"))
        _add_rights(book, roles[0], rights)

    work.edit(change)


def permission_delete(work: Work) -> None:
    """`acl permission delete ID`"""

    def change(book: Book) -> None:
        known = {e.get("id", ""): e for e in book.section("acls").iter("acl_permission")}
        for name in work.words:
            found = known.get(name)
            parent = found.getparent() if found is not None else None
            if found is None or parent is None:
                work.refuse_name(f"permission '{name}' does not exist", name, known)
            else:
                parent.remove(found)

    work.edit(change)


def show(work: Work) -> None:
    """`acl [config]`"""
    book = work.read()
    on = {}
    for each in book.section("crm_config"):
        on.update({one.get("name"): one.get("value", "") for one in each})
    if on.get("enable-acl", "false").lower() in ("true", "yes", "on", "1", "y"):
        lines = ["ACLs are enabled"]
    else:
        lines = ["ACLs are disabled, run 'pcs acl enable' to enable"]
    lines.append("")
    for tag, title in (("acl_target", "User"), ("acl_group", "Group")):
        for each in book.section("acls").iterchildren(tag):
            lines.append(f"{title}: {each.get('id')}")
            lines.append(f"  Roles: {' '.join(one.get('id', '') for one in each)}")
    for each in book.section("acls").iterchildren("acl_role"):
        lines += _role_lines(each)
    work.show(lines)


def _role_lines(role: Element) -> list[str]:
    lines = [f"Role: {role.get('id')}"]
    if role.get("description"):
        lines.append(f"  Description: {role.get('description')}")
    for each in role.iterchildren("acl_permission"):
        what = f"xpath {each.get('xpath')}" if each.get("xpath") else f"id {each.get('reference')}"
        lines.append(f"  Permission: {each.get('kind')} {what} ({each.get('id')})")
    return lines
