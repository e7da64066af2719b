"""A bundle: containers, their addresses and connections, then what runs inside (P16)."""

from __future__ import annotations

from engine.scheduler.model.model import INFINITY, MINUS_INFINITY, Node, Replica, Resource
from engine.scheduler.placement.bans import threshold_reached
from engine.scheduler.placement.colocation import bind_to_host_connection
from engine.scheduler.placement.instances import Collective, assign_instances, sorted_instances
from engine.scheduler.placement.placement import Placement


def assign_bundle(
    placement: Placement, bundle: Resource, prefer: Node | None, stop_if_fail: bool
) -> Node | None:
    """Place all replicas; may be called again, which then only shows the scores again (P16.0)."""
    settings = bundle.bundle
    assert settings is not None
    bundle.assigning = True
    placement.show("pcmk__bundle_assign", bundle)
    containers = sorted_instances(
        placement, bundle, [replica.container for replica in settings.replicas]
    )
    assign_instances(
        placement,
        Collective(bundle, tuple(containers), len(settings.replicas), settings.replicas_per_host),
    )
    for replica in settings.replicas:
        _assign_replica(placement, bundle, replica, prefer, stop_if_fail)
    inner = settings.inner_clone
    if inner is not None:
        mine = {replica.node.index for replica in settings.replicas if replica.node is not None}
        for index in inner.allowed:
            inner.allowed[index] = 0 if index in mine else MINUS_INFINITY
        placement.note(inner, None, f"one on each node of bundle {bundle.id}")
        placement.assign(inner, prefer, stop_if_fail)
    bundle.assigning = False
    bundle.unassigned = False
    return None


def _assign_replica(
    placement: Placement,
    bundle: Resource,
    replica: Replica,
    prefer: Node | None,
    stop_if_fail: bool,
) -> None:
    """Address, connection and contained resource follow the container (P16.3)."""
    if replica.ip is not None:
        placement.assign(replica.ip, prefer, stop_if_fail)
    host = replica.container.assigned
    if replica.connection is not None:
        if host is not None and host.is_remote_type and host.connection is not None:
            bind_to_host_connection(placement, replica.connection, host.connection)
        placement.assign(replica.connection, prefer, stop_if_fail)
    child, node = replica.child, replica.node
    if child is None or node is None or child.parent is None:
        return
    for index in child.allowed:
        if index != node.index:
            child.allowed[index] = MINUS_INFINITY
        elif not threshold_reached(placement, child, node):
            child.allowed[index] = INFINITY
    placement.note(child, None, f"runs in {replica.container.id}")
    child.parent.assigning = True
    placement.assign(child, node, stop_if_fail)
    child.parent.assigning = False
