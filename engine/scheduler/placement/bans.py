"""Scores that exist before anything is assigned (P6.6 to P6.10, 27.4)."""

from __future__ import annotations

from engine.base.values import int_from_text
from engine.scheduler.model.model import (
    MINUS_INFINITY,
    Location,
    Node,
    ProbeMode,
    Resource,
    Variant,
)
from engine.scheduler.placement.location import apply_locations
from engine.scheduler.placement.placement import Placement
from engine.scheduler.reading.failcounts import fail_count

_FAIL_COUNT = "fail-count-"


def apply_node_criteria(placement: Placement, locations: list[Location]) -> None:
    """Locks, locations in the order of creation, stickiness, failures, exclusive discovery (P3.4)."""
    model = placement.model
    if model.options.shutdown_lock:
        for resource in model.resources:
            _apply_lock(placement, resource)
    apply_locations(placement, locations)
    for resource in model.resources:
        _apply_stickiness(placement, resource)
    failing = [
        node
        for node in model.nodes
        if any(name.startswith(_FAIL_COUNT) for name in node.attributes)
    ]
    for node in failing:
        for resource in model.resources:
            _apply_threshold(placement, resource, node)
    for resource in model.resources:
        _apply_exclusive(resource, placement)


# Shutdown locks.


def _apply_lock(placement: Placement, resource: Resource) -> None:
    """P6.6: primitives and members of groups may be kept for a node that is shutting down."""
    if resource.variant is Variant.GROUP:
        for member in resource.children:
            _apply_lock(placement, member)
    if (
        resource.variant is not Variant.PRIMITIVE
        or resource.is_fence_device
        or resource.is_remote_connection
    ):
        return
    model = placement.model
    if resource.lock_node is not None:
        if resource.running_on:
            placement.hooks.delete_history(resource.id, resource, resource.lock_node)
            resource.lock_node = None
            resource.lock_time = 0
    elif len(resource.running_on) == 1:
        node = resource.running_on[0]
        if node.shutdown and not node.unclean and node.online:
            resource.lock_node = node
            resource.lock_time = _shutdown_time(placement, node)
    if resource.lock_node is None:
        return
    if model.options.shutdown_lock_limit > 0:
        model.want_recheck(resource.lock_time + model.options.shutdown_lock_limit / 1000 + 1)
    for node in model.nodes:
        if node is not resource.lock_node:
            placement.ban(resource, node, f"locked to {resource.lock_node.name}")


def _shutdown_time(placement: Placement, node: Node) -> int:
    return int_from_text(node.attributes.get("shutdown")) or int(placement.model.now)


# Stickiness.


def _apply_stickiness(placement: Placement, resource: Resource) -> None:
    """Add the stickiness of what is active on one node (P6.8)."""
    if resource.children:
        for child in resource.children:
            _apply_stickiness(placement, child)
        return
    if not resource.managed or resource.stickiness < 1 or len(resource.running_on) != 1:
        return
    node = resource.running_on[0]
    if placement.model.options.symmetric or node.index in resource.allowed:
        placement.prefer(resource, node, resource.stickiness, "stickiness")


# Failures.


def _apply_threshold(placement: Placement, resource: Resource, node: Node) -> None:
    """Ban a resource from a node where it has failed too often (P6.9)."""
    if resource.children:
        for child in resource.children:
            _apply_threshold(placement, child, node)
        return
    if placement.hooks.is_clearing_fail_count(resource, node):
        return
    if threshold_reached(placement, resource, node):
        failed = resource if resource.unique else resource.top
        placement.ban(failed, node, "migration-threshold")


def threshold_reached(placement: Placement, resource: Resource, node: Node) -> bool:
    """Whether the resource has failed too often on the node."""
    if resource.migration_threshold == 0 or resource.failure_ignored:
        return False
    count, _ = fail_count(placement.model, resource, node, launched=True)
    return count > 0 and resource.migration_threshold - count <= 0


# Exclusive discovery.


def _apply_exclusive(resource: Resource, placement: Placement) -> None:
    """P6.10: with an exclusive location, only the nodes it names remain.

    A child's own location only counts where its parents are exclusive, too.
    """
    if not resource.exclusive_probes and not resource.top.exclusive_probes:
        return
    for child in resource.children:
        _apply_exclusive(child, placement)
    for index in resource.allowed:
        if resource.probe_modes.get(index, ProbeMode.ALWAYS) is not ProbeMode.EXCLUSIVE:
            resource.allowed[index] = MINUS_INFINITY
            placement.note(resource, placement.model.node_table[index], "exclusive discovery")
