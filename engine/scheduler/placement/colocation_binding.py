"""Colocations bind a dependent to where its primary is, or change its role (P11.12 to P11.22)."""

from __future__ import annotations

from enum import Enum

from engine.base.score import add_scores
from engine.scheduler.model.model import (
    INFINITY,
    MINUS_INFINITY,
    Colocation,
    Node,
    Resource,
    Role,
    Variant,
)
from engine.scheduler.placement.colocation import needs_host_lookup
from engine.scheduler.placement.dependents import colocation_value, same_value
from engine.scheduler.placement.placement import (
    Placement,
    Table,
    is_blocked,
    node_of,
    score_on_node_of,
)


class Effect(Enum):
    """What a colocation changes at the moment (P11.13)."""

    NOTHING = 0
    LOCATION = 1
    ROLE = 2


def bind(placement: Placement, dependent: Resource, primary: Resource, c: Colocation) -> int:
    """Apply "dependent with primary"; the result is what the dependent's priority changed by."""
    if dependent.variant is Variant.GROUP:
        return _bind_group(placement, dependent, primary, c)
    match primary.variant:
        case Variant.PRIMITIVE:
            return _bind_to_primitive(placement, dependent, primary, c)
        case Variant.GROUP:
            return _bind_to_group(placement, dependent, primary, c)
        case Variant.CLONE:
            return _bind_to_clone(placement, dependent, primary, c)
        case Variant.BUNDLE:
            return _bind_to_bundle(placement, dependent, primary, c)


def effect_of(
    dependent: Resource, primary: Resource, c: Colocation, *, preview: bool = False
) -> Effect:
    """Whether a colocation now acts on scores, on the role, or not at all (P11.13)."""
    if primary.unassigned and not preview:
        return Effect.NOTHING
    role_dependent = _role_resource(dependent)
    parent = role_dependent.parent
    if (
        c.dependent_role >= Role.UNPROMOTED
        and parent is not None
        and parent.promotable
        and not role_dependent.unassigned
    ):
        return Effect.ROLE
    if not dependent.unassigned and not preview:
        return Effect.NOTHING
    if c.dependent_role and c.dependent_role is not role_dependent.next_role:
        return Effect.NOTHING
    if c.primary_role and c.primary_role is not _role_resource(primary).next_role:
        return Effect.NOTHING
    return Effect.LOCATION


def _role_resource(resource: Resource) -> Resource:
    """The roles of a bundle's container are those of the instance inside it."""
    replica = resource.bundle_replica
    if replica is not None and replica.container is resource and replica.child is not None:
        return replica.child
    return resource


def _bind_group(placement: Placement, group: Resource, primary: Resource, c: Colocation) -> int:
    """P11.12: members other than the first follow through the chain of members."""
    delta = 0
    if group.collocated:
        if group.children:
            delta = bind(placement, group.children[0], primary, c)
    elif c.score < INFINITY:
        for member in group.children:
            delta += bind(placement, member, primary, c)
    if delta:
        group.priority = add_scores(delta, group.priority)
    return delta


# Primary is a primitive.


def _bind_to_primitive(
    placement: Placement, dependent: Resource, primary: Resource, c: Colocation
) -> int:
    match effect_of(dependent, primary, c):
        case Effect.LOCATION:
            _apply_to_scores(placement, dependent, primary, c)
        case Effect.ROLE:
            return _apply_to_priority(dependent, primary, c)
        case Effect.NOTHING:
            pass
    return 0


def _apply_to_scores(
    placement: Placement, dependent: Resource, primary: Resource, c: Colocation
) -> None:
    """Add the score where the primary is, or take it away where it cannot be (P11.15)."""
    score = c.score
    node = primary.assigned
    if node is None:
        if score < 0:
            return
        work = {index: add_scores(old, -score) for index, old in dependent.allowed.items()}
    else:
        work = _scores_near(placement, dependent, primary, node, c)
    if abs(score) >= INFINITY or placement.any_usable(work):
        dependent.allowed = work
        placement.note(dependent, None, f"{c.id}: with {primary.id}")


def _scores_near(
    placement: Placement, dependent: Resource, primary: Resource, node: Node, c: Colocation
) -> Table:
    """The dependent's table after a look at where the primary is."""
    score = c.score
    mandatory = score >= INFINITY
    work: Table = {}
    if (
        c.node_attribute == "#uname"
        and placement.uname_is_unique
        and not (needs_host_lookup(dependent) or needs_host_lookup(primary))
    ):
        for index, old in dependent.allowed.items():
            if index == node.index:
                work[index] = old if mandatory else add_scores(old, score)
            else:
                work[index] = MINUS_INFINITY if mandatory else old
        return work
    wanted = colocation_value(node, c.node_attribute, primary)
    nodes = placement.model.node_table
    for index, old in dependent.allowed.items():
        if same_value(colocation_value(nodes[index], c.node_attribute, dependent), wanted):
            work[index] = old if mandatory else add_scores(old, score)
        else:
            work[index] = MINUS_INFINITY if mandatory else old
    return work


