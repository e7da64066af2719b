"""Groups, clones and bundles as a whole: where they are, and what their actions are like (C7.13, C7.14)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.base.values import is_true
from engine.scheduler.model.model import Model, Node, Resource, Variant
from engine.scheduler.placement.ranking import NodeRanking
from engine.scheduler.planning.action_table import (
    NOTIFY_MARK,
    OPTIONAL,
    PSEUDO,
    RUNNABLE,
    Action,
    ActionTable,
    completion_of,
    plain_task,
)

# Naming a member of an enumeration takes ten times as long as naming a constant.
_PRIMITIVE: Final = Variant.PRIMITIVE
_GROUP: Final = Variant.GROUP
_CLONE: Final = Variant.CLONE
_BUNDLE: Final = Variant.BUNDLE

_INNER_TASKS = frozenset({"promote", "promoted", "demote", "demoted", "notify", "notified"})
_ALL_SET = OPTIONAL | RUNNABLE | PSEUDO
# Tasks whose actions have no other key than `TASK_0`: finding one is a look-up.
_KEY_TASKS = frozenset(
    ("start", "stop", "promote", "demote", "running", "stopped", "promoted", "demoted")
)


def instances_of(rsc: Resource) -> list[Resource]:
    """Instances of a clone, containers of a bundle, members of a group."""
    if rsc.variant is _BUNDLE and rsc.bundle is not None:
        return [replica.container for replica in rsc.bundle.replicas]
    return rsc.children


def original_task(action: Action) -> str:
    """The task of an action; of a notification the one that it tells about."""
    task = action.task
    if task in ("notify", "notified"):
        _, mark, rest = action.suffix.partition(NOTIFY_MARK)
        if mark:
            task = rest.rpartition("_")[0]
    return task


def task_of_instance(rsc: Resource, task: str) -> str:
    """What an instance does for a collective's task: primitives have no completions."""
    return plain_task(task) if rsc.variant is _PRIMITIVE else task


def first_with_task(
    table: ActionTable, rsc: Resource, task: str, node: Node | None
) -> Action | None:
    """The newest action of a resource that does this task, on the node if one is given."""
    found = table.first(rsc, f"{task}_0", node)
    if found is not None and found.task == task:
        return found
    if task in _KEY_TASKS:
        return None
    for action in table.of(rsc):
        if action.task == task and (node is None or action.node is node):
            return action
    return None


class _TaskPlaces:
    """The actions of some resources for one task: the newest of each, and those on each node."""

    __slots__ = ("by_node", "newest", "size")

    def __init__(self, table: ActionTable, resources: list[Resource], task: str) -> None:
        self.size = len(table.all)
        self.newest: list[Action] = []
        self.by_node: dict[int, list[Action]] = {}
        suffix = f"{task}_0"
        for rsc in resources:
            found = table.row(rsc).by_key.get(suffix)
            if not found:
                continue
            self.newest.append(max(found.values(), key=_number))
            for index, action in found.items():
                self.by_node.setdefault(index, []).append(action)


def _number(action: Action) -> int:
    return action.id


class InstanceActions:
    """The actions of the parts of collectives: looked up together, and again after one was made."""

    __slots__ = ("_known", "table")

    def __init__(self, table: ActionTable) -> None:
        self.table = table
        self._known: dict[tuple[int, str], _TaskPlaces] = {}

    def of(self, parts: list[Resource], task: str, node: Node | None) -> list[Action]:
        """`first_with_task` of each part of a collective, where there is one, in their order."""
        if not parts:
            return []
        if task not in _KEY_TASKS:
            found = (first_with_task(self.table, part, task, node) for part in parts)
            return [action for action in found if action is not None]
        key = (parts[0].index, task)
        places = self._known.get(key)
        if places is None or places.size != len(self.table.all):
            places = self._known[key] = _TaskPlaces(self.table, parts, task)
        return places.newest if node is None else places.by_node.get(node.index, [])


