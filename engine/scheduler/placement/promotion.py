"""Promotion scores, and which instances of a promotable clone are promoted (P15)."""

from __future__ import annotations

from functools import partial

from engine.base.digits import is_digits
from engine.base.score import add_scores
from engine.base.values import score_or_none
from engine.scheduler.model.model import (
    INFINITY,
    MINUS_INFINITY,
    Node,
    QuorumPolicy,
    Resource,
    Role,
)
from engine.scheduler.placement.colocation import has_influence, this_with_list, with_this_list
from engine.scheduler.placement.colocation_binding import bind
from engine.scheduler.placement.dependents import ACTIVE_NONNEGATIVE, limited_merging, merged
from engine.scheduler.placement.instances import compare_instances
from engine.scheduler.placement.placement import Placement, node_of, nodes_of, single
from engine.scheduler.placement.ranking import guest_can_run, is_usable, merge_sorted
from engine.scheduler.reading.activity import next_role_of, role_of

_DEFAULT_PRIORITY = -1
"""Nothing says that an instance wants to be promoted (P15.13)."""


# Before placement.


def add_promotion_scores(placement: Placement, clone: Resource) -> None:
    """A promotion score draws an instance to its node and to the front of the list (P15.2)."""
    table = placement.model.node_table
    twins = Twins(clone)
    for instance in clone.children:
        for index, old in instance.allowed.items():
            if not placement.usable[index]:
                continue
            score = promotion_score(twins, instance, table[index])
            if score is None:
                continue
            if score > 0:
                instance.allowed[index] = add_scores(old, score)
                placement.note(instance, table[index], f"promotion score {score}")
            instance.priority = max(instance.priority, score)


class Twins:
    """Where the copies of each member of a clone are active, and where they were probed."""

    __slots__ = ("_active", "_known")

    def __init__(self, clone: Resource) -> None:
        self._active: dict[tuple[str, int], Resource] = {}
        self._known: set[tuple[str, int]] = set()
        for instance in clone.children:
            for twin in instance.children or (instance,):
                for node in twin.running_on:
                    self._active.setdefault((twin.base_id, node.index), twin)
                self._known.update([(twin.base_id, index) for index in twin.known_on])

    def active(self, instance: Resource, node: Node) -> Resource | None:
        """The first copy that is active on the node."""
        return self._active.get((instance.base_id, node.index))

    def is_known(self, instance: Resource, node: Node) -> bool:
        """Some copy was probed on the node."""
        return (instance.base_id, node.index) in self._known


def promotion_score(twins: Twins, instance: Resource, node: Node) -> int | None:
    """What node attributes say about promoting the instance there; None: nothing (P15.1)."""
    if instance.children:
        scores = [promotion_score(twins, member, node) for member in instance.children]
        known = [score for score in scores if score is not None]
        return sum(known) if known else None
    if not _score_applies(twins, instance, node):
        return None
    name = instance.history_id or instance.id
    value = _attribute(instance, node, f"master-{name}")
    if value is None and not instance.unique:
        base = _without_number(instance.id)
        if base != instance.id:
            value = _attribute(instance, node, f"master-{base}")
    return None if value is None else score_or_none(value) or 0


def _score_applies(twins: Twins, instance: Resource, node: Node) -> bool:
    """Whether a promotion score of the node counts for this instance (P15.3)."""
    if instance.allowed.get(node.index, -1) < 0:
        return False
    if not instance.unique:
        active = twins.active(instance, node)
        if active is instance:
            return True
        if active is None and twins.is_known(instance, node):
            return True
    if not instance.running_on and not instance.known_on:
        return True
    return node.index in instance.known_on or node in instance.running_on


def _without_number(name: str) -> str:
    base, colon, number = name.rpartition(":")
    return base if colon and is_digits(number) else name


def _attribute(instance: Resource, node: Node, name: str) -> str | None:
    if node.is_guest and instance.meta.get("container-attribute-target", "").lower() == "host":
        connection = node.connection
        launcher = None if connection is None else connection.launcher
        if launcher is None:
            return None
        if instance.unassigned:
            host = launcher.running_on[0] if launcher.running_on else None
        else:
            host = launcher.assigned
        return None if host is None else host.attributes.get(name)
    return node.attributes.get(name)


# After placement.


def choose_roles(placement: Placement, clone: Resource) -> None:
    """Decide the next role of each instance (P15.4 to P15.11)."""
    clone.counts = dict.fromkeys(clone.allowed, 0)
    twins = Twins(clone)
    for instance in clone.children:
        _set_priority(placement, clone, instance, twins)
    _sort_for_promotion(placement, clone)
    settings = clone.clone
    assert settings is not None
    promoted = 0
    for instance in clone.children:
        if _set_role(placement, clone, instance, promoted):
            promoted += 1


