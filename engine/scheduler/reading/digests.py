"""Whether an operation in the history ran with today's parameters (section 26)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from engine.base.values import version_key
from engine.cib.digests import DEFAULT_PRIVATE, TIMEOUT_NAME, digestible, parameters_digest
from engine.cib.document import FEATURE_SET
from engine.cib.history import OpRecord
from engine.scheduler.model.model import DigestResult, Model, Node, OpDigests, Resource
from engine.scheduler.reading.operations import action_meta, find_op
from engine.scheduler.reading.parameters import op_parameters, parameters

_SECURE_CHANGED: Final = version_key("3.16.0")
_FENCER_PARAMETER: Final = re.compile(
    r"provides|stonith-timeout"
    r"|pcmk_(?:action_limit|delay_(?:base|max)|host_(?:argument|check|list|map)"
    r"|[a-z]+_(?:action|timeout|retries))"
)


def calculate(
    model: Model,
    resource: Resource,
    node: Node,
    task: str,
    interval_ms: int,
    record: OpRecord | None = None,
    *,
    secure: bool = False,
) -> OpDigests:
    """Digests of an action on a node; kept from the first question on (26.3)."""
    key = (node.index, resource.index, task, interval_ms)
    known = model.digest_cache.get(key)
    if known is not None:
        return known
    op = find_op(resource, task, interval_ms)
    own = parameters(model, resource, node)
    extra = op_parameters(model, op, node)
    table = _with_address(resource, own)
    for name, value in extra.items():
        table.setdefault(name, value)
    table = digestible(table)
    if interval_ms > 0:
        meta = action_meta(model, resource, task, interval_ms, op, node)
        table[TIMEOUT_NAME] = meta["timeout"]
    is_rescheduled = (node.index, record) in model.rescheduled
    found = OpDigests(
        all=_digest(model, table),
        secure=_secure_digest(model, resource, own, table, record) if secure else None,
        restart=_restart_digest(model, table, record, is_rescheduled=is_rescheduled),
        result=DigestResult.RESTART if extra and interval_ms == 0 else DigestResult.MATCH,
    )
    model.digest_cache[key] = found
    return found


def _with_address(resource: Resource, own: dict[str, str]) -> dict[str, str]:
    """A copy of the parameters; the literal address `#uname` becomes the container's node (16.13)."""
    table = dict(own)
    if resource.address_is_uname and resource.launcher is not None:
        launcher = resource.launcher
        host = launcher.assigned
        if host is None and launcher.running_on:
            host = launcher.running_on[0]
        if host is not None:
            table["addr"] = host.name
    return table


def _digest(model: Model, table: dict[str, str]) -> str:
    """The digest of the parameters, from an earlier run if one had the same."""
    kept = model.kept_digests
    if kept is None or not table:
        return parameters_digest(table)
    key = tuple(table.items())
    return kept.find(key) or kept.keep(key, parameters_digest(table))


def _restart_digest(
    model: Model, table: dict[str, str], record: OpRecord | None, *, is_rescheduled: bool
) -> str | None:
    if record is None or (record.get("op-restart-digest") is None and not is_rescheduled):
        return None
    wanted = record.get("op-force-restart")
    if wanted is None:
        return _digest(model, table)
    names = frozenset(wanted.split())
    return _digest(model, {name: table[name] for name in table if name in names})


def _secure_digest(
    model: Model,
    resource: Resource,
    own: dict[str, str],
    table: dict[str, str],
    record: OpRecord | None,
) -> str:
    """Digest of what is not private (26.5); without a version in the entry that of the CIB counts."""
    private: Iterable[str] = DEFAULT_PRIVATE
    version = ""
    if record is not None:
        private = (record.get("op-secure-params") or "").split()
        version = record.feature_set
    version = version or model.root_attributes.get("crm_feature_set", FEATURE_SET)
    if version_key(version) < _SECURE_CHANGED:
        table = digestible(_with_address(resource, own))
        if resource.is_fence_device:
            table = {k: v for k, v in table.items() if not _FENCER_PARAMETER.fullmatch(k)}
    hidden = frozenset(private)
    return _digest(model, {name: table[name] for name in table if name not in hidden})


def compare(model: Model, resource: Resource, node: Node, record: OpRecord) -> DigestResult:
    """Compare a history entry with today's parameters (26.3)."""
    digests = calculate(
        model, resource, node, record.task, record.interval_ms, record, secure=model.sanitized
    )
    preset = digests.result
    recorded = record.get("op-digest")
    if (node.index, record) in model.rescheduled or (
        digests.restart is not None and digests.restart != record.get("op-restart-digest")
    ):
        digests.result = DigestResult.RESTART
    elif recorded is None:
        digests.result = DigestResult.UNKNOWN
    elif recorded != digests.all:
        enforced = record.interval_ms == 0 and preset is DigestResult.RESTART
        digests.result = DigestResult.RESTART if enforced else DigestResult.MISMATCH
    else:
        digests.result = DigestResult.MATCH
    return digests.result


def only_private_changed(model: Model, resource: Resource, node: Node, record: OpRecord) -> bool:
    """After a comparison without a match: whether only private parameters differ (26.5)."""
    if not model.sanitized:
        return False
    digests = calculate(model, resource, node, record.task, record.interval_ms, record, secure=True)
    recorded = record.get("op-secure-digest")
    return (
        digests.result is not DigestResult.MATCH
        and recorded is not None
        and digests.secure == recorded
    )
