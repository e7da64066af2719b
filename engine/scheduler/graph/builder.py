"""From actions and orderings to the transition: what gets in, in which order, waiting for what (C16)."""

from __future__ import annotations

from collections.abc import Iterable

from engine.scheduler.graph.action_writer import ActionWriter, nodes_changing_maintenance
from engine.scheduler.model.acyclic import every_turn_comes
from engine.scheduler.model.model import Resource, Variant
from engine.scheduler.model.order_graph import (
    FIRST_GRAPHS_THEN,
    IF_UNMIGRATABLE,
    LOAD,
    MIN_RUNNABLE,
    NOTHING,
    ORDERED,
    REQUIRED_SAME_NODE,
    SAME_NODE,
    SERIALIZE,
    THEN_GRAPHS_FIRST,
    UNMIGRATABLE_BLOCKS,
    united,
)
from engine.scheduler.model.transition import Synapse, Transition
from engine.scheduler.planning.action_table import (
    IN_GRAPH,
    MIGRATABLE,
    ON_DC,
    OPTIONAL,
    PSEUDO,
    RUNNABLE,
    Action,
)
from engine.scheduler.planning.collectives import FlagSummaries
from engine.scheduler.planning.notifications import create_clone_notifications
from engine.scheduler.planning.plan import Plan

# What cannot happen is not waited for over these alone. (The reference waits for ever over SERIALIZE
# and over orderings before migrations.)
_ONLY_SEQUENCE = (
    ORDERED | SERIALIZE | IF_UNMIGRATABLE | SAME_NODE | THEN_GRAPHS_FIRST | FIRST_GRAPHS_THEN
)
_ALWAYS_TASKS = frozenset({"stonith", "do_shutdown"})


