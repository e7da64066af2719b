"""Access rights of schemas before pacemaker-2.0 in today's form: targets, roles and permissions.

Nobody may get a right that he had not: what has no equal today becomes narrower, and is told.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

_RIGHTS: Final = ("read", "write", "deny")
_TODAY: Final = {"xpath": "xpath", "ref": "reference", "tag": "object-type"}


def modernize_acls(configuration: etree._Element) -> list[str]:
    """Rewrites old users and rights in place; what was changed, one line each."""
    acls = configuration.find("acls")
    if acls is None:
        return []
    said: list[str] = []
    for role in acls.iterfind("acl_role"):
        _modernize_rights(role, f"role {role.get('id')}", said)
    used = {str(element.get("id")) for element in configuration.iter("*")}
    for user in list(acls.iterfind("acl_user")):
        name = user.get("id", "")
        _modernize_rights(user, f"user {name}", said)
        target = etree.Element("acl_target", {"id": name})
        target.tail = user.tail
        for reference in user.iterfind("role_ref"):
            etree.SubElement(target, "role", {"id": reference.get("id", "")})
        own = user.findall("acl_permission")
        acls.replace(user, target)
        if own:
            role_id = _free(f"{name}-rights", used)
            role = etree.Element("acl_role", {"id": role_id})
            role.extend(own)
            acls.insert(acls.index(target), role)
            etree.SubElement(target, "role", {"id": role_id})
        said.append(f"user {name} is acl_target {name}")
    return said


def _modernize_rights(owner: etree._Element, name: str, said: list[str]) -> None:
    for right in list(owner.iterchildren(*_RIGHTS)):
        permission = _permission(right)
        if permission is None:
            owner.remove(right)
            said.append(
                f"{name}: {right.tag!s} {right.get('id')} is left out, "
                "for an attribute of one object cannot be named any more"
            )
            continue
        permission.tail = right.tail
        owner.replace(right, permission)
        if right.get("attribute") and not permission.get("attribute"):
            said.append(f"{name}: deny {right.get('id')} covers the whole object now")


def _permission(right: etree._Element) -> etree._Element | None:
    """The acl_permission, None when only a right to more could be written."""
    made = etree.Element("acl_permission", {"id": right.get("id", ""), "kind": str(right.tag)})
    tag, ref, attribute = right.get("tag"), right.get("ref"), right.get("attribute")
    if tag is not None and ref is not None:
        made.set("xpath", f"//{tag}[@id='{ref}']")
    else:
        for old, new in _TODAY.items():
            if right.get(old) is not None:
                made.set(new, str(right.get(old)))
    if attribute is not None:
        if made.get("object-type") is not None:
            made.set("attribute", attribute)
        elif right.tag != "deny":
            return None
    return made


def _free(wanted: str, used: set[str]) -> str:
    number, made = 1, wanted
    while made in used:
        made = f"{wanted}-{number}"
        number += 1
    used.add(made)
    return made
