"""What one action means for another, followed until nothing changes any more (C7).

Every action is looked at with all orderings before it; whatever changes is looked at again, deepest
first, from an explicit stack: chains of thousands of resources are normal. Flags are only ever
taken away (with three stated exceptions), so the process ends.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from engine.scheduler.model.model import Node, Resource, Role, Variant
from engine.scheduler.model.order_graph import (
    ASYMMETRIC,
    BLOCKS,
    CANCELS_FIRST,
    ELSE_THEN,
    FIRST_GRAPHS_THEN,
    FIRST_THEN,
    FIRST_THEN_LOCAL,
    GUEST_ALLOWED,
    IF_UNMIGRATABLE,
    LOAD,
    MIN_RUNNABLE,
    NESTED_PROBE,
    NOTHING,
    ORDERED,
    PROMOTED_THEN_FIRST,
    REQUIRED_SAME_NODE,
    RESTART,
    SAME_NODE,
    SERIALIZE,
    THEN_FIRST,
    THEN_GRAPHS_FIRST,
    UNMIGRATABLE_BLOCKS,
    OrderGraph,
)
from engine.scheduler.planning.action_table import (
    IN_GRAPH,
    MIGRATABLE,
    OPTIONAL,
    PSEUDO,
    RUNNABLE,
    Action,
    plain_task,
)
from engine.scheduler.planning.collectives import (
    FlagSummaries,
    InstanceFinder,
    completion_action,
    first_with_task,
    instances_of,
    interleaves,
    location_of,
    original_task,
    task_of_instance,
)
from engine.scheduler.planning.colocation_blocks import ColocationBlocks
from engine.scheduler.planning.plan import Plan

# Naming a member of an enumeration takes ten times as long as naming a constant.
_PRIMITIVE: Final = Variant.PRIMITIVE
_GROUP: Final = Variant.GROUP
_CLONE: Final = Variant.CLONE
FIRST_CHANGED, THEN_CHANGED = 1, 2
_MAX_DEPTH = 60

# Relations that change nothing between the actions of two primitives, unless the nodes matter.
_IDLE_FOR_PRIMITIVES = (
    ORDERED | SERIALIZE | LOAD | REQUIRED_SAME_NODE | GUEST_ALLOWED | IF_UNMIGRATABLE
)
# Relations that by themselves only make orderings between instances of interleaved clones.
_ONLY_FOR_INSTANCES = ORDERED | MIN_RUNNABLE
_WORDS = {RUNNABLE: "unrunnable", MIGRATABLE: "unmigrateable", OPTIONAL: "required"}


class Propagation:
    """One run to the fixed point."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.table = plan.actions
        self.actions = plan.actions.all
        self.graph = plan.graph
        self.summaries = FlagSummaries(plan.actions)
        self.finder = InstanceFinder(plan.model)
        self.blocks = ColocationBlocks(plan)
        self._stack: list[_Frame] = []
        self._depth = 0

    def run(self) -> None:
        """Look at every action, newest first (C7.1), after colocations had their say (C4.6)."""
        for action in reversed(self.actions):
            self.blocks.block(action, self._review)
        for action in reversed(self.actions):
            self._review(action)

    def _review(self, action: Action) -> None:
        """Look at an action, and at all that changes with it, before anything else.

        This may happen in the middle of another ordering, because the first reason found for a
        change is the one that is told. Very deep nesting is put off: it can only change reasons.
        """
        stack = self._stack
        base = len(stack)
        stack.append(_Frame(action))
        if self._depth >= _MAX_DEPTH:
            return
        self._depth += 1
        while len(stack) > base:
            frame = stack[-1]
            step = frame.next_edge(self.graph)
            if step is None:
                stack.pop()
                self._finish(frame)
            else:
                first, relation = step
                self._look(self.actions[first - 1], frame, relation)
        self._depth -= 1

    def _finish(self, frame: _Frame) -> None:
        """All orderings before an action were applied once (C7.1, steps 3 and 4)."""
        then = frame.action
        if then.needs_runnable:
            frame.changed = then.flags != frame.flags
        if not frame.changed:
            return
        if frame.flags & RUNNABLE and not then.flags & RUNNABLE:
            self.blocks.block(then, self._review)
        self._push_followers(then)
        self._stack.append(_Frame(then))

    def _push_followers(self, action: Action) -> None:
        """Everything after an action is looked at again, the newest ordering first."""
        self._stack.extend(
            [_Frame(self.actions[then - 1]) for then in self.graph.followers(action.id)]
        )

    # -- one ordering ---------------------------------------------------------------------------

    def _look(self, first: Action, frame: _Frame, relation: int) -> None:
        """Apply one ordering before the frame's action (C7.1, step 2)."""
        then = frame.action
        first_rsc, then_rsc = first.rsc, then.rsc
        if (
            not relation & ~_IDLE_FOR_PRIMITIVES
            and (first_rsc is None or first_rsc.variant is _PRIMITIVE)
            and (then_rsc is None or then_rsc.variant is _PRIMITIVE)
        ):
            return
        first_node, then_node = _node_of(first), _node_of(then)
        if relation & SAME_NODE and first_node and then_node and first_node is not then_node:
            self.graph.replace(first.id, then.id, relation, NOTHING)
            return
        if first_rsc is not None and relation & CANCELS_FIRST and not then.flags & OPTIONAL:
            first.flags |= OPTIONAL
            self.table.changed(first_rsc)
            if first.task == "reload-agent":
                self.table.row(first_rsc).reload = False
        target = first
        if (
            first_rsc is not None
            and then_rsc is not None
            and first_rsc is not then_rsc
            and first_rsc.variant is not _PRIMITIVE
            and not _contains(first_rsc, then_rsc)
        ):
            target = completion_action(self.table, first)
        if target is not first:
            if self.graph.add_order(target.id, then.id, relation):
                self.graph.replace(first.id, then.id, relation, NOTHING)
                frame.changed = True
            return
        changed = self._apply(first, then, relation, first_node, then_node)
        if changed & THEN_CHANGED:
            frame.changed = True
        if changed & FIRST_CHANGED:
            self._stack.append(_Frame(first))
            self._push_followers(first)

    def _apply(
        self,
        first: Action,
        then: Action,
        relation: int,
        first_node: Node | None,
        then_node: Node | None,
    ) -> int:
        """The effects of an ordering, one relation after the other (C7.5)."""
        flags = self.summaries.for_ordering(first, then_node)
        then_flags = self.summaries.for_ordering(then, first_node)
        node = then.node
        if relation & FIRST_THEN_LOCAL:
            new = (relation & ~FIRST_THEN_LOCAL) | FIRST_THEN
            self.graph.replace(first.id, then.id, relation, new)
            relation = new
            node = first.node
        changed = 0
        then_rsc = then.rsc
        if then_rsc is not None:
            idle = 0 if then_rsc.variant >= _CLONE else _ONLY_FOR_INSTANCES
            effective = relation & ~idle
            for mask, flag_filter in _effects_of(effective):
                used = flags
                if mask in (FIRST_THEN, PROMOTED_THEN_FIRST):
                    used = flags & OPTIONAL
                if mask == NESTED_PROBE:
                    if not flags & RUNNABLE and first.rsc is not None and first.rsc.running_on:
                        self.graph.replace(first.id, then.id, relation, NOTHING)
                        continue
                    mask = BLOCKS
                rsc = then_rsc
                if mask == THEN_FIRST:
                    if first.rsc is None:
                        changed |= self._block_clusterwide(first, flags)
                        continue
                    rsc = first.rsc
                changed |= self._update(rsc, first, then, node, used, flag_filter, mask)
        else:
            changed |= self._apply_clusterwide(first, then, relation, flags, node)
        return changed | self._apply_graph_wishes(first, then, relation, flags, then_flags)

    def _apply_graph_wishes(
        self, first: Action, then: Action, relation: int, flags: int, then_flags: int
    ) -> int:
        if relation & FIRST_GRAPHS_THEN and first.flags & RUNNABLE and not flags & OPTIONAL:
            then.flags |= IN_GRAPH
        if relation & THEN_GRAPHS_FIRST and not then_flags & OPTIONAL:
            first.flags |= IN_GRAPH
        rsc = first.rsc
        if (
            relation & (FIRST_THEN | THEN_FIRST | RESTART)
            and rsc is not None
            and not rsc.managed
            and rsc.blocked
            and first.task == "stop"
            and not first.flags & RUNNABLE
            and then.flags & RUNNABLE
        ):
            then.flags &= ~RUNNABLE
            self.table.changed(then.rsc)
            return THEN_CHANGED
        return 0

    def _apply_clusterwide(
        self, first: Action, then: Action, relation: int, flags: int, node: Node | None
    ) -> int:
        """Orderings before an action without resource: shutdown, fencing, "one or more"."""
        changed = 0
        if relation & FIRST_THEN and not flags & OPTIONAL and then.flags & OPTIONAL:
            self._clear(then, OPTIONAL, first)
            changed |= THEN_CHANGED
        if relation & THEN_FIRST:
            if first.rsc is not None:
                changed |= self._update(first.rsc, first, then, node, flags, OPTIONAL, THEN_FIRST)
            else:
                changed |= self._block_clusterwide(first, flags)
        if relation & MIN_RUNNABLE and flags & RUNNABLE:
            then.seen_runnable += 1
            if then.seen_runnable >= then.needs_runnable and not then.flags & RUNNABLE:
                then.flags |= RUNNABLE
                changed |= THEN_CHANGED
        if relation & BLOCKS and not flags & RUNNABLE and then.flags & RUNNABLE:
            self._clear(then, RUNNABLE, first)
            changed |= THEN_CHANGED
        return changed

    def _block_clusterwide(self, first: Action, flags: int) -> int:
        if not flags & OPTIONAL and first.flags & RUNNABLE:
            first.flags &= ~RUNNABLE
            return FIRST_CHANGED
        return 0

    # -- by kind of resource --------------------------------------------------------------------

    def _update(
        self,
        rsc: Resource,
        first: Action,
        then: Action,
        node: Node | None,
        flags: int,
        flag_filter: int,
        relation: int,
    ) -> int:
        if rsc.variant is _PRIMITIVE:
            return self._update_pair(first, then, flags, flag_filter, relation)
        if rsc.variant is _GROUP:
            return self._update_group(first, then, node, flags, flag_filter, relation)
        return self._update_instances(first, then, node, flags, flag_filter, relation)

    def _update_group(
        self,
        first: Action,
        then: Action,
        node: Node | None,
        flags: int,
        flag_filter: int,
        relation: int,
    ) -> int:
        """The group's own action, then that of every member (C7.15)."""
        if relation not in _PAIR_EFFECTS:
            return 0  # it only makes orderings between interleaved instances
        changed = self._update_pair(first, then, flags, flag_filter, relation)
        members = then.rsc.children if then.rsc is not None else []
        for action in self.summaries.actions.of(members, then.task, node):
            if action.rsc is not None:
                changed |= self._update(
                    action.rsc, first, action, node, flags, flag_filter, relation
                )
        return changed

    def _update_instances(
        self,
        first: Action,
        then: Action,
        node: Node | None,
        flags: int,
        flag_filter: int,
        relation: int,
    ) -> int:
        """A clone's or bundle's action, or its instances one by one (C7.16)."""
        if then.rsc is None:
            return 0
        if interleaves(first.rsc, then):
            return self._update_interleaved(first, then, node, flag_filter, relation)
        changed = self._update_pair(first, then, flags, flag_filter, relation)
        for action in self.summaries.actions.of(instances_of(then.rsc), then.task, node):
            instance = action.rsc
            if instance is None or not self.summaries.of(action, node) & RUNNABLE:
                continue
            result = self._update(instance, first, action, node, flags, flag_filter, relation)
            if result & THEN_CHANGED:
                for number in reversed(self.graph.followers(action.id)):
                    self._review(self.actions[number - 1])
            changed |= result
        return changed

    def _update_interleaved(
        self, first: Action, then: Action, node: Node | None, flag_filter: int, relation: int
    ) -> int:
        first_rsc, then_rsc = first.rsc, then.rsc
        if first_rsc is None or then_rsc is None:
            return 0
        current = first.suffix.endswith(("stopped_0", "demoted_0"))
        first_task = original_task(first)
        changed = 0
        for instance in instances_of(then_rsc):
            partner = self.finder.compatible(instance, first_rsc, current=current)
            if partner is None:
                if not current and relation & (BLOCKS | FIRST_THEN) and self._unassign(instance):
                    changed |= THEN_CHANGED
                continue
            inner = _inner(partner, plain_task(first_task), True)
            before = first_with_task(self.table, inner, task_of_instance(inner, first_task), node)
            after = first_with_task(self.table, _inner(instance, then.task, False), then.task, node)
            if before is None or after is None:
                continue
            if self.graph.add_order(before.id, after.id, relation):
                changed |= FIRST_CHANGED | THEN_CHANGED
            flags = self.summaries.of(before, node)
            target = after.rsc if after.rsc is not None else instance
            changed |= self._update(target, before, after, node, flags, flag_filter, relation)
        return changed

    def _unassign(self, rsc: Resource) -> bool:
        """Nothing to go with: the instance must not come up."""
        if rsc.children:
            return sum(self._unassign(child) for child in rsc.children) > 0
        was_assigned = rsc.assigned is not None
        rsc.assigned = None
        self.finder.forget()
        self.table.assignment_failed(rsc)
        return was_assigned

    # -- two actions (C7.6 to C7.8) -------------------------------------------------------------

    def _update_pair(
        self, first: Action, then: Action, flags: int, flag_filter: int, relation: int
    ) -> int:
        old_first, old_then = first.flags, then.flags
        effect = _PAIR_EFFECTS.get(relation)
        if effect is not None:
            effect(self, first, then, flags, flag_filter)
        changed = 0
        if first.flags != old_first:
            changed = FIRST_CHANGED
            self.table.changed(first.rsc)
        if then.flags != old_then:
            changed |= THEN_CHANGED
            self.table.changed(then.rsc)
            if then.rsc is not None and then.rsc.parent is not None:
                self._review(then)
        return changed

    def _clear(self, action: Action, flag: int, because: Action) -> None:
        """Take a flag away and note the first reason, if it lies outside the resource (C2.8)."""
        if not action.flags & flag:
            return
        action.flags &= ~flag
        if action.rsc is not because.rsc and not action.reason:
            name = f"{because.rsc.id} " if because.rsc is not None else ""
            action.reason = f"{_WORDS[flag]} {name}{because.task}"

    def _pair_asymmetric(self, first: Action, then: Action, _flags: int, _filter: int) -> None:
        rsc = then.rsc
        if first.flags & RUNNABLE or rsc is None:
            return
        if then.flags & OPTIONAL:
            if then.task == "stop" and rsc.role is Role.STOPPED:
                return
            if (
                then.task == "start"
                and rsc.role >= Role.STARTED
                and len(rsc.running_on) == 1
                and rsc.running_on[0] is then.node
            ):
                return
        self._clear(then, OPTIONAL, first)
        self._clear(then, RUNNABLE, first)

    def _pair_then_first(self, first: Action, then: Action, flags: int, flag_filter: int) -> None:
        if then.flags & OPTIONAL:
            return
        if flag_filter & OPTIONAL and not flags & OPTIONAL and first.flags & OPTIONAL:
            self._clear(first, OPTIONAL, then)
        if flags & MIGRATABLE and not then.flags & MIGRATABLE:
            self._clear(first, MIGRATABLE, then)

    def _pair_promoted(self, first: Action, then: Action, _flags: int, flag_filter: int) -> None:
        if (
            flag_filter & OPTIONAL
            and then.rsc is not None
            and then.rsc.role is Role.PROMOTED
            and not then.flags & OPTIONAL
        ):
            self._clear(first, OPTIONAL, then)
            if not then.flags & MIGRATABLE:
                self._clear(first, MIGRATABLE, then)

    def _pair_unmigratable(
        self, first: Action, then: Action, _flags: int, flag_filter: int
    ) -> None:
        if not flag_filter & OPTIONAL:
            return
        needed = MIGRATABLE | RUNNABLE
        if then.flags & needed != needed:
            self._clear(first, RUNNABLE, then)
        if not then.flags & OPTIONAL:
            self._clear(first, OPTIONAL, then)

    def _pair_else(self, first: Action, then: Action, _flags: int, flag_filter: int) -> None:
        if flag_filter & OPTIONAL and not first.flags & RUNNABLE:
            self._clear(then, MIGRATABLE, first)
            then.flags &= ~PSEUDO

    def _pair_blocks(self, first: Action, then: Action, flags: int, flag_filter: int) -> None:
        if flag_filter & RUNNABLE and then.flags & RUNNABLE and not flags & RUNNABLE:
            self._clear(then, RUNNABLE, first)
            self._clear(then, MIGRATABLE, first)

    def _pair_first_then(self, first: Action, then: Action, flags: int, flag_filter: int) -> None:
        if (
            flag_filter & OPTIONAL
            and then.flags & OPTIONAL
            and not flags & OPTIONAL
            and not first.flags & MIGRATABLE
        ):
            self._clear(then, OPTIONAL, first)

    def _pair_restart(self, first: Action, then: Action, _flags: int, flag_filter: int) -> None:
        """A required start needs its stop; a start that cannot be needs a stop as well (C7.8)."""
        rsc = then.rsc
        restarts = flag_filter & OPTIONAL and not then.flags & OPTIONAL
        gives_up = (
            flag_filter & RUNNABLE
            and not then.flags & RUNNABLE
            and rsc is not None
            and rsc.managed
            and first.rsc is rsc
        )
        if not restarts and not gives_up:
            return
        if first.flags & RUNNABLE:
            self._clear(first, OPTIONAL, then)
        if not then.flags & OPTIONAL:
            self._clear(first, OPTIONAL, then)
        if not then.flags & MIGRATABLE:
            self._clear(first, MIGRATABLE, then)
        if not first.flags & (OPTIONAL | RUNNABLE):
            self._clear(then, RUNNABLE, first)


