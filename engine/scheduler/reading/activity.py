"""Where resources are active, and what being active on a node implies (23.8 to 23.10, 15.10)."""

from __future__ import annotations

from engine.scheduler.model.model import (
    INFINITY,
    MINUS_INFINITY,
    MultipleActive,
    Node,
    Resource,
    Role,
    Variant,
    apply_score,
)
from engine.scheduler.reading.context import Reading


def add_active_node(reading: Reading, resource: Resource, node: Node, *, failed: bool) -> None:
    """The resource is active on the node (23.8); `failed`: because it failed there."""
    if node in resource.running_on:
        return
    resource.running_on.append(node)
    is_primitive = resource.variant is Variant.PRIMITIVE
    if is_primitive:
        node.running.append(resource)
        _add_priority(resource, node, failed=failed)
        if node.maintenance:
            resource.managed = False
            resource.maintenance = True
    if not resource.managed:
        apply_score(reading.model, resource, node, INFINITY, "unmanaged, so it stays")
        ancestor = resource.parent
        while ancestor is not None:
            if node not in ancestor.running_on:
                ancestor.running_on.append(node)
            ancestor = ancestor.parent
        return
    if is_primitive and count_active(resource)[0] > 1:
        _handle_multiple(reading, resource)
    if resource.parent is not None:
        add_active_node(reading, resource.parent, node, failed=False)


def _add_priority(resource: Resource, node: Node, *, failed: bool) -> None:
    """What runs on a node adds to its priority for fencing (9.6)."""
    if resource.priority == 0 or failed:
        return
    priority = resource.priority + (1 if resource.role is Role.PROMOTED else 0)
    node.priority += priority
    connection = node.connection
    if connection is not None and connection.launcher is not None:
        for host in connection.launcher.running_on:
            host.priority += priority


def _handle_multiple(reading: Reading, resource: Resource) -> None:
    """More than one active node: policies that act at once (23.9)."""
    model = reading.model
    if resource.multiple_active is MultipleActive.STOP_ONLY:
        resource.allowed = {}
        resource.probe_modes.clear()
        apply_score(model, resource, None, MINUS_INFINITY, "active on several nodes")
    elif resource.multiple_active is MultipleActive.BLOCK:
        resource.managed = False
        resource.blocked = True
        parent = resource.parent
        if (
            parent is not None
            and parent.variant in {Variant.GROUP, Variant.BUNDLE}
            and parent.multiple_active is MultipleActive.BLOCK
        ):
            for child in parent.children:
                child.managed = False
                child.blocked = True


def count_active(resource: Resource) -> tuple[int, int]:
    """Active nodes that count for "multiply active", and those that are online and clean (23.9)."""
    clean = sum(node.online and not node.unclean for node in resource.running_on)
    return (len(resource.running_on) if resource.needs_fencing else clean), clean


def current_node(resource: Resource) -> Node | None:
    """The node that counts as the one where the resource is (23.10)."""
    nodes = active_nodes(resource)
    if not nodes:
        return None
    if resource.migration_source is not None and resource.migration_source in nodes:
        return resource.migration_source
    if not resource.needs_fencing:
        for node in nodes:
            if node.online and not node.unclean:
                return node
    return nodes[0]


def active_nodes(resource: Resource) -> list[Node]:
    """Where the resource is active; a bundle is where its containers are."""
    if resource.bundle is None:
        return resource.running_on
    found: list[Node] = []
    for replica in resource.bundle.replicas:
        found.extend(node for node in replica.container.running_on if node not in found)
    return found


def is_active(resource: Resource, *, everything: bool = True) -> bool:
    """Whether a primitive is active; of collectives whether all, or any, members are (15.10)."""
    if resource.bundle is not None:
        return _bundle_is_active(resource, everything=everything)
    if resource.children:
        states = (is_active(child, everything=everything) for child in resource.children)
        return all(states) if everything else any(states)
    return any(node.unclean or node.online or not resource.managed for node in resource.running_on)


def _bundle_is_active(resource: Resource, *, everything: bool) -> bool:
    if resource.bundle is None:
        return False
    parts = [
        part
        for replica in resource.bundle.replicas
        for part in (replica.ip, replica.child, replica.container, replica.connection)
        if part is not None
    ]
    states = (is_active(part, everything=everything) for part in parts)
    return all(states) if everything else any(states)


def role_of(resource: Resource) -> Role:
    """Current role; of a group or clone the highest among its children (15.10)."""
    if resource.variant is Variant.BUNDLE:
        return Role.UNKNOWN
    if not resource.children:
        return resource.role
    return max(role_of(child) for child in resource.children)


def next_role_of(resource: Resource) -> Role:
    """Wanted role; of a group the highest among its members, whoever decided for them (15.10)."""
    if not resource.children:
        return resource.next_role
    return max(next_role_of(child) for child in resource.children)
