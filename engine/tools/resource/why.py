"""Why a resource runs or does not: what in the configuration and in the state decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.scheduler.model.model import Node, Resource, Role, Variant, leaves, role_from_text
from engine.scheduler.reading.activity import active_nodes
from engine.scheduler.reading.nodes import node_health
from engine.scheduler.views.status_parts import printed_id
from engine.tools.resource.stack import show_constraints
from engine.tools.resource.state import State

if TYPE_CHECKING:
    from lxml import etree

    from engine.tools.frame.output import Output


def show_reasons(out: Output, state: State, name: str, node_name: str) -> None:
    """The reasons for one resource, or for all; on a node, or anywhere."""
    node = state.node(node_name) if node_name else None
    if name:
        resource = state.resource(name)
        places = [each.name for each in _places(resource)]
        values = {} if node else {"running": "true" if places else "false"}
        block = out.element("reason", values)
        _tell_place(out, resource, node, places)
        _check(out, state, resource, node, block)
        if not out.is_xml and not node:
            show_constraints(out, state.model, resource.outermost, recursive=False)
        return
    block = out.element("reason")
    holder = out.element("resources", parent=block)
    for resource in state.model.resources:
        places = [each.name for each in _places(resource)]
        if node is not None and node.name not in places:
            continue
        values = {"id": printed_id(resource), "running": "true" if places else "false"}
        if places:
            values["host"] = ",".join(places)
        made = out.element("resource", values, parent=holder)
        _tell_place(out, resource, node, places)
        _check(out, state, resource, node, made)


def _places(resource: Resource) -> list[Node]:
    found: list[Node] = []
    for leaf in leaves(resource) or [resource]:
        found += [node for node in active_nodes(leaf) if node not in found]
    return found


def _tell_place(out: Output, resource: Resource, node: Node | None, places: list[str]) -> None:
    name = printed_id(resource)
    if node is not None:
        word = "running" if node.name in places else "not running"
        out.line(f"Resource {name} is {word} on host {node.name}")
    elif places:
        for place in places:
            out.line(f"Resource {name} is running on host {place}")
    else:
        out.line(f"Resource {name} is not running")


def _check(
    out: Output,
    state: State,
    resource: Resource,
    node: Node | None,
    parent: etree._Element | None,
) -> None:
    values: dict[str, str] = {}
    name = printed_id(resource)
    wanted = role_from_text(resource.meta.get("target-role"))
    if wanted is Role.STOPPED:
        values["remain_stopped"] = "true"
        out.line(f"  * Configuration specifies '{name}' should remain stopped")
    elif wanted is Role.UNPROMOTED and resource.top.promotable:
        values["promotable"] = "false"
        out.line(f"  * Configuration specifies '{name}' should not be promoted")
    if not resource.managed:
        values["unmanaged"] = "true"
        text = f"Configuration prevents cluster from stopping or starting unmanaged '{name}'"
        out.line(f"  * {text}")
    if resource.variant is Variant.PRIMITIVE and resource.lock_node is not None:
        values["locked-to"] = resource.lock_node.name
        out.line(f"  * '{name}' is locked to node {resource.lock_node.name} due to shutdown")
    if node is not None and node_health(state.model, node) < 0 and not resource.allow_unhealthy:
        values["unhealthy"] = "true"
        strategy = state.model.options.health_strategy
        text = f"'{name}' cannot run on unhealthy nodes due to node-health-strategy='{strategy}'"
        out.line(f"  * {text}")
    out.element("check", {"id": name} | values, parent=parent)
