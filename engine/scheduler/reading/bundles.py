"""Bundles: the implicit resources and nodes that one bundle element stands for (section 16)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from engine.base.digits import clipped
from engine.base.values import bounded_int, is_true
from engine.cib.nvsets import NvSet
from engine.scheduler.model.model import (
    MINUS_INFINITY,
    MOST_INSTANCES,
    Blueprint,
    BundleSettings,
    Model,
    Node,
    ProbeMode,
    Replica,
    Resource,
)
from engine.scheduler.reading.blueprints import make_op, read_blueprint
from engine.scheduler.reading.context import Reading
from engine.scheduler.reading.nodes import create_node
from engine.scheduler.reading.remote_nodes import connection_blueprint

BundleBuilder = Callable[[Reading, Blueprint, Resource | None, int | None], Resource | None]

_AGENTS: Final = ("docker", "podman")
DEFAULT_CONTROL_PORT: Final = "3121"
_REMOTE_DAEMON: Final = "/usr/sbin/pacemaker-remoted"
_AUTH_KEY: Final = "/etc/pacemaker/authkey"
_BUNDLE_LOGS: Final = "/var/log/pacemaker/bundles"
_ID_FIRST: Final = re.compile(r"[A-Za-z_]")
_ID_REST: Final = re.compile(r"[^A-Za-z0-9_.\-\u00b7\u00c0-\uffff]")


@dataclass(frozen=True, slots=True)
class Mount:
    """A storage mapping; with `per_replica` the source is a folder of each replica (16.4)."""

    source: str
    target: str
    options: str = ""
    per_replica: bool = False


@dataclass(slots=True)
class Container:
    """What the bundle's container element and its network and storage say (16.2 to 16.4)."""

    agent: str
    image: str
    replicas: int
    replicas_per_host: int
    promoted_max: int
    run_command: str
    network: str
    options: str
    ip_range_start: str = ""
    netmask: str = ""
    interface: str = ""
    control_port: str = ""
    add_host: bool = True
    mounts: list[Mount] = field(default_factory=list)
    ports: list[tuple[str, str]] = field(default_factory=list)
    host_entries: str = ""


def unpack_bundle(
    reading: Reading, bundle: Resource, blueprint: Blueprint, build: BundleBuilder
) -> bool:
    """Make the replicas of a bundle; False if its definition is not valid."""
    element = blueprint.element
    container = _read_container(element) if element is not None else None
    if element is None or container is None:
        message = f"bundle {bundle.id} has no docker or podman element and is ignored"
        reading.config_error("bundle-agent", message, bundle.id)
        return False
    if container.replicas_per_host == 1:
        bundle.unique = False  # decided by what is configured, not by what 16.5 makes of it
    inner = _read_inner(reading, element)
    if inner is not None and not container.ip_range_start and not container.control_port:
        message = f"bundle {bundle.id} with a primitive needs ip-range-start or control-port"
        reading.config_error("bundle-network", message, bundle.id)
        return False
    if inner is not None and not container.ip_range_start and container.replicas_per_host > 1:
        message = f"bundle {bundle.id}: replicas-per-host must be 1 without ip-range-start"
        reading.config_error("bundle-replicas", message, bundle.id)
        container.replicas_per_host = 1
    if container.replicas > MOST_INSTANCES:
        message = f"bundle {bundle.id}: replicas {container.replicas} is more than {MOST_INSTANCES}"
        reading.config_error("bundle-replicas", f"{message}; using {MOST_INSTANCES}", bundle.id)
        container.replicas = MOST_INSTANCES
    settings = BundleSettings(
        agent=container.agent,
        image=container.image,
        replicas_per_host=container.replicas_per_host,
        promoted_max=container.promoted_max,
        network=container.network,
        control_port=container.control_port,
        add_host=container.add_host,
    )
    bundle.bundle = settings
    children = _unpack_inner(reading, bundle, container, inner, build)
    if children is None:
        return False
    addresses = _addresses(container.ip_range_start)
    plan = [
        (number, next(addresses), children[number] if children else None)
        for number in range(len(children) if children else container.replicas)
    ]
    container.host_entries = "".join(
        _host_entry(container, bundle.id, number, address) for number, address, _child in plan
    )
    for number, address, child in plan:
        replica = _make_replica(reading, bundle, container, (number, address, child), build)
        if replica is None:
            return False
        settings.replicas.append(replica)
    if settings.inner_clone is not None:
        bundle.children.append(settings.inner_clone)
    return True


