"""What becomes of a resource when the scheduler has decided: on which nodes, in which role, and what is in the way. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.cib.document import Cib
from engine.scheduler.api import Schedule, schedule
from engine.scheduler.model.model import Model, Resource, Role
from engine.scheduler.placement.scores import ScoreRecord
from engine.scheduler.planning.action_table import OPTIONAL, RUNNABLE
from engine.scheduler.reading.activity import active_nodes

_STARTS = ("start", "promote", "migrate_to")
_WORDS = {Role.PROMOTED: "promoted", Role.UNPROMOTED: "unpromoted"}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One instance on a node; `role` is a word for promotable clones, else ""."""

    node: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the instances of a resource are now and will be, in order; `blocked` is why some will not start."""

    was: tuple[Place, ...]
    will: tuple[Place, ...]
    blocked: tuple[str, ...] = ()

    def is_on(self, node: str) -> bool:
        """Whether an instance will be on that node."""
        return any(place.node == node for place in self.will)


def outcome_of(cib: Cib, now: float, name: str, record: ScoreRecord | None = None) -> Outcome:
    """What the scheduler decides about a resource; `now` is epoch seconds.

    Raises `EngineError` when the CIB cannot be scheduled. The CIB itself is not changed.
    """
    decided = schedule(cib.copy(), now, scores=record)
    leaves = primitives(decided.model, name)
    blocked = _blocked(decided)
    was = sorted(
        Place(node.name, _word(leaf, leaf.role)) for leaf in leaves for node in active_nodes(leaf)
    )
    will = sorted(place for leaf in leaves for place in _next(leaf, blocked))
    reasons = dict.fromkeys(blocked[leaf.index] for leaf in leaves if leaf.index in blocked)
    return Outcome(tuple(was), tuple(will), tuple(reasons))


def places_of_all(decided: Schedule) -> dict[str, tuple[Place, ...]]:
    """Where the instances of every primitive will be, without fence devices and what is removed."""
    blocked = _blocked(decided)
    found: dict[str, list[Place]] = {}
    for resource in decided.model.resources:
        for leaf in _leaves(resource):
            if not leaf.is_fence_device and not leaf.removed:
                found.setdefault(leaf.base_id or leaf.id, []).extend(_next(leaf, blocked))
    return {name: tuple(sorted(places)) for name, places in found.items()}


def _blocked(decided: Schedule) -> dict[int, str]:
    """Why the start or promotion of a primitive will not be done, by its index."""
    return {
        action.rsc.index: action.reason or action.key
        for action in decided.plan.actions.all
        if action.rsc is not None
        and action.task in _STARTS
        and not action.flags & RUNNABLE
        and (not action.flags & OPTIONAL or not active_nodes(action.rsc))
    }


def primitives(model: Model, name: str) -> list[Resource]:
    """The primitives of a resource; for the primitive of a clone those of all instances."""
    found = model.find(name)
    if found is not None:
        return list(_leaves(found))
    every = (leaf for resource in model.resources for leaf in _leaves(resource))
    return [leaf for leaf in every if leaf.base_id == name]


def _leaves(resource: Resource) -> Iterator[Resource]:
    if not resource.children:
        yield resource
    for child in resource.children:
        yield from _leaves(child)


def _next(leaf: Resource, blocked: dict[int, str]) -> Iterator[Place]:
    if not leaf.managed or leaf.maintenance:
        for node in active_nodes(leaf):
            yield Place(node.name, _word(leaf, leaf.role))
        return
    if leaf.assigned is None or leaf.next_role in (Role.STOPPED, Role.UNKNOWN):
        return
    if leaf.index in blocked:
        # What cannot be promoted stays as it is where it runs.
        if leaf.assigned in active_nodes(leaf):
            yield Place(leaf.assigned.name, _word(leaf, leaf.role))
        return
    yield Place(leaf.assigned.name, _word(leaf, leaf.next_role))


def _word(leaf: Resource, role: Role) -> str:
    return _WORDS.get(role, "") if leaf.top.promotable else ""
