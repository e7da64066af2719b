"""Putting built objects into the working tree: in their section, in the place of another, with
the members they take in. Also finding what a name means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from lxml import etree

from crmshell.grammar.errors import nearest_word
from crmshell.grammar.ids import adopt_ids, fill_ids
from crmshell.grammar.to_cib import MEMBER_PLACE, Builder
from crmshell.pending.problems import Refused
from crmshell.pending.tree import CONTAINER_TAGS, SECTION_OF, Element, WorkingTree

RunningCheck: TypeAlias = Callable[[str], bool]

KIND_OF = {
    "template": "rsc_template",
    "master": "ms",
    "rsc_location": "location",
    "rsc_colocation": "colocation",
    "rsc_order": "order",
    "cluster_property_set": "property",
    "fencing-topology": "fencing_topology",
    "acl_role": "role",
    "acl_user": "user",
}


class Objects(WorkingTree):
    """A working tree that knows objects as users see them."""

    def kind(self, element: Element) -> str:
        """The keyword of an object."""
        parent = element.getparent()
        if element.tag == "meta_attributes" and parent is not None:
            return str(parent.tag)
        return KIND_OF.get(str(element.tag), str(element.tag))

    def require(self, name: str, what: str = "object") -> Element:
        """The object of that id; refuses an unknown one with the nearest known id."""
        found = self.find(name)
        if found is None:
            raise Refused(
                f"{what} {name} does not exist",
                code="no-such-object",
                word=name,
                nearest=nearest_word(name, [*self.objects, *self.nodes]),
            )
        return found

    def builder(self) -> Builder:
        """Makes elements; members are moved in afterwards, by `put`."""
        return Builder(self.meant_id, self.nodes)

    def meant_id(self, tag: str, name: str) -> str:
        """`$id-ref=OBJECT` means the object's first part of that kind."""
        found = self.objects.get(name)
        if found is not None and found.tag != tag:
            for part in found.iter(tag):
                given = part.get("id")
                if given is not None:
                    return given
        return name

    def put(
        self,
        old: Element | None,
        element: Element,
        comments: tuple[str, ...] = (),
        members: Mapping[str, Element] | None = None,
    ) -> None:
        """Puts a built object into the tree, in the place of `old` when that is there."""
        for place, text in enumerate(comments):
            element.insert(place, etree.Comment(_comment_text(text)))
        if old is not None:
            self._put_instead(old, element, members or {})
            return
        self._take_id(element)
        fill_ids(element, _prefix(element), self.ids)
        tag = str(element.tag)
        if tag == "fencing-topology":
            self.insert(self.cib.configuration, element)
        else:
            self.insert(self.make_section(SECTION_OF[tag]), element)
        self._take_in(element, members or {})

    def _take_id(self, element: Element) -> None:
        given = element.get("id")
        if given is None or element.tag == "node":
            return
        if given in self.ids.used:
            raise Refused(f"id {given} is already in use", code="id-in-use", word=given)
        self.ids.take(given)

    def _put_instead(self, old: Element, element: Element, members: Mapping[str, Element]) -> None:
        parent = old.getparent()
        if parent is None:
            raise Refused("the object is gone", code="no-such-object")
        following = old.getnext()
        for child in list(old):
            if child.tag not in ("primitive", *CONTAINER_TAGS):
                continue
            self.move(child, parent, old if child.get("id") in members else following)
        after = old.getnext()
        self.remove(old)
        adopt_ids(element, old)
        self._take_id(element)
        fill_ids(element, _prefix(element), self.ids)
        self.insert(parent, element, after)
        self._take_in(element, members)

    def _take_in(self, container: Element, members: Mapping[str, Element]) -> None:
        """Moves the members inside: a bundle's to the place it was written at."""
        marker = container.find(MEMBER_PLACE)
        for member in members.values():
            self.move(member, container, marker)
        if marker is not None:
            container.remove(marker)

    def check_member(
        self, kind: str, container: str, name: str, old: Element | None = None
    ) -> Element:
        """The resource `name` as a member to be of a container; refuses what cannot be one."""
        element = self.objects.get(name)
        if element is None:
            raise Refused(
                f"{kind} {container}: child {name} does not exist",
                code="no-such-child",
                subject=container,
                word=name,
                nearest=nearest_word(name, self.objects),
            )
        allowed = ("primitive", "group") if kind == "clone" else ("primitive",)
        if element.tag not in allowed:
            what = "primitives" if len(allowed) == 1 else "primitives and groups"
            raise Refused(
                f"a {kind} may contain only {what}; {name} is {self.kind(element)}",
                code="wrong-child",
                subject=container,
                word=name,
            )
        parent = element.getparent()
        if parent is not None and parent.tag in CONTAINER_TAGS and parent is not old:
            raise Refused(
                f"{name} already in use at {parent.get('id')}",
                code="child-in-use",
                subject=container,
                word=name,
            )
        return element


def _prefix(element: Element) -> str:
    return element.get("uname" if element.tag == "node" else "id", "")


def _comment_text(text: str) -> str:
    """XML forbids `--` inside a comment and `-` at its end."""
    made = text.replace("--", "- -").replace("--", "- -")
    return made + " " if made.endswith("-") else made
