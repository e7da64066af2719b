"""Resources, their definitions, places and operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from engine.base.exitcodes import ExitStatus
from engine.cib.history import OpRecord, ResourceHistory
from engine.scheduler.model.model import Resource, Role, Variant, leaves
from engine.scheduler.reading.activity import active_nodes
from engine.scheduler.views.node_text import render
from engine.scheduler.views.result_words import status_text
from engine.scheduler.views.status_parts import Look, printed_id
from engine.scheduler.views.status_text import primitive_text, resource_item, resource_items
from engine.scheduler.views.status_xml import add_resource, add_resources
from engine.tools.resource.state import State

if TYPE_CHECKING:
    from engine.tools.frame.output import Output

_LOOK = Look(pending=True)
_EVERYTHING = Look(pending=True, detail=True)


def show_list(out: Output, state: State, *, detail: bool) -> None:
    """All resources as the status shows them."""
    if out.is_xml:
        add_resources(out.root, state.model, _LOOK)
        return
    out.line("Full List of Resources:")
    for line in render(resource_items(state.model, _EVERYTHING if detail else _LOOK), 1):
        out.line(line)


def show_names(out: Output, state: State) -> None:
    """The ids of all primitives and their instances."""
    block = out.element("resources")
    for top in state.model.resources:
        for leaf in leaves(top) or _parts(top):
            out.line(leaf.id)
            out.element("resource", {"id": leaf.id}, parent=block)


def _parts(top: Resource) -> list[Resource]:
    from engine.scheduler.views.status_parts import tree_of

    return [each for each in tree_of(top) if each.variant is Variant.PRIMITIVE]


def show_definition(out: Output, state: State, name: str, *, raw: bool) -> None:
    """What the configuration says about a resource; not `raw`: with its templates expanded."""
    resource = state.resource(name)
    text = _xml_of(state, resource)
    if raw and not out.is_xml:
        out.lines.append(text.rstrip("\n"))
        return
    if out.is_xml:
        block = out.element("resource_config")
        if block is not None:
            add_resource(block, resource, _LOOK)
            made = etree.SubElement(block, "xml")
            made.text = etree.CDATA(text)
        return
    item = resource_item(state.model, resource, _LOOK)
    if item is not None:
        out.line(item.text)
        for line in render(item.items, 1):
            out.line(line)
    out.line("Resource XML:")
    out.lines.append(text.rstrip("\n"))


def _xml_of(state: State, resource: Resource) -> str:
    names = (resource.id, printed_id(resource), resource.base_id)
    for each in state.cib.section("resources").iter():
        if each.get("id") in names:
            copy = etree.fromstring(etree.tostring(each, with_tail=False), _parser())
            etree.indent(copy)
            return etree.tostring(copy, encoding="unicode") + "\n"
    return ""


def _parser() -> etree.XMLParser:
    return etree.XMLParser(remove_blank_text=True, resolve_entities=False)


def show_places(out: Output, state: State, name: str, *, quiet: bool) -> int:
    """Where a resource is active."""
    places: list[tuple[str, bool]] = []
    for instance in state.instances(name):
        for leaf in leaves(instance) or [instance]:
            promoted = leaf.role is Role.PROMOTED
            places += [(node.name, promoted) for node in active_nodes(leaf)]
    places = sorted(set(places))
    block = out.element("nodes", {"resource": name})
    for node, promoted in places:
        word = " Promoted" if promoted else " "
        out.line(node if quiet else f"resource {name} is running on: {node}{word}")
        out.element("node", {"state": "promoted"} if promoted else {}, node, parent=block)
    if not places and not quiet:
        out.line(f"resource {name} is NOT running")
    return ExitStatus.OK


def show_operations(
    out: Output, state: State, name: str, node_name: str, *, everything: bool
) -> None:
    """What the history says; not `everything`: only what still counts, on nodes that are online."""
    block = out.element("operations")
    model = state.model
    for node in model.histories.node_names:
        known = model.node_named(node)
        if known is None or (node_name and node != node_name):
            continue
        if not known.online and not everything:
            continue
        for history in model.histories.entries(node):
            resource = model.find(history.id) or model.find(f"{history.id}:0")
            if resource is None or (name and name not in {resource.id, printed_id(resource)}):
                continue
            for op in history.ops if everything else _current(history):
                _show_operation(out, state, resource, node, op, block)


def _current(history: ResourceHistory) -> list[OpRecord]:
    """What is not outlived by a later start or stop."""
    start, stop = history.start_index, history.stop_index
    if stop >= 0 and stop > start:
        return history.ops[stop + 1 :]
    return history.ops[max(start, 0) :]


def _show_operation(
    out: Output,
    state: State,
    resource: Resource,
    node: str,
    op: OpRecord,
    block: etree._Element | None,
) -> None:
    key, spent = op.get("operation_key") or op.id, op.get("exec-time") or ""
    rc, call, status = str(op.rc or 0), str(op.call_id), status_text(op.status or 0)
    line = primitive_text(state.model, resource, printed_id(resource), None, Look())
    done = f", exec={spent}ms" if spent else ""
    out.line(f"{line.rstrip()}: {key} (node={node}, call={call}, rc={rc}{done}): {status}")
    agent = f"{resource.agent_class}:{resource.agent_provider}:{resource.agent_type}"
    values = {
        "op": key,
        "node": node,
        "call": call,
        "rc": rc,
        "status": status,
        "rsc": resource.id,
        "agent": agent,
    }
    out.element("operation", values | ({"exec-time": spent} if spent else {}), parent=block)