# -- reading -----------------------------------------------------------------------------------


def _read_container(element: etree._Element) -> Container | None:
    found = next((c for agent in _AGENTS for c in element if c.tag == agent), None)
    if found is None:
        return None
    promoted_max = bounded_int(found.get("promoted-max", found.get("masters")), 0)
    replicas = found.get("replicas")
    container = Container(
        agent=str(found.tag),
        image=found.get("image", ""),
        replicas=max(1, promoted_max) if replicas is None else bounded_int(replicas, 1),
        replicas_per_host=bounded_int(found.get("replicas-per-host"), 1),
        promoted_max=promoted_max,
        run_command=found.get("run-command", ""),
        network=found.get("network", ""),
        options=found.get("options", ""),
    )
    for child in element:
        if child.tag == "network":
            _read_network(container, child)
        elif child.tag == "storage":
            _read_storage(container, child)
    return container


def _read_network(container: Container, element: etree._Element) -> None:
    container.ip_range_start = element.get("ip-range-start", "")
    container.netmask = element.get("host-netmask", "")
    container.interface = element.get("host-interface", "")
    container.control_port = element.get("control-port", "")
    add_host = element.get("add-host")
    container.add_host = add_host is None or is_true(add_host)
    for child in element:
        if child.tag == "port-mapping":
            port = child.get("port")
            span = child.get("range", "")
            if port:
                container.ports.append((port, child.get("internal-port", port)))
            elif span:
                container.ports.append((span, span))


def _read_storage(container: Container, element: etree._Element) -> None:
    for child in element:
        if child.tag != "storage-mapping":
            continue
        source, root = child.get("source-dir"), child.get("source-dir-root")
        target = child.get("target-dir")
        if target and (source or root):
            mount = Mount(
                source=source or root or "",
                target=target,
                options=child.get("options", ""),
                per_replica=source is None,
            )
            container.mounts.append(mount)


def _read_inner(reading: Reading, element: etree._Element) -> Blueprint | None:
    for child in element:
        if child.tag == "primitive":
            return read_blueprint(reading, child)
    return None


# -- the primitive inside ----------------------------------------------------------------------


def _unpack_inner(
    reading: Reading,
    bundle: Resource,
    container: Container,
    inner: Blueprint | None,
    build: BundleBuilder,
) -> list[Resource] | None:
    """Instances of the inner clone (empty without a primitive); None if that is not valid (16.6)."""
    if inner is None:
        return []
    kind = "master" if container.promoted_max > 0 else "clone"
    pairs = [
        ("ordered", "true"),
        ("clone-max", str(container.replicas)),
        ("clone-node-max", str(container.replicas_per_host)),
        ("globally-unique", "true" if container.replicas_per_host > 1 else "false"),
    ]
    if container.promoted_max > 0:
        pairs += [("promotable", "true"), ("promoted-max", str(container.promoted_max))]
    clone_id = xml_id(f"{bundle.id}-{kind}")
    definition = Blueprint(
        tag="clone",
        id=clone_id,
        attributes={"id": clone_id},
        meta_sets=(_one_set(f"{bundle.id}-meta", pairs),),
        children=(inner,),
    )
    clone = build(reading, definition, bundle, None)
    if clone is None or bundle.bundle is None:
        return None
    bundle.bundle.inner_clone = clone
    container.mounts.append(Mount(_AUTH_KEY, _AUTH_KEY))
    if not any(mount.target == "/var/log" for mount in container.mounts):
        container.mounts.append(Mount(_BUNDLE_LOGS, "/var/log", per_replica=True))
    port = container.control_port or DEFAULT_CONTROL_PORT
    container.ports.append((port, port))
    for child in clone.children:
        child.exclusive_probes = True
        if child.notify:
            clone.notify = True
        target = child.meta.get("container-attribute-target")
        if target is not None:
            bundle.meta["container-attribute-target"] = target
            clone.meta["container-attribute-target"] = target
    return list(clone.children)


