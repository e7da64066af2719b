"""Orderings between remote or guest nodes' connections and what happens on these nodes (C12)."""

from __future__ import annotations

from enum import Enum, auto

from engine.scheduler.model.model import Node, Resource, Role
from engine.scheduler.model.order_graph import (
    BLOCKS,
    FIRST_THEN,
    GUEST_ALLOWED,
    ORDERED,
    THEN_FIRST,
)
from engine.scheduler.planning.action_table import PSEUDO, Action
from engine.scheduler.planning.plan import Plan
from engine.scheduler.reading.activity import current_node
from engine.scheduler.reading.nodes import mark_for_fencing

_KNOWN_TASKS = frozenset(
    {"monitor", "start", "stop", "promote", "demote", "migrate_to", "migrate_from", "notify"}
)
_STOPPING_TASKS = frozenset({"stop", "migrate_to", "migrate_from"})
_LEAVING_TASKS = frozenset({"cancel", "stop", "demote", "migrate_from", "migrate_to"})
_BEFORE_HOSTS = frozenset({"stop", "stopped", "demote", "demoted"})
_AFTER_HOSTS = frozenset({"start", "running", "monitor", "promote", "promoted"})


class ConnectionState(Enum):
    """What can be expected of a remote node's connection (C12.2)."""

    UNKNOWN = auto()
    ALIVE = auto()
    RESTING = auto()
    FAILED = auto()
    STOPPED = auto()


def connection_state(node: Node) -> ConnectionState:
    """State of the connection of a remote or guest node."""
    connection = node.connection
    if connection is None:
        return ConnectionState.UNKNOWN
    current = current_node(connection)
    if connection.next_role is Role.STOPPED or connection.assigned is None:
        if current is not None and current.unclean:
            return ConnectionState.FAILED
        if not connection.failed:
            return ConnectionState.STOPPED
        if (
            connection.next_role is Role.STOPPED
            and connection.reconnect_ms
            and node.remote_fenced
            and not shutdown_requested(node)
        ):
            return ConnectionState.UNKNOWN
        return ConnectionState.FAILED
    if current is None:
        return ConnectionState.UNKNOWN
    if current.unclean or not current.online:
        return ConnectionState.RESTING
    if (
        len(connection.running_on) > 1
        and connection.migration_source is not None
        and connection.migration_target is not None
    ):
        return ConnectionState.RESTING
    return ConnectionState.ALIVE


def order_remote_actions(plan: Plan) -> None:
    """Actions on remote and guest nodes go along with their connections (phase 8)."""
    if not plan.model.has_remote_nodes:
        return
    for action in reversed(list(plan.actions.all)):
        rsc = action.rsc
        if rsc is None:
            continue
        if rsc.is_remote_connection and action.task == "clear_failcount":
            plan.order_action_before(action, rsc, "start_0", ORDERED)
            continue
        node = action.node
        if node is None or not node.is_remote_type or action.flags & PSEUDO:
            continue
        connection = node.connection
        if connection is None:
            continue
        if action.task == "start":
            _order_stops_elsewhere(plan, rsc, node, connection)
        if connection.launcher is not None:
            _order_on_guest(plan, action, node, connection, connection.launcher)
        else:
            _order_on_remote(plan, action, node, connection)


def _order_stops_elsewhere(plan: Plan, rsc: Resource, node: Node, connection: Resource) -> None:
    """Nothing is stopped for a node whose connection is not up yet (C12.3)."""
    for other in plan.actions.of(rsc):
        if other.task == "stop" and other.node is not node:
            plan.order_before_action(connection, "start_0", other, ORDERED)


def _order_on_remote(plan: Plan, action: Action, node: Node, connection: Resource) -> None:
    """Table C12.5."""
    state = connection_state(node)
    task = action.task

    def after_start(extra: int = 0) -> None:
        plan.order_before_action(connection, "start_0", action, GUEST_ALLOWED | BLOCKS | extra)

    def before_stop(extra: int = 0) -> None:
        plan.order_action_before(action, connection, "stop_0", GUEST_ALLOWED | extra)

    if task in ("start", "promote"):
        after_start(FIRST_THEN if state is ConnectionState.FAILED else 0)
    elif task in _STOPPING_TASKS:
        if state is ConnectionState.ALIVE:
            before_stop(THEN_FIRST)
        elif state is ConnectionState.FAILED:
            reason = "resources are active but connection is unrecoverable"
            mark_for_fencing(plan.model, plan.actions, node, reason)
        elif connection.next_role is Role.STOPPED:
            before_stop(THEN_FIRST)
        else:
            after_start()
    elif task == "demote":
        if state in (ConnectionState.RESTING, ConnectionState.UNKNOWN):
            after_start()
    elif action.interval_ms:
        after_start(FIRST_THEN)
    else:
        if state is ConnectionState.FAILED and task == "monitor":
            reason = "resources are in unknown state and connection is unrecoverable"
            mark_for_fencing(plan.model, plan.actions, node, reason)
        if state is ConnectionState.STOPPED and connection.running_on:
            before_stop(BLOCKS)
        else:
            after_start()


def _order_on_guest(
    plan: Plan, action: Action, node: Node, connection: Resource, launcher: Resource
) -> None:
    """Table C12.6."""
    if launcher.failed:
        mark_for_fencing(plan.model, plan.actions, node, "container failed")
    task = action.task

    def after_start(extra: int = 0) -> None:
        plan.order_before_action(connection, "start_0", action, GUEST_ALLOWED | BLOCKS | extra)

    if task in ("start", "promote"):
        plan.order_before_action(launcher, "start_0", action, GUEST_ALLOWED | BLOCKS | FIRST_THEN)
        after_start()
    elif task in _STOPPING_TASKS or task == "demote":
        if not launcher.failed:
            plan.order_action_before(action, connection, "stop_0", GUEST_ALLOWED)
    elif action.interval_ms:
        if task in _KNOWN_TASKS:
            after_start(FIRST_THEN)
    else:
        after_start()


def shutdown_requested(node: Node) -> bool:
    """Whether the node was asked to shut down (8.4)."""
    return node.attributes.get("shutdown", "0") != "0"


# -- what the graph says about such nodes (C12.7, C12.8) ----------------------------------------


def router_of(action: Action) -> Node | None:
    """The cluster node through which an action on a remote or guest node goes (C12.7)."""
    node = action.node
    if node is None or not node.is_remote_type or action.task == "stonith":
        return None
    connection = node.connection
    if connection is None:
        return None
    before, after = current_node(connection), connection.assigned
    if before is None or after is None:
        return before or after
    if before is after:
        return before
    task = action.task
    if task == "notify":
        task = (action.own_meta or {}).get("notify_operation", task)
    partial = (
        connection.launcher is None
        and connection.migration_source is not None
        and connection.migration_target is not None
    )
    if task in _LEAVING_TASKS and not partial:
        return before
    return after


def guest_host(action: Action) -> Node | None:
    """The host of the guest node of an action, before or after the transition (C12.8)."""
    node = action.node
    if node is None or not node.is_guest:
        return None
    launcher = node.connection.launcher if node.connection is not None else None
    if launcher is None:
        return None
    task = action.task
    if task in ("notify", "notified"):
        task = (action.own_meta or {}).get("notify_operation", task)
    if task in _BEFORE_HOSTS:
        return current_node(launcher)
    return launcher.assigned if task in _AFTER_HOSTS else None
