"""Which colocations concern a resource, and the internal ones (P7, P11.6 to P11.11).

Each resource keeps two sorted lists: `this_with` where it is the dependent, `with_this` where it is
the primary. What a group or clone hands on to its members and instances is collected on demand.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from engine.scheduler.model.model import (
    INFINITY,
    MINUS_INFINITY,
    Colocation,
    Resource,
    Variant,
)
from engine.scheduler.placement.placement import Placement, is_failed

# Naming a member of an enumeration takes ten times as long as naming a constant.
_GROUP: Final = Variant.GROUP
NESTED_CONTAINER_SCORE = 10_000


def add_colocation(colocation: Colocation) -> None:
    """Enter a colocation into the lists of both resources (P11.6)."""
    _insert(colocation.dependent.this_with, colocation, dependents=False)
    _insert(colocation.primary.with_this, colocation, dependents=True)


def this_with_list(placement: Placement, resource: Resource) -> list[Colocation]:
    """All colocations in which the resource is a dependent (P11.9)."""
    return _collected(placement, resource, dependents=False)


def with_this_list(placement: Placement, resource: Resource) -> list[Colocation]:
    """All colocations in which the resource is the primary (P11.9)."""
    return _collected(placement, resource, dependents=True)


def has_influence(colocation: Colocation, primary: Resource | None = None) -> bool:
    """Whether the dependent's wishes count for the primary, or for one of its instances (P11.11)."""
    instance = colocation.primary if primary is None else primary
    nesting = colocation.dependent.nesting_allowed
    if nesting and not is_failed(instance) and len(instance.running_on) == 1:
        return False
    return colocation.influence or not instance.running_on


def needs_host_lookup(resource: Resource) -> bool:
    """The resource may see the attributes of its container's host (P11.16)."""
    return (
        resource.meta.get("container-attribute-target", "").lower() == "host" or resource.is_bundled
    )


# Internal colocations and bans (P7), before anything is assigned.


def add_internal_constraints(placement: Placement) -> None:
    """What the structure of each top-level resource implies for placement (P7)."""
    for resource in placement.model.resources:
        _add_internal(placement, resource)


def _add_internal(placement: Placement, resource: Resource) -> None:
    match resource.variant:
        case Variant.PRIMITIVE:
            _add_for_primitive(placement, resource)
        case Variant.GROUP:
            previous: Resource | None = None
            for member in resource.children:
                _add_internal(placement, member)
                if previous is not None and resource.collocated:
                    _bind("#group-members", member, previous, member.critical)
                previous = member
        case Variant.CLONE:
            for instance in resource.children:
                _add_internal(placement, instance)
        case Variant.BUNDLE:
            _add_for_bundle(placement, resource)


def _add_for_bundle(placement: Placement, resource: Resource) -> None:
    assert resource.bundle is not None
    for replica in resource.bundle.replicas:
        _add_for_primitive(placement, replica.container)
        if replica.ip is not None:
            _add_for_primitive(placement, replica.ip)
            _bind("#ip-with-container", replica.ip, replica.container, True)
        if replica.connection is not None:
            _add_for_primitive(placement, replica.connection)
    if resource.bundle.inner_clone is not None:
        _add_internal(placement, resource.bundle.inner_clone)


def _add_for_primitive(placement: Placement, resource: Resource) -> None:
    """P7.2, P7.3; an unmanaged primitive gets nothing (P7.5)."""
    if not resource.managed:
        return
    launcher = resource.launcher
    if launcher is not None:
        _add_for_launched(placement, resource, launcher)
    if resource.is_remote_connection or resource.is_fence_device:
        _ban_from_remote_nodes(placement, resource)


def _add_for_launched(placement: Placement, resource: Resource, launcher: Resource) -> None:
    if resource.is_remote_connection and not resource.nesting_allowed:
        # A guest may not be started on another guest.
        _ban_from_remote_nodes(placement, launcher)
    host = _connection_that_hosts(launcher)
    if host is not None and not resource.is_remote_connection:
        for node in [node for node, _ in placement.entries(resource)]:
            if node.connection is not host:
                resource.allowed[node.index] = MINUS_INFINITY
                placement.note(resource, node, f"runs on the node of {host.id}")
        return
    score = NESTED_CONTAINER_SCORE if resource.nesting_allowed else INFINITY
    _bind("#resource-with-container", resource, launcher, True, score)


def _connection_that_hosts(launcher: Resource) -> Resource | None:
    """The remote connection that a launcher is or launches: what it launches runs on that node."""
    if launcher.is_remote_connection:
        return launcher
    if launcher.bundle_replica is not None:
        return None
    for launched in launcher.launched:
        if launched.is_remote_connection:
            return launched
    return None


