"""Transient node attributes at the DC: dampening, counting up, and the fail counts of resources.

Pure. Every changed value starts the dampening time of its attribute anew; fail counts are computed here and nowhere else (engine 10).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.base.digits import is_digits, is_whole
from engine.base.score import INFINITY
from engine.lrm.api import LrmResult, OpStatus

# The failures of these are counted; those of a probe, a notification or a migration are not.
COUNTED_ONCE = ("promote", "demote")
SCORE_WORDS = ("INFINITY", "+INFINITY")


@dataclass(frozen=True, slots=True)
class AttributeUpdate:
    """Set (or with None delete) one attribute of one node."""

    node_id: str
    name: str
    value: str | None


@dataclass(slots=True)
class Dampener:
    """Holds changes back until their attribute has been quiet for its dampening time (L1.12).

    `_due` has the moment of each attribute that is held, `_held` its values by node.
    """

    _due: dict[str, float] = field(default_factory=dict)
    _held: dict[str, dict[str, str | None]] = field(default_factory=dict)

    def take(
        self, update: AttributeUpdate, delay: float, now: float, present: str | None = None
    ) -> tuple[AttributeUpdate, ...]:
        """A change of an attribute that is `present` on its node; what may be written now.

        A value that is no other than the one that is held, or than the present one, changes nothing
        and does not extend the time; each other one starts it anew.
        """
        held = self._held.get(update.name, {})
        newest = held.get(update.node_id, present)
        if is_same(newest, update.value):
            return self.due(now)
        if delay <= 0 and update.name not in self._due:
            return (update,)
        self._held.setdefault(update.name, {})[update.node_id] = update.value
        wait = max(delay, 0.0)
        self._due[update.name] = now + wait if wait else self._due[update.name]
        return self.due(now)

    def due(self, now: float) -> tuple[AttributeUpdate, ...]:
        """The changes whose time has come."""
        ready = [name for name, when in self._due.items() if when <= now]
        found = []
        for name in ready:
            del self._due[name]
            for node_id, value in self._held.pop(name, {}).items():
                found.append(AttributeUpdate(node_id, name, value))
        return tuple(found)

    def next_due(self) -> float | None:
        """When `due` will have something (monotonic seconds)."""
        return min(self._due.values(), default=None)


def is_change(update: AttributeUpdate, present: Mapping[str, str]) -> bool:
    """Whether an update makes a difference."""
    return not is_same(present.get(update.name), update.value)


def is_same(one: str | None, other: str | None) -> bool:
    """Whether two values of an attribute are the same: upper and lower case are (L1.10)."""
    if one is None or other is None:
        return one is other
    return one.casefold() == other.casefold()


def updated_value(old: str | None, new: str) -> str:
    """The value that `new` asks for: `value++` and `value+=N` count up from the present one."""
    if new.endswith("++"):
        step = 1
    elif "+=" in new and is_digits(new.rpartition("+=")[2]):
        step = int(new.rpartition("+=")[2])
    else:
        return new
    if old in SCORE_WORDS:
        return "INFINITY"
    total = (int(old) if old and is_whole(old) else 0) + step
    return "INFINITY" if total >= INFINITY else str(total)


def failure_updates(
    result: LrmResult,
    node_id: str,
    present: Mapping[str, str],
    *,
    start_is_fatal: bool,
    wall: float,
) -> tuple[AttributeUpdate, ...]:
    """The fail count and the time of a failed operation, or nothing when it does not count."""
    op = result.op
    if result.is_success or result.status in (OpStatus.PENDING, OpStatus.CANCELLED):
        return ()
    if op.interval_ms > 0 or op.operation in COUNTED_ONCE:
        step = "value++"
    elif op.operation == "start":
        step = "INFINITY" if start_is_fatal else "value++"
    elif op.operation == "stop":
        step = "INFINITY"
    else:
        return ()
    tail = f"{op.resource}#{op.operation}_{op.interval_ms}"
    when = AttributeUpdate(node_id, f"last-failure-{tail}", str(int(wall)))
    if op.meta.get("on_fail") == "ignore":
        return (when,)
    name = f"fail-count-{tail}"
    return (AttributeUpdate(node_id, name, updated_value(present.get(name), step)), when)


def clearing_updates(
    node_id: str,
    present: Iterable[str],
    resource: str,
    operation: str = "",
    interval_ms: int = 0,
) -> tuple[AttributeUpdate, ...]:
    """Delete the fail counts of a resource on a node, all or those of one operation."""
    found = []
    for name in present:
        for prefix in ("fail-count-", "last-failure-"):
            if not name.startswith(prefix):
                continue
            owner, _, key = name[len(prefix) :].partition("#")
            if owner != resource and not _is_instance(owner, resource):
                continue
            if not operation or key == f"{operation}_{interval_ms}":
                found.append(AttributeUpdate(node_id, name, None))
    return tuple(found)


def failed_resources(present: Iterable[str]) -> tuple[str, ...]:
    """The resources that have a fail count among these attribute names."""
    names = [n.removeprefix("fail-count-").partition("#")[0] for n in present if "#" in n]
    return tuple(dict.fromkeys(n for n in names if not n.startswith("last-failure-")))


def _is_instance(owner: str, resource: str) -> bool:
    base, _, number = owner.rpartition(":")
    return base == resource and is_digits(number)
