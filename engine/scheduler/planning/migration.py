"""Live migration: whether a moving resource may keep running, and the actions it takes (C14)."""

from __future__ import annotations

from engine.scheduler.model.model import Node, Resource
from engine.scheduler.model.order_graph import ELSE_THEN, ORDERED, UNMIGRATABLE_BLOCKS
from engine.scheduler.planning.action_table import MIGRATABLE, PSEUDO
from engine.scheduler.planning.plan import Plan


def can_migrate(rsc: Resource, current: Node | None) -> bool:
    """Whether a resource that moves may do so while it runs (C14.1)."""
    target = rsc.assigned
    return (
        rsc.allow_migrate
        and rsc.managed
        and not rsc.failed
        and not rsc.start_pending
        and current is not None
        and not current.unclean
        and target is not None
        and not target.unclean
    )


def create_migration_actions(plan: Plan, rsc: Resource, source: Node) -> None:
    """The optional actions of a migration beside the stop and start that a move needs (C14.2, C14.3).

    If the stop or the start cannot stay part of a migration, the relations make the migration
    unrunnable and the start a real one.
    """
    target = rsc.assigned
    if target is None:
        return
    obtain = plan.actions.obtain
    start = obtain(rsc, "start", target, optional=True)
    stop = obtain(rsc, "stop", source, optional=True)
    is_partial = rsc.migration_target is not None
    if not is_partial:
        migrate_to = obtain(rsc, "migrate_to", source, optional=True)
        migrate_to.needs = start.needs
        migrate_to.flags |= MIGRATABLE
    migrate_from = obtain(rsc, "migrate_from", target, optional=True)
    start.flags |= MIGRATABLE | PSEUDO
    stop.flags |= MIGRATABLE
    migrate_from.flags |= MIGRATABLE
    if is_partial:
        migrate_from.needs = start.needs
        plan.order(rsc, "monitor_0", rsc, "migrate_from_0", ORDERED)
    else:
        plan.order(rsc, "monitor_0", rsc, "migrate_to_0", ORDERED)
        plan.order(rsc, "migrate_to_0", rsc, "migrate_from_0", ORDERED | UNMIGRATABLE_BLOCKS)
        migrate_to.set_meta("migrate_source", source.name)
        migrate_to.set_meta("migrate_target", target.name)
        if not rsc.is_remote_connection:
            migrate_to.set_meta("record-pending", "true")
    plan.order(rsc, "migrate_from_0", rsc, "stop_0", ORDERED | UNMIGRATABLE_BLOCKS)
    plan.order(rsc, "migrate_from_0", rsc, "start_0", ORDERED | ELSE_THEN | UNMIGRATABLE_BLOCKS)
    migrate_from.set_meta("migrate_source", source.name)
    migrate_from.set_meta("migrate_target", target.name)
