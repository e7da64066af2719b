"""Notifications of clone instances before and after their neighbours' changes (C13).

Each of start, stop, promote and demote has four pseudo-actions on the clone (pre, its confirmation,
post, its confirmation). The notify actions of the instances, and what they are told, are made when
the clone is written to the graph, because only then it is known what really happens.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.scheduler.model.model import INFINITY, Node, Resource, Role, leaves
from engine.scheduler.model.order_graph import FIRST_THEN, ORDERED
from engine.scheduler.planning.action_table import (
    OPTIONAL,
    PSEUDO,
    RUNNABLE,
    Action,
    completion_of,
)
from engine.scheduler.planning.plan import NotifyEvents, Plan

TASKS = ("start", "stop", "promote", "demote")
_UP_TASKS = ("start", "promote")
_NOTHING = " "


def create_notification_events(plan: Plan, clone: Resource, task: str) -> None:
    """The pseudo-actions around one kind of operation, and their order (C13.1, C13.2)."""
    done = completion_of(task)
    action = plan.actions.first(clone, f"{task}_0")
    complete = plan.actions.first(clone, f"{done}_0")
    if action is None or complete is None:
        return
    pre = _event(plan, clone, "notify", "pre", task, task)
    pre_done = _event(plan, clone, "notified", "confirmed-pre", task, task)
    post = _event(plan, clone, "notify", "post", task, done)
    post_done = _event(plan, clone, "notified", "confirmed-post", task, done)
    for event in (pre, pre_done):
        _copy_optional(action, event)
    for event in (post, post_done):
        _copy_optional(complete, event)
        event.priority = INFINITY
        if not complete.flags & RUNNABLE:
            event.flags &= ~RUNNABLE
    plan.link(pre, pre_done, ORDERED)
    plan.link(pre_done, action, ORDERED)
    plan.link(complete, post, FIRST_THEN)
    plan.link(post, post_done, FIRST_THEN)
    plan.link(pre_done, post, ORDERED)
    known = plan.notifications.setdefault(clone.index, {})
    known[task] = NotifyEvents(pre, pre_done, post, post_done)
    _order_kinds(plan, known, task)


def _event(
    plan: Plan, rsc: Resource, task: str, kind: str, operation: str, key_operation: str
) -> Action:
    suffix = f"{kind}_notify_{key_operation}_0"
    action = plan.actions.first(rsc, suffix)
    if action is None:
        action = plan.actions.make(rsc, task, None, suffix)
    action.flags = PSEUDO | RUNNABLE
    action.set_meta("notify_type", kind.removeprefix("confirmed-"))
    action.set_meta("notify_operation", operation)
    action.set_meta("notify_key_type", kind)
    action.set_meta("notify_key_operation", key_operation)
    return action


def _copy_optional(source: Action, target: Action) -> None:
    target.flags = (target.flags & ~OPTIONAL) | (source.flags & OPTIONAL)


def _order_kinds(plan: Plan, known: dict[str, NotifyEvents], task: str) -> None:
    """Notifications of one kind of operation come before those of another (C13.2)."""

    def link(first: str, then: str) -> None:
        if first in known and then in known:
            plan.link(known[first].post_done, known[then].pre, ORDERED)

    if task == "stop":
        link("stop", "start")
    elif task == "demote":
        link("stop", "promote")
        link("start", "promote")
        link("demote", "promote")
        link("demote", "start")
        link("demote", "stop")


# -- while the graph is made (C13.4 to C13.6) ---------------------------------------------------


class _Changes:
    """What happens to the instances of a clone: lists of (instance, node or None)."""

    __slots__ = ("active", "inactive", "lists", "promoted", "unpromoted")

    def __init__(self) -> None:
        self.active: list[tuple[Resource, Node | None]] = []
        self.inactive: list[tuple[Resource, Node | None]] = []
        self.promoted: list[tuple[Resource, Node | None]] = []
        self.unpromoted: list[tuple[Resource, Node | None]] = []
        self.lists: dict[str, list[tuple[Resource, Node | None]]] = {task: [] for task in TASKS}


def create_clone_notifications(plan: Plan, clone: Resource) -> None:
    """The notify actions of all instances, and what the instances' actions tell their agents."""
    known = plan.notifications.get(clone.index, {})
    primitives = leaves(clone)
    changes = _collect(plan, primitives)
    values = _values(plan, clone, changes)
    for rsc in primitives:
        _tell_actions(plan, rsc, values)
    for task in TASKS:
        events = known.get(task)
        if events is None:
            continue
        if changes.lists[task]:
            for event in events.each():
                event.flags &= ~OPTIONAL
        _create_notifies(plan, primitives, task, events, changes, values)


