"""The working tree of a pending configuration: edits that can be taken back, and its indexes.

Every change of the tree goes through here, so that three things always hold: each change has its
inverse in the journal, `objects` finds every object by id at once, and `mentions` knows which
constraints, tags and primitives name an object. Nothing here scans the whole configuration
after the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import TypeAlias

from lxml import etree

from crmshell.grammar.ids import IdMaker
from engine.cib.document import Cib

Element: TypeAlias = etree._Element
_Undo: TypeAlias = Callable[[], None]

RESOURCE_TAGS = ("primitive", "group", "clone", "master", "bundle", "template")
CONTAINER_TAGS = ("group", "clone", "master", "bundle")
CONSTRAINT_TAGS = ("rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket")
SECTION_OF = {
    "node": "nodes",
    **dict.fromkeys(RESOURCE_TAGS, "resources"),
    **dict.fromkeys(CONSTRAINT_TAGS, "constraints"),
    "cluster_property_set": "crm_config",
    "tag": "tags",
    **dict.fromkeys(("acl_role", "acl_target", "acl_group", "acl_user"), "acls"),
    "alert": "alerts",
}
DEFAULTS = ("rsc_defaults", "op_defaults")
TOPOLOGY = "fencing_topology"
_INDEXED = frozenset(SECTION_OF) - {"node"}
_NAMING = ("rsc", "with-rsc", "first", "then", "template")
_NAMES_OTHER = ("resource_ref", "obj_ref")
_INSIDE = (*_NAMES_OTHER, "resource_set")


class WorkingTree:
    """A `<cib>` under change. `base` is what it was at the start."""

    def __init__(self, cib: Cib, base: Cib | None = None) -> None:
        """`base`: what `cib` was made from, when it comes changed already (see kept.py)."""
        self.cib = cib
        self.objects: dict[str, Element] = {}
        self.nodes: dict[str, Element] = {}
        self.mentions: dict[str, dict[str, Element]] = {}
        self.ids = IdMaker()
        self.touched: dict[str, None] = {}
        self._base: Cib | None = base
        self._came_changed = base is not None
        self._journal: list[_Undo] = []
        self._marks: list[int] = []
        self._index_all()

    # -- reading -----------------------------------------------------------------------------

    @property
    def base(self) -> Cib:
        """The configuration as it was before the first change."""
        return self._base if self._base is not None else self.cib

    @property
    def is_changed(self) -> bool:
        return bool(self._journal) or self._came_changed

    @property
    def differs(self) -> bool:
        """Whether there is something to commit: changes may have led back to where they began."""
        if not self.is_changed:
            return False
        from engine.cib.patch import diff

        old, new = self.base, self.cib
        if old.root.get("validate-with") != new.root.get("validate-with"):
            return True
        return bool(diff(old.configuration, new.configuration))

    def find(self, name: str) -> Element | None:
        """The object with this id; a node by uname or id comes after all others."""
        found = self.objects.get(name)
        return found if found is not None else self.node(name)

    def node(self, name: str) -> Element | None:
        found = self.nodes.get(name)
        if found is None:
            for element in self.nodes.values():
                if element.get("id") == name:
                    return element
        return found

    def section(self, name: str) -> Element | None:
        return self.cib.configuration.find(name)

    def naming(self, name: str) -> list[Element]:
        """Constraints, tags and primitives (by template) that name this object."""
        return list(self.mentions.get(name, {}).values())

    def top(self, element: Element) -> Element:
        """The outermost container of a resource, or itself."""
        parent = element.getparent()
        while parent is not None and parent.tag in CONTAINER_TAGS:
            element, parent = parent, parent.getparent()
        return element

    def everything(self) -> Iterator[Element]:
        """All objects in document order; members before their container."""
        for section in self.cib.configuration:
            yield from _objects_of(section)

    # -- changing ----------------------------------------------------------------------------

    def insert(self, parent: Element, element: Element, before: Element | None = None) -> None:
        """Puts a new element into the tree."""
        self._touch()
        self._insert(parent, element, before)
        self._note_touched(element)

    def remove(self, element: Element) -> None:
        """Takes an element, with everything inside, out of the tree."""
        self._touch()
        self._note_touched(element)
        self._remove(element)

    def move(self, element: Element, parent: Element, before: Element | None = None) -> None:
        """Puts an element of the tree elsewhere; its ids and mentions stay as they are."""
        self._touch()
        self._move(element, parent, before)

    def set(self, element: Element, name: str, value: str | None) -> None:
        """Sets an attribute, None removes it."""
        self._touch()
        self._set(element, name, value)
        self._note_touched(element)

    def make_section(self, name: str) -> Element:
        """The section of the configuration, made when missing."""
        found = self.section(name)
        if found is not None:
            return found
        self._touch()
        made = self.cib.section(name)
        self._journal.append(lambda: self.cib.configuration.remove(made))
        return made

    def mark(self) -> int:
        """A place in the journal to which `roll_back` can return."""
        return len(self._journal)

    def roll_back(self, mark: int) -> None:
        """Takes back every change since the mark."""
        while len(self._journal) > mark:
            undo = self._journal.pop()
            length = len(self._journal)
            undo()
            del self._journal[length:]

    def start_fresh(self) -> None:
        """Forgets the past: what is now is the new base."""
        self._base = None
        self._came_changed = False
        self._journal.clear()

    def _note_touched(self, element: Element) -> None:
        """Remembers which object a change belongs to, for checks at commit."""
        found: Element | None = element
        while found is not None:
            if found.tag in ("node", "fencing-topology") or _is_object(found):
                self.touched[_name(found)] = None
                return
            found = found.getparent()

    # -- the four edits and their inverses ---------------------------------------------------

    def _touch(self) -> None:
        if self._base is None:
            self._base = Cib(deepcopy(self.cib.root))

    def _insert(self, parent: Element, element: Element, before: Element | None) -> None:
        owner = _owner(parent) if element.tag in _INSIDE else None
        if owner is not None:
            self._forget_mentions(owner)
        if before is None:
            parent.append(element)
        else:
            before.addprevious(element)
        self._enter(element)
        if owner is not None:
            self._note_mentions(owner)
        self._journal.append(lambda: self._remove(element))

    def _remove(self, element: Element) -> None:
        parent = element.getparent()
        if parent is None:
            return
        following = element.getnext()
        owner = _owner(parent) if element.tag in _INSIDE else None
        if owner is not None:
            self._forget_mentions(owner)
        self._leave(element)
        parent.remove(element)
        if owner is not None:
            self._note_mentions(owner)
        self._journal.append(lambda: self._insert(parent, element, following))

    def _move(self, element: Element, parent: Element, before: Element | None) -> None:
        old = element.getparent()
        following = element.getnext()
        if old is None:
            return
        if before is None:
            parent.append(element)
        else:
            before.addprevious(element)
        self._journal.append(lambda: self._move(element, old, following))

    def _set(self, element: Element, name: str, value: str | None) -> None:
        old = element.get(name)
        if old == value:
            return
        named = name in _NAMING and element.tag in _INDEXED
        owner = _owner(element) if element.tag in _NAMES_OTHER and name == "id" else None
        if named:
            self._forget_mentions(element)
        if owner is not None:
            self._forget_mentions(owner)
        if name == "id" and element.tag not in _NAMES_OTHER:
            self._rekey(element, old, value)
        if value is None:
            del element.attrib[name]
        else:
            element.set(name, value)
        if named:
            self._note_mentions(element)
        if owner is not None:
            self._note_mentions(owner)
        self._journal.append(lambda: self._set(element, name, old))

    def _rekey(self, element: Element, old: str | None, new: str | None) -> None:
        """The id of an element changes: ids in use, the index, and its own mentions follow."""
        if element.tag == "node":
            return
        if old is not None:
            self.ids.used.discard(old)
        if new is not None:
            self.ids.take(new)
        if not _is_object(element):
            return
        for listed in names_in(element):
            self.mentions.get(listed, {}).pop(old or "", None)
            self.mentions.setdefault(listed, {})[new or ""] = element
        if self.objects.get(old or "") is element:
            del self.objects[old or ""]
        self.objects[new or ""] = element

    # -- indexes -----------------------------------------------------------------------------

    def _index_all(self) -> None:
        configuration = self.cib.configuration
        self.ids.reserve(configuration)
        for section in configuration:
            if section.tag == "nodes":
                for node in section:
                    self._enter_one(node)
                continue
            for element in _objects_of(section):
                self._enter_one(element)

    def _enter(self, element: Element) -> None:
        self.ids.reserve(element)
        for found in _objects_at(element):
            self._enter_one(found)

    def _leave(self, element: Element) -> None:
        self.ids.release(element)
        for found in _objects_at(element):
            if found.tag == "node":
                self.nodes.pop(found.get("uname", ""), None)
                continue
            name = _name(found)
            if self.objects.get(name) is found:
                del self.objects[name]
            self._forget_mentions(found)

    def _enter_one(self, element: Element) -> None:
        tag = element.tag
        if tag == "node":
            self.nodes[element.get("uname", "")] = element
        elif isinstance(tag, str):
            self.objects[_name(element)] = element
            self._note_mentions(element)

    def _note_mentions(self, element: Element) -> None:
        given = element.get("id", "")
        for name in names_in(element):
            self.mentions.setdefault(name, {})[given] = element

    def _forget_mentions(self, element: Element) -> None:
        given = element.get("id", "")
        for name in names_in(element):
            self.mentions.get(name, {}).pop(given, None)


def names_in(element: Element) -> Iterator[str]:
    """The objects that a constraint, a tag or a primitive names."""
    tag = element.tag
    if tag == "primitive":
        template = element.get("template")
        if template is not None:
            yield template
    elif tag == "tag":
        for child in element:
            if child.tag == "obj_ref":
                yield child.get("id", "")
    elif tag in CONSTRAINT_TAGS:
        for name in _NAMING[:4]:
            value = element.get(name)
            if value is not None:
                yield value
        if len(element):
            for child in element.iter("resource_ref"):
                yield child.get("id", "")


def _owner(element: Element) -> Element | None:
    """The constraint or tag that an inner element belongs to."""
    found: Element | None = element
    while found is not None and found.tag not in _INDEXED:
        found = found.getparent()
    return found


def _is_object(element: Element) -> bool:
    if element.tag in _INDEXED:
        return True
    parent = element.getparent()
    return element.tag == "meta_attributes" and parent is not None and parent.tag in DEFAULTS


def _name(element: Element) -> str:
    return TOPOLOGY if element.tag == "fencing-topology" else element.get("id", "")


def _objects_at(element: Element) -> Iterator[Element]:
    """The objects that come or go with an element."""
    tag = element.tag
    if not isinstance(tag, str):
        return
    if tag in CONTAINER_TAGS:
        yield from _with_members(element)
    elif tag in ("node", "fencing-topology") or _is_object(element):
        yield element
    elif tag in DEFAULTS:
        yield from (child for child in element if isinstance(child.tag, str))


def _with_members(element: Element) -> Iterator[Element]:
    for child in element:
        if child.tag in CONTAINER_TAGS:
            yield from _with_members(child)
        elif child.tag == "primitive":
            yield child
    yield element


def _objects_of(section: Element) -> Iterator[Element]:
    """The objects of a section in document order; members before their container."""
    if section.tag == "fencing-topology":
        yield section
        return
    for element in section:
        if element.tag in CONTAINER_TAGS:
            yield from _with_members(element)
        elif isinstance(element.tag, str):
            yield element
