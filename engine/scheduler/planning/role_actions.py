"""From roles to actions: what each resource has to do to get from where it is to where it shall be (C3).

Every active resource that stays gets an optional stop and an optional start on its node: orderings
may turn them into a restart. Collectives get pseudo-actions that summarise their instances.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from engine.scheduler.model.model import INFINITY, MultipleActive, Node, Resource, Role, Variant
from engine.scheduler.model.order_graph import FIRST_THEN, THEN_FIRST
from engine.scheduler.planning.action_table import (
    ABORTS_MIGRATION,
    IN_GRAPH,
    MIGRATABLE,
    OPTIONAL,
    PSEUDO,
    RUNNABLE,
    ResourceActions,
)
from engine.scheduler.planning.fencing import order_after_unfencing
from engine.scheduler.planning.migration import can_migrate, create_migration_actions
from engine.scheduler.planning.notifications import create_notification_events
from engine.scheduler.planning.plan import Plan
from engine.scheduler.planning.recurring import create_recurring_actions
from engine.scheduler.reading.activity import current_node

# Naming a member of an enumeration takes ten times as long as naming a constant.
_STOPPED: Final = Role.STOPPED

# The next role on the way from a current role (row) to a wanted one (column), C3.1.
_STEPS = {
    Role.UNKNOWN: (_STOPPED, _STOPPED, _STOPPED, _STOPPED),
    _STOPPED: (_STOPPED, Role.STARTED, Role.UNPROMOTED, Role.UNPROMOTED),
    Role.STARTED: (_STOPPED, Role.STARTED, Role.UNPROMOTED, Role.PROMOTED),
    Role.UNPROMOTED: (_STOPPED, _STOPPED, Role.UNPROMOTED, Role.PROMOTED),
    Role.PROMOTED: (Role.UNPROMOTED, Role.UNPROMOTED, Role.UNPROMOTED, Role.PROMOTED),
}


def create_actions(plan: Plan, rsc: Resource) -> None:
    """All actions of a resource and of what it contains."""
    match rsc.variant:
        case Variant.PRIMITIVE:
            _create_primitive_actions(plan, rsc)
        case Variant.GROUP:
            _create_group_actions(plan, rsc)
        case Variant.CLONE:
            _create_clone_actions(plan, rsc)
        case Variant.BUNDLE:
            _create_bundle_actions(plan, rsc)


# -- primitives (C3.3) --------------------------------------------------------------------------


def _create_primitive_actions(plan: Plan, rsc: Resource) -> None:
    if rsc.next_role is Role.UNKNOWN:
        rsc.next_role = _STOPPED if rsc.assigned is None else Role.STARTED
    row = plan.actions.row(rsc)
    current = current_node(rsc)
    for node in rsc.dangling_sources:
        stop = plan.actions.obtain(rsc, "stop", node, optional=False)
        stop.flags |= ABORTS_MIGRATION
    moving = (
        current is not None
        and rsc.assigned is not None
        and current is not rsc.assigned
        and rsc.next_role >= Role.STARTED
    )
    migrates = moving and can_migrate(rsc, current)
    need_stop = moving
    if _continues_migration(rsc, current, migrates):
        row.stop_unexpected = False
    elif rsc.migration_source is not None or rsc.migration_target is not None:
        rsc.migration_source = rsc.migration_target = None
        need_stop, migrates = True, False
        row.stop_unexpected = False
    else:
        need_stop |= _judge_multiply_active(rsc, row)
    if rsc.start_pending:
        start = plan.actions.obtain(rsc, "start", rsc.assigned, optional=True)
        start.flags |= IN_GRAPH
    need_promote = False
    if not moving:
        stays_down, need_promote = _judge_standing(plan, rsc, current)
        need_stop |= stays_down
    _create_restart_actions(plan, rsc, row, need_stop=need_stop, need_promote=need_promote)
    _walk(plan, rsc, rsc.role, rsc.next_role, rsc.assigned)
    create_recurring_actions(plan, rsc)
    if migrates and current is not None:
        create_migration_actions(plan, rsc, current)


def _continues_migration(rsc: Resource, current: Node | None, migrates: bool) -> bool:
    return (
        migrates
        and rsc.migration_source is not None
        and rsc.migration_target is not None
        and len(rsc.running_on) == 2
        and current is rsc.migration_source
        and rsc.assigned is rsc.migration_target
    )


def _judge_multiply_active(rsc: Resource, row: ResourceActions) -> bool:
    """Whether a resource must stop because it runs on several nodes (C3.3.6)."""
    if rsc.needs_fencing:
        active = len(rsc.running_on)
    else:
        active = sum(1 for node in rsc.running_on if node.online and not node.unclean)
    row.stop_unexpected = active > 1 and rsc.multiple_active is MultipleActive.STOP_UNEXPECTED
    return active > 1 and rsc.multiple_active in (
        MultipleActive.STOP_START,
        MultipleActive.STOP_UNEXPECTED,
    )


def _judge_standing(plan: Plan, rsc: Resource, current: Node | None) -> tuple[bool, bool]:
    """Whether a resource that stays where it is must stop, or be promoted again (C3.3.8)."""
    if rsc.failed:
        return rsc.stop_if_failed, not rsc.stop_if_failed and rsc.next_role is Role.PROMOTED
    if rsc.blocked:
        return True, False
    if rsc.role > Role.STARTED and current is not None and rsc.assigned is not None:
        start = plan.actions.obtain(rsc, "start", rsc.assigned, optional=True)
        return not start.flags & OPTIONAL, False
    return False, False


def _create_restart_actions(
    plan: Plan, rsc: Resource, row: ResourceActions, *, need_stop: bool, need_promote: bool
) -> None:
    """Down to Stopped and up again to the current role, optional unless needed (C3.3.9)."""
    row.restarting = True
    role = rsc.role
    while role is not _STOPPED:
        following = _STEPS[role][_STOPPED - 1]
        perform = _TRANSITIONS.get((role, following))
        if perform is None:
            break
        perform(plan, rsc, None, not need_stop)
        role = following
    while rsc.role <= rsc.next_role and role is not rsc.role and not rsc.blocked:
        following = _STEPS[role][rsc.role - 1]
        perform = _TRANSITIONS.get((role, following))
        if perform is None:
            break
        required = need_stop or (need_promote and following is Role.PROMOTED)
        perform(plan, rsc, rsc.assigned, not required)
        role = following
    row.restarting = False


def _walk(plan: Plan, rsc: Resource, role: Role, target: Role, node: Node | None) -> None:
    """The required steps from one role to another (C3.3.10)."""
    while role is not target:
        following = _STEPS[role][target - 1]
        perform = _TRANSITIONS.get((role, following))
        if perform is None:
            return
        perform(plan, rsc, node, False)
        role = following


def _is_expected(plan: Plan, rsc: Resource, node: Node | None) -> bool:
    """The one node where a multiply active resource may stay during its restart (C3.5)."""
    row = plan.actions.row(rsc)
    return (
        row.stop_unexpected
        and row.restarting
        and rsc.next_role > _STOPPED
        and node is not None
        and node is rsc.assigned
    )


def _stop(plan: Plan, rsc: Resource, _node: Node | None, optional: bool) -> None:
    for node in rsc.running_on:
        if _is_expected(plan, rsc, node):
            continue
        if rsc.migration_target is not None:
            if node is rsc.migration_target and node is rsc.assigned:
                continue
            optional = False
        stop = plan.actions.obtain(rsc, "stop", node, optional=optional)
        row = plan.actions.row(rsc)
        if rsc.assigned is None:
            stop.reason = "node availability"
        elif row.restarting and row.stop_unexpected:
            stop.reason = "being multiply active"
        if not rsc.managed:
            stop.flags &= ~RUNNABLE
        if rsc.needs_unfencing:
            unfence = plan.actions.fence_action(node, "on", optional=True, reason="")
            plan.link(stop, unfence, THEN_FIRST)


def _start(plan: Plan, rsc: Resource, node: Node | None, optional: bool) -> None:
    start = plan.actions.obtain(rsc, "start", node, optional=True)
    if node is not None:
        order_after_unfencing(plan, rsc, node, start, FIRST_THEN)
    if not optional and start.flags & RUNNABLE:
        start.flags &= ~OPTIONAL
    if _is_expected(plan, rsc, node):
        start.flags |= PSEUDO


def _promote(plan: Plan, rsc: Resource, node: Node | None, optional: bool) -> None:
    start = plan.actions.first(rsc, "start_0", node)
    if start is not None and not start.flags & RUNNABLE:
        promote = plan.actions.first(rsc, "promote_0", node)
        if promote is not None:
            promote.flags &= ~RUNNABLE
        return
    promote = plan.actions.obtain(rsc, "promote", node, optional=optional)
    if _is_expected(plan, rsc, node):
        promote.flags |= PSEUDO


def _demote(plan: Plan, rsc: Resource, _node: Node | None, optional: bool) -> None:
    for node in rsc.running_on:
        if not _is_expected(plan, rsc, node):
            plan.actions.obtain(rsc, "demote", node, optional=optional)


# What leads from one role to the next (C3.2); no entry: nothing to do, and a walk ends.
_TRANSITIONS: dict[tuple[Role, Role], Callable[[Plan, Resource, Node | None, bool], None]] = {
    (Role.UNKNOWN, _STOPPED): _stop,
    (Role.STARTED, _STOPPED): _stop,
    (Role.UNPROMOTED, _STOPPED): _stop,
    (Role.UNPROMOTED, Role.STARTED): _stop,
    (_STOPPED, Role.STARTED): _start,
    (_STOPPED, Role.UNPROMOTED): _start,
    (Role.STARTED, Role.PROMOTED): _promote,
    (Role.UNPROMOTED, Role.PROMOTED): _promote,
    (Role.PROMOTED, Role.UNPROMOTED): _demote,
    (Role.PROMOTED, Role.STARTED): _demote,
    (Role.PROMOTED, _STOPPED): _demote,
}


# -- groups and instances (C3.10 to C3.13) ------------------------------------------------------


def _create_group_actions(plan: Plan, group: Resource) -> None:
    for member in group.children:
        create_actions(plan, member)
    tasks = ["start", "running", "stop", "stopped"]
    if group.promotable:
        tasks += ["demote", "demoted", "promote", "promoted"]
    for task in tasks:
        plan.actions.pseudo(group, task, optional=True)


def _create_clone_actions(plan: Plan, clone: Resource) -> None:
    _create_instance_actions(plan, clone, clone.children)
    if not clone.promotable:
        return
    promoting = demoting = False
    for instance in clone.children:
        create_actions(plan, instance)
        promoting |= _has_required(plan, instance, "promote")
        demoting |= _has_required(plan, instance, "demote")
    _create_role_events(plan, clone, "promote", "promoted", optional=not promoting)
    _create_role_events(plan, clone, "demote", "demoted", optional=not demoting)
    for instance in clone.children:
        instance.priority = clone.priority


def _create_role_events(
    plan: Plan, clone: Resource, task: str, done: str, *, optional: bool
) -> None:
    plan.actions.pseudo(clone, task, optional=optional)
    plan.actions.pseudo(clone, done, optional=optional).priority = INFINITY
    if clone.notify:
        create_notification_events(plan, clone, task)


def _has_required(plan: Plan, rsc: Resource, task: str) -> bool:
    if rsc.children:
        return any(_has_required(plan, child, task) for child in rsc.children)
    return any(a.task == task and not a.flags & OPTIONAL for a in plan.actions.of(rsc))


def _create_instance_actions(
    plan: Plan, collective: Resource, instances: Sequence[Resource]
) -> None:
    """Actions of all instances, then the collective's own four pseudo-actions (C3.11)."""
    state = _InstanceStates(plan)
    for instance in instances:
        create_actions(plan, instance)
        state.add(instance)
    pseudo = plan.actions.pseudo
    pseudo(collective, "start", optional=not state.starting)
    running = pseudo(
        collective,
        "running",
        optional=not state.starting,
        runnable=state.active or state.starting,
    )
    running.priority = INFINITY
    stop = pseudo(collective, "stop", optional=not state.stopping)
    stopped = pseudo(collective, "stopped", optional=not state.stopping)
    stopped.priority = INFINITY
    if not state.restarting:
        stop.flags |= MIGRATABLE
    if collective.variant is Variant.CLONE and collective.notify:
        create_notification_events(plan, collective, "start")
        create_notification_events(plan, collective, "stop")


