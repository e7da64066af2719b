"""The "Transition Summary": one line for each node and resource that changes, and why (C19)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.scheduler.model.model import Node, Resource, Role, Variant
from engine.scheduler.planning.action_table import OPTIONAL, RUNNABLE, Action
from engine.scheduler.planning.plan import Plan
from engine.scheduler.reading.activity import current_node

_MIN_WIDTH = 5
_VERB_WIDTH = 8


@dataclass(frozen=True, slots=True)
class Fencing:
    """A node that will be fenced, with its name as it is shown."""

    action: str
    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to a resource: from a node ("" if none) and role to another one, and why.

    `shows_roles`: it can be promoted, so its roles are worth telling.
    """

    verb: str
    subject: str
    origin: str
    destination: str
    role: Role
    goal: Role
    shows_roles: bool
    cause: str = ""
    blocked: bool = False

    @property
    def details(self) -> str:
        """Table C19.7."""
        role, origin, destination = self.role, self.origin, self.destination
        roles = f"{role.text} -> {self.goal.text}"
        if not origin:
            return f"{roles} {destination}" if self.shows_roles else destination
        if not destination:
            return f"{role.text} {origin}" if self.shows_roles else origin
        if role is self.goal:
            if origin == destination:
                return f"{role.text} {origin}" if self.shows_roles else origin
            way = f"{origin} -> {destination}"
            return f"{way} {role.text}" if self.shows_roles else way
        if origin == destination:
            return f"{roles} {origin}"
        return f"{role.text} {origin} -> {self.goal.text} {destination}"

    @property
    def reason(self) -> str:
        """Why the action is done, as it is shown behind it (C19.8)."""
        if self.cause:
            return f"due to {self.cause}" + (" (blocked)" if self.blocked else "")
        return "blocked" if self.blocked else ""


def summary_lines(plan: Plan) -> list[str]:
    """The lines in order, without bullets, resources aligned in columns."""
    fences = [f"Fence ({f.action}) {f.node} '{f.reason}'" for f in fencings(plan)]
    return fences + _aligned(resource_changes(plan))


def fencings(plan: Plan) -> list[Fencing]:
    """Which nodes will be fenced, as data."""
    return [
        Fencing(action.own_meta["stonith_action"], _node_title(action.node), action.reason)
        for action in reversed(plan.actions.all)
        if action.task == "stonith"
        and not action.flags & OPTIONAL
        and action.reason
        and action.own_meta
        and action.node is not None
    ]


def resource_changes(plan: Plan) -> list[Change]:
    """What happens to resources, as data."""
    return [change for rsc in plan.model.resources for change in _changes(plan, rsc)]


def _node_title(node: Node) -> str:
    connection = node.connection
    if node.is_guest and connection is not None and connection.launcher is not None:
        return f"{node.name} (resource: {connection.launcher.id})"
    return node.name


def _aligned(changes: list[Change]) -> list[str]:
    """Columns as wide as the sequence of lines makes them (C19.9)."""
    id_width = details_width = _MIN_WIDTH
    for change in changes:
        if len(change.subject) > id_width:
            id_width = len(change.subject) + 2
        details_width = max(details_width, len(change.details))
    return [
        f"{change.verb:<{_VERB_WIDTH}}   {change.subject:<{id_width}}"
        f"   ( {change.details:>{details_width}} )"
        + (f"  {change.reason}" if change.reason else "")
        for change in changes
    ]


def _changes(plan: Plan, rsc: Resource) -> list[Change]:
    if rsc.variant is Variant.PRIMITIVE:
        return _primitive_changes(plan, rsc)
    if rsc.variant is Variant.BUNDLE and rsc.bundle is not None:
        parts = [
            part
            for replica in rsc.bundle.replicas
            for part in (replica.ip, replica.container, replica.connection, replica.child)
            if part is not None
        ]
        return [change for part in parts for change in _changes(plan, part)]
    return [change for child in rsc.children for change in _changes(plan, child)]


# -- one primitive (C19.3 to C19.6) -------------------------------------------------------------


class _Found:
    """The actions that a primitive's line is made from (C19.4)."""

    __slots__ = ("demote", "migrate_from", "promote", "start", "stop")

    def __init__(self, plan: Plan, rsc: Resource, current: Node | None) -> None:
        goal = rsc.assigned
        self.start = _find(plan, rsc, "start_0", goal)
        if self.start is None or self.start.flags & RUNNABLE:
            self.stop = _find(plan, rsc, "stop_0", current)
        else:
            self.stop = _find(plan, rsc, "stop_0", None)
        if self.stop is None and plan.actions.row(rsc).stop_unexpected:
            self.stop = _find(plan, rsc, "stop_0", None)
        self.promote = _find(plan, rsc, "promote_0", goal)
        self.demote = _find(plan, rsc, "demote_0", goal)
        self.migrate_from = _find(plan, rsc, "migrate_from_0", goal)


