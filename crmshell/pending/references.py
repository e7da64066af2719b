"""What happens to those who name an object: leading constraints to a container, deleting and
renaming with all references (shell 4, `delete`, `rename`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import deepcopy

from lxml import etree

from crmshell.grammar.cursor import ID
from crmshell.grammar.ids import legal_id
from crmshell.pending.objects import Objects
from crmshell.pending.problems import Refused
from crmshell.pending.tree import (
    CONSTRAINT_TAGS,
    CONTAINER_TAGS,
    TOPOLOGY,
    Element,
    names_in,
)
from engine.base.reports import Report, Severity

_PAIRS = {"rsc_colocation": ("rsc", "with-rsc"), "rsc_order": ("first", "then")}
_NAMES = ("rsc", "with-rsc", "first", "then")
_NEED_MEMBERS = ("group", "clone", "master")  # a bundle may be without a primitive
_EXTRAS = ("role", "action", "instance")


def named_by(element: Element) -> list[str]:
    """The resources that a constraint names, in order, each once."""
    return list(dict.fromkeys(names_in(element)))


def lead_to_container(tree: Objects, name: str, container: str) -> list[Report]:
    """Constraints on a resource go over to the container that has taken it in."""
    notes: list[Report] = []
    for constraint in tree.naming(name):
        if constraint.tag not in CONSTRAINT_TAGS:
            continue
        given = constraint.get("id", "")
        kind = tree.kind(constraint)
        _rename_in(tree, constraint, name, container)
        _drop_twice_named(tree, constraint)
        if _says_nothing(constraint):
            notes.append(_note(given, f"{kind}:{given} deleted, it is inside {container} now"))
            notes += _remove(tree, constraint, given)
        else:
            notes.append(_note(given, f"modified {kind}:{given} from {name} to {container}"))
    return notes


def delete(tree: Objects, names: Iterable[str], *, missing_ok: bool = False) -> list[Report]:
    """Deletes objects with everything that only they kept alive; all of them or none."""
    mark = tree.mark()
    notes: list[Report] = []
    try:
        wanted = [(name, tree.find(name)) for name in dict.fromkeys(names)]
        if not missing_ok:
            for name, element in wanted:
                if element is None:
                    tree.require(name)
        for _, element in wanted:
            if element is not None and element.getparent() is not None:
                notes += _delete(tree, element)
    except Refused:
        tree.roll_back(mark)
        raise
    return notes


def _delete(tree: Objects, element: Element) -> list[Report]:
    notes: list[Report] = []
    if element.tag in CONTAINER_TAGS or element.tag == "primitive":
        parent = element.getparent()
        while parent is not None and parent.tag in _NEED_MEMBERS and len(_members(parent)) == 1:
            notes += _delete_container(tree, parent)
            notes.append(_note(parent.get("id", ""), f"{parent.get('id')} deleted, it was empty"))
            parent = element.getparent()
    if element.tag in CONTAINER_TAGS:
        return notes + _delete_container(tree, element)
    if element.tag == "node":
        tree.remove(element)
        return notes + _still_naming_node(tree, element.get("uname", ""))
    name = TOPOLOGY if element.tag == "fencing-topology" else element.get("id", "")
    if element.tag == "template":
        for user in tree.naming(name):
            if user.tag == "primitive" and user.getparent() is not None:
                notes += _delete(tree, user)
                given = user.get("id", "")
                notes.append(_note(given, f"{given} deleted, its template is gone"))
    return notes + _remove(tree, element, name)


def _remove(tree: Objects, element: Element, name: str) -> list[Report]:
    """Removes an object; what named it names it no longer, and goes if it says nothing then."""
    tree.remove(element)
    notes = _leave_shared_parts(tree, element)
    for user in tree.naming(name):
        if user.getparent() is not None and user.tag != "primitive":
            notes += drop_mention(tree, user, name)
    return notes + _drop_elsewhere(tree, name)


def _leave_shared_parts(tree: Objects, gone: Element) -> list[Report]:
    """Attributes, operations and rules of the removed object that others use by `id-ref`: the first
    of these has them from now on."""
    notes: list[Report] = []
    parts = {part.get("id"): part for part in gone.iter(etree.Element) if part.get("id")}
    for user in list(tree.cib.configuration.iter(etree.Element)):
        part = parts.get(user.get("id-ref", ""))
        holder = user.getparent()
        if part is None or holder is None:
            continue
        parts = {given: other for given, other in parts.items() if other is not part}
        kept = deepcopy(part)
        kept.tail = None
        tree.insert(holder, kept, user)
        tree.remove(user)
        owner = next(each for each in (holder, *holder.iterancestors()) if each.get("id"))
        text = f"{owner.get('id')} has {part.get('id')} of {gone.get('id')} now"
        notes.append(_note(str(owner.get("id")), text))
    return notes


def _still_naming_node(tree: Objects, name: str) -> list[Report]:
    """A constraint or a fencing level may name a node that is not there (yet); that is said."""
    users = [
        f"{tree.kind(user)}:{user.get('id')}"
        for user in tree.cib.configuration.iter("rsc_location")
        if user.get("node") == name
    ]
    topology = tree.cib.configuration.find("fencing-topology")
    if topology is not None and any(level.get("target") == name for level in topology):
        users.append(TOPOLOGY)
    return [
        Report("reference", Severity.WARNING, f"{user} still names node {name}", subject=name)
        for user in users
    ]


def _delete_container(tree: Objects, element: Element) -> list[Report]:
    """The members go where the container was, simple constraints to its first member."""
    name = element.get("id", "")
    members = _members(element)
    notes: list[Report] = []
    parent = element.getparent()
    if parent is None:
        return notes
    first = members[0].get("id", "") if members else ""
    for user in tree.naming(name):
        simple = user.tag in CONSTRAINT_TAGS and user.find("resource_set") is None
        if simple and first:
            _rename_in(tree, user, name, first)
            given = user.get("id", "")
            notes.append(_note(given, f"modified {tree.kind(user)}:{given} from {name} to {first}"))
        elif user.tag in CONSTRAINT_TAGS and members and not _holds_without(user, name):
            notes.append(_put_members_for(tree, user, name, members))
        else:
            notes += drop_mention(tree, user, name)
    for member in members:
        tree.move(member, parent, element)
    tree.remove(element)
    return notes + _drop_elsewhere(tree, name)


def _holds_without(user: Element, name: str) -> bool:
    """A chain of others is left without the name; members put into it would depend on each other."""
    if user.tag not in _PAIRS or len(set(named_by(user)) - {name}) < 2:
        return False
    holders = [ref.getparent() for ref in user.iter("resource_ref") if ref.get("id") == name]
    return all(
        holder is not None and len(holder) > 1 and holder.get("sequential") != "false"
        for holder in holders
    )


def _put_members_for(
    tree: Objects, user: Element, container: str, members: list[Element]
) -> Report:
    """The sets of a constraint name the members where they named the container."""
    names = [member.get("id", "") for member in members]
    for ref in list(user.iter("resource_ref")):
        holder = ref.getparent()
        if ref.get("id") != container or holder is None:
            continue
        for name in names:
            tree.insert(holder, etree.Element("resource_ref", {"id": name}), ref)
        tree.remove(ref)
    _drop_twice_named(tree, user)
    kind, given = tree.kind(user), user.get("id", "")
    return _note(given, f"modified {kind}:{given} from {container} to {' '.join(names)}")


def drop_mention(tree: Objects, user: Element, name: str) -> list[Report]:
    """Takes a name out of a constraint or tag; what says nothing any more goes."""
    given, kind = user.get("id", ""), tree.kind(user)
    if user.tag == "tag":
        for ref in user.findall("obj_ref"):
            if ref.get("id") == name:
                tree.remove(ref)
        if user.find("obj_ref") is None:
            return [_note(given, f"empty tag:{given} deleted"), *_remove(tree, user, given)]
        return [_note(given, f"tag:{given} updated")]
    if any(user.get(attribute) == name for attribute in _NAMES):
        return [_note(given, f"hanging {kind}:{given} deleted"), *_remove(tree, user, given)]
    for ref in list(user.iter("resource_ref")):
        if ref.get("id") != name:
            continue
        holder = ref.getparent()
        tree.remove(ref)
        if holder is not None and holder.find("resource_ref") is None:
            tree.remove(holder)
    if _says_nothing(user):
        return [_note(given, f"hanging {kind}:{given} deleted"), *_remove(tree, user, given)]
    _simplify(tree, user)
    return [_note(given, f"constraint {kind}:{given} updated")]


def _drop_elsewhere(tree: Objects, name: str) -> list[Report]:
    """Fencing levels and access rights no longer name what has been deleted."""
    notes: list[Report] = []
    topology = tree.cib.configuration.find("fencing-topology")
    for level in list(topology) if topology is not None else ():
        devices = (level.get("devices") or "").split(",")
        rest = [device for device in devices if device != name]
        if len(rest) == len(devices):
            continue
        if rest:
            tree.set(level, "devices", ",".join(rest))
        else:
            tree.remove(level)
        notes.append(_note(TOPOLOGY, f"{TOPOLOGY}: {name} is no longer used for {_target(level)}"))
    if topology is not None and notes and topology.find("fencing-level") is None:
        tree.remove(topology)
    for permission in _permissions(tree):
        role = permission.getparent()
        given = role.get("id", "") if role is not None else ""
        if name in (permission.get("reference"), permission.get("ref")):
            tree.remove(permission)
            notes.append(_note(given, f"{given}: deleted the permission for {name}"))
        elif _id_in_xpath(name).search(permission.get("xpath", "")):
            text = f"{given}: a permission's XPath still names {name}"
            notes.append(Report("reference", Severity.WARNING, text, subject=given))
    for role in _role_references(tree):
        user = role.getparent()
        if role.get("id") == name and user is not None:
            tree.remove(role)
            given = user.get("id", "")
            notes.append(_note(given, f"{given} has the role {name} no longer"))
    return notes


def _target(level: Element) -> str:
    """Whom a fencing level is for, as it is written."""
    attribute = level.get("target-attribute")
    if attribute is not None:
        return f"{attribute}={level.get('target-value')}"
    return level.get("target") or level.get("target-pattern") or ""


def _permissions(tree: Objects) -> list[Element]:
    acls = tree.cib.configuration.find("acls")
    kinds = ("acl_permission", "read", "write", "deny")
    return [] if acls is None else list(acls.iter(*kinds))


def _role_references(tree: Objects) -> list[Element]:
    acls = tree.cib.configuration.find("acls")
    return [] if acls is None else list(acls.iter("role", "role_ref"))


def _id_in_xpath(name: str) -> re.Pattern[str]:
    """Where an XPath asks for this id."""
    return re.compile(rf"(@id\s*=\s*)(['\"]){re.escape(name)}\2")


def _says_nothing(constraint: Element) -> bool:
    """Too few resources are left for the constraint to mean anything."""
    names = named_by(constraint)
    return len(names) < (2 if constraint.tag in _PAIRS else 1)


def _simplify(tree: Objects, constraint: Element) -> None:
    """Two resources in sets are written as attributes, unless the set says that it is loose."""
    sets = constraint.findall("resource_set")
    refs = [(ref, holder) for holder in sets for ref in holder.findall("resource_ref")]
    attributes = _PAIRS.get(str(constraint.tag))
    if attributes is None or len(refs) != 2:
        return
    if len(sets) == 1:
        if sets[0].get("sequential") == "false" or sets[0].get("require-all") == "false":
            return
        if constraint.tag == "rsc_colocation":
            refs.reverse()  # in one set each is placed with the one before it
    _set_simple(tree, constraint, tuple(zip(attributes, refs, strict=True)), sets)


def _set_simple(
    tree: Objects,
    constraint: Element,
    places: tuple[tuple[str, tuple[Element, Element]], ...],
    sets: list[Element],
) -> None:
    found = [
        (attribute, ref.get("id", ""), [(extra, holder.get(extra)) for extra in _EXTRAS])
        for attribute, (ref, holder) in places
    ]
    for holder in sets:
        tree.remove(holder)
    for attribute, name, extras in found:
        tree.set(constraint, attribute, name)
        for extra, value in extras:
            if value is not None:
                tree.set(constraint, f"{attribute}-{extra}", value)


def _rename_in(tree: Objects, user: Element, old: str, new: str) -> None:
    """Every mention of `old` in a constraint, tag or primitive says `new`."""
    for attribute in (*_NAMES, "template"):
        if user.get(attribute) == old:
            tree.set(user, attribute, new)
    for ref in user.iter("resource_ref", "obj_ref"):
        if ref.get("id") == old:
            tree.set(ref, "id", new)


def _drop_twice_named(tree: Objects, constraint: Element) -> None:
    seen: set[str] = set()
    for ref in list(constraint.iter("resource_ref")):
        name = ref.get("id", "")
        if name not in seen:
            seen.add(name)
            continue
        holder = ref.getparent()
        tree.remove(ref)
        if holder is not None and holder.find("resource_ref") is None:
            tree.remove(holder)


def _members(container: Element) -> list[Element]:
    return [child for child in container if child.tag in ("primitive", *CONTAINER_TAGS)]


def _note(subject: str, message: str) -> Report:
    return Report("reference", Severity.INFO, message, subject=subject)


# -- rename ---------------------------------------------------------------------------------------


def rename(tree: Objects, old: str, new: str) -> None:
    """Gives an object a new id, everywhere; generated inner ids follow when nobody names them."""
    if old == new:
        return
    element = tree.objects.get(old)
    if element is None:
        tree.require(old)
        raise Refused(f"{old} is a node, which cannot be renamed", code="node", word=old)
    if old == TOPOLOGY:
        raise Refused("the fencing topology has no id", code="no-id", word=old)
    if not ID.match(new):
        raise Refused(f"'{new}' is no id", code="bad-id", word=new)
    if new in tree.ids.used or new in tree.objects:
        raise Refused(f"{new}: id is already in use", code="id-in-use", word=new)
    users = tree.naming(old)
    tree.set(element, "id", new)
    for user in users:
        _rename_in(tree, user, old, new)
    _rename_elsewhere(tree, old, new)
    _rename_inside(tree, element, old, new)


def _rename_elsewhere(tree: Objects, old: str, new: str) -> None:
    """Fencing devices and access rights name objects too."""
    configuration = tree.cib.configuration
    topology = configuration.find("fencing-topology")
    for level in topology if topology is not None else ():
        devices = (level.get("devices") or "").split(",")
        if old in devices:
            changed = ",".join(new if device == old else device for device in devices)
            tree.set(level, "devices", changed)
    for permission in _permissions(tree):
        for name in ("reference", "ref"):
            if permission.get(name) == old:
                tree.set(permission, name, new)
        xpath = permission.get("xpath", "")
        changed = _id_in_xpath(old).sub(rf"\g<1>\g<2>{new}\g<2>", xpath)
        if changed != xpath:
            tree.set(permission, "xpath", changed)
    for role in _role_references(tree):
        if role.get("id") == old:
            tree.set(role, "id", new)


def _rename_inside(tree: Objects, element: Element, old: str, new: str) -> None:
    referenced = {str(ref) for ref in tree.cib.configuration.xpath("//@id-ref")}
    prefix = f"{legal_id(old)}-"
    for part in element.iter("*"):
        given = part.get("id")
        if given is None or part is element or part.tag in ("primitive", *CONTAINER_TAGS):
            continue
        if not given.startswith(prefix) or given in referenced or _in_member(part, element):
            continue
        wanted = f"{legal_id(new)}-{given[len(prefix) :]}"
        if wanted not in tree.ids.used:
            tree.set(part, "id", wanted)


def _in_member(part: Element, element: Element) -> bool:
    """Does the part belong to a member of the renamed container, which keeps its ids?"""
    holder = part.getparent()
    while holder is not None and holder is not element:
        if holder.tag in ("primitive", *CONTAINER_TAGS):
            return True
        holder = holder.getparent()
    return False
