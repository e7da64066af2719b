"""Location constraints and node health reach the node tables (P5.9, P5.10, P21)."""

from __future__ import annotations

from engine.base.score import add_scores
from engine.scheduler.model.model import Location, Model, ProbeMode, Resource, Role, Variant
from engine.scheduler.placement.placement import Placement
from engine.scheduler.reading.nodes import node_health


def add_location(model: Model, location: Location) -> None:
    """A new constraint goes to the front of its resource's list (P5.1)."""
    location.resource.locations.insert(0, location)
    if location.probe_mode is ProbeMode.EXCLUSIVE:
        location.resource.exclusive_probes = True


def apply_locations(placement: Placement, locations: list[Location]) -> None:
    """Apply the constraints, given in the order of creation, the last one first (P5.1)."""
    for location in reversed(locations):
        apply_location(placement, location.resource, location)


def apply_location(placement: Placement, resource: Resource, location: Location) -> None:
    """Bring one constraint to a resource and, as P5.10 says, to what is below it."""
    match resource.variant:
        case Variant.PRIMITIVE:
            _apply(placement, resource, location)
        case Variant.GROUP:
            _apply_to_group(placement, resource, location)
        case Variant.CLONE:
            _apply(placement, resource, location)
            for instance in resource.children:
                apply_location(placement, instance, location)
        case Variant.BUNDLE:
            _apply_to_bundle(placement, resource, location)


def _apply(placement: Placement, resource: Resource, location: Location) -> None:
    if location.role is not Role.UNKNOWN and resource.next_role is not location.role:
        return
    allowed = resource.allowed
    mode = location.probe_mode
    for node, score in location.scores:
        index = node.index
        if index in allowed:
            allowed[index] = add_scores(allowed[index], score)
        else:
            allowed[index] = score
            if node.probe_mode is not ProbeMode.ALWAYS:
                resource.probe_modes[index] = node.probe_mode
        if resource.probe_modes.get(index, ProbeMode.ALWAYS) < mode:
            resource.probe_modes[index] = mode
            if mode is ProbeMode.EXCLUSIVE:
                resource.exclusive_probes = True
    if placement.sink is not None:
        for node, _ in location.scores:
            placement.note(resource, node, f"location {location.id}")


def _apply_to_group(placement: Placement, group: Resource, location: Location) -> None:
    """The first of colocated members gets the scores, the others only the nodes."""
    _apply(placement, group, location)
    bare = Location(
        location.id,
        location.resource,
        tuple([(node, 0) for node, _ in location.scores]),
        location.role,
        location.probe_mode,
    )
    chosen = location
    for member in group.children:
        apply_location(placement, member, chosen)
        if group.collocated:
            chosen = bare


def _apply_to_bundle(placement: Placement, bundle: Resource, location: Location) -> None:
    _apply(placement, bundle, location)
    settings = bundle.bundle
    assert settings is not None
    for replica in settings.replicas:
        apply_location(placement, replica.container, location)
        if replica.ip is not None:
            apply_location(placement, replica.ip, location)
    inner = settings.inner_clone
    if inner is not None and location.role is Role.PROMOTED:
        apply_location(placement, inner, location)
        inner.locations.insert(0, location)


# Node health.


def health_locations(model: Model) -> list[Location]:
    """Locations that stand for the health of nodes, in the order of creation (P21.3)."""
    if model.options.health_strategy == "none":
        return []
    found = []
    for node in model.nodes:
        health = node_health(model, node)
        if health == 0:
            continue
        for resource in model.resources:
            if health < 0 and resource.allow_unhealthy:
                continue
            location = Location(f"{resource.id}-health-{node.name}", resource, ((node, health),))
            add_location(model, location)
            found.append(location)
    return found
