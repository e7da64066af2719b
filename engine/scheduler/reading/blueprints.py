"""Resources as configured: templates applied, references followed (11.1 to 11.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from lxml import etree

from engine.base.values import bool_from_text, interval_milliseconds
from engine.cib.nvsets import NvSet, read_sets
from engine.scheduler.model.model import Blueprint, OpConfig, role_from_text
from engine.scheduler.reading.context import Reading

VARIANT_TAGS: Final = frozenset(("primitive", "group", "clone", "bundle"))


def read_blueprint(reading: Reading, element: etree._Element) -> Blueprint | None:
    """The definition in a resource element; None if it is not valid (reported)."""
    resource_id = element.get("id")
    if not resource_id:
        reading.config_error("resource-without-id", f"a {element.tag!s} has no id and is ignored")
        return None
    blocks = _with_template(reading, element, resource_id)
    if blocks is None:
        return None
    attributes = _text_attributes(blocks[0])
    if len(blocks) > 1:
        attributes["id"] = resource_id
    children: list[Blueprint] = []
    if element.tag in {"group", "clone"}:
        children = _read_children(reading, element)
        if not children:
            what = "member" if element.tag == "group" else "resource"
            message = f"{element.tag} {resource_id} has no valid {what} and is ignored"
            reading.config_error("empty-collective", message, resource_id)
            return None
    return Blueprint(
        tag=str(element.tag),
        id=resource_id,
        attributes=attributes,
        meta_sets=read_sets(blocks, "meta_attributes", reading.refs),
        param_sets=read_sets(blocks, "instance_attributes", reading.refs),
        utilization_sets=read_sets(blocks, "utilization", reading.refs),
        ops=_effective_ops(reading, blocks, resource_id),
        children=tuple(children),
        element=element,
    )


def _text_attributes(element: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.attrib.items()}


def _with_template(
    reading: Reading, element: etree._Element, resource_id: str
) -> list[etree._Element] | None:
    """The element, preceded by its template if it has one (11.2); None if that is missing."""
    wanted = element.get("template")
    if wanted is None:
        return [element]
    template = reading.templates.get(wanted)
    if template is None or wanted == resource_id:
        message = f"primitive {resource_id} uses template {wanted}, which does not exist"
        reading.config_error("unknown-template", message, resource_id)
        return None
    reading.model.template_users.setdefault(wanted, []).append(resource_id)
    return [template, element]


def _read_children(reading: Reading, element: etree._Element) -> list[Blueprint]:
    found: list[Blueprint] = []
    wanted = {"primitive"} if element.tag == "group" else {"primitive", "group"}
    for child in element:
        if child.tag in wanted:
            blueprint = read_blueprint(reading, child)
            if blueprint is not None:
                found.append(blueprint)
            if element.tag == "clone":
                break
    return found


def _effective_ops(
    reading: Reading, blocks: list[etree._Element], resource_id: str
) -> tuple[OpConfig, ...]:
    """The operations; a template adds those of other names or roles (11.4)."""
    own = _read_ops(reading, blocks[-1])
    if len(blocks) == 1:
        return tuple(own or ())
    inherited = _read_ops(reading, blocks[0])
    if own is None:
        return tuple(inherited or ())
    known = {_op_key(op) for op in own}
    return (*own, *(op for op in inherited or () if _op_key(op) not in known))


def _op_key(op: OpConfig) -> tuple[str, str]:
    role = op.attributes.get("role", "")
    return op.name, "" if role in {"Started", "Unpromoted", "Slave"} else role


def _read_ops(reading: Reading, block: etree._Element) -> list[OpConfig] | None:
    """Operations of one element, None if it has no `operations` at all."""
    for child in block:
        if child.tag == "operations":
            found = reading.refs.resolve(child)
            elements = found if found is not None else ()
            return [read_op(reading, op) for op in elements if op.tag == "op"]
    return None


def read_op(reading: Reading, element: etree._Element) -> OpConfig:
    """One configured operation."""
    attributes = _text_attributes(element)
    has_children = len(element) > 0
    parents: Iterable[etree._Element] = (element,)
    return make_op(
        attributes,
        read_sets(parents, "meta_attributes", reading.refs) if has_children else (),
        read_sets(parents, "instance_attributes", reading.refs) if has_children else (),
    )


def make_op(
    attributes: Mapping[str, str],
    meta_sets: tuple[NvSet, ...] = (),
    param_sets: tuple[NvSet, ...] = (),
) -> OpConfig:
    """An operation from its XML attributes and sets."""
    return OpConfig(
        id=attributes.get("id", ""),
        name=attributes.get("name", ""),
        interval_ms=interval_milliseconds(attributes.get("interval")) or 0,
        enabled=bool_from_text(attributes.get("enabled")) is not False,
        role=role_from_text(attributes.get("role")),
        attributes=attributes,
        meta_sets=meta_sets,
        param_sets=param_sets,
    )
