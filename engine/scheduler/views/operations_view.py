"""What was done for each resource on each node, and how often it failed there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.base.digits import clipped, is_whole
from engine.cib.history import NOT_RUNNING_RC, OpRecord, ResourceHistory
from engine.scheduler.model.model import Model, Node, Resource, Variant
from engine.scheduler.reading.failcounts import fail_count
from engine.scheduler.reading.history_entries import base_name
from engine.scheduler.views.node_details import clock_text, iso_text
from engine.scheduler.views.node_text import Item, display_name
from engine.scheduler.views.result_words import exit_text
from engine.scheduler.views.status_parts import Look, is_shown, printed_id


@dataclass(frozen=True, slots=True)
class Operation:
    """An entry of the history as it is shown; times are milliseconds as text, "" if not known."""

    call: str
    task: str
    rc: int
    interval: str
    changed_at: int | None  # epoch seconds
    exec_ms: str
    queue_ms: str


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """The history of one resource on one node; `last` is when it failed last, 0 for never."""

    resource: str
    removed: bool
    threshold: int | None
    count: int
    last: int
    operations: tuple[Operation, ...]


def history_rows(
    model: Model, look: Look, *, operations: bool
) -> Iterator[tuple[Node, list[HistoryRow]]]:
    """For each online node what its history says; without `operations` only what failed there."""
    for name in model.histories.node_names:
        node = model.node_named(name)
        if node is None or not node.online or not look.shows_node(node):
            continue
        rows = [
            row
            for history in model.histories.entries(name)
            for row in _rows(model, look, history, node, operations=operations)
        ]
        if rows:
            yield node, rows


def _rows(
    model: Model, look: Look, history: ResourceHistory, node: Node, *, operations: bool
) -> Iterator[HistoryRow]:
    resource = model.find(history.id) or model.find(f"{base_name(history.id)}:0")
    if resource is None or not _is_asked_for(resource, look):
        return
    count, last = fail_count(model, resource, node, effective=False)
    shown = tuple(_operation(op) for op in history.ops if _is_told(op)) if operations else ()
    if shown or (count > 0 and not operations):
        threshold = None if resource.removed else resource.migration_threshold
        yield HistoryRow(history.id, resource.removed, threshold, count, last, shown)


def _is_asked_for(resource: Resource, look: Look) -> bool:
    """A member of a group only by its own name or the group's, not because of another member."""
    top = resource.top
    if top.variant is Variant.GROUP:
        return look.names(printed_id(resource), printed_id(top))
    return is_shown(resource, look)


def _is_told(op: OpRecord) -> bool:
    """Notifications tell nothing, nor does a probe that found what it should."""
    return op.task != "notify" and not (op.is_probe and op.rc == NOT_RUNNING_RC)


def _operation(op: OpRecord) -> Operation:
    interval = op.get("interval") or ""
    when = op.get("last-rc-change") or ""
    return Operation(
        call=op.get("call-id") or "",
        task="probe" if op.is_probe else op.task,
        rc=op.rc if op.rc is not None else 0,
        interval="" if interval == "0" else interval,
        changed_at=clipped(when) if is_whole(when) and clipped(when) > 0 else None,
        exec_ms=op.get("exec-time") or "",
        queue_ms=op.get("queue-time") or "",
    )


def operation_text(model: Model, operation: Operation, *, timing: bool) -> str:
    """`(12) monitor: interval="10000ms"`; `timing`: with times."""
    details: list[str] = []
    if operation.interval:
        details.append(f'interval="{operation.interval}ms"')
    if timing:
        if operation.changed_at is not None:
            details.append(f'last-rc-change="{clock_text(model, operation.changed_at)}"')
        if operation.exec_ms:
            details.append(f'exec-time="{operation.exec_ms}ms"')
        if operation.queue_ms:
            details.append(f'queue-time="{operation.queue_ms}ms"')
    head = f"({operation.call}) {operation.task}"
    return f"{head}: {' '.join(details)}" if details else head


def operation_values(model: Model, operation: Operation) -> dict[str, str]:
    """The attributes of an `operation_history` element."""
    values = {
        "call": operation.call,
        "task": operation.task,
        "rc": str(operation.rc),
        "rc_text": exit_text(operation.rc),
    }
    if operation.interval:
        values["interval"] = f"{operation.interval}ms"
    if operation.changed_at is not None:
        values["last-rc-change"] = iso_text(model, operation.changed_at)
    if operation.exec_ms:
        values["exec-time"] = f"{operation.exec_ms}ms"
    if operation.queue_ms:
        values["queue-time"] = f"{operation.queue_ms}ms"
    return values


def history_items(model: Model, look: Look, *, operations: bool) -> list[Item]:
    """The sections "Operations" and "Migration Summary"."""
    return [
        Item(
            f"Node: {display_name(node, look)}:",
            [_row_item(model, look, row, operations=operations) for row in rows],
        )
        for node, rows in history_rows(model, look, operations=operations)
    ]


def _row_item(model: Model, look: Look, row: HistoryRow, *, operations: bool) -> Item:
    words = "removed" if row.threshold is None else f"migration-threshold={row.threshold}"
    text = f"{row.resource}: {words}"
    if row.count > 0:
        text += f" fail-count={row.count}"
        if row.last > 0:
            text += f" last-failure='{clock_text(model, row.last)}'"
    lines = [Item(operation_text(model, each, timing=look.timing)) for each in row.operations]
    return Item(f"{text}:" if operations else text, lines)


def row_values(model: Model, row: HistoryRow) -> dict[str, str]:
    """The attributes of a `resource_history` element."""
    removed = "true" if row.removed else "false"
    values = {"id": row.resource, "orphan": removed, "removed": removed}
    if row.threshold is not None:
        values["migration-threshold"] = str(row.threshold)
        if row.count > 0:
            values["fail-count"] = str(row.count)
        if row.last > 0:
            values["last-failure"] = clock_text(model, row.last)
    return values
