"""Requests on a CIB as Pacemaker's programs make them: query, create, modify, replace, delete, erase.

Pure functions on a tree that the caller owns. A section is named as `cibadmin --scope` takes it;
refusals are `EngineError`s with Pacemaker's exit status and text.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass

from lxml import etree

from engine.base.digits import is_whole
from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.score import INFINITY, clamp_score
from engine.cib.document import SECTIONS, Cib, CibVersion, empty_cib

SCOPES = ("cib", "all", "configuration", *SECTIONS, "status")
_EXPRESSION = re.compile(r"([A-Za-z_][\w.-]*)(?:(\+\+)|\+=(.*))\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Failure:
    """An object that could not be made, and why."""

    element: etree._Element
    reason: str


class CreationRefused(EngineError):
    """Some objects could not be made; `failures` says which."""

    def __init__(self, failures: list[Failure]) -> None:
        super().__init__(failures[0].reason, status=ExitStatus.EXISTS)
        self.failures = failures


def no_such_object() -> EngineError:
    """The refusal of a request about something that is not there."""
    return EngineError("No such device or address", status=ExitStatus.NOSUCH)


def invalid_argument() -> EngineError:
    """The refusal of a request whose data do not fit it."""
    return EngineError("Invalid argument", status=ExitStatus.DATAERR)


# -- finding ----------------------------------------------------------------------------------------


def section_of(root: etree._Element, scope: str) -> etree._Element | None:
    """The element that a scope names, None where the CIB has none. Raises `EngineError` (USAGE)."""
    if scope in ("", "cib", "all"):
        return root
    if scope not in SCOPES:
        known = ", ".join(SCOPES)
        raise EngineError(f"unknown scope '{scope}', expected {known}", status=ExitStatus.USAGE)
    if scope in ("configuration", "status"):
        return root.find(scope)
    return root.find(f"configuration/{scope}")


def found_by(root: etree._Element, expression: str) -> list[etree._Element]:
    """The elements that an XPath finds; the holder of an attribute that it finds counts.

    Raises `EngineError` (DATAERR) for what is no XPath.
    """
    try:
        found = root.getroottree().xpath(expression)
    except etree.XPathError as problem:
        text = f"'{expression}' is not an XPath: {problem}"
        raise EngineError(text, status=ExitStatus.DATAERR) from None
    if not isinstance(found, list):
        return []
    elements: list[etree._Element] = []
    for each in found:
        holder = each if isinstance(each, etree._Element) else _holder_of(each)
        if holder is not None and isinstance(holder.tag, str):
            elements.append(holder)
    return elements


def _holder_of(found: object) -> etree._Element | None:
    parent = getattr(found, "getparent", None)
    holder = parent() if parent is not None else None
    return holder if isinstance(holder, etree._Element) else None


def path_of(element: etree._Element) -> str:
    """The path of an element, as Pacemaker writes it: `/cib/configuration/nodes/node[@id='1']`."""
    steps = []
    at: etree._Element | None = element
    while at is not None:
        identity = at.get("id") if isinstance(at.tag, str) else None
        name = at.tag if isinstance(at.tag, str) else "comment"
        steps.append(name if identity is None else f"{name}[@id='{identity}']")
        at = at.getparent()
    return "/" + "/".join(reversed(steps))


# -- changing ---------------------------------------------------------------------------------------


def create(root: etree._Element, scope: str, new: etree._Element) -> None:
    """Add an object to its section, or each child of `new` where that is the section itself.

    Raises `CreationRefused` for objects that exist; nothing is then to be kept.
    """
    section = _section_or_new(root, scope)
    wanted = list(new) if scope and new.tag == section.tag else [new]
    failures = []
    for element in wanted:
        if not isinstance(element.tag, str):
            continue
        if _child_like(section, element) is not None:
            failures.append(Failure(element, "File exists"))
        else:
            section.append(deepcopy(element))
    if failures:
        raise CreationRefused(failures)


def modify(
    root: etree._Element, scope: str, new: etree._Element, *, may_create: bool = False
) -> None:
    """Merge an element into the one of its name and id in the section.

    Raises `EngineError` (NOSUCH) where there is none, unless it may be created.
    """
    section = _section_or_new(root, scope)
    target = matching(section, new)
    if target is not None:
        merge(target, new)
    elif may_create:
        section.append(deepcopy(new))
    else:
        raise no_such_object()


def replace(root: etree._Element, scope: str, new: etree._Element) -> etree._Element:
    """Put an element in the place of the one of its name and id; the result is the CIB's root.

    A whole `<cib>` replaces all, or of a scope that section. Raises `EngineError`: NOSUCH where
    there is nothing to replace, OLD where the version of a whole CIB is lower.
    """
    is_whole = new.tag == "cib"
    if is_whole and scope in ("", "cib", "all"):
        if Cib(new).version < Cib(root).version:
            text = "Update was older than existing configuration"
            raise EngineError(text, status=ExitStatus.OLD)
        return deepcopy(new)
    wanted = section_of(new, scope) if is_whole else new
    if wanted is None:
        raise no_such_object()
    target = matching(_section_or_new(root, scope), wanted)
    if target is None:
        raise no_such_object()
    put_in_place_of(target, wanted)
    return root


def put_in_place_of(target: etree._Element, wanted: etree._Element) -> None:
    """Put a copy of an element where another stands."""
    parent = target.getparent()
    if parent is None:
        raise invalid_argument()
    parent.replace(target, deepcopy(wanted))


def delete(root: etree._Element, scope: str, pattern: etree._Element) -> bool:
    """Delete the first element with the name and all attributes of `pattern`; False: none is there."""
    section = section_of(root, scope)
    if section is None:
        return False
    for element in section.iter(str(pattern.tag)):
        if all(element.get(name) == value for name, value in pattern.attrib.items()):
            return remove_from_parent(element)
    return False


def remove_from_parent(element: etree._Element) -> bool:
    """Take an element out; the document element itself cannot go."""
    parent = element.getparent()
    if parent is None:
        raise invalid_argument()
    parent.remove(element)
    return True


def erased(root: etree._Element) -> etree._Element:
    """The CIB with all sections empty, and of the next admin_epoch and epoch."""
    new = etree.Element("cib", dict(root.attrib.items()))
    new.extend(deepcopy(list(empty_cib().root)))
    version = Cib(root).version
    Cib(new).version = CibVersion(version.admin_epoch + 1, version.epoch + 1, 0)
    return new


def without_objects(root: etree._Element) -> etree._Element:
    """The CIB of a running cluster with nothing configured but its nodes."""
    configuration = Cib(root).configuration
    for section in list(configuration):
        if section.tag != "nodes":
            configuration.remove(section)
    for name in ("crm_config", "resources", "constraints"):
        Cib(root).section(name)
    version = Cib(root).version
    Cib(root).version = CibVersion(version.admin_epoch + 1, version.epoch, 0)
    return root


def bumped(root: etree._Element) -> etree._Element:
    """The CIB with the next epoch."""
    version = Cib(root).version
    Cib(root).version = CibVersion(version.admin_epoch, version.epoch + 1, 0)
    return root


# -- changing what an XPath finds ---------------------------------------------------------------------


def delete_found(root: etree._Element, xpath: str, *, every: bool = False) -> None:
    """Delete the first element that an XPath finds, or every one."""
    for element in found_by(root, xpath)[: None if every else 1]:
        remove_from_parent(element)


def replace_found(root: etree._Element, xpath: str, new: etree._Element) -> None:
    """Put an element in the place of the first one that an XPath finds; raises `EngineError`."""
    put_in_place_of(_first_found(root, xpath), new)


def create_in_found(root: etree._Element, xpath: str, new: etree._Element) -> None:
    """Add an element to the first one that an XPath finds; raises `EngineError`."""
    holder = _first_found(root, xpath)
    if _child_like(holder, new) is not None:
        raise CreationRefused([Failure(new, "File exists")])
    holder.append(deepcopy(new))


def modify_found(root: etree._Element, xpath: str, new: etree._Element) -> None:
    """Merge an element into the first one that an XPath finds; raises `EngineError`."""
    merge(_first_found(root, xpath), new)


def _first_found(root: etree._Element, xpath: str) -> etree._Element:
    found = found_by(root, xpath)
    if not found:
        raise no_such_object()
    return found[0]


# -- merging ------------------------------------------------------------------------------------------


def merge(target: etree._Element, new: etree._Element) -> None:
    """Give an element the attributes and children of another; what it has besides stays.

    Children are matched by name and id, comments by their text. `name++` and `name+=N` as the
    value of the attribute `name` count up from its present value.
    """
    for name, value in new.attrib.items():
        target.set(str(name), counted(str(name), str(value), target.get(name)))
    if new.text and new.text.strip():
        target.text = new.text
    for child in new:
        present = _child_like(target, child)
        if present is None:
            target.append(deepcopy(child))
        elif isinstance(child.tag, str):
            merge(present, child)


def counted(name: str, value: str, present: str | None) -> str:
    """The value to set: `name++` and `name+=N` are sums where there is a value to count from."""
    match = _EXPRESSION.match(value)
    if present is None or match is None or match.group(1) != name:
        return value
    step = 1 if match.group(2) else _whole(match.group(3))
    return str(max(-INFINITY, min(INFINITY, _whole(present) + step)))


def _whole(text: str) -> int:
    words = {"INFINITY": INFINITY, "+INFINITY": INFINITY, "-INFINITY": -INFINITY}
    if text in words:
        return words[text]
    return clamp_score(int(text)) if is_whole(text) else 0


def matching(section: etree._Element, wanted: etree._Element) -> etree._Element | None:
    """The first element with the name and id of another, the section itself included."""
    identity = wanted.get("id")
    for element in section.iter(str(wanted.tag)):
        if identity is None or element.get("id") == identity:
            return element
    return None


def _child_like(parent: etree._Element, wanted: etree._Element) -> etree._Element | None:
    if not isinstance(wanted.tag, str):
        comments = (child for child in parent if not isinstance(child.tag, str))
        return next((each for each in comments if each.text == wanted.text), None)
    identity = wanted.get("id")
    return next(
        (each for each in parent.iterchildren(str(wanted.tag)) if each.get("id") == identity), None
    )


def _section_or_new(root: etree._Element, scope: str) -> etree._Element:
    section = section_of(root, scope)
    if section is not None:
        return section
    if scope in ("configuration", "status"):
        return etree.SubElement(root, scope)
    return Cib(root).section(scope)


# -- versions ---------------------------------------------------------------------------------------


def settle_version(old: etree._Element, new: etree._Element) -> bool:
    """Raise the version of a changed CIB: the epoch for its configuration, else num_updates.

    False: nothing has changed.
    """
    if is_same(old.find("configuration"), new.find("configuration")):
        if is_same(old, new):
            return False
        version = Cib(new).version
        Cib(new).version = version._replace(num_updates=version.num_updates + 1)
        return True
    version = Cib(new).version
    Cib(new).version = version._replace(epoch=version.epoch + 1, num_updates=0)
    return True


def is_same(a: etree._Element | None, b: etree._Element | None) -> bool:
    """Whether two elements say the same; the order of attributes has no meaning."""
    if a is None or b is None:
        return a is b
    return etree.tostring(a, method="c14n") == etree.tostring(b, method="c14n")