def _apply_to_priority(dependent: Resource, primary: Resource, c: Colocation) -> int:
    """P11.18: a promotable instance has its node already; only its role is still open."""
    here, there = dependent.assigned, primary.assigned
    if here is None:
        return 0
    wanted = c.primary_role
    if there is not None and wanted and wanted is not _role_resource(primary).next_role:
        return 0
    # An inactive primary has no value, which equals that of a node without the attribute (P24.11).
    theirs = None if there is None else colocation_value(there, c.node_attribute, primary)
    if not same_value(theirs, colocation_value(here, c.node_attribute, dependent)):
        if c.score < INFINITY or c.dependent_role is not Role.PROMOTED:
            return 0
        factor = -1
    else:
        factor = -1 if c.dependent_role is Role.UNPROMOTED else 1
    delta = factor * c.score
    dependent.priority = add_scores(delta, dependent.priority)
    return delta


# Primary is a group.


def _bind_to_group(
    placement: Placement, dependent: Resource, group: Resource, c: Colocation
) -> int:
    """A collocated group stands for its first or last member, any other for all of them (P11.17)."""
    if group.unassigned or not group.children:
        return 0
    if group.collocated:
        member = group.children[-1 if c.score >= INFINITY else 0]
        return bind(placement, dependent, member, c)
    if c.score >= INFINITY:
        return 0
    return sum(bind(placement, dependent, member, c) for member in group.children)


# Primary is a clone.


def _bind_to_clone(
    placement: Placement, dependent: Resource, clone: Resource, c: Colocation
) -> int:
    """The nodes of the instances, of those with the role, or the matching instance (P11.19)."""
    if clone.unassigned:
        return 0
    if clone.promotable and c.primary_role:
        if dependent.unassigned:
            _bind_to_promoted(placement, dependent, clone, c)
            return 0
        if c.dependent_role is Role.PROMOTED:
            return _prefer_role_beside(placement, dependent, clone, c)
    if can_interleave(c):
        instance = compatible_instance(placement, dependent, clone)
        if instance is not None:
            return bind(placement, dependent, instance, c)
        if c.score >= INFINITY:
            placement.settle(dependent, None, force=True, stop_if_fail=True)
        return 0
    if c.score >= INFINITY:
        nodes: Table = {}
        for instance in clone.children:
            node = node_of(instance)
            if node is not None and not is_blocked(instance):
                nodes[node.index] = 0
        intersect(placement, dependent, nodes, merge=False, reason=f"{c.id}: with {clone.id}")
        return 0
    return sum(bind(placement, dependent, instance, c) for instance in clone.children)


def can_interleave(c: Colocation) -> bool:
    """The dependent's instances each follow one instance of the primary (P11.19.2)."""
    dependent, primary = c.dependent, c.primary
    if dependent.variant < Variant.CLONE or primary.variant < Variant.CLONE:
        return False
    if dependent.meta.get("interleave", "").lower() not in {"true", "on", "yes", "y", "1"}:
        return False
    return per_node_maximum(dependent) == per_node_maximum(primary)


def per_node_maximum(resource: Resource) -> int:
    """Instances of a clone, or replicas of a bundle, that one node may have."""
    if resource.bundle is not None:
        return resource.bundle.replicas_per_host
    return 1 if resource.clone is None else resource.clone.clone_node_max


def intersect(
    placement: Placement, dependent: Resource, nodes: Table, *, merge: bool, reason: str
) -> None:
    """Ban the dependent everywhere but on `nodes` (index → score to add, with `merge`; P11.20)."""
    work = {}
    for index, old in dependent.allowed.items():
        if index not in nodes:
            work[index] = MINUS_INFINITY
        else:
            work[index] = add_scores(old, nodes[index]) if merge else old
    dependent.allowed = work
    placement.note(dependent, None, reason)