# -- replicas ----------------------------------------------------------------------------------


def _make_replica(
    reading: Reading,
    bundle: Resource,
    container: Container,
    plan: tuple[int, str, Resource | None],
    build: BundleBuilder,
) -> Replica | None:
    """Container, IP and connection of one replica (16.7)."""
    number, address, child = plan
    main = build(reading, _container_blueprint(bundle, container, plan), bundle, None)
    if main is None:
        return None
    replica = Replica(number, main, child=child, address=address)
    main.bundle_replica = replica
    bundle.children.append(main)
    if address:
        replica.ip = build(reading, _ip_blueprint(bundle, container, address), bundle, None)
        if replica.ip is None:
            return None
        replica.ip.bundle_replica = replica
        bundle.children.append(replica.ip)
    if child is not None:
        child.bundle_replica = replica
        if address:
            child.meta["external-ip"] = address
        main.utilization, child.utilization = child.utilization, {}
        if not _add_connection(reading, bundle, container, replica, build):
            return None
    return replica


def _add_connection(
    reading: Reading,
    bundle: Resource,
    container: Container,
    replica: Replica,
    build: BundleBuilder,
) -> bool:
    """The connection of a replica and the bundle node that it offers (16.10)."""
    model, child = reading.model, replica.child
    if child is None:
        return False
    node_name = f"{bundle.id}-{replica.number}"
    connection_id = node_name
    if model.find(connection_id) is not None:
        connection_id = f"pcmk-internal-{child.id}-remote-{replica.number}"
    node = _bundle_node(model, node_name if connection_id == node_name else connection_id)
    blueprint = connection_blueprint(
        connection_id,
        replica.container.id,
        address=replica.address or "#uname",
        port=container.control_port or DEFAULT_CONTROL_PORT,
    )
    _allow_only(model, child, node)
    connection = build(reading, blueprint, bundle, None)
    if connection is None:
        return False
    connection.bundle_replica = replica
    connection.nesting_allowed = True
    for index in connection.allowed:
        if model.node_table[index].is_remote_type:
            connection.allowed[index] = MINUS_INFINITY
            if model.witness is not None:
                model.witness(connection, model.node_table[index], "not on remote nodes")
    replica.connection = connection
    replica.node = node
    node.connection = connection
    node.attributes["#kind"] = "container"
    bundle.children.append(connection)
    return True


def _bundle_node(model: Model, name: str) -> Node:
    """The bundle node: made, or taken over from the configuration; nobody else may run there."""
    node = model.node_named(name)
    if node is None:
        node = create_node(model, name, name, remote=True, builtin=False)
    else:
        node.is_remote_type = True
    node.base_score = MINUS_INFINITY
    node.probe_mode = ProbeMode.NEVER
    model.base_table_cache = None
    model.has_remote_nodes = True
    for resource in model.resources:
        _disallow(model, resource, node)
    return node


def _disallow(model: Model, resource: Resource, node: Node) -> None:
    if node.index in resource.allowed:
        resource.allowed[node.index] = MINUS_INFINITY
        resource.probe_modes[node.index] = ProbeMode.NEVER
        if model.witness is not None:
            model.witness(resource, node, "only for the resource in that container")
    for child in resource.children:
        _disallow(model, child, node)


def _allow_only(model: Model, child: Resource, node: Node) -> None:
    """Only the child of the replica runs on the bundle node (16.10)."""
    child.allowed = {node.index: 500}
    if model.witness is not None:
        model.witness(child, node, "belongs into that container")
    child.probe_modes = {node.index: ProbeMode.EXCLUSIVE}
    if child.parent is not None:
        child.parent.allowed[node.index] = MINUS_INFINITY
        child.parent.probe_modes[node.index] = ProbeMode.NEVER


# -- definitions of the implicit resources -----------------------------------------------------


def xml_id(text: str) -> str:
    """The text with characters that an XML id may not have replaced (16.7)."""
    first = text[:1] if _ID_FIRST.match(text) else "_"
    return first + _ID_REST.sub(".", text[1:])


