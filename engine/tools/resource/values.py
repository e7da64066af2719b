"""Parameters, meta-attributes and utilization of resources: shown, set, deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.cib.edits import CLONE_TAGS, RESOURCE_TAGS, container_of, members
from engine.tools.resource.stack import dependents
from engine.tools.resource.state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.tools.frame.output import Output

ELEMENT = "element"


@dataclass(frozen=True, slots=True)
class Target:
    """Which value is meant: `kind` is the tag of the set, or `ELEMENT` for an XML attribute."""

    resource: str
    kind: str
    name: str
    set_id: str = ""
    value_id: str = ""
    forced: bool = False
    recursive: bool = False


def show_value(out: Output, state: State, target: Target, node: str = "") -> int:
    """The value in force."""
    resource = state.resource(target.resource)
    model = state.model
    if target.kind == ELEMENT:
        value = resource.attributes.get(target.name)
    elif target.kind == "meta_attributes":
        value = resource.meta.get(target.name)
    elif target.kind == "utilization":
        value = resource.utilization.get(target.name)
    else:
        from engine.scheduler.reading.parameters import parameters

        where = state.node(node) if node else None
        value = parameters(model, resource, where).get(target.name)
    if value is None:
        out.error(f"Attribute '{target.name}' not found for '{target.resource}'")
        return ExitStatus.OK
    out.line(value)
    out.element("item", {"name": target.name}, value)
    return ExitStatus.OK


@dataclass(slots=True)
class Change:
    """An edit of the CIB's tree, and what there is to say about it."""

    state: State
    target: Target
    value: str | None
    told: list[str]
    made: list[tuple[str, str, etree._Element]]

    def __call__(self, root: etree._Element) -> etree._Element:
        self.told.clear()
        self.made.clear()
        for resource in self._resources(root):
            if self.target.kind == ELEMENT:
                self._change_element(resource)
            elif self.value is None:
                self._delete(resource)
            else:
                self._set(resource, self.value)
        return root

    def _resources(self, root: etree._Element) -> list[etree._Element]:
        target = self.target
        resource = _find(root, target.resource)
        if target.forced or target.kind == ELEMENT:
            return [resource]
        found = [self._owner(resource)]
        if target.kind == "meta_attributes" and resource.tag == "group" and self.value is not None:
            found = [each for each in members(resource) if _pairs(each, target)] + found
        if target.recursive and self.value is not None:
            found += [_find(root, name) for name in self._dependents()]
        return found

    def _owner(self, resource: etree._Element) -> etree._Element:
        """A clone and its member speak for each other: the one that has the value is changed."""
        target = self.target
        word = "delete" if self.value is None else "update"
        around = container_of(resource)
        clone = resource if resource.tag in CLONE_TAGS else around
        if target.kind != "meta_attributes" or clone is None or clone.tag not in CLONE_TAGS:
            return resource
        member = next(iter(members(clone)), None)
        if member is None:
            return resource
        of_member, of_clone = _pairs(member, target), _pairs(clone, target)
        if of_member and of_clone:
            self.told.append(f"Multiple attributes match name={target.name}")
            for pair in (*of_member, *of_clone):
                self.told.append(f"  Value: {pair.get('value')} \t(id={pair.get('id')})")
            self.told.append("")
        own, other = resource.get("id"), (member if resource is clone else clone).get("id")
        if resource is clone and of_member:
            self.told.append(
                f"A value for '{target.name}' already exists in child '{other}', "
                f"performing {word} on that instead of '{own}'"
            )
            return member
        if resource is not clone and not of_member:
            self.told.append(
                f"Performing {word} of '{target.name}' on '{other}', the parent of '{own}'"
            )
            return clone
        return resource

    def _dependents(self) -> list[str]:
        """All that must run with the resource, near ones first."""
        model = self.state.model
        start = self.state.resource(self.target.resource)
        order, seen = [start], {start.index}
        for each in order:
            for link in dependents(model, each):
                if link.score > 0 and link.dependent.index not in seen:
                    seen.add(link.dependent.index)
                    order.append(link.dependent)
        return [each.base_id or each.id for each in order[1:]]

    def _set(self, resource: etree._Element, value: str) -> None:
        target, owner = self.target, resource.get("id", "")
        pairs = _pairs(resource, target)
        if len(pairs) > 1:
            ids = ", ".join(pair.get("id", "") for pair in pairs)
            text = f"{owner} has several values of {target.name} ({ids}): say which with --nvpair"
            raise EngineError(text, status=ExitStatus.MULTIPLE)
        if pairs:
            pairs[0].set("value", value)
            pair, of_set = pairs[0], ""
        else:
            block = _set_for(resource, target)
            of_set = block.get("id", "")
            pair = etree.SubElement(block, "nvpair")
            pair.set("id", target.value_id or f"{of_set}-{target.name}")
            pair.set("name", target.name)
            pair.set("value", value)
        text = f"Set '{owner}' option: id={pair.get('id')}"
        text += f" set={of_set}" if of_set else ""
        self.told.append(f"{text} name={target.name} value={value}")
        self.made.append((str(resource.tag), owner, pair))

    def _delete(self, resource: etree._Element) -> None:
        for pair in _pairs(resource, self.target):
            parent = pair.getparent()
            if parent is not None:
                parent.remove(pair)
            text = f"Deleted '{resource.get('id')}' option: id={pair.get('id')}"
            self.told.append(f"{text} name={self.target.name}")

    def _change_element(self, resource: etree._Element) -> None:
        name, owner = self.target.name, resource.get("id")
        if name == "id":
            raise EngineError("the id of a resource cannot be changed", status=ExitStatus.USAGE)
        if self.value is None:
            if resource.attrib.pop(name, None) is not None:
                self.told.append(f"Deleted attribute: resource={owner} name={name}")
        else:
            resource.set(name, self.value)
            self.told.append(f"Set attribute: resource={owner} name={name} value={self.value}")


def show_settings(out: Output, made: Sequence[tuple[str, str, etree._Element]]) -> None:
    """What was set, as elements."""
    if not made:
        return
    block = out.element("resource-settings")
    for tag, owner, pair in made:
        of_set = pair.getparent()
        resource = out.element(tag, {"id": owner}, parent=block)
        if of_set is not None and resource is not None:
            values = {"id": of_set.get("id", "")}
            holder = out.element(str(of_set.tag), values, parent=resource)
            out.element("nvpair", {k: str(v) for k, v in pair.attrib.items()}, parent=holder)


def _find(root: etree._Element, name: str) -> etree._Element:
    section = root.find("configuration/resources")
    for each in section.iter() if section is not None else ():
        if each.tag in RESOURCE_TAGS and each.get("id") == name:
            return each
    raise EngineError(f"Resource '{name}' not found", status=ExitStatus.NOSUCH)


def _pairs(resource: etree._Element, target: Target) -> list[etree._Element]:
    return [
        pair
        for block in resource.iterfind(target.kind)
        if not target.set_id or block.get("id") == target.set_id
        for pair in block.iterfind("nvpair")
        if pair.get("name") == target.name
        and (not target.value_id or pair.get("id") == target.value_id)
    ]


def _set_for(resource: etree._Element, target: Target) -> etree._Element:
    """The set that takes a new value; made where there is none."""
    wanted = target.set_id or f"{resource.get('id')}-{target.kind}"
    blocks = list(resource.iterfind(target.kind))
    for block in blocks:
        if block.get("id") == wanted:
            return block
    if blocks and not target.set_id:
        return blocks[0]
    made = etree.SubElement(resource, target.kind)
    made.set("id", wanted)
    return made