def _collect(plan: Plan, primitives: Iterable[Resource]) -> _Changes:
    changes = _Changes()
    for rsc in primitives:
        entry = (rsc, rsc.running_on[0] if rsc.running_on else None)
        if rsc.role is Role.STOPPED:
            changes.inactive.append(entry)
        elif rsc.role > Role.STOPPED:
            changes.active.append(entry)
            if rsc.role is Role.PROMOTED:
                changes.promoted.append(entry)
            elif rsc.role is Role.UNPROMOTED:
                changes.unpromoted.append(entry)
        _collect_actions(plan, rsc, changes)
    return changes


def _collect_actions(plan: Plan, rsc: Resource, changes: _Changes) -> None:
    for action in plan.actions.of(rsc):
        node = action.node
        if action.flags & OPTIONAL or node is None or action.task not in changes.lists:
            continue
        runs = action.flags & RUNNABLE or (action.task == "stop" and node.unclean)
        if runs:
            changes.lists[action.task].append((rsc, node))


def _values(plan: Plan, clone: Resource, changes: _Changes) -> dict[str, str]:
    """The `notify_…` meta attributes (C13.5)."""
    values: dict[str, str] = {}
    for name, entries in changes.lists.items():
        _add_pair(values, name, entries)
    _add_pair(values, "active", changes.active)
    for name in ("unpromoted", "slave"):
        _add_pair(values, name, changes.unpromoted)
    for name in ("promoted", "master"):
        _add_pair(values, name, changes.promoted)
    values["notify_inactive_resource"] = _words(sorted({r.id for r, _ in changes.inactive}))
    values["notify_available_uname"] = _words(
        [node.name for node in plan.model.nodes if node.index in clone.allowed]
    )
    values["notify_all_uname"] = _words([node.name for node in plan.model.nodes])
    if clone.meta.get("container-attribute-target", "").lower() == "host":
        values["notify_all_hosts"] = _words([_host_name(node) for node in plan.model.nodes])
    return values


def _host_name(node: Node) -> str:
    """A guest answers for the host of its launcher."""
    connection = node.connection
    if node.is_guest and connection is not None and connection.launcher is not None:
        hosts = connection.launcher.running_on
        if hosts:
            return hosts[0].name
    return node.name


def _add_pair(
    values: dict[str, str], name: str, entries: list[tuple[Resource, Node | None]]
) -> None:
    found: dict[str, str] = {}
    for rsc_id, _, node_name in sorted(
        (rsc.id, node.id, node.name) for rsc, node in entries if node is not None
    ):
        found.setdefault(rsc_id, node_name)
    values[f"notify_{name}_resource"] = _words(found)
    values[f"notify_{name}_uname"] = _words(found.values())


def _words(names: Iterable[str]) -> str:
    return " ".join(names) or _NOTHING


def _tell_actions(plan: Plan, rsc: Resource, values: dict[str, str]) -> None:
    """Agents learn the whole picture with their own start, stop, promote and demote (C13.6)."""
    for action in plan.actions.of(rsc):
        if action.task in TASKS and not action.flags & OPTIONAL and action.node is not None:
            action.own_meta = (action.own_meta or {}) | values


