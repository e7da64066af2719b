"""Which resource a history entry belongs to, and resources that only the history knows (18.6 to 18.12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.scheduler.model.model import (
    MINUS_INFINITY,
    Blueprint,
    Model,
    Node,
    Resource,
    Variant,
    apply_score,
)
from engine.scheduler.reading.context import Reading
from engine.scheduler.reading.nodes import create_node
from engine.scheduler.reading.remote_nodes import link_connection
from engine.scheduler.reading.resources import build_resource, create_clone_instance

# Naming a member of an enumeration takes ten times as long as naming a constant.
_PRIMITIVE: Final = Variant.PRIMITIVE

_INSTANCE_DIGITS: Final = "0123456789"


def base_name(name: str) -> str:
    """The name without a trailing `:N` (15.7)."""
    stripped = name.rstrip(_INSTANCE_DIGITS)
    return stripped[:-1] if stripped.endswith(":") and len(stripped) < len(name) else name


def resource_of_entry(reading: Reading, node: Node, name: str) -> Resource | None:
    """The resource that an entry on the node means; None if it is not configured (18.6)."""
    model = reading.model
    found = model.find(name)
    if found is None:
        found = model.find(f"{base_name(name)}:0")
        if found is None or found.unique:
            return None
    elif found.variant is not _PRIMITIVE:
        return None
    top = found.top
    if top.is_anonymous_clone:
        if top.is_bundled:
            found = _bundled_instance(top, node)
        else:
            found = anonymous_instance(reading, node, top, base_name(name))
    if found is not None and name not in {found.id, found.history_id}:
        found.history_id = name
        model.register_name(name, found)
    return found


def _bundled_instance(clone: Resource, node: Node) -> Resource | None:
    """The instance whose replica has that bundle node (18.9)."""
    bundle = clone.parent
    if bundle is None or bundle.bundle is None:
        return None
    for replica in bundle.bundle.replicas:
        if replica.node is node:
            return replica.child
    return None


def find_in_instance(instance: Resource, name: str) -> Resource | None:
    """The descendant (or the instance itself) of that base id, id or history name."""
    if not instance.children:
        if name in {instance.base_id, instance.id, instance.history_id}:
            return instance
        return None
    for child in instance.children:
        found = find_in_instance(child, name)
        if found is not None:
            return found
    return None


def first_location(resource: Resource) -> Node | None:
    """The first node where the resource is active or has an action pending (18.8)."""
    if not resource.children:
        return resource.running_on[0] if resource.running_on else resource.pending_node
    for child in resource.children:
        found = first_location(child)
        if found is not None:
            return found
    return None


def anonymous_instance(reading: Reading, node: Node, clone: Resource, name: str) -> Resource:
    """The instance that an entry of an anonymous clone is about (18.7)."""
    chosen: Resource | None = None
    free: Resource | None = None
    skip_free = False
    for child in clone.children:
        place = first_location(child)
        if place is not None:
            if place is node:
                chosen = find_in_instance(child, name)
                if chosen is not None and chosen.running_on:
                    skip_free = True
                    chosen = None
        elif not skip_free and free is None and not child.blocked:
            free = find_in_instance(child, name)
            if free is not None and free.pending_node not in {None, node}:
                free = None
        if chosen is not None:
            break
    if chosen is None and not skip_free:
        chosen = free
    if (
        chosen is not None
        and not chosen.needs_fencing
        and (not node.online or node.unclean)
        and not node.is_guest
        and not _is_universal(reading.model, clone)
    ):
        chosen = None
    if chosen is None:
        surplus = create_clone_instance(reading, clone)
        if surplus is not None:
            chosen = find_in_instance(surplus, name)
        if chosen is None:
            return clone.children[-1]
    return chosen


def _is_universal(model: Model, clone: Resource) -> bool:
    """As many instances as nodes (15.9)."""
    return clone.clone is not None and clone.clone.clone_max == len(model.nodes)


def removed_resource(reading: Reading, node: Node, entry: Mapping[str, str]) -> Resource | None:
    """A resource made from the entry itself, for it is no longer configured (18.11)."""
    model = reading.model
    name = entry.get("id", "")
    blueprint = Blueprint(tag="primitive", id=name, attributes=dict(entry))
    resource = build_resource(reading, blueprint)
    if resource is None:
        return None
    model.resources.append(resource)
    if resource.is_remote_connection:
        target = model.node_named(name)
        if target is None:
            target = create_node(model, name, name, remote=True, builtin=False)
        link_connection(model, resource)
        target.shutdown = True
    if "container" in entry:
        resource.removed_launched = True
    resource.removed = True
    if model.options.stop_removed_resources:
        apply_score(model, resource, None, MINUS_INFINITY, "not in the configuration")
    else:
        resource.managed = False
    return resource


def link_removed_launched(model: Model, entries: list[Mapping[str, str]]) -> None:
    """Removed resources that ran inside a known one belong to it again (18.12)."""
    for entry in entries:
        container = entry.get("container")
        if container is None:
            continue
        resource = model.find(entry.get("id", ""))
        launcher = model.find(container)
        if (
            resource is not None
            and launcher is not None
            and resource.removed_launched
            and resource.launcher is None
        ):
            resource.launcher = launcher
            launcher.launched.append(resource)