_PAIR_EFFECTS = {
    ASYMMETRIC: Propagation._pair_asymmetric,
    THEN_FIRST: Propagation._pair_then_first,
    PROMOTED_THEN_FIRST: Propagation._pair_promoted,
    UNMIGRATABLE_BLOCKS: Propagation._pair_unmigratable,
    ELSE_THEN: Propagation._pair_else,
    BLOCKS: Propagation._pair_blocks,
    FIRST_THEN: Propagation._pair_first_then,
    RESTART: Propagation._pair_restart,
}

# Relations in the order in which they take effect, with the flags that each may change (C7.5).
_EFFECTS = (
    (FIRST_THEN, OPTIONAL),
    (RESTART, OPTIONAL | RUNNABLE),
    (THEN_FIRST, OPTIONAL),
    (PROMOTED_THEN_FIRST, OPTIONAL),
    (MIN_RUNNABLE, RUNNABLE),
    (NESTED_PROBE, RUNNABLE),
    (BLOCKS, RUNNABLE),
    (UNMIGRATABLE_BLOCKS, OPTIONAL),
    (ELSE_THEN, OPTIONAL),
    (ORDERED, RUNNABLE),
    (ASYMMETRIC, RUNNABLE),
)


@cache
def _effects_of(relation: int) -> tuple[tuple[int, int], ...]:
    """Those of `_EFFECTS` that a relation has; there are a few dozen different relations."""
    return tuple(effect for effect in _EFFECTS if effect[0] & relation)


