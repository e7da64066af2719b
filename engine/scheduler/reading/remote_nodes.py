"""Remote and guest nodes: what resources imply about nodes, and their links (17.1 to 17.7)."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from engine.cib.nvsets import NvSet
from engine.scheduler.model.model import Blueprint, Model, Node, Resource, leaves
from engine.scheduler.reading.blueprints import make_op
from engine.scheduler.reading.context import Reading
from engine.scheduler.reading.nodes import apply_start_fencing, create_node

_GUEST_META = (
    "remote-node",
    "remote-addr",
    "remote-port",
    "remote-connect-timeout",
    "remote-allow-migrate",
    "is-managed",
)


def connection_blueprint(
    connection_id: str,
    container_id: str,
    *,
    address: str | None = None,
    port: str | None = None,
    connect_timeout: str | None = None,
    allow_migrate: str | None = None,
    managed: str | None = None,
) -> Blueprint:
    """Definition of the connection to a guest or bundle node (16.7, 17.2)."""
    meta = [("internal_rsc", "true"), ("container", container_id)]
    if allow_migrate is not None:
        meta.append(("allow-migrate", allow_migrate))
    if managed is not None:
        meta.append(("is-managed", managed))
    params = [("addr", address)] if address is not None else []
    if port is not None:
        params.append(("port", port))
    ops = [_op(connection_id, "monitor", "30s", "30s")]
    if connect_timeout is not None:
        ops.append(_op(connection_id, "start", "0", connect_timeout))
    return Blueprint(
        tag="primitive",
        id=connection_id,
        attributes={
            "id": connection_id,
            "class": "ocf",
            "provider": "pacemaker",
            "type": "remote",
        },
        meta_sets=(NvSet(f"{connection_id}-meta_attributes", 0, None, tuple(meta)),),
        param_sets=(
            (NvSet(f"{connection_id}-instance_attributes", 0, None, tuple(params)),)
            if params
            else ()
        ),
        ops=tuple(make_op(op) for op in ops),
    )


def _op(resource_id: str, name: str, interval: str, timeout: str) -> dict[str, str]:
    return {
        "id": f"{resource_id}-{name}-interval-{interval}",
        "name": name,
        "interval": interval,
        "timeout": timeout,
    }


def find_remote_nodes(reading: Reading, section: etree._Element) -> list[Blueprint]:
    """Make the nodes that resources imply; the definitions of the guests' connections (17.1, 17.2)."""
    model = reading.model
    connections: list[Blueprint] = []
    for element in section:
        if element.tag == "group":
            members: Iterable[etree._Element] = (c for c in element if c.tag == "primitive")
        elif element.tag == "primitive":
            if _is_connection(element):
                name = element.get("id", "")
                if name and model.node_named(name) is None:
                    create_node(model, name, name, remote=True, builtin=False)
                continue
            members = (element,)
        else:
            continue
        for member in members:
            blueprint = _guest_connection(reading, member)
            if blueprint is not None:
                connections.append(blueprint)
                if model.node_named(blueprint.id) is None:
                    create_node(model, blueprint.id, blueprint.id, remote=True, builtin=False)
    return connections


def _is_connection(element: etree._Element) -> bool:
    return (
        element.get("type", "").lower() == "remote"
        and element.get("provider", "").lower() == "pacemaker"
        and element.get("class", "").lower() == "ocf"
    )


def _guest_connection(reading: Reading, element: etree._Element) -> Blueprint | None:
    """The connection that meta `remote-node` asks for; plain reading without rules (17.2)."""
    values: dict[str, str] = {}
    for block in element:
        if block.tag == "meta_attributes":
            for pair in block:
                name, value = pair.get("name"), pair.get("value")
                if pair.tag == "nvpair" and name in _GUEST_META and value is not None:
                    values[name] = value
    name = values.get("remote-node")
    container = element.get("id")
    if not name or not container:
        return None
    if reading.refs.lookup("primitive", name) is not None:
        return None
    return connection_blueprint(
        name,
        container,
        address=values.get("remote-addr"),
        port=values.get("remote-port"),
        connect_timeout=values.get("remote-connect-timeout", "60s"),
        allow_migrate=values.get("remote-allow-migrate"),
        managed=values.get("is-managed"),
    )


def link_launchers(reading: Reading) -> None:
    """Connect resources with their launchers, then nodes with their connections (17.7)."""
    model = reading.model
    for top in model.resources:
        for leaf in leaves(top):
            container = leaf.meta.get("container")
            if container is None or container == leaf.id:
                continue
            launcher = model.find(container)
            if launcher is None:
                message = f"{leaf.id}: container {container} does not exist"
                reading.config_error("unknown-container", message, leaf.id)
            else:
                leaf.launcher = launcher
                launcher.launched.append(leaf)
    for top in model.resources:
        if top.is_remote_connection:
            link_connection(model, top)


def link_connection(model: Model, connection: Resource) -> Node | None:
    """Link a connection to the node of its name (17.6, 17.7)."""
    node = model.node_named(connection.id)
    if node is None:
        return None
    node.connection = connection
    if connection.launcher is None:
        apply_start_fencing(model, node)
    else:
        node.attributes["#kind"] = "container"
    return node