def _find(plan: Plan, rsc: Resource, suffix: str, node: Node | None) -> Action | None:
    """The oldest action on the node, or one that found no node at all; on any node without one."""
    if node is None:
        return plan.actions.oldest(rsc, suffix)
    found = plan.actions.row(rsc).by_key.get(suffix, {})
    return found.get(node.index) or found.get(-1)


def _primitive_changes(plan: Plan, rsc: Resource) -> list[Change]:
    if (rsc.removed and not rsc.running_on) or not rsc.managed:
        return []
    current = current_node(rsc)
    if current is None and rsc.assigned is None:
        return []
    role = rsc.role
    if current is not None and role is Role.STOPPED:
        role = Role.STARTED
    line = _Line(plan, rsc, role, current)
    found = _Found(plan, rsc, current)
    if role is rsc.next_role:
        return _unchanged_role(line, found)
    return _changed_role(line, found)


class _Line:
    """Puts one line together."""

    __slots__ = ("current", "goal", "plan", "role", "rsc")

    def __init__(self, plan: Plan, rsc: Resource, role: Role, current: Node | None) -> None:
        self.plan = plan
        self.rsc = rsc
        self.role = role
        self.current = current
        self.goal = rsc.assigned

    def change(
        self,
        verb: str,
        origin: Node | None,
        destination: Node | None,
        action: Action | None,
        source: Action | None,
    ) -> list[Change]:
        role, goal = self.role, self.rsc.next_role
        made = Change(
            verb,
            self.rsc.id,
            origin.name if origin is not None else "",
            destination.name if destination is not None else "",
            role,
            goal,
            shows_roles=role > Role.STARTED or goal > Role.UNPROMOTED,
            cause=source.reason if source is not None else "",
            blocked=action is not None and not action.flags & RUNNABLE,
        )
        return [made]


def _unchanged_role(line: _Line, found: _Found) -> list[Change]:
    """Table C19.5."""
    current, goal, rsc = line.current, line.goal, line.rsc
    start, stop = found.start, found.stop
    moves = current is not goal
    if found.migrate_from is not None and found.migrate_from.flags & RUNNABLE and current:
        return line.change("Migrate", current, goal, start, start)
    if line.plan.actions.row(rsc).reload:
        return line.change("Reload", current, goal, start, start)
    if start is None or start.flags & OPTIONAL:
        demote, promote = found.demote, found.promote
        if demote and promote and not (demote.flags | promote.flags) & OPTIONAL:
            return line.change("Re-promote", current, goal, promote, demote)
        return []
    if not start.flags & RUNNABLE:
        source = stop if stop is not None and stop.reason else start
        return line.change("Stop", current, None, stop, source)
    if moves and current is not None:
        return line.change("Recover" if rsc.failed else "Move", current, goal, stop, stop)
    if rsc.failed:
        return line.change("Recover", current, None, stop, stop)
    return line.change("Restart", current, goal, start, start)


def _changed_role(line: _Line, found: _Found) -> list[Change]:
    """Table C19.6."""
    current, goal, rsc = line.current, line.goal, line.rsc
    start, stop = found.start, found.stop
    unrunnable = start is not None and not start.flags & RUNNABLE
    if stop is not None and (rsc.next_role is Role.STOPPED or unrunnable):
        return _stops(line, start)
    if stop is not None and rsc.failed and rsc.stop_if_failed:
        return line.change("Recover", current, goal, stop, start)
    if current is not None and goal is not None and current is not goal:
        return line.change("Move", current, goal, stop, stop)
    if line.plan.actions.row(rsc).reload:
        return line.change("Reload", current, goal, start, start)
    if stop is not None and not stop.flags & OPTIONAL:
        return line.change("Restart", current, goal, start, start)
    if line.role is Role.PROMOTED:
        return line.change("Demote", current, goal, found.demote, found.demote)
    if rsc.next_role is Role.PROMOTED:
        return line.change("Promote", current, goal, found.promote, found.promote)
    if line.role is Role.STOPPED and rsc.next_role > Role.STOPPED:
        return line.change("Start", current, goal, start, start)
    return []


def _stops(line: _Line, start: Action | None) -> list[Change]:
    changes: list[Change] = []
    for node in line.rsc.running_on:
        stop = _find(line.plan, line.rsc, "stop_0", node)
        if stop is None:
            continue
        source = stop if stop.reason else start
        changes += line.change("Stop", node, None, stop, source)
    return changes