class _Frame:
    """An action under review, and the orderings before it that are still to be applied."""

    __slots__ = ("action", "changed", "edges", "flags", "started")

    def __init__(self, action: Action) -> None:
        self.action = action
        self.changed = False
        self.started = False
        self.flags = 0
        self.edges: list[tuple[int, int]] = []

    def next_edge(self, graph: OrderGraph) -> tuple[int, int] | None:
        if not self.started:
            self.started = True
            action = self.action
            self.flags = action.flags
            if action.needs_runnable:
                action.seen_runnable = 0
                action.flags &= ~RUNNABLE
            self.edges = graph.enabled_before(action.id)
        return self.edges.pop() if self.edges else None


def _node_of(action: Action) -> Node | None:
    """Where an action happens; a group's start where all its members go (C7.1)."""
    rsc = action.rsc
    if rsc is not None and action.task == "start" and rsc.variant is _GROUP:
        return location_of(rsc, current=False)
    return action.node


def _contains(outer: Resource, inner: Resource) -> bool:
    up = inner.parent
    while up is not None:
        if up is outer:
            return True
        up = up.parent
    return False


def _inner(instance: Resource, task: str, is_first: bool) -> Resource:
    """For a bundle's container: the resource of the replica that does the task (C7.16)."""
    replica = instance.bundle_replica
    if replica is None or replica.container is not instance or replica.child is None:
        return instance
    outer_tasks = ("stop", "stopped") if is_first else None
    if outer_tasks is not None:
        return instance if task in outer_tasks else replica.child
    inner_tasks = ("promote", "promoted", "demote", "demoted")
    return replica.child if task in inner_tasks else instance
