"""Configured operations: which one applies, its meta table, what a failure of it leads to (14)."""

from __future__ import annotations

from typing import Final

from engine.base.isodate import epoch_from_text
from engine.base.values import unit_milliseconds
from engine.cib.nvsets import apply_sets
from engine.scheduler.model.model import Model, Needs, Node, OnFail, OpConfig, Resource, Role
from engine.scheduler.reading.context import rule_context
from engine.scheduler.reading.parameters import parameters

# Naming a member of an enumeration takes ten times as long as naming a constant.
_NEEDS_NOTHING: Final = Needs.NOTHING
DEFAULT_TIMEOUT_MS: Final = 20_000
_MAX_INT32: Final = 2**31 - 1
_ON_FAIL_WORDS: Final = {
    "ignore": OnFail.IGNORE,
    "nothing": OnFail.IGNORE,
    "demote": OnFail.DEMOTE,
    "restart": OnFail.RESTART,
    "migrate": OnFail.BAN,
    "block": OnFail.BLOCK,
    "stop": OnFail.STOP,
    "standby": OnFail.STANDBY,
}


def find_op(
    resource: Resource, task: str, interval_ms: int, *, enabled_only: bool = False
) -> OpConfig | None:
    """The first configured operation of that name and interval (14.1)."""
    for op in resource.ops:
        if op.name == task and op.interval_ms == interval_ms and (op.enabled or not enabled_only):
            return op
    if task in {"migrate_to", "migrate_from"}:
        return find_op(resource, "migrate", 0, enabled_only=enabled_only)
    return None


def action_meta(
    model: Model,
    resource: Resource,
    task: str,
    interval_ms: int,
    op: OpConfig | None,
    node: Node | None,
) -> dict[str, str]:
    """Meta table of an action, normalised (14.2)."""
    table: dict[str, str] = {}
    is_probe = task == "monitor" and interval_ms == 0
    context = None
    if op is not None:
        table.update(op.attributes)
        if op.meta_sets:
            context = rule_context(model, resource, op_name=task, op_interval_ms=interval_ms)
            found: dict[str, str] = {}
            apply_sets(op.meta_sets, found, context)
            table = found | table
    if is_probe and "timeout" not in table:
        timeout = _shortest_monitor_timeout(resource)
        if timeout is not None:
            table["timeout"] = timeout
    if model.op_default_sets:
        if context is None:
            context = rule_context(model, resource, op_name=task, op_interval_ms=interval_ms)
        apply_sets(model.op_default_sets, table, context)
    table.pop("id", None)
    if interval_ms > 0:
        table["interval"] = str(interval_ms)
    else:
        table.pop("interval", None)
    table["timeout"] = _timeout(model, resource, node, task, table.get("timeout"), is_probe)
    _validate_on_fail(resource, task, interval_ms, op, table)
    _normalise_start_delay(model, interval_ms, table)
    return table


def _shortest_monitor_timeout(resource: Resource) -> str | None:
    """XML timeout of the enabled recurring monitor with the smallest interval (14.2 step 3)."""
    best: OpConfig | None = None
    for op in resource.ops:
        is_recurring = op.name == "monitor" and op.enabled and op.interval_ms > 0
        if is_recurring and (best is None or op.interval_ms < best.interval_ms):
            best = op
    return best.attributes.get("timeout") if best is not None else None


def _timeout(
    model: Model,
    resource: Resource,
    node: Node | None,
    task: str,
    configured: str | None,
    is_probe: bool,
) -> str:
    if resource.is_fence_device and (task == "start" or is_probe):
        replacement = parameters(model, resource, node).get("pcmk_monitor_timeout")
        if replacement is not None:
            configured = replacement
    value = unit_milliseconds(configured)
    if value is None or value <= 0:
        value = DEFAULT_TIMEOUT_MS
    return str(min(value, _MAX_INT32))


def _validate_on_fail(
    resource: Resource,
    task: str,
    interval_ms: int,
    op: OpConfig | None,
    table: dict[str, str],
) -> None:
    """Remove or supply `on-fail` (14.4)."""
    value = table.get("on-fail")
    word = value.lower() if value is not None else None
    if task == "stop" and word in {"standby", "demote", "stop"}:
        del table["on-fail"]
        return
    if task == "demote" and value is None:
        for other in resource.ops:
            inherited = other.attributes.get("on-fail")
            if (
                other.name == "monitor"
                and other.enabled
                and other.interval_ms > 0
                and other.role is Role.PROMOTED
                and inherited is not None
                and inherited.lower() != "demote"
            ):
                table["on-fail"] = inherited
        return
    if task == "lrm_delete":
        table["on-fail"] = "ignore"
        return
    if word == "demote":
        role = op.role if op is not None else Role.UNKNOWN
        recurring_promoted = task == "monitor" and interval_ms > 0 and role is Role.PROMOTED
        if task != "promote" and not recurring_promoted:
            del table["on-fail"]


def _normalise_start_delay(model: Model, interval_ms: int, table: dict[str, str]) -> None:
    """`start-delay` in milliseconds, or computed from `interval-origin` (14.2, 14.3)."""
    delay = table.get("start-delay")
    if delay is not None:
        value = unit_milliseconds(delay)
        table["start-delay"] = str(max(0, min(_MAX_INT32, value if value is not None else 0)))
        return
    origin_text = table.get("interval-origin")
    interval = interval_ms // 1000
    if origin_text is None or interval <= 0:
        return
    origin = epoch_from_text(origin_text, model.zone)
    if origin is None:
        return
    difference = int(model.now) - origin
    remainder = abs(difference) % interval * (1 if difference >= 0 else -1)
    seconds = -remainder if remainder <= 0 else interval - remainder
    table["start-delay"] = str(seconds * 1000)


def on_fail(
    model: Model, resource: Resource, task: str, interval_ms: int, meta: dict[str, str]
) -> OnFail:
    """What a failure of the action leads to (14.5, 14.6); `meta` is its normalised table."""
    value = meta.get("on-fail")
    word = value.lower() if value is not None else None
    found: OnFail | None = None
    if word == "restart-container":
        found = OnFail.RESTART_CONTAINER if resource.launcher is not None else None
    elif word == "fence":
        found = OnFail.FENCE if model.options.fencing_enabled else OnFail.STOP
    elif word is not None:
        found = _ON_FAIL_WORDS.get(word)
    is_first_contact = task == "start" or (task == "monitor" and interval_ms == 0)
    if (
        resource.is_remote_connection
        and resource.launcher is None
        and resource.attributes.get("container") is None
        and not is_first_contact
    ):
        if not resource.managed:
            return OnFail.STOP
        if found is None:
            return OnFail.RESET_REMOTE
    if found is not None:
        return found
    if resource.launcher is not None:
        return OnFail.RESTART_CONTAINER
    if task == "stop":
        return OnFail.FENCE if model.options.fencing_enabled else OnFail.BLOCK
    return OnFail.RESTART


def role_after_failure(resource: Resource, task: str, handling: OnFail) -> Role:
    """The role that the resource is to have after the failure (14.7)."""
    if handling is OnFail.STOP:
        return Role.STOPPED
    if handling is OnFail.RESET_REMOTE and resource.reconnect_ms:
        return Role.STOPPED
    return Role.UNPROMOTED if task == "promote" else Role.STARTED


def needs(resource: Resource, task: str) -> Needs:
    """What must be given before the action may run (14.8)."""
    if task not in {"start", "promote"}:
        return _NEEDS_NOTHING
    if resource.needs_fencing:
        return Needs.FENCING
    return Needs.QUORUM if resource.needs_quorum else _NEEDS_NOTHING