def _ban_from_remote_nodes(placement: Placement, resource: Resource) -> None:
    for node in placement.model.nodes:
        if node.connection is not None and node.index in resource.allowed:
            resource.allowed[node.index] = MINUS_INFINITY
            placement.note(resource, node, "not on remote nodes")


def _bind(
    name: str, dependent: Resource, primary: Resource, influence: bool, score: int = INFINITY
) -> None:
    add_colocation(Colocation(name, score, dependent, primary, influence=influence, explicit=False))


def bind_to_host_connection(placement: Placement, connection: Resource, host: Resource) -> None:
    """A replica's connection must be where the connection of its container's host is (P7.6)."""
    _bind("#replica-remote-with-host-remote", connection, host, True)
    placement.colocation_lists.clear()
    placement.sums.forget()


# Lists.


def _sort_key(resource: Resource) -> tuple[int, int, bool, bytes]:
    """Higher priority first, then the larger kind, then the id (P11.7)."""
    variant = resource.variant
    plain_clone = variant is Variant.CLONE and not resource.promotable
    return (-resource.priority, -variant, plain_clone, resource.id.encode())


def _dependent_key(colocation: Colocation) -> tuple[int, int, bool, bytes]:
    return _sort_key(colocation.dependent)


def _primary_key(colocation: Colocation) -> tuple[int, int, bool, bytes]:
    return _sort_key(colocation.primary)


def _insert(found: list[Colocation], colocation: Colocation, *, dependents: bool) -> None:
    key = _dependent_key if dependents else _primary_key
    found.insert(bisect_left(found, key(colocation), key=key), colocation)


def _append(found: list[Colocation], more: list[Colocation], *, dependents: bool) -> None:
    """All of a list; the first list keeps its order, P11.9 (and P24.1, done right)."""
    if not found:
        found.extend(more)
        return
    for colocation in more:
        _insert(found, colocation, dependents=dependents)


def _collected(placement: Placement, resource: Resource, *, dependents: bool) -> list[Colocation]:
    if resource.parent is None and resource.variant is not _GROUP:
        return resource.with_this if dependents else resource.this_with
    key = (resource.index, dependents)
    known = placement.colocation_lists.get(key)
    if known is None:
        known = []
        _collect(placement, resource, resource, known, dependents=dependents)
        if not resource.is_bundled:  # what a bundle hands on depends on how far it is (P11.10)
            placement.colocation_lists[key] = known
    return known


def _collect(
    placement: Placement,
    resource: Resource,
    asker: Resource,
    found: list[Colocation],
    *,
    dependents: bool,
) -> None:
    """P11.10, asking a resource on behalf of `asker`, which is the resource or inside it."""
    own = resource.with_this if dependents else resource.this_with
    match resource.variant:
        case Variant.PRIMITIVE if resource is not asker:
            for colocation in own:
                if colocation.explicit:
                    _insert(found, colocation, dependents=dependents)
            return
        case Variant.GROUP:
            _collect_group(placement, resource, asker, found, dependents=dependents)
            return
        case Variant.BUNDLE:
            if _bundle_answers(placement, resource, asker):
                _append(found, own, dependents=dependents)
            return
    _append(found, own, dependents=dependents)
    if resource.parent is not None:
        _collect(placement, resource.parent, asker, found, dependents=dependents)


def _collect_group(
    placement: Placement,
    group: Resource,
    asker: Resource,
    found: list[Colocation],
    *,
    dependents: bool,
) -> None:
    if not group.children:
        return
    own = group.with_this if dependents else group.this_with
    end = group.children[-1 if dependents else 0]
    if asker is group or asker is end:
        _append(found, own, dependents=dependents)
        if group.parent is not None:
            _collect(placement, group.parent, asker, found, dependents=dependents)
        if group.collocated:
            for member in group.children:
                if member is not asker:
                    _collect(placement, member, asker, found, dependents=dependents)
        return
    if dependents:
        return
    for member in group.children:
        if member is asker:
            return
        if not member.managed:
            # The chain of members breaks at an unmanaged one: bind the later ones themselves.
            for colocation in own:
                if colocation.score >= INFINITY:
                    _insert(found, colocation, dependents=dependents)
            return


def _bundle_answers(placement: Placement, bundle: Resource, asker: Resource) -> bool:
    settings = bundle.bundle
    assert settings is not None
    if asker is bundle:
        return True
    replica = asker.bundle_replica
    if replica is not None and replica.container is asker:
        return True
    inner = settings.inner_clone
    if inner is None or not inner.promotable:
        return False
    if asker is inner:
        return inner.index in placement.promoting
    return asker.parent is inner and not asker.unassigned
