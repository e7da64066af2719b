"""The actions of one run: found or made by resource, key and node, numbered as they are made (C2).

`ActionTable` takes the requests of state reading and of all later phases. Optional placeholders
("the start of what already runs") are actions too: orderings turn them into restarts. Numbers are
drawn in the order of requests, because ids, the order of synapses and the first reason depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.cib.nvsets import has_rules
from engine.scheduler.model.model import (
    Model,
    Needs,
    Node,
    OpConfig,
    QuorumPolicy,
    Resource,
    Role,
    Variant,
)
from engine.scheduler.planning.unfencing import device_digests
from engine.scheduler.reading.activity import is_active
from engine.scheduler.reading.nodes import can_fence, mark_for_fencing, priority_fencing_delay
from engine.scheduler.reading.operations import action_meta, find_op, needs
from engine.scheduler.reading.parameters import op_parameters

# Naming a member of an enumeration takes ten times as long as naming a constant.
_NEEDS_NOTHING: Final = Needs.NOTHING
_STOP: Final = QuorumPolicy.STOP
_IGNORE: Final = QuorumPolicy.IGNORE
_FREEZE: Final = QuorumPolicy.FREEZE

# Flags of an action (C2.4). Plain ints: they are tested millions of times in a large run.
OPTIONAL = 1
RUNNABLE = 2
PSEUDO = 4
IN_GRAPH = 8
MIGRATABLE = 16
ABORTS_MIGRATION = 32
RESCHEDULE = 64
ON_DC = 128

NOTIFY_MARK = "_notify_"

_COMPLETIONS = {
    "start": "running",
    "stop": "stopped",
    "promote": "promoted",
    "demote": "demoted",
    "notify": "notified",
}
_PLAIN_TASKS = {done: task for task, done in _COMPLETIONS.items()}
_INVERSES = {
    "start": "stop",
    "promote": "demote",
    "running": "stopped",
    "promoted": "demoted",
    "stop": "start",
    "demote": "promote",
    "stopped": "running",
    "demoted": "promoted",
}


def completion_of(task: str) -> str:
    """`running` of `start`, … (C2.3); "" for a task without completion; completions map to themselves."""
    return _COMPLETIONS.get(task) or (task if task in _PLAIN_TASKS else "")


def plain_task(task: str) -> str:
    """`start` of `running`, …; other tasks are returned as they are."""
    return _PLAIN_TASKS.get(task, task)


def inverse_task(task: str) -> str:
    """The task that undoes this one (C6.4), "" if there is none."""
    return _INVERSES.get(task, "")


class Action:
    """One action. `suffix` is its key without the resource's id, such as `monitor_10000`.

    `own_meta` are meta values set by the scheduler; those of the operation's configuration are
    looked up, under the name `config_task`, when the graph is written. `needs_runnable` is the number of runnable actions before it
    that a pseudo-action waits for (C6.5), `seen_runnable` how many there are.
    """

    __slots__ = (
        "cancel_task",
        "config_task",
        "flags",
        "id",
        "interval_ms",
        "needs",
        "needs_runnable",
        "node",
        "own_meta",
        "priority",
        "reason",
        "rsc",
        "seen_runnable",
        "suffix",
        "task",
    )

    def __init__(
        self,
        number: int,
        rsc: Resource | None,
        task: str,
        interval_ms: int,
        node: Node | None,
        suffix: str,
    ) -> None:
        self.id = number
        self.rsc = rsc
        self.task = task
        self.interval_ms = interval_ms
        self.node = node
        self.suffix = suffix
        self.flags = RUNNABLE
        self.reason = ""
        self.priority = 0
        self.needs = _NEEDS_NOTHING
        self.own_meta: dict[str, str] | None = None
        self.cancel_task = ""
        self.config_task = task
        self.needs_runnable = 0
        self.seen_runnable = 0

    @property
    def key(self) -> str:
        """The operation key, `RSC_TASK_INTERVAL` (C2.2)."""
        return self.suffix if self.rsc is None else f"{self.rsc.id}_{self.suffix}"

    def set_meta(self, name: str, value: str) -> None:
        """A meta value of the scheduler's own; it wins over the configured one."""
        if self.own_meta is None:
            self.own_meta = {}
        self.own_meta[name] = value

    def __repr__(self) -> str:
        return f"Action({self.id} {self.key} {self.node.name if self.node else '-'})"


