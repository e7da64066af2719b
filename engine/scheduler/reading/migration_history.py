"""What migrations in the history say about both ends (section 24)."""

from __future__ import annotations

from engine.cib import history
from engine.cib.history import OpRecord, is_newer
from engine.scheduler.model.model import Model, Node, Resource, Role
from engine.scheduler.reading.activity import add_active_node
from engine.scheduler.reading.context import Reading

_NON_MONITORS = frozenset(("start", "stop", "migrate_to", "migrate_from"))
_UNKNOWN_RC = 193


def _records(model: Model, resource: Resource, node_name: str) -> list[OpRecord]:
    """The entries under the resource's own name: an anonymous instance `x:0` has none as `x`."""
    found = model.histories.find(node_name, resource.id)
    return found.ops if found is not None else []


def _find(
    model: Model, resource: Resource, node_name: str, task: str, *, source: str = "", rc: int = -1
) -> OpRecord | None:
    """The only entry of the task, if it has the result `rc` >= 0; `source` restricts migrations."""
    found = [
        op
        for op in _records(model, resource, node_name)
        if op.task == task and (not source or _end_matches(op, task, source))
    ]
    if len(found) != 1:
        return None
    (op,) = found
    return op if rc < 0 or (op.rc == rc and op.status == history.DONE) else None


def _end_matches(op: OpRecord, task: str, other: str) -> bool:
    attribute = "migrate_target" if task == "migrate_to" else "migrate_source"
    return op.get(attribute) == other


def _ends(node: Node, record: OpRecord, own: str) -> tuple[str, str] | None:
    """Source and target of the migration, if the entry is consistent."""
    source, target = record.get("migrate_source"), record.get("migrate_target")
    if not source or not target:
        return None
    mine = source if own == "source" else target
    return (source, target) if mine.lower() == node.name.lower() else None


def _newer_non_monitor(
    model: Model, resource: Resource, node_name: str, event: OpRecord, *, same_node: bool
) -> bool:
    """Another start, stop or migration on the node is newer than the event (24.1)."""
    return any(
        op.task in _NON_MONITORS and op is not event and is_newer(op, event)
        for op in _records(model, resource, node_name)
    )


def _newer_state(
    model: Model,
    resource: Resource,
    node_name: str,
    migrate_to: OpRecord | None,
    migrate_from: OpRecord | None,
) -> bool:
    """The node shows a state newer than the migration (24.2)."""
    event = migrate_from if migrate_from is not None else migrate_to
    if event is None:
        return False
    if migrate_to is not None and migrate_from is not None:
        source = migrate_to.get("migrate_source") or ""
        if source.lower() == node_name.lower():
            event = migrate_to
    if _newer_non_monitor(model, resource, node_name, event, same_node=False):
        return True
    monitor = _find(model, resource, node_name, "monitor", rc=7)
    return monitor is not None and is_newer(monitor, event)


def _unknown_on(model: Model, resource: Resource, node_name: str) -> bool:
    """No entry with a known result on the node (24.3)."""
    return all(op.rc == _UNKNOWN_RC for op in _records(model, resource, node_name))


def migrate_to_succeeded(
    reading: Reading, resource: Resource, node: Node, record: OpRecord
) -> None:
    """The source did its part (24.4)."""
    model = reading.model
    ends = _ends(node, record, "source")
    if ends is None:
        return
    source, target = ends
    target_node = model.node_named(target)
    arrived = _find(model, resource, target, "migrate_from", source=source)
    left_since = _newer_non_monitor(model, resource, source, record, same_node=True)
    if left_since and arrived is not None:
        return
    newer_on_target = _newer_state(model, resource, target, record, arrived)
    if left_since and newer_on_target:
        return
    if arrived is not None and arrived.rc == 0 and arrived.status == history.DONE:
        resource.role = Role.STOPPED
        resource.dangling_sources.insert(0, node)
        return
    resource.role = Role.STARTED
    active_on_target = not newer_on_target and target_node is not None and target_node.online
    if arrived is not None and arrived.status != history.PENDING:
        if active_on_target and target_node is not None:
            add_active_node(reading, resource, target_node, failed=True)
        else:
            _fail(resource)
        return
    if target_node is not None and target_node.online and _unknown_on(model, resource, target):
        return
    if active_on_target and target_node is not None:
        add_active_node(reading, resource, target_node, failed=False)
        if node.online:
            resource.migration_source = node
            resource.migration_target = target_node
    elif not left_since:
        _fail(resource)


def _fail(resource: Resource) -> None:
    resource.failed = True
    resource.stop_if_failed = True
    resource.allow_migrate = False


def migrate_to_failed(reading: Reading, resource: Resource, node: Node, record: OpRecord) -> None:
    """The source failed to hand over (24.5)."""
    model = reading.model
    ends = _ends(node, record, "source")
    if ends is None:
        return
    source, target = ends
    resource.role = Role.STARTED
    arrived = _find(model, resource, target, "migrate_from", source=source, rc=0)
    if not _unknown_on(model, resource, target) and not _newer_state(
        model, resource, target, record, arrived
    ):
        target_node = model.node_named(target)
        if target_node is not None and target_node.online:
            add_active_node(reading, resource, target_node, failed=False)
    elif not _newer_non_monitor(model, resource, source, record, same_node=True):
        resource.dangling_sources.insert(0, node)


def migrate_from_failed(reading: Reading, resource: Resource, node: Node, record: OpRecord) -> None:
    """The target failed to take over (24.6)."""
    model = reading.model
    ends = _ends(node, record, "target")
    if ends is None:
        return
    source, target = ends
    resource.role = Role.STARTED
    handed_over = _find(model, resource, source, "migrate_to", source=target, rc=0)
    if not _unknown_on(model, resource, source) and not _newer_state(
        model, resource, source, handed_over, record
    ):
        source_node = model.node_named(source)
        if source_node is not None and source_node.online:
            add_active_node(reading, resource, source_node, failed=True)