def _bind_to_promoted(
    placement: Placement, dependent: Resource, clone: Resource, c: Colocation
) -> None:
    """Prefer the nodes of the instances that have the wanted role (P11.21)."""
    table = placement.model.node_table
    found: Table = {}
    for instance in clone.children:
        node = node_of(instance)
        if node is None or _next_role(instance) is not c.primary_role:
            continue
        if c.score < INFINITY:
            value = colocation_value(node, c.node_attribute, instance)
            for index, old in dependent.allowed.items():
                here = colocation_value(table[index], c.node_attribute, dependent)
                if same_value(here, value):
                    dependent.allowed[index] = add_scores(old, c.score)
        found[node.index] = score_on_node_of(instance)
    both_promoted = c.dependent_role is Role.PROMOTED and c.primary_role is Role.PROMOTED
    reason = f"{c.id}: with {clone.id} as {c.primary_role.text}"
    if c.score >= INFINITY and not both_promoted:
        intersect(placement, dependent, found, merge=True, reason=reason)
    else:
        placement.note(dependent, None, reason)


def _prefer_role_beside(
    placement: Placement, dependent: Resource, clone: Resource, c: Colocation
) -> int:
    """Raise the promotion priority beside an instance that has the wanted role (P11.22)."""
    found = compatible_instance(
        placement, dependent, clone, role=c.primary_role, attribute=c.node_attribute
    )
    if found is not None:
        dependent.priority = add_scores(dependent.priority, c.score)
        return c.score
    if c.score >= INFINITY:
        dependent.priority = MINUS_INFINITY
    return 0


def compatible_instance(
    placement: Placement,
    dependent: Resource,
    collective: Resource,
    *,
    role: Role = Role.UNKNOWN,
    attribute: str = "#uname",
) -> Resource | None:
    """The instance that a dependent can follow, best node first (P13.9)."""
    own = node_of(dependent)
    if own is not None:
        candidates = [own]
    else:
        ranked = placement.ranking.best_first(placement.entries(dependent))
        candidates = [node for node, _ in ranked]
    for candidate in candidates:
        for instance in _instances(collective):
            if _is_compatible(instance, candidate, role, attribute):
                return instance
    return None


def _instances(collective: Resource) -> list[Resource]:
    if collective.bundle is not None:
        return [replica.container for replica in collective.bundle.replicas]
    return collective.children


def _is_compatible(instance: Resource, node: Node, role: Role, attribute: str) -> bool:
    if role and role is not _next_role(instance):
        return False
    if is_blocked(instance):
        return False
    there = node_of(instance)
    if there is None:
        return False
    if there is node:
        return True
    if attribute == "#uname":
        return False
    value = there.attributes.get(attribute)
    return value is not None and same_value(value, node.attributes.get(attribute))


def _next_role(instance: Resource) -> Role:
    """A group's next role is its first member's (P12.4)."""
    return instance.next_role


# Primary is a bundle.


def _bind_to_bundle(
    placement: Placement, dependent: Resource, bundle: Resource, c: Colocation
) -> int:
    """The containers stand for the bundle (P16.6)."""
    settings = bundle.bundle
    if bundle.unassigned or settings is None:
        return 0
    if c.dependent.variant >= Variant.CLONE:
        container = _container_for(placement, dependent, bundle)
        if container is not None:
            return bind(placement, dependent, container, c)
        if c.score >= INFINITY:
            placement.settle(dependent, None, force=True, stop_if_fail=True)
        return 0
    if c.score < INFINITY:
        return sum(
            bind(placement, dependent, replica.container, c) for replica in settings.replicas
        )
    hosts: Table = {}
    for replica in settings.replicas:
        node = replica.container.assigned
        if node is None or is_blocked(replica.container):
            continue
        if c.primary_role is Role.PROMOTED and (
            replica.child is None or replica.child.next_role is not Role.PROMOTED
        ):
            continue
        hosts[node.index] = 0
    intersect(placement, dependent, hosts, merge=False, reason=f"{c.id}: with {bundle.id}")
    return 0


def _container_for(placement: Placement, dependent: Resource, bundle: Resource) -> Resource | None:
    """The container on the dependent's node, or on the best node that has one."""
    own = node_of(dependent)
    if own is not None:
        candidates = [own]
    else:
        ranked = placement.ranking.best_first(placement.entries(dependent))
        candidates = [node for node, _ in ranked]
    settings = bundle.bundle
    assert settings is not None
    for candidate in candidates:
        node = _host_of(candidate)
        if node is None:
            continue
        for replica in settings.replicas:
            if replica.container.assigned is node and not is_blocked(replica.container):
                return replica.container
    return None


def _host_of(node: Node) -> Node | None:
    """The container's host for a bundle node, else the node."""
    connection = node.connection
    if node.is_bundle and connection is not None and connection.launcher is not None:
        return connection.launcher.assigned
    return node