class ResourceActions:
    """The actions of one resource: all in order of creation, and by key suffix and node index.

    Index -1 holds an action that has no node (yet). `version` grows with every change of a flag
    below the resource, so that summaries over children can be kept until something changes.
    """

    __slots__ = ("all", "by_key", "reload", "restarting", "stop_unexpected", "version")

    def __init__(self) -> None:
        self.all: list[Action] = []
        self.by_key: dict[str, dict[int, Action]] = {}
        self.version = 0
        self.restarting = False
        self.stop_unexpected = False
        self.reload = False


class ActionTable:
    """All actions of one run, and the rules by which a request finds or makes one (C2.5, C2.6)."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.all: list[Action] = []
        self.early_edges: list[tuple[Action, Action]] = []  # fencing -> clearing (C10.5)
        self._rows: dict[int, ResourceActions] = {}
        self._rules: dict[int, bool] = {}  # by identity of the operations, which instances share
        self._cluster = ResourceActions()  # actions without a resource, by whole key

    # -- look-ups -------------------------------------------------------------------------------

    def row(self, rsc: Resource | None) -> ResourceActions:
        """The actions of a resource (None: of the cluster)."""
        if rsc is None:
            return self._cluster
        row = self._rows.get(rsc.index)
        if row is None:
            row = self._rows[rsc.index] = ResourceActions()
        return row

    def of(self, rsc: Resource) -> Iterator[Action]:
        """Actions of a resource, newest first."""
        return reversed(self.row(rsc).all)

    def with_key(self, rsc: Resource | None, suffix: str) -> list[Action]:
        """Actions of a resource with that key, newest first."""
        found = self.row(rsc).by_key.get(suffix)
        if not found:
            return []
        if len(found) == 1:
            return list(found.values())
        return sorted(found.values(), key=_newest_first)

    def first(self, rsc: Resource | None, suffix: str, node: Node | None = None) -> Action | None:
        """The newest action with that key on the node, or on any (also on none) without a node."""
        found = self.row(rsc).by_key.get(suffix)
        if not found:
            return None
        if node is not None:
            return found.get(node.index)
        return (
            next(iter(found.values()))
            if len(found) == 1
            else min(found.values(), key=_newest_first)
        )

    def oldest(self, rsc: Resource, suffix: str, node: Node | None = None) -> Action | None:
        """Like `first`, but the oldest one."""
        found = self.row(rsc).by_key.get(suffix)
        if not found:
            return None
        if node is not None:
            return found.get(node.index)
        return max(found.values(), key=_newest_first)

    # -- find or make ---------------------------------------------------------------------------

    def obtain(
        self,
        rsc: Resource,
        task: str,
        node: Node | None,
        *,
        optional: bool,
        interval_ms: int = 0,
        suffix: str = "",
    ) -> Action:
        """Find or make an action of a resource (C2.5). Asking for optional never relaxes it."""
        suffix = suffix or f"{task}_{interval_ms}"
        row = self.row(rsc)
        found = row.by_key.get(suffix)
        action = self._match(found, node) if found else None
        if action is None:
            action = Action(len(self.all) + 1, rsc, task, interval_ms, node, suffix)
            action.needs = needs(rsc, task)
            if optional:
                action.flags |= OPTIONAL
            self.all.append(action)
            row.all.append(action)
            if found is None:
                found = row.by_key[suffix] = {}
            found[-1 if node is None else node.index] = action
            if self._has_rules(rsc):
                self._evaluate_rules(action)
        pseudo = action.flags & PSEUDO
        if not pseudo and not interval_ms and action.node is not None and not rsc.managed:
            action.flags |= OPTIONAL
        elif not optional:
            action.flags &= ~OPTIONAL
        if not pseudo:
            self._judge_runnable(action, rsc)
        return action

    @staticmethod
    def _match(found: dict[int, Action], node: Node | None) -> Action | None:
        if node is None:
            return min(found.values(), key=_newest_first) if found else None
        action = found.get(node.index)
        if action is None and -1 in found:
            action = found.pop(-1)
            action.node = node
            found[node.index] = action
        return action

    def pseudo(
        self,
        rsc: Resource | None,
        task: str,
        *,
        optional: bool,
        runnable: bool = True,
        suffix: str = "",
    ) -> Action:
        """Find or make an action that nobody executes, without a node."""
        suffix = suffix or (task if rsc is None else f"{task}_0")
        action = self.first(rsc, suffix)
        if action is None:
            action = self.make(rsc, task, None, suffix)
            if optional:
                action.flags |= OPTIONAL
        elif not optional:
            action.flags &= ~OPTIONAL
        action.flags |= PSEUDO
        action.flags = action.flags | RUNNABLE if runnable else action.flags & ~RUNNABLE
        return action

    def make(self, rsc: Resource | None, task: str, node: Node | None, suffix: str) -> Action:
        """A new action, required and runnable, whatever exists."""
        action = Action(len(self.all) + 1, rsc, task, 0, node, suffix)
        row = self.row(rsc)
        self.all.append(action)
        row.all.append(action)
        row.by_key.setdefault(suffix, {})[-1 if node is None else node.index] = action
        return action

    def cluster_action(self, task: str, key: str, node: Node | None, *, optional: bool) -> Action:
        """Find or make an action without resource (fencing, shutdown, utilization)."""
        found = self._cluster.by_key.get(key)
        if found:
            action = next(iter(found.values()))
            if not optional:
                action.flags &= ~OPTIONAL
            return action
        action = self.make(None, task, node, key)
        if optional:
            action.flags |= OPTIONAL
        return action

    # -- flags ----------------------------------------------------------------------------------

    def changed(self, rsc: Resource | None) -> None:
        """A flag of an action of this resource changed: summaries above it are out of date."""
        while rsc is not None:
            self.row(rsc).version += 1
            rsc = rsc.parent

    def _judge_runnable(self, action: Action, rsc: Resource) -> None:
        """RUNNABLE of an action that someone has to execute (C2.6)."""
        node = action.node
        if node is None:
            action.flags &= ~RUNNABLE
            return
        if not action.flags & ON_DC:
            if not node.online and (node.remote_reset or not node.is_guest):
                action.flags &= ~RUNNABLE
                if action.task == "stop" and rsc.managed and not node.unclean:
                    mark_for_fencing(self.model, self, node, "stop is unrunnable")
                return
            if node.pending:
                action.flags &= ~RUNNABLE
                return
        if action.needs is _NEEDS_NOTHING:
            action.reason = ""
            if node.is_remote_type and node.is_guest and not can_fence(self.model, node):
                action.flags &= ~RUNNABLE
            else:
                action.flags |= RUNNABLE
            return
        policy = self._quorum_policy(rsc)
        if policy is _STOP:
            action.flags &= ~RUNNABLE
            action.reason = "no quorum"
        elif policy is _FREEZE:
            # What is not forbidden stays as it was: a start that found no node before is lost.
            if not is_active(rsc) or rsc.next_role > rsc.role:
                action.flags &= ~RUNNABLE
                action.reason = "quorum freeze"
        else:
            action.flags |= RUNNABLE

    def _quorum_policy(self, rsc: Resource) -> QuorumPolicy:
        """The policy that counts for an action of this resource (28.1)."""
        if self.model.quorate:
            return _IGNORE
        policy = self.model.options.no_quorum_policy
        if policy is not QuorumPolicy.DEMOTE:
            return policy
        if rsc.role in (Role.PROMOTED, Role.UNPROMOTED):
            rsc.next_role = min(rsc.next_role, Role.UNPROMOTED)
            return _IGNORE
        return _STOP

    # -- meta and parameters of the operation ---------------------------------------------------

    def configuration(self, action: Action) -> OpConfig | None:
        """The `<op>` of an action, disabled ones included (C2.5.2)."""
        if action.rsc is None:
            return None
        task = "notify" if NOTIFY_MARK in action.suffix else action.config_task
        return find_op(action.rsc, task, action.interval_ms)

    def meta(self, action: Action) -> dict[str, str]:
        """All meta values of an action; the caller may keep and change the dict (C2.7)."""
        rsc = action.rsc
        if rsc is None:
            return dict(action.own_meta or ())
        op = self.configuration(action)
        task = action.config_task
        meta = dict(action_meta(self.model, rsc, task, action.interval_ms, op, action.node))
        if action.own_meta:
            meta.update(action.own_meta)
        return meta

    def _has_rules(self, rsc: Resource) -> bool:
        """Whether rules decide about meta attributes or parameters of the resource's operations."""
        known = self._rules.get(id(rsc.ops))
        if known is None:
            known = has_rules(self.model.op_default_sets) or any(
                has_rules(op.meta_sets) or has_rules(op.param_sets) for op in rsc.ops
            )
            self._rules[id(rsc.ops)] = known
        return known

    def _evaluate_rules(self, action: Action) -> None:
        """Rules with dates ask for a recheck, also those of actions that never happen (4.6)."""
        self.meta(action)
        op_parameters(self.model, self.configuration(action), action.node)

    # -- requests of state reading (requests.ActionRequests) ------------------------------------

    def stop(self, resource: Resource, node: Node, *, optional: bool) -> None:
        for child in resource.children:
            self.stop(child, node, optional=optional)
        if resource.variant is Variant.PRIMITIVE:
            self.obtain(resource, "stop", node, optional=optional)

    def demote(self, resource: Resource, node: Node, *, optional: bool) -> None:
        self.obtain(resource, "demote", node, optional=optional)

    def relax_stops(self, resource: Resource, node: Node) -> None:
        row = self._rows.get(resource.index)  # of nearly all there is none yet
        action = row.by_key.get("stop_0", {}).get(node.index) if row is not None else None
        if action is not None:
            action.flags |= OPTIONAL

    def recurring(self, resource: Resource, node: Node, task: str, interval_ms: int) -> None:
        self.obtain(resource, task, node, optional=True, interval_ms=interval_ms)

    def fence(
        self,
        node: Node,
        action: str | None,
        *,
        optional: bool,
        reason: str,
        priority_delay: bool,
    ) -> None:
        self.fence_action(
            node, action, optional=optional, reason=reason, priority_delay=priority_delay
        )

    def clear_fail_count(self, resource: Resource, node: Node, reason: str) -> None:
        action = self.obtain(resource, "clear_failcount", node, optional=False)
        action.set_meta("op_no_wait", "true")

    def order_clear_after_fencing(self, resource: Resource, node: Node) -> None:
        clear = self.first(resource, "clear_failcount_0", node)
        remote = self.model.node_named(resource.id)
        if clear is None or remote is None:
            return
        fencing = self.fence_action(remote, None, optional=True, reason="", priority_delay=False)
        self.early_edges.append((fencing, clear))

    def delete_history(self, resource_id: str, resource: Resource | None, node: Node) -> None:
        if resource is None:
            return
        action = self.obtain(resource, "lrm_delete", node, optional=False)
        action.flags |= ON_DC | RUNNABLE

    # -- requests of placement ------------------------------------------------------------------

    def assignment_failed(self, resource: Resource) -> None:
        """No node for a primitive: what was requested so far must fit that (C3.14)."""
        resource.next_role = Role.STOPPED
        for action in self.of(resource):
            if action.task == "stop":
                action.flags &= ~OPTIONAL
            elif action.task == "start" or (
                action.interval_ms and (action.own_meta or {}).get("op_target_rc") != "7"
            ):
                action.flags &= ~RUNNABLE
        self.changed(resource)

    def is_clearing_fail_count(self, resource: Resource, node: Node) -> bool:
        """Whether the fail count there is about to be cleared."""
        return self.first(resource, "clear_failcount_0", node) is not None

    def fence_action(
        self,
        node: Node,
        action: str | None,
        *,
        optional: bool,
        reason: str,
        priority_delay: bool = False,
    ) -> Action:
        """Find or make the fencing of a node (C11.1); required only if the node can be fenced."""
        operation = action or self.model.options.fencing_action
        key = f"stonith-{node.name}-{operation}"
        found = self.first(None, key)
        if found is None:
            found = self.cluster_action("stonith", key, node, optional=True)
            found.set_meta("on_node", node.name)
            found.set_meta("on_node_uuid", node.id)
            found.set_meta("stonith_action", operation)
            if self.model.unfencing_in_use:
                digests = device_digests(self.model, node)
                found.set_meta("digests-all", digests.all)
                found.set_meta("digests-secure", digests.secure)
                optional = optional and not digests.mismatch
        if self.model.options.priority_fencing_delay > 0 and (
            priority_delay or "priority-fencing-delay" in (found.own_meta or ())
        ):
            delay = priority_fencing_delay(self.model, node)
            found.set_meta("priority-fencing-delay", str(delay))
        if not optional and can_fence(self.model, node):
            found.flags &= ~OPTIONAL
            found.reason = found.reason or reason
        elif reason and not found.reason:
            found.reason = reason
        return found


def _newest_first(action: Action) -> int:
    return -action.id