def _set_priority(placement: Placement, clone: Resource, instance: Resource, twins: Twins) -> None:
    """The priority in which instances are promoted (P15.5 to P15.9)."""
    if role_of(instance) is Role.STARTED:
        _show_started_as_unpromoted(instance)
    node = node_of(instance)
    if node is None:
        return
    wanted = next_role_of(instance)
    match wanted:
        case Role.UNKNOWN | Role.STARTED:
            score = promotion_score(twins, instance, node)
            instance.priority = _DEFAULT_PRIORITY if score is None else score
        case Role.UNPROMOTED | Role.STOPPED:
            instance.priority = MINUS_INFINITY
        case Role.PROMOTED:
            pass
    for location in (*instance.locations, *clone.locations):
        if location.role is Role.PROMOTED:
            for target, score in location.scores:
                if target is node:
                    instance.priority = add_scores(instance.priority, score)
    for colocation in list(this_with_list(placement, instance)):
        bind(placement, instance, colocation.primary, colocation)
    chosen = wanted is Role.PROMOTED
    instance.promotion_priority = INFINITY if chosen else instance.priority


def _show_started_as_unpromoted(resource: Resource) -> None:
    if resource.role is Role.STARTED:
        resource.role = Role.UNPROMOTED
    for child in resource.children:
        _show_started_as_unpromoted(child)


def _sort_for_promotion(placement: Placement, clone: Resource) -> None:
    """P15.10: the clone's own table gathers what speaks for a promotion on each node."""
    if clone.index in placement.promoting:
        return
    placement.promoting.add(clone.index)
    clone.allowed = dict(clone.allowed)
    nodes = [node_of(instance) for instance in clone.children]
    for instance, node in zip(clone.children, nodes, strict=True):
        if node is not None and instance.promotion_priority >= 0 and node.index in clone.allowed:
            old = clone.allowed[node.index]
            clone.allowed[node.index] = add_scores(old, instance.promotion_priority)
            placement.note(clone, node, f"promotion score of {instance.id}")
    _merge_dependents_of_promoted(placement, clone)
    placement.touched(clone)
    for ticket in clone.tickets:
        if ticket.role is Role.PROMOTED and (not ticket.ticket.granted or ticket.ticket.standby):
            placement.ban(clone, None, f"ticket {ticket.ticket.id} forbids promotion")
    for instance, node in zip(clone.children, nodes, strict=True):
        if not instance.managed and instance.next_role is Role.PROMOTED:
            instance.promotion_priority = INFINITY
        elif node is None:
            instance.promotion_priority = MINUS_INFINITY
        elif instance.promotion_priority >= 0:
            instance.promotion_priority = clone.allowed.get(node.index, MINUS_INFINITY)
    clone.children = merge_sorted(clone.children, partial(_compare_for_promotion, placement, clone))


def _merge_dependents_of_promoted(placement: Placement, clone: Resource) -> None:
    """Step 2 of P15.10; a dependent that is a primary of the clone, too, does not bring it back."""
    clone.merging = True
    try:
        with limited_merging(placement, clone):
            for c in list(with_this_list(placement, clone)):
                if c.primary_role is Role.PROMOTED and has_influence(c):
                    factor = single(c.score / INFINITY)
                    clone.allowed = merged(
                        placement, c.dependent, clone, clone.allowed, c, factor, ACTIVE_NONNEGATIVE
                    )
    finally:
        clone.merging = False


def _compare_for_promotion(
    placement: Placement, clone: Resource, first: Resource, second: Resource
) -> int:
    if first.promotion_priority != second.promotion_priority:
        return -1 if first.promotion_priority > second.promotion_priority else 1
    if first.role != second.role:
        return -1 if first.role > second.role else 1
    return compare_instances(placement, clone, first, second)


def _set_role(placement: Placement, clone: Resource, instance: Resource, promoted: int) -> bool:
    """P15.11; True if the instance counts as promoted."""
    settings = clone.clone
    assert settings is not None
    if placement.sink is not None:
        placement.sink.promotion(instance, node_of(instance), instance.promotion_priority)
    node: Node | None = None
    if instance.promotion_priority >= 0 and (promoted < settings.promoted_max or not clone.managed):
        node = _promotion_node(clone, instance)
    if node is None:
        _set_next_role(instance)
        return False
    model = placement.model
    if (
        instance.role < Role.PROMOTED
        and not model.quorate
        and model.options.no_quorum_policy is QuorumPolicy.FREEZE
    ):
        _set_next_role(instance)
        return False
    clone.counts[node.index] = clone.counts.get(node.index, 0) + 1
    _promote(instance)
    return True


def _promotion_node(clone: Resource, instance: Resource) -> Node | None:
    """Where the instance can be promoted, if anywhere."""
    for member in instance.children:
        if _promotion_node(clone, member) is None:
            return None
    nodes = nodes_of(instance)
    if len(nodes) != 1:
        return None
    node = nodes[0]
    if instance.managed:
        if instance.priority < 0:
            return None
        if not is_usable(node) or not guest_can_run(node):
            return None
    elif instance.role is not Role.PROMOTED:
        return None
    if node.index not in clone.allowed:
        return None
    settings = clone.clone
    assert settings is not None
    if instance.managed and clone.counts.get(node.index, 0) >= settings.promoted_node_max:
        return None
    return node


def _set_next_role(resource: Resource) -> None:
    """Not to be promoted: Unpromoted where it has a node, else Stopped."""
    resource.next_role = Role.UNPROMOTED if nodes_of(resource) else Role.STOPPED
    for child in resource.children:
        _set_next_role(child)


def _promote(resource: Resource) -> None:
    if resource.next_role is Role.UNKNOWN:
        resource.next_role = Role.PROMOTED
    for child in resource.children:
        _promote(child)