def _create_notifies(
    plan: Plan,
    primitives: Iterable[Resource],
    task: str,
    events: NotifyEvents,
    changes: _Changes,
    values: dict[str, str],
) -> None:
    if not changes.lists[task] and task != "stop":
        return
    for rsc in primitives:
        if task in _UP_TASKS:
            _notify_going_up(plan, rsc, task, events, values)
        else:
            _notify_going_down(plan, rsc, task, events, values)


def _notify_going_down(
    plan: Plan, rsc: Resource, task: str, events: NotifyEvents, values: dict[str, str]
) -> None:
    if rsc.role is Role.STOPPED:
        return
    stop = plan.actions.first(rsc, "stop_0")
    for node in rsc.running_on:
        if stop is not None and stop.flags & PSEUDO and (node.unclean or node.remote_reset):
            continue
        _notify(plan, rsc, node, events.pre, events.pre_done, values)
        if task == "demote" or stop is None or stop.flags & OPTIONAL:
            _notify_after(plan, rsc, node, events, values)


def _notify_going_up(
    plan: Plan, rsc: Resource, task: str, events: NotifyEvents, values: dict[str, str]
) -> None:
    if rsc.next_role is Role.STOPPED or rsc.assigned is None:
        return
    start = plan.actions.first(rsc, "start_0", rsc.assigned)
    if start is None:
        start = plan.actions.first(rsc, "start_0")
    if rsc.assigned.is_remote_type and _connection_cannot_start(plan, rsc.assigned):
        return
    if task != "start" or start is None or start.flags & OPTIONAL:
        _notify(plan, rsc, rsc.assigned, events.pre, events.pre_done, values)
    _notify_after(plan, rsc, rsc.assigned, events, values)


def _connection_cannot_start(plan: Plan, node: Node) -> bool:
    if node.connection is None:
        return False
    start = plan.actions.first(node.connection, "start_0")
    return start is not None and not start.flags & RUNNABLE


def _notify_after(
    plan: Plan, rsc: Resource, node: Node, events: NotifyEvents, values: dict[str, str]
) -> None:
    """A post notify; monitors wait for the clone's confirmation, also where none can be sent."""
    action = _notify(plan, rsc, node, events.post, events.post_done, values)
    if action is not None:
        action.priority = INFINITY
    if events.post_done is None:
        return
    for other in list(plan.actions.of(rsc)):
        if other.interval_ms and other.task != "cancel":
            plan.link(events.post_done, other, ORDERED)


def _notify(
    plan: Plan,
    rsc: Resource,
    node: Node,
    event: Action | None,
    done: Action | None,
    values: dict[str, str],
) -> Action | None:
    """One notify action between a pseudo-action of the clone and its confirmation (C13.6)."""
    if event is None or done is None or not event.flags & RUNNABLE or not node.online:
        return None
    meta = event.own_meta or {}
    action = plan.actions.obtain(
        rsc,
        "notify",
        node,
        optional=bool(event.flags & OPTIONAL),
        suffix=f"{meta['notify_key_type']}_notify_{meta['notify_operation']}_0",
    )
    action.own_meta = meta | (action.own_meta or {}) | values
    plan.link(event, action, ORDERED)
    plan.link(action, done, ORDERED)
    return action


# -- after fencing (C13.7) ----------------------------------------------------------------------


def order_notifications_after_fencing(
    plan: Plan, stop: Action, rsc: Resource, fencing: Action
) -> None:
    """The survivors are told about an instance that fencing stopped."""
    if stop.node is None:
        return
    post = _event(plan, rsc, "notify", "post", "stop", fencing.task)
    post_done = _event(plan, rsc, "notified", "confirmed-post", "stop", fencing.task)
    for event in (post, post_done):
        event.priority = INFINITY
        _copy_optional(fencing, event)
    plan.link(fencing, post, FIRST_THEN)
    plan.link(post, post_done, FIRST_THEN)
    primitives = leaves(rsc.top)
    values = {"notify_stop_resource": rsc.id, "notify_stop_uname": stop.node.name}
    events = NotifyEvents(None, None, post, post_done)
    for each in primitives:
        _tell_actions(plan, each, values)
        _notify_going_down(plan, each, "stop", events, values)
