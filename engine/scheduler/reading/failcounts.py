"""Fail counts: node attributes per resource and operation, and their expiry (section 25)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.base.score import add_scores
from engine.base.values import int_from_text, interval_milliseconds
from engine.scheduler.model.model import Model, Node, Resource
from engine.scheduler.reading.nodes import score_with_words

if TYPE_CHECKING:
    from engine.cib.history import OpRecord

_COUNT: Final = "fail-count-"
_LAST: Final = "last-failure-"
_OPERATION: Final = re.compile(r".+_[0-9]+")
_NUMBERED: Final = re.compile(r"(.+):[0-9]+")


def _index(model: Model, node: Node) -> dict[str, list[int]]:
    """Resource name → [count, last failure] of the node; built once from all attributes.

    Names with an instance number are also added up under `NAME:*`, for anonymous instances.
    """
    if node.fail_counts is not None:
        return node.fail_counts
    found: dict[str, list[int]] = {}
    for attribute, value in node.attributes.items():
        is_count = attribute.startswith(_COUNT)
        if not is_count and not attribute.startswith(_LAST):
            continue
        name, separator, operation = attribute[len(_COUNT if is_count else _LAST) :].partition("#")
        if not separator or not _OPERATION.fullmatch(operation):
            continue
        number = score_with_words(model, value) if is_count else int_from_text(value)
        if number is None:
            continue
        names = [name]
        numbered = _NUMBERED.fullmatch(name)
        if numbered is not None:
            names.append(f"{numbered.group(1)}:*")
        for key in names:
            entry = found.setdefault(key, [0, 0])
            if is_count:
                entry[0] = add_scores(entry[0], number)
            else:
                entry[1] = max(entry[1], number)
    node.fail_counts = found
    return found


def _plain_count(model: Model, resource: Resource, node: Node) -> tuple[int, int]:
    """Sum of counts and latest failure of a primitive (25.1 to 25.3)."""
    table = _index(model, node)
    if not table:
        return 0, 0
    name = resource.history_id or resource.id
    if resource.unique:
        entry = table.get(name)
        return (entry[0], entry[1]) if entry is not None else (0, 0)
    numbered = _NUMBERED.fullmatch(name)
    if numbered is not None:
        name = numbered.group(1)
    count = last = 0
    for key in (name, f"{name}:*"):
        entry = table.get(key)
        if entry is not None:
            count = add_scores(count, entry[0])
            last = max(last, entry[1])
    return count, last


def fail_count(
    model: Model,
    resource: Resource,
    node: Node,
    *,
    effective: bool = True,
    launched: bool = False,
    record: OpRecord | None = None,
) -> tuple[int, int]:
    """Fail count and time of the last failure of a resource on a node (25.3 to 25.7).

    `effective`: an expired count is 0. `launched`: what the resource launches counts too.
    `record`: the history entry in question, if there is one.
    """
    count, last = _plain_count(model, resource, node)
    if count > 0 and resource.failure_timeout > 0 and _blocked(model, resource, node, record):
        resource.failure_timeout = 0
    timeout = resource.failure_timeout // 1000
    if effective and count > 0 and last > 0 and timeout > 0 and model.now > last + timeout:
        count = 0
    is_bundled_container = resource.bundle_replica is not None
    if launched and resource.launched and not is_bundled_container:
        for inner in resource.launched:
            inner_count, inner_last = fail_count(model, inner, node, effective=effective)
            count = add_scores(count, inner_count)
            last = max(last, inner_last)
    return count, (last if count > 0 else 0)


def _blocked(model: Model, resource: Resource, node: Node, record: OpRecord | None) -> bool:
    """Whether a failure of an operation with `on-fail="block"` is present (25.4)."""
    blocking = [op for op in resource.ops if op.attributes.get("on-fail") == "block"]
    if not blocking:
        return False
    if record is not None:
        records = [record]
    else:
        history = model.history_of(node, resource.base_id)
        records = history.ops if history is not None else []
    for op in blocking:
        interval = interval_milliseconds(op.attributes.get("interval")) or 0
        for entry in records:
            if entry.task == op.name and entry.interval_ms == interval:
                if entry.id.endswith("_last_failure_0"):
                    return True
                if entry.rc != entry.expected_rc:
                    return True
    return False
