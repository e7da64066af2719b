"""The edit of one user on a CIB that another has changed meanwhile (engine 6.6).

An edit is the difference from the CIB it was made on. Where both changed the same object it is a
conflict, unless the user says to overwrite: then what the other did to *these objects* is taken
back before the edit is made, and everything else that the other did stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace as changed

from lxml import etree

from crmshell.errors import CommitConflict
from engine.base.reports import Report, Severity
from engine.cib.document import Cib, CibVersion
from engine.cib.patch import (
    OBJECT_TAGS,
    TEXT,
    Conflict,
    Move,
    Operation,
    Patch,
    Path,
    SetAttribute,
    Step,
    apply_patch,
    diff,
    keyed_children,
    plan_patch,
)

# What holds values that are set one by one by different people: a conflict is about one of them.
_COLLECTIONS = frozenset({"cluster_property_set", "meta_attributes", "node"})
_CONTAINERS = frozenset({"group", "clone", "master", "bundle"})
_MEMBERS = frozenset({"primitive", *_CONTAINERS})
# Taking back one edit can bring another conflict to light; a few rounds are enough for all.
_ROUNDS = 10


def merge_commit(now: Cib, base: Cib, new: Cib, *, replace: bool) -> Cib:
    """What to store when `new` was made from `base` and the CIB meanwhile is `now`.

    Raises `CommitConflict` where both changed the same thing and `replace` does not say to
    overwrite it.
    """
    result = new.copy()
    if now.to_bytes() != base.to_bytes():
        result = _rebased(now, base, new, replace=replace)
    version = now.version
    if configuration_bytes(result) != configuration_bytes(now):
        result.version = CibVersion(version.admin_epoch, version.epoch + 1, 0)
    else:
        result.version = CibVersion(version.admin_epoch, version.epoch, version.num_updates + 1)
    return result


def refuse_other_version(now: Cib, base: Cib) -> None:
    """Raise `CommitConflict` when the configuration is not at the version of `base` any more."""
    if now.version[:2] != base.version[:2]:
        text = (
            f"conflict: the configuration is at version {now.version.admin_epoch}.{now.version.epoch} now, "
            f"the change is for {base.version.admin_epoch}.{base.version.epoch} only"
        )
        raise CommitConflict((Report("conflict", Severity.ERROR, text),))


def configuration_bytes(cib: Cib) -> bytes:
    """The configuration as text, to compare."""
    return etree.tostring(cib.configuration)


def _rebased(now: Cib, base: Cib, new: Cib, *, replace: bool) -> Cib:
    """The edit from `base` to `new` made on `now`; raises `CommitConflict` where both edited."""
    result = now.copy()
    schema = new.root.get("validate-with")
    if schema is not None and schema != base.root.get("validate-with"):
        result.root.set("validate-with", schema)
    for tag in ("configuration", "status"):
        mine, old, theirs = new.root.find(tag), base.root.find(tag), result.root.find(tag)
        if mine is None or old is None or theirs is None:
            continue
        patch = diff(old, mine)
        conflicts = apply_patch(theirs, patch)
        if conflicts and replace:
            conflicts = _overwrite(theirs, old, patch)
        if conflicts:
            writer = _writer(now)
            raise CommitConflict(tuple(_conflict(each, writer) for each in conflicts))
    return result


def _overwrite(theirs: etree._Element, old: etree._Element, patch: Patch) -> tuple[Conflict, ...]:
    """Make the edit, taking back what stands against it; what could not be solved."""
    conflicts: tuple[Conflict, ...] = ()
    for _ in range(_ROUNDS):
        fitted = Patch(tuple(_fitted(operation, theirs) for operation in patch.operations))
        conflicts = plan_patch(theirs, fitted).conflicts
        if not conflicts:
            return apply_patch(theirs, fitted)
        for path in dict.fromkeys(_unit(conflict.path) for conflict in conflicts):
            _take_back(theirs, old, path)
    return conflicts


def _fitted(operation: Operation, theirs: etree._Element) -> Operation:
    """An order of objects, and an attribute of what only holds objects: the last one wins."""
    if isinstance(operation, Move):
        parent = _find(theirs, operation.path[:-1])
        steps = [None, *(step for step, _ in keyed_children(parent))] if parent is not None else []
        if operation.path[-1] in steps:
            return changed(operation, before=steps[steps.index(operation.path[-1]) - 1])
    elif isinstance(operation, SetAttribute) and _only_holds(operation.path):
        element = _find(theirs, operation.path)
        if element is not None:
            here = element.text if operation.name == TEXT else element.get(operation.name)
            return changed(operation, old=here)
    return operation


def _only_holds(path: Path) -> bool:
    tag = path[-1][0] if path else ""
    return tag in _CONTAINERS | _COLLECTIONS or not any(ident for _, ident, _ in path)


def _unit(path: Path) -> Path:
    """The part of the path that is overwritten as a whole: an object, or one value of a collection."""
    place = len(path) - 1
    for number, (tag, ident, _) in enumerate(path):
        if not ident or tag not in OBJECT_TAGS:
            continue
        place = number
        if tag == "primitive":
            break
        if tag in _COLLECTIONS:
            below = [at for at in range(number, len(path)) if path[at][0] == "nvpair"]
            place = below[0] if below else number
            break
    return path[: place + 1]


def _take_back(theirs: etree._Element, old: etree._Element, path: Path) -> None:
    """Let what is at the path be as it was in `old`; where a parent is missing, that parent."""
    mine: etree._Element = theirs
    parent: etree._Element | None = old
    was: etree._Element | None = None
    for step in path[:-1]:
        here, was = _child(mine, step), _child(parent, step)
        if here is None:
            if was is not None and parent is not None:
                _restore(mine, parent, step, was)
            return  # where neither had it, the edit itself brings it
        mine, parent = here, was
    here, was = _child(mine, path[-1]), _child(parent, path[-1])
    if was is None:
        if here is not None:
            mine.remove(here)
    elif here is not None:
        mine.replace(here, _copy(was))
    elif parent is not None:
        _restore(mine, parent, path[-1], was)


def _child(parent: etree._Element | None, step: Step) -> etree._Element | None:
    return None if parent is None else dict(keyed_children(parent)).get(step)


def _restore(
    owner: etree._Element, old_owner: etree._Element, step: Step, was: etree._Element
) -> None:
    """Put an element back behind the neighbour that it had; elsewhere it must not be as well."""
    whole = owner.getroottree().getroot()
    for element in [was, *was.iter(*_MEMBERS)]:
        for twin in _with_id(whole, element.get("id", "")):
            _remove_member(twin)
    here = dict(keyed_children(owner))
    after: etree._Element | None = None
    for sibling, _ in keyed_children(old_owner):
        if sibling == step:
            break
        after = here.get(sibling, after)
    place = 0 if after is None or after.getparent() is not owner else owner.index(after) + 1
    owner.insert(place, _copy(was))


def _with_id(whole: etree._Element, ident: str) -> Iterable[etree._Element]:
    configuration = whole if whole.tag == "configuration" else whole.find("configuration")
    if not ident or configuration is None:
        return ()
    return [element for element in configuration.iter() if element.get("id") == ident]


def _remove_member(element: etree._Element) -> None:
    """Remove an element, and a container that has no member without it."""
    parent = element.getparent()
    if parent is None:
        return
    parent.remove(element)
    if parent.tag in _CONTAINERS and not any(child.tag in _MEMBERS for child in parent):
        _remove_member(parent)


def _find(root: etree._Element, path: Path) -> etree._Element | None:
    element = root
    for step in path:
        found = dict(keyed_children(element)).get(step)
        if found is None:
            return None
        element = found
    return element


def _copy(element: etree._Element) -> etree._Element:
    copied = deepcopy(element)
    copied.tail = None
    return copied


def _writer(now: Cib) -> str:
    """Who wrote the CIB last, and when; "" if it does not say."""
    who, when = now.root.get("update-user", ""), now.root.get("cib-last-written", "")
    parts = [f"by {who}" if who else "", f"at {when}" if when else ""]
    said = " ".join(part for part in parts if part)
    return f", last written {said} (epoch {now.version.epoch})" if said else ""


def _conflict(conflict: Conflict, writer: str) -> Report:
    text = (
        f"conflict: {conflict.subject}: {conflict.what}{writer or ', by somebody else meanwhile'}"
    )
    return Report("conflict", Severity.ERROR, text, subject=conflict.subject)