def _one_set(set_id: str, pairs: list[tuple[str, str]]) -> NvSet:
    return NvSet(set_id, 0, None, tuple(pairs))


def _monitor(resource_id: str) -> dict[str, str]:
    return {"id": f"{resource_id}-monitor-60s", "name": "monitor", "interval": "60s"}


def _container_blueprint(
    bundle: Resource, container: Container, plan: tuple[int, str, Resource | None]
) -> Blueprint:
    number, _address, child = plan
    container_id = xml_id(f"{bundle.id}-{container.agent}-{number}")
    sources = [
        f"{mount.source}/{bundle.id}-{number}" for mount in container.mounts if mount.per_replica
    ]
    params = [
        ("image", container.image),
        ("allow_pull", "true"),
        ("force_kill", "false"),
        ("reuse", "false"),
        ("run_opts", "".join(_run_options(bundle.id, container, plan))),
        ("mount_points", ",".join(sources)),
    ]
    if child is not None:
        params += [
            ("run_cmd", container.run_command or _REMOTE_DAEMON),
            ("monitor_cmd", "/bin/true"),
        ]
    else:
        if container.run_command:
            params.append(("run_cmd", container.run_command))
        params.append(("monitor_cmd", "/bin/true"))
    return Blueprint(
        tag="primitive",
        id=container_id,
        attributes={
            "id": container_id,
            "class": "ocf",
            "provider": "heartbeat",
            "type": container.agent,
        },
        param_sets=(_one_set(f"{bundle.id}-attributes-{number}", params),),
        ops=(make_op(_monitor(container_id)),),
    )


def _run_options(
    bundle_id: str, container: Container, plan: tuple[int, str, Resource | None]
) -> Iterator[str]:
    """Pieces of `run_opts`; their exact text enters digests (16.9)."""
    number, address, _child = plan
    if container.agent == "docker":
        yield " --restart=no"
    if container.ip_range_start:
        yield f" -h {bundle_id}-{number}"
    yield " -e PCMK_stderr=1"
    if container.network:
        yield f" --net={container.network}"
    yield f" -e PCMK_remote_port={container.control_port or DEFAULT_CONTROL_PORT}"
    for mount in container.mounts:
        source = f"{mount.source}/{bundle_id}-{number}" if mount.per_replica else mount.source
        options = f":{mount.options}" if mount.options else ""
        yield f" -v {source}:{mount.target}{options}"
    for port, internal in container.ports:
        if address:
            yield f" -p {address}:{port}:{internal}"
        elif container.network != "host":
            yield f" -p {port}:{internal}"
    if container.options:
        yield f" {container.options}"
    yield f" {container.host_entries}"


def _ip_blueprint(bundle: Resource, container: Container, address: str) -> Blueprint:
    ip_id = xml_id(f"{bundle.id}-ip-{address}")
    params = [("ip", address)]
    if container.interface:
        params.append(("nic", container.interface))
    params.append(("cidr_netmask", container.netmask or "32"))
    return Blueprint(
        tag="primitive",
        id=ip_id,
        attributes={"id": ip_id, "class": "ocf", "provider": "heartbeat", "type": "IPaddr2"},
        param_sets=(_one_set(f"{bundle.id}-attributes-ip-{address}", params),),
        ops=(make_op(_monitor(ip_id)),),
    )


def _host_entry(container: Container, bundle_id: str, number: int, address: str) -> str:
    if not address:
        return ""
    if container.add_host:
        return f" --add-host={bundle_id}-{number}:{address}"
    return f" --hosts-entry={address}={bundle_id}-{number}"


def _addresses(start: str) -> Iterator[str]:
    """Addresses of the replicas in order; empty texts when there are none (left) (16.8)."""
    current = start
    while True:
        yield current
        current = next_address(current)


def next_address(address: str) -> str:
    """The IPv4 address after this one, "" if there is none (16.8)."""
    match = re.fullmatch(r"([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)", address)
    if match is None:
        return ""
    first, second, third, last = (clipped(part) for part in match.groups())
    if third > 253:
        return ""
    if last > 253:
        third, last = third + 1, 1
    else:
        last += 1
    return f"{first}.{second}.{third}.{last}"
