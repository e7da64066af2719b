"""One history entry: what its result says about the resource (sections 20 to 22, 25.9 to 25.11)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from engine.base.exitcodes import OcfStatus
from engine.cib import history
from engine.cib.history import OpRecord
from engine.scheduler.model.model import (
    MINUS_INFINITY,
    DigestResult,
    FailedOp,
    Node,
    OnFail,
    ProbeMode,
    Resource,
    Role,
    apply_score,
)
from engine.scheduler.reading.context import Reading
from engine.scheduler.reading.digests import compare
from engine.scheduler.reading.failcounts import fail_count
from engine.scheduler.reading.migration_history import (
    migrate_from_failed,
    migrate_to_failed,
    migrate_to_succeeded,
)
from engine.scheduler.reading.nodes import can_fence
from engine.scheduler.reading.operations import action_meta, find_op, on_fail, role_after_failure

# Naming a member of an enumeration takes ten times as long as naming a constant.
_OK: Final = OcfStatus.OK
_NOT_RUNNING: Final = OcfStatus.NOT_RUNNING
_NOT_INSTALLED: Final = OcfStatus.NOT_INSTALLED
_DEGRADED: Final = OcfStatus.DEGRADED
_DEGRADED_PROMOTED: Final = OcfStatus.DEGRADED_PROMOTED
_UNKNOWN: Final = Role.UNKNOWN
_STOPPED: Final = Role.STOPPED
_IGNORE: Final = OnFail.IGNORE
_RESET_REMOTE: Final = OnFail.RESET_REMOTE

_TASKS: Final = frozenset(
    (
        "monitor",
        "start",
        "stop",
        "promote",
        "demote",
        "migrate_to",
        "migrate_from",
        "asyncmon",
    )
)
_MASKABLE: Final = frozenset((_NOT_INSTALLED, OcfStatus.INVALID_PARAM))
_PROBE_IS_VALID: Final = frozenset((0, 7, 8, 190, 191))
_CLEARED_UNCHANGED: Final = frozenset((OnFail.STOP, OnFail.BAN, OnFail.STANDBY, OnFail.FENCE))


@dataclass(slots=True)
class EntryState:
    """What is carried from one operation of an `lrm_resource` to the next."""

    reading: Reading
    resource: Resource
    node: Node
    handling: OnFail = _IGNORE
    last_failure: OpRecord | None = None


@dataclass(slots=True)
class Result:
    """One operation with its result as the scheduler understands it."""

    record: OpRecord
    status: int
    rc: int
    maskable: bool = False
    expired: bool = False
    shown: dict[str, str] = field(default_factory=dict)


def process_record(state: EntryState, record: OpRecord) -> None:
    """Update the resource from one operation (20.6)."""
    result = _readable(record)
    if result is None:
        return
    resource = state.resource
    if record.is_probe:
        is_maskable = result.rc in _MASKABLE or result.status == history.NOT_INSTALLED
        result.maskable = is_maskable and not resource.is_bundled
    result.expired = _expiry(state, result)
    raw_rc = result.rc
    _remap(state, result)
    if result.expired and _expired_is_done(state, result, raw_rc):
        return
    if result.maskable:
        _mask_probe_failure(state, result)
    elif result.status == history.PENDING:
        _process_pending(state, record)
    elif result.status == history.DONE:
        _update(state, result, result.rc)
    elif result.status == history.NOT_INSTALLED:
        handling, role = _configured(state, record)
        if handling is _IGNORE:
            state.handling = OnFail.BAN
        target = resource if resource.unique else resource.top
        apply_score(state.reading.model, target, state.node, MINUS_INFINITY, _cannot(record))
        _process_failure(state, result, handling, role)
    else:
        _process_error(state, result)


def _readable(record: OpRecord) -> Result | None:
    """The result of an entry that counts at all (20.1)."""
    if not record.id or record.task not in _TASKS:
        return None
    status, rc = record.status, record.rc
    if status is None or not -1 <= status <= history.NO_SECRETS or status == history.CANCELLED:
        return None
    if rc is None or not 0 <= rc <= 255:
        return None
    return Result(record, status, rc)


def _configured(state: EntryState, record: OpRecord) -> tuple[OnFail, Role]:
    """What a failure of the operation leads to, by its configuration."""
    model, resource = state.reading.model, state.resource
    op = find_op(resource, record.task, record.interval_ms)
    meta = action_meta(model, resource, record.task, record.interval_ms, op, state.node)
    handling = on_fail(model, resource, record.task, record.interval_ms, meta)
    return handling, role_after_failure(resource, record.task, handling)


# -- expiry ------------------------------------------------------------------------------------


def _expiry(state: EntryState, result: Result) -> bool:
    """Whether the result no longer counts; asks for clearing the fail count (25.9 to 25.11)."""
    resource, node, record = state.resource, state.node, result.record
    model = state.reading.model
    is_last_failure = record.id.endswith("_last_failure_0")
    expired = False
    clear_reason = ""
    if (
        resource.failure_timeout > 0
        and record.last_change >= 0
        and result.status != history.NOT_INSTALLED
    ):
        timeout = resource.failure_timeout // 1000
        if model.now >= record.last_change + timeout:
            expired = not _still_counts(state, record)
        count, last = fail_count(model, resource, node, record=record)
        timeout = resource.failure_timeout // 1000
        if count > 0 and model.now < last + timeout + 1:
            model.want_recheck(last + timeout + 1)
    if expired:
        plain, _last = fail_count(model, resource, node, effective=False, record=record)
        if plain:
            count, _last = fail_count(model, resource, node, record=record)
            if count == 0:
                clear_reason = "it expired"
            else:
                expired = False
        elif is_last_failure and resource.reconnect_ms:
            clear_reason = "reconnect interval is set"
    if not expired and is_last_failure and _parameters_changed(state, record):
        clear_reason = "resource parameters have changed"
    if clear_reason:
        _clear(state, clear_reason)
    if expired and record.is_probe and result.rc in _PROBE_IS_VALID:
        expired = False
    return expired


def _still_counts(state: EntryState, record: OpRecord) -> bool:
    """A failed connection counts until its node was fenced (25.9)."""
    resource, model = state.resource, state.reading.model
    if not resource.reconnect_ms or not model.options.fencing_enabled or not record.interval_ms:
        return False
    node = model.node_named(resource.id)
    return node is not None and not node.remote_fenced


def _parameters_changed(state: EntryState, record: OpRecord) -> bool:
    """Whether the failed start or monitor had other parameters than today (25.10 c)."""
    if record.task not in {"start", "monitor"}:
        return False
    if state.resource.address_is_uname:
        state.reading.model.deferred_checks.append((state.resource, state.node, record))
        return False
    result = compare(state.reading.model, state.resource, state.node, record)
    return result in {DigestResult.MISMATCH, DigestResult.RESTART}


def _clear(state: EntryState, reason: str) -> None:
    resource, node = state.resource, state.node
    state.reading.requests.clear_fail_count(resource, node, reason)
    if state.reading.model.options.fencing_enabled and resource.reconnect_ms:
        state.reading.requests.order_clear_after_fencing(resource, node)


def _expired_is_done(state: EntryState, result: Result, raw_rc: int) -> bool:
    """What an expired result still means; whether that is all (20.7)."""
    resource, node, record = state.resource, state.node, result.record
    if result.maskable and raw_rc != record.expected_rc:
        if resource.role <= _STOPPED:
            resource.role = _UNKNOWN
        return True
    if result.rc == record.expected_rc:
        return False
    if record.interval_ms == 0:
        return True
    if node.online and not node.unclean:
        state.reading.model.rescheduled.add((node.index, record))
        return True
    return False


# -- meaning of results ------------------------------------------------------------------------


def _remap(state: EntryState, result: Result) -> None:
    """Exit code and status as they are to be understood (21.1 to 21.5)."""
    resource, node, record = state.resource, state.node, result.record
    if result.rc in {_DEGRADED, _DEGRADED_PROMOTED}:
        is_plain = result.rc == _DEGRADED
        shown_rc = result.rc
        result.rc = _OK if is_plain else OcfStatus.RUNNING_PROMOTED
        if not result.expired and not (node.shutdown and not node.online):
            _record_failed(state, record, shown_rc, result.status)
    if result.maskable and not (result.status == history.DONE and result.rc == 7):
        result.status, result.rc = history.DONE, _NOT_RUNNING
    if result.status not in {history.DONE, history.ERROR}:
        if result.status in {history.NO_FENCE_DEVICE, history.NO_SECRETS}:
            result.status = history.ERROR_HARD
        return
    expected = record.expected_rc
    result.status = history.DONE if result.rc == expected and expected >= 0 else history.ERROR
    counts = not result.expired or result.rc == expected
    if result.rc == _OK:
        if record.is_probe and expected == _NOT_RUNNING:
            result.status = history.DONE
    elif result.rc == _NOT_RUNNING:
        if record.is_probe or result.rc == expected or not resource.managed:
            result.status = history.DONE
            resource.role = _STOPPED
            state.handling = _IGNORE
            resource.next_role = _UNKNOWN
    elif result.rc == OcfStatus.RUNNING_PROMOTED:
        if record.is_probe and result.rc != expected:
            result.status = history.DONE
        if counts:
            resource.role = Role.PROMOTED
    elif result.rc == OcfStatus.FAILED_PROMOTED:
        if counts:
            resource.role = Role.PROMOTED
        result.status = history.ERROR
    else:
        _remap_errors(state, result)


def _remap_errors(state: EntryState, result: Result) -> None:
    record = result.record
    if result.rc == OcfStatus.NOT_CONFIGURED:
        result.status = history.ERROR_FATAL
    elif result.rc == OcfStatus.UNIMPLEMENTED:
        if record.interval_ms == 0:
            _block_unrecoverable(state, result)
            result.status = history.ERROR_HARD
        else:
            result.status = history.UNSUPPORTED
    elif result.rc in {
        _NOT_INSTALLED,
        OcfStatus.INVALID_PARAM,
        OcfStatus.INSUFFICIENT_PRIV,
    }:
        _block_unrecoverable(state, result)
        result.status = history.ERROR_HARD
    elif result.status == history.DONE:
        result.status = history.ERROR


def _block_unrecoverable(state: EntryState, result: Result) -> None:
    """A stop that cannot be repaired by fencing blocks the resource (21.6)."""
    if result.expired or result.record.task != "stop":
        return
    if not can_fence(state.reading.model, state.node):
        state.resource.managed = False
        state.resource.blocked = True


def _cannot(record: OpRecord) -> str:
    """The reason to give for a ban that a result brought."""
    return f"failed {record.task}"


def _mask_probe_failure(state: EntryState, result: Result) -> None:
    """A probe that could not look counts as "not running here", and never here again (20.8)."""
    record, resource = result.record, state.resource
    _update(state, result, record.expected_rc)
    _record_failed(state, record, record.rc or 0, record.status or 0)
    target = resource if resource.unique else resource.top
    apply_score(state.reading.model, target, state.node, MINUS_INFINITY, _cannot(record))


def _process_error(state: EntryState, result: Result) -> None:
    """Everything that is neither pending nor done (20.9)."""
    resource, node, record = state.resource, state.node, result.record
    model = state.reading.model
    if result.status == history.NOT_CONNECTED and node.is_remote_type:
        connection = node.connection
        if connection is not None and connection.managed:
            connection.failed = True
            connection.stop_if_failed = True
    handling, role = _configured(state, record)
    contained_stop = handling is OnFail.RESTART_CONTAINER and record.task == "stop"
    if handling is _IGNORE or contained_stop:
        _update(state, result, record.expected_rc)
        resource.failure_ignored = True
        _record_failed(state, record, result.rc, result.status)
        if handling is OnFail.RESTART_CONTAINER and state.handling <= OnFail.RESTART:
            state.handling = OnFail.RESTART_CONTAINER
        return
    _process_failure(state, result, handling, role)
    target = resource if resource.unique else resource.top
    if result.status == history.ERROR_HARD:
        apply_score(model, target, node, MINUS_INFINITY, _cannot(record))
    elif result.status == history.ERROR_FATAL:
        apply_score(model, target, None, MINUS_INFINITY, _cannot(record))


def _record_failed(state: EntryState, record: OpRecord, rc: int, status: int) -> None:
    """Remember the failure for display (20.10)."""
    node, model = state.node, state.reading.model
    if not node.online:
        return
    key = (record.key, node.name)
    if key in model.failed_keys:
        return
    model.failed_keys.add(key)
    model.failed_ops.append(
        FailedOp(
            key=record.key,
            resource_id=state.resource.id,
            node_name=node.name,
            task=record.task,
            interval_ms=record.interval_ms,
            rc=rc,
            status=status,
            call_id=record.call_id,
            exit_reason=record.exit_reason,
            attributes=record.attributes,
        )
    )


# -- updates -----------------------------------------------------------------------------------


def set_active(resource: Resource) -> None:
    """The lowest role of an active instance (22.3)."""
    resource.role = Role.UNPROMOTED if resource.top.promotable else Role.STARTED


def _update(state: EntryState, result: Result, rc: int) -> None:
    """New role after a result that counts as success, with exit code `rc` (22.1)."""
    resource, record = state.resource, result.record
    task = record.task
    cleared = False
    if rc == _NOT_INSTALLED or result.maskable:
        resource.role = _STOPPED
    elif rc == _NOT_RUNNING:
        cleared = True
    elif task == "monitor":
        last = state.last_failure
        cleared = last is not None and last.key == record.key
        if resource.role < Role.STARTED:
            set_active(resource)
    elif task == "start":
        resource.role = Role.STARTED
        cleared = True
    elif task == "stop":
        resource.role = _STOPPED
        cleared = True
    elif task == "promote":
        resource.role = Role.PROMOTED
        cleared = True
    elif task == "demote":
        cleared = state.handling is OnFail.DEMOTE
        resource.role = Role.UNPROMOTED
    elif task == "migrate_from":
        resource.role = Role.STARTED
        cleared = True
    elif task == "migrate_to":
        migrate_to_succeeded(state.reading, resource, state.node, record)
    elif resource.role < Role.STARTED:
        set_active(resource)
    if cleared:
        _clear_handling(state)


def _clear_handling(state: EntryState) -> None:
    """The past failure is over (22.2)."""
    handling, resource = state.handling, state.resource
    if handling in _CLEARED_UNCHANGED:
        return
    if handling is _RESET_REMOTE and resource.reconnect_ms:
        return
    state.handling = _IGNORE
    resource.next_role = _UNKNOWN


def _process_failure(state: EntryState, result: Result, handling: OnFail, role: Role) -> None:
    """A failure that counts (22.4)."""
    resource, node, record = state.resource, state.node, result.record
    model = state.reading.model
    state.last_failure = record
    if result.rc != _NOT_INSTALLED or model.options.symmetric:
        _record_failed(state, record, result.rc, result.status)
    state.handling = max(state.handling, handling)
    if record.task == "stop":
        apply_score(model, resource, node, MINUS_INFINITY, _cannot(record))
    elif record.task == "migrate_to":
        migrate_to_failed(state.reading, resource, node, record)
    elif record.task == "migrate_from":
        migrate_from_failed(state.reading, resource, node, record)
    elif record.task == "promote":
        resource.role = Role.PROMOTED
    elif record.task == "demote":
        if handling is OnFail.BLOCK:
            resource.role = Role.PROMOTED
            resource.next_role = _STOPPED
        elif result.rc == _NOT_RUNNING:
            resource.role = _STOPPED
        else:
            resource.role = Role.UNPROMOTED
    if record.is_probe and result.rc == _NOT_INSTALLED:
        resource.role = _STOPPED
    elif resource.role < Role.STARTED:
        set_active(resource)
    if role is not Role.STARTED and resource.next_role < role:
        resource.next_role = role
    if role is _STOPPED:
        ban_everywhere(state.reading, resource, _cannot(record))


def ban_everywhere(reading: Reading, resource: Resource, reason: str) -> None:
    """Not on any node: the table is rebuilt; of an anonymous clone that of the clone (22.4, P6.1).

    The tables of what is inside stay as they are.
    """
    model = reading.model
    target = resource
    if not resource.unique:
        top = resource.top
        target = top if top.is_anonymous_clone else resource
    target.allowed = {node.index: MINUS_INFINITY for node in model.nodes}
    target.probe_modes = {
        node.index: node.probe_mode
        for node in model.nodes
        if node.probe_mode is not ProbeMode.ALWAYS
    }
    if model.witness is not None:
        model.witness(target, None, reason)


def _process_pending(state: EntryState, record: OpRecord) -> None:
    """An action that was started and has no result yet (22.7)."""
    resource, node = state.resource, state.node
    last = state.last_failure
    if (
        last is not None
        and last.task == record.task
        and last.interval_ms == record.interval_ms
        and last.last_change >= record.last_change
        and last.last_change >= 0
    ):
        return
    if record.task == "start":
        resource.start_pending = True
        set_active(resource)
    elif record.task == "promote":
        resource.role = Role.PROMOTED
    elif record.task == "migrate_to" and node.unclean:
        target = state.reading.model.node_named(record.get("migrate_target") or "")
        if target is not None:
            state.reading.requests.stop(resource, target, optional=False)
    if not resource.pending_action and not record.is_probe:
        resource.pending_action = record.task
        resource.pending_node = node