class GraphBuilder:
    """Collects the synapses of one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.table = plan.actions
        self.order: list[Action] = []  # in the graph, in order of addition
        self.kept = plan.kept
        self._visited: set[int] = set()

    def build(self) -> Transition:
        """The whole transition (C16.5)."""
        for rsc in self.plan.model.resources:
            self._add_resource(rsc)
        if nodes_changing_maintenance(self.plan):
            action = self.table.cluster_action(
                "maintenance_nodes", "maintenance_nodes", None, optional=False
            )
            action.flags |= PSEUDO | RUNNABLE
            self._add(action)
        for action in reversed(self.table.all):
            self._add(action)
        self._drop_stuck()
        return Transition(self._root_attributes(), tuple(self._synapses()))

    # -- order of addition ----------------------------------------------------------------------

    def _add_resource(self, rsc: Resource) -> None:
        match rsc.variant:
            case Variant.PRIMITIVE:
                self._add_all(self.table.row(rsc).all)
            case Variant.GROUP:
                self._add_all(self.table.row(rsc).all)
                for member in rsc.children:
                    self._add_resource(member)
            case Variant.CLONE:
                self._add_clone(rsc)
            case Variant.BUNDLE:
                self._add_bundle(rsc)

    def _add_clone(self, clone: Resource) -> None:
        summaries = FlagSummaries(self.table)
        for action in self.table.of(clone):
            summaries.of(action, None)
        if clone.notify:
            create_clone_notifications(self.plan, clone)
        for instance in clone.children:
            self._add_resource(instance)
        self._add_all(self.table.row(clone).all)

    def _add_bundle(self, bundle: Resource) -> None:
        settings = bundle.bundle
        if settings is None:
            return
        if settings.inner_clone is not None:
            self._add_resource(settings.inner_clone)
        for replica in settings.replicas:
            for part in (replica.ip, replica.container, replica.connection):
                if part is not None:
                    self._add_resource(part)

    def _add_all(self, actions: list[Action]) -> None:
        for action in reversed(actions):
            self._add(action)

    def _add(self, action: Action) -> None:
        if action.id in self._visited:
            return
        self._visited.add(action.id)
        if self._belongs(action):
            self.order.append(action)
            self.kept[action.id] = self._choose_inputs(action)

    # -- what gets in ---------------------------------------------------------------------------

    def _belongs(self, action: Action) -> bool:
        """Whether an action is part of the graph (C16.2)."""
        flags = action.flags
        if not flags & RUNNABLE or (flags & OPTIONAL and not flags & IN_GRAPH):
            return False
        if _is_left_alone(action):
            return False
        if flags & PSEUDO or action.task in _ALWAYS_TASKS:
            return True
        node = action.node
        if node is None:
            return False
        if flags & ON_DC or (node.is_guest and not node.remote_reset):
            return True
        return node.online and not node.unclean

    def _choose_inputs(self, action: Action) -> list[int]:
        """What the action waits for, by number; relations to the same one are united (C16.3)."""
        row = self.plan.graph.pred.get(action.id)
        if not row:
            return []
        kept = []
        actions = self.table.all
        for number in sorted(row):
            relation = united(row[number]["relations"])
            verdict = keeps_input(actions[number - 1], action, relation)
            if verdict is None:
                self.plan.disabled.add((number, action.id))
            elif verdict:
                kept.append(number)
        return kept

    # -- loops ----------------------------------------------------------------------------------

    def _drop_stuck(self) -> None:
        """Leave out what can never happen: loops, what waits for them or for something missing.

        The rest of the cluster still gets its plan.
        """
        if every_turn_comes(self.kept):
            return
        from engine.scheduler.model.order_view import (
            loops_of,  # networkx, only where there is a loop
        )

        followers: dict[int, list[int]] = {}
        for number, inputs in self.kept.items():
            for first in inputs:
                followers.setdefault(first, []).append(number)
        stuck = {first for first in followers if first not in self.kept}
        for component in loops_of(followers):
            members = [self.table.all[number - 1] for number in sorted(component)]
            self.plan.loops.append(members)
            stuck |= component
        pending = sorted(stuck)
        while pending:
            behind = [n for n in followers.get(pending.pop(), ()) if n not in stuck]
            stuck.update(behind)
            pending += behind
        self.order = [action for action in self.order if action.id not in stuck]
        for number in stuck:
            self.kept.pop(number, None)

    # -- the result -----------------------------------------------------------------------------

    def _synapses(self) -> Iterable[Synapse]:
        writer = ActionWriter(self.plan)
        actions = self.table.all
        for number, action in enumerate(self.order):
            inputs = self.kept[action.id]
            priority = action.priority
            if action.rsc is not None:
                priority = max(priority, action.rsc.priority)
            first = [actions[i - 1] for i in inputs]
            yield Synapse(number, max(priority, 0), writer.write(action, first), tuple(inputs))

    def _root_attributes(self) -> dict[str, str]:
        """Attributes of `transition_graph` (C16.1)."""
        model = self.plan.model
        values = model.options.values
        attributes = {
            "cluster-delay": values.get("cluster-delay", "60s"),
            "fencing-timeout": values.get("fencing-timeout", values.get("stonith-timeout", "60s")),
            "failed-stop-offset": "INFINITY",
            "failed-start-offset": "INFINITY" if model.options.start_failure_is_fatal else "1",
            "batch-limit": values.get("batch-limit", "0"),
            "transition_id": "1",
        }
        if model.options.migration_limit > 0:
            attributes["migration-limit"] = str(model.options.migration_limit)
        if model.recheck_at > 0:
            attributes["recheck-by"] = str(model.recheck_at)
        return attributes


def keeps_input(first: Action, then: Action, relation: int) -> bool | None:
    """Whether `then` waits for `first` in the graph; None disables the ordering (C16.8)."""
    if relation == NOTHING:
        return False
    flags = first.flags
    if not flags & RUNNABLE and (
        not relation & ~_ONLY_SEQUENCE or relation & (MIN_RUNNABLE | UNMIGRATABLE_BLOCKS)
    ):
        return False
    if relation & IF_UNMIGRATABLE and flags & MIGRATABLE:
        return False
    is_stop = first.suffix == "stop_0"
    if relation == ORDERED and flags & MIGRATABLE and is_stop:
        return False
    if relation == LOAD:
        return _keeps_load(first, then)
    if relation == REQUIRED_SAME_NODE:
        apart = first.node is not None and then.node is not None and first.node is not then.node
        return None if apart or flags & OPTIONAL else True
    rsc = first.rsc
    if (
        rsc is not None
        and then.rsc is not rsc
        and rsc.failed
        and not rsc.managed
        and is_stop
        and then.rsc is not None
        and then.rsc.variant is Variant.CLONE
    ):
        return False
    if _is_left_alone(first):
        return False  # nobody starts or stops it, so there is nothing to wait for
    return not flags & OPTIONAL or bool(flags & IN_GRAPH)


def _is_left_alone(action: Action) -> bool:
    """An action of an unmanaged resource that changes something."""
    rsc = action.rsc
    return (
        rsc is not None and not rsc.managed and action.task != "monitor" and not action.interval_ms
    )


def _keeps_load(first: Action, then: Action) -> bool | None:
    if then.task == "migrate_to":
        goes_to = then.rsc.assigned if then.rsc is not None else None
        return True if first.node is goes_to else None
    return None if first.node is not then.node or first.flags & OPTIONAL else True