class FlagSummaries:
    """Flags of actions as orderings see them; those of collectives come from their children.

    Summarising also updates the collective's own action. A summary is kept until a flag below the
    collective changes.
    """

    __slots__ = ("_known", "actions", "table")

    def __init__(self, table: ActionTable) -> None:
        self.table = table
        self.actions = InstanceActions(table)
        self._known: dict[tuple[int, int], tuple[int, int, int]] = {}

    def for_ordering(self, action: Action, node: Node | None) -> int:
        """Flags of an action as seen by one on `node` (C7.4)."""
        rsc = action.rsc
        if rsc is None or rsc.variant is _PRIMITIVE:
            return action.flags
        flags = self.of(action, None)
        if node is None or rsc.variant is not _CLONE:
            return flags
        return self.of(action, node) | (flags & RUNNABLE)

    def of(self, action: Action, node: Node | None) -> int:
        """Flags of an action; of a collective's action those that its children give it."""
        rsc = action.rsc
        if rsc is None or rsc.variant is _PRIMITIVE:
            return action.flags
        key = (action.id, -1 if node is None else node.index)
        version = self.table.row(rsc).version
        known = self._known.get(key)
        if known is not None and known[0] == version and known[2] == action.flags:
            return known[1]
        before = action.flags
        if rsc.variant is _GROUP:
            flags = self._of_group(action, rsc, node)
        else:
            flags = self._of_instances(action, rsc, node)
        if action.flags != before:
            self.table.changed(rsc)
        self._known[key] = (self.table.row(rsc).version, flags, action.flags)
        return flags

    def _of_group(self, action: Action, group: Resource, node: Node | None) -> int:
        flags = _ALL_SET
        task = plain_task(original_task(action))
        is_completion = task != action.task
        found = self.actions.of(group.children, task, node)
        if len(found) < len(group.children) and task not in ("stop", "demote"):
            flags &= ~RUNNABLE
        for member_action in found:
            member_flags = self.of(member_action, node)
            if not member_flags & OPTIONAL:
                flags &= ~OPTIONAL
                action.flags &= ~OPTIONAL
            if is_completion and not member_flags & RUNNABLE:
                flags &= ~RUNNABLE
                action.flags &= ~RUNNABLE
        return flags

    def _of_instances(self, action: Action, collective: Resource, node: Node | None) -> int:
        flags = _ALL_SET
        task = original_task(action)
        any_runnable = False
        instances = _instances_for(collective, action)
        own_node = None
        if instances and instances[0].variant is _PRIMITIVE:
            task, own_node = plain_task(task), node
        for found in self.actions.of(instances, task, own_node):
            instance_flags = self.of(found, node)
            if not instance_flags & OPTIONAL:
                flags &= ~OPTIONAL
                action.flags &= ~OPTIONAL
            if instance_flags & RUNNABLE:
                any_runnable = True
        if not any_runnable:
            flags &= ~RUNNABLE
            if node is None:
                action.flags &= ~RUNNABLE
        return flags


def _instances_for(collective: Resource, action: Action) -> list[Resource]:
    bundle = collective.bundle
    if collective.variant is not _BUNDLE or bundle is None:
        return collective.children
    if action.task in _INNER_TASKS and bundle.inner_clone is not None:
        return bundle.inner_clone.children
    return [replica.container for replica in bundle.replicas]


def completion_action(table: ActionTable, first: Action) -> Action:
    """What an ordering after a collective's action really waits for (C7.3)."""
    rsc = first.rsc
    if rsc is None or rsc.variant is _PRIMITIVE:
        return first
    if NOTIFY_MARK in first.suffix or first.interval_ms:
        return first
    done = completion_of(first.task)
    if not done:
        return first
    suffix = f"{done}_0"
    if rsc.notify and (rsc.variant is _CLONE or rsc.is_bundled):
        suffix = f"confirmed-post_notify_{suffix}"
    return table.first(rsc, suffix) or first


# -- where collectives and their instances are --------------------------------------------------


def location_of(rsc: Resource, *, current: bool) -> Node | None:
    """The one node where a resource is (`current`) or goes; None for none or several."""
    if not rsc.children:
        if not current:
            return rsc.assigned
        return rsc.running_on[0] if len(rsc.running_on) == 1 else None
    found: Node | None = None
    for node in _nodes_below(rsc, current):
        if found is None:
            found = node
        elif node is not found:
            return None
    return found


def _nodes_below(rsc: Resource, current: bool) -> Iterator[Node]:
    for child in rsc.children:
        if child.children:
            yield from _nodes_below(child, current)
        elif current:
            yield from child.running_on
        elif child.assigned is not None:
            yield child.assigned


def interleaves(first: Resource | None, then: Action) -> bool:
    """Whether an ordering between two collectives holds instance by instance (C7.16)."""
    rsc = then.rsc
    if (
        first is None
        or rsc is None
        or first is rsc
        or first.variant < _CLONE
        or rsc.variant < _CLONE
    ):
        return False
    decider = first if then.suffix in ("stop_0", "demote_0") else rsc
    return is_true(decider.meta.get("interleave"))


class InstanceFinder:
    """Finds the instances that belong together; remembers where the instances of collectives are."""

    __slots__ = ("_places", "_ranking", "model")

    def __init__(self, model: Model) -> None:
        self.model = model
        self._ranking = NodeRanking(model.options.placement_strategy)
        self._places: dict[tuple[int, bool], dict[int, Resource]] = {}

    def forget(self) -> None:
        """An instance lost its node: look again."""
        self._places.clear()

    def compatible(
        self, rsc: Resource, collective: Resource, *, current: bool = False
    ) -> Resource | None:
        """The instance of a collective on the node of `rsc`, else on the best of its nodes."""
        places = self._instances_by_node(collective, current)
        node = location_of(rsc, current=current)
        if node is not None:
            return places.get(node.index)
        if not places:
            return None
        table = self.model.node_table
        entries = ((table[index], score) for index, score in rsc.allowed.items())
        for candidate, _ in self._ranking.best_first(entries):
            found = places.get(candidate.index)
            if found is not None:
                return found
        return None

    def _instances_by_node(self, collective: Resource, current: bool) -> dict[int, Resource]:
        key = (collective.index, current)
        places = self._places.get(key)
        if places is None:
            places = self._places[key] = {}
            for instance in instances_of(collective):
                node = None if instance.blocked else location_of(instance, current=current)
                if node is not None:
                    places.setdefault(node.index, instance)
        return places