class _InstanceStates:
    """What the primitives inside the instances of a collective are about to do."""

    __slots__ = ("active", "plan", "restarting", "starting", "stopping")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.active = False
        self.starting = False
        self.stopping = False
        self.restarting = False

    def add(self, rsc: Resource) -> None:
        for child in rsc.children:
            self.add(child)
        if rsc.variant is not Variant.PRIMITIVE:
            return
        self.active |= bool(rsc.running_on)
        starts = stops = False
        for action in self.plan.actions.of(rsc):
            if action.flags & OPTIONAL:
                continue
            if action.task == "start":
                starts |= bool(action.flags & RUNNABLE)
            elif action.task == "stop":
                stops |= bool(action.flags & (RUNNABLE | PSEUDO))
        self.starting |= starts
        self.stopping |= stops
        self.restarting |= starts and stops


def _create_bundle_actions(plan: Plan, bundle: Resource) -> None:
    settings = bundle.bundle
    if settings is None:
        return
    for replica in settings.replicas:
        for part in (replica.ip, replica.container, replica.connection):
            if part is not None:
                create_actions(plan, part)
    _create_instance_actions(plan, bundle, [replica.container for replica in settings.replicas])
    inner = settings.inner_clone
    if inner is None:
        return
    create_actions(plan, inner)
    if inner.promotable:
        for task, done in (("promote", "promoted"), ("demote", "demoted")):
            plan.actions.pseudo(bundle, task, optional=True)
            plan.actions.pseudo(bundle, done, optional=True).priority = INFINITY
