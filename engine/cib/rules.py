"""Rules: conditions on node attributes, dates, resource types and operations (section 5).

A rule is read once into frozen values and may then be evaluated in many contexts. What a context
does not have (node attributes in a cluster option, say) is None or empty there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeVar

from lxml import etree

from engine.base.digits import clipped
from engine.base.isodate import Zone, add_period, calendar_of, epoch_from_text
from engine.base.values import (
    float_from_text,
    int_from_text,
    interval_milliseconds,
    version_key,
)
from engine.cib.refs import References

_T = TypeVar("_T", int, float, str, tuple[int, ...])
_EMPTY: Final[Mapping[str, str]] = {}
_PERIOD_UNITS: Final = ("years", "months", "weeks", "days", "hours", "minutes", "seconds")
_SPEC_FIELDS: Final = (
    "years",
    "months",
    "monthdays",
    "hours",
    "minutes",
    "seconds",
    "yeardays",
    "weekyears",
    "weeks",
    "weekdays",
)
_UNARY: Final = frozenset(("defined", "not_defined"))
_BINARY: Final = frozenset(("eq", "ne", "lt", "lte", "gt", "gte"))
_TYPES: Final = frozenset(("string", "integer", "number", "version"))
_SOURCES: Final = frozenset(("literal", "param", "meta"))
_SUBMATCH: Final = re.compile(r"%([0-9])")


def _no_change(_when: int) -> None:
    """Nobody wants to know when a rule's result may change."""


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What a rule may look at (5.3). `note_change` is told when the result may change (4.6)."""

    now: float
    zone: Zone = field(default_factory=Zone)
    attributes: Mapping[str, str] | None = None
    agent_class: str | None = None
    provider: str | None = None
    agent_type: str | None = None
    op_name: str | None = None
    op_interval_ms: int = 0
    params: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    submatches: tuple[str, ...] = ()
    note_change: Callable[[int], None] = _no_change


class Combine(Enum):
    """`boolean-op`; INVALID makes the rule fail."""

    AND = "and"
    OR = "or"
    INVALID = ""


@dataclass(frozen=True, slots=True)
class AttributeTest:
    """`expression` (5.4)."""

    attribute: str
    operation: str
    value: str | None
    value_type: str
    source: str


@dataclass(frozen=True, slots=True)
class AgentTest:
    """`rsc_expression` (5.5); None = any."""

    agent_class: str | None
    provider: str | None
    agent_type: str | None


@dataclass(frozen=True, slots=True)
class OperationTest:
    """`op_expression` (5.6)."""

    name: str
    interval_ms: int | None


@dataclass(frozen=True, slots=True)
class DateTest:
    """`date_expression` (5.7): texts as configured, `period` in the units of `_PERIOD_UNITS`."""

    operation: str
    start: str | None
    end: str | None
    period: tuple[int, ...] | None
    spec: tuple[tuple[str, int | None, int | None], ...] | None


@dataclass(frozen=True, slots=True)
class Never:
    """A part that is not valid and so never passes; `what` says why."""

    what: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its parts; the attributes of location rules are kept as text ("" = absent)."""

    id: str
    combine: Combine
    parts: tuple[Rule | AttributeTest | AgentTest | OperationTest | DateTest | Never, ...]
    score: str | None = None
    score_attribute: str | None = None
    role: str | None = None


Part = Rule | AttributeTest | AgentTest | OperationTest | DateTest | Never


def read_rule(element: etree._Element, refs: References) -> Rule:
    """The rule in `element`, its `id-ref` followed."""
    found = refs.resolve(element)
    if found is None:
        return Rule("", Combine.INVALID, ())
    combine = {"and": Combine.AND, "or": Combine.OR}.get(
        found.get("boolean-op", "and").lower(), Combine.INVALID
    )
    if not found.get("id"):
        combine = Combine.INVALID
    parts: list[Part] = []
    for child in found:
        reader = _READERS.get(str(child.tag))
        if reader is not None:
            parts.append(reader(child, refs))
    return Rule(
        id=found.get("id", ""),
        combine=combine,
        parts=tuple(parts),
        score=found.get("score"),
        score_attribute=found.get("score-attribute"),
        role=found.get("role"),
    )


def _read_attribute_test(element: etree._Element, _refs: References) -> Part:
    operation = element.get("operation", "").lower()
    attribute = element.get("attribute")
    value = element.get("value")
    source = element.get("value-source", "literal").lower()
    value_type = element.get("type", "").lower()
    if not element.get("id") or not attribute:
        return Never("expression without id or attribute")
    if operation in _UNARY:
        if value is not None:
            return Never(f"{operation} takes no value")
    elif operation not in _BINARY:
        return Never(f"unknown operation {operation}")
    elif value is None:
        return Never(f"{operation} needs a value")
    if source not in _SOURCES or (value_type and value_type not in _TYPES):
        return Never("unknown type or value-source")
    return AttributeTest(attribute, operation, value, value_type, source)


def _read_agent_test(element: etree._Element, _refs: References) -> Part:
    if not element.get("id"):
        return Never("rsc_expression without id")
    return AgentTest(element.get("class"), element.get("provider"), element.get("type"))


def _read_operation_test(element: etree._Element, _refs: References) -> Part:
    name = element.get("name")
    if not element.get("id") or not name:
        return Never("op_expression without id or name")
    interval = element.get("interval")
    if interval is None:
        return OperationTest(name, None)
    milliseconds = interval_milliseconds(interval)
    if milliseconds is None:
        return Never("op_expression with an invalid interval")
    return OperationTest(name, milliseconds)


def _read_date_test(element: etree._Element, refs: References) -> Part:
    if not element.get("id"):
        return Never("date_expression without id")
    operation = element.get("operation", "in_range").lower()
    period: tuple[int, ...] | None = None
    spec: tuple[tuple[str, int | None, int | None], ...] | None = None
    for child in element:
        found = refs.resolve(child) if isinstance(child.tag, str) else None
        if found is None:
            continue
        if found.tag == "duration":
            period = tuple(int_from_text(found.get(unit)) or 0 for unit in _PERIOD_UNITS)
        elif found.tag == "date_spec":
            fields = _read_spec(found)
            if fields is None:
                return Never("date_spec with an invalid range")
            spec = fields
    start, end = element.get("start"), element.get("end")
    if operation == "date_spec" and spec is None:
        return Never("date_spec without a date_spec element")
    if operation not in {"in_range", "gt", "lt", "date_spec"}:
        return Never(f"unknown operation {operation}")
    return DateTest(operation, start, end, period, spec)


def _read_spec(element: etree._Element) -> tuple[tuple[str, int | None, int | None], ...] | None:
    """Ranges of a date_spec: (field, low, high); None if one is unreadable (5.8)."""
    ranges: list[tuple[str, int | None, int | None]] = []
    for name in _SPEC_FIELDS:
        text = element.get(name)
        if text is None:
            continue
        match = re.fullmatch(r"([0-9]+)?(-)?([0-9]+)?", text)
        if match is None or text in {"", "-"}:
            return None
        low = clipped(match.group(1)) if match.group(1) else None
        high = clipped(match.group(3)) if match.group(3) else None
        ranges.append((name, low, high if match.group(2) else low))
    return tuple(ranges)


_READERS: Final[dict[str, Callable[[etree._Element, References], Part]]] = {
    "rule": read_rule,
    "expression": _read_attribute_test,
    "rsc_expression": _read_agent_test,
    "op_expression": _read_operation_test,
    "date_expression": _read_date_test,
}


def attributes_that_decide(rule: Rule) -> tuple[str, ...] | None:
    """The node attributes that a location rule depends on, each once; None if more than those decide."""
    names: dict[str, None] = {}
    for part in rule.parts:
        if isinstance(part, Rule):
            inner = attributes_that_decide(part)
            if inner is None:
                return None
            names.update(dict.fromkeys(inner))
        elif isinstance(part, AttributeTest) and part.source == "literal":
            names[part.attribute] = None
        elif not isinstance(part, Never):
            return None
    return tuple(names)


def passes(rule: Rule, context: RuleContext) -> bool:
    """Whether the rule holds (5.1); evaluation stops at the first deciding part."""
    if rule.combine is Combine.INVALID:
        return False
    if not rule.parts:
        return True
    decisive = rule.combine is Combine.OR
    for part in rule.parts:
        if _part_passes(part, context) is decisive:
            return decisive
    return not decisive


def _part_passes(part: Part, context: RuleContext) -> bool:
    if isinstance(part, Rule):
        return passes(part, context)
    if isinstance(part, AttributeTest):
        return _attribute_passes(part, context)
    if isinstance(part, DateTest):
        return _date_passes(part, context)
    if isinstance(part, AgentTest):
        return (
            context.agent_type is not None
            and part.agent_class in {None, context.agent_class}
            and part.provider in {None, context.provider}
            and part.agent_type in {None, context.agent_type}
        )
    if isinstance(part, OperationTest):
        return part.name == context.op_name and part.interval_ms in {None, context.op_interval_ms}
    return False


def _attribute_passes(test: AttributeTest, context: RuleContext) -> bool:
    name = test.attribute
    if context.submatches and "%" in name:
        name = _with_submatches(name, context.submatches)
    attributes = context.attributes if context.attributes is not None else _EMPTY
    actual = attributes.get(name)
    if test.operation == "defined":
        return actual is not None
    if test.operation == "not_defined":
        return actual is None
    reference = test.value
    if test.source == "param":
        reference = context.params.get(test.value or "")
    elif test.source == "meta":
        reference = context.meta.get(test.value or "")
    order = _compare(actual, reference, test)
    if test.operation == "eq":
        return order == 0
    if test.operation == "ne":
        return order != 0
    if actual is None or reference is None:
        return False
    return {"lt": order < 0, "lte": order <= 0, "gt": order > 0, "gte": order >= 0}[test.operation]


def _with_submatches(text: str, submatches: tuple[str, ...]) -> str:
    """`%0` to `%9` replaced by the submatches of a resource pattern."""

    def value(match: re.Match[str]) -> str:
        number = clipped(match.group(1))
        return submatches[number] if number < len(submatches) else ""

    return _SUBMATCH.sub(value, text)


def _compare(left: str | None, right: str | None, test: AttributeTest) -> int:
    """Order of two values: negative, 0 or positive; a missing value comes first (5.4)."""
    if left is None or right is None:
        return (left is not None) - (right is not None)
    kind = test.value_type
    if not kind:
        if test.operation in {"eq", "ne"}:
            kind = "string"
        else:
            kind = "number" if "." in left or "." in right else "integer"
    if kind == "version":
        return _order(version_key(left), version_key(right))
    if kind == "integer":
        a, b = int_from_text(left), int_from_text(right)
        if a is not None and b is not None:
            return _order(a, b)
    elif kind == "number":
        x, y = float_from_text(left), float_from_text(right)
        if x is not None and y is not None:
            return _order(x, y)
    return _order(left.lower(), right.lower())


def _order(a: _T, b: _T) -> int:
    return (a > b) - (a < b)


def _date_passes(test: DateTest, context: RuleContext) -> bool:
    return date_effect(test, context) in {"within", "satisfied"}


def read_date(element: etree._Element, refs: References) -> DateTest | None:
    """The test of a `date_expression`; None for one that is not valid."""
    part = _read_date_test(element, refs)
    return part if isinstance(part, DateTest) else None


def date_effect(test: DateTest, context: RuleContext) -> str | None:
    """How a date test stands: `before` its time, `within` it, `after` it; `satisfied` for a calendar.

    None for one that cannot be read. Tells the context when the answer will change.
    """
    now = int(context.now)
    if test.operation == "date_spec":
        return None if test.spec is None else _spec_effect(test.spec, context)
    start = epoch_from_text(test.start, context.zone) if test.start is not None else None
    end = epoch_from_text(test.end, context.zone) if test.end is not None else None
    if (test.start is not None and start is None) or (test.end is not None and end is None):
        return None
    if test.operation == "gt":
        if start is None:
            return None
        if now > start:
            return "within"
        context.note_change(start + 1)
        return "before"
    if test.operation == "lt":
        if end is None:
            return None
        if now >= end:
            return "after"
        context.note_change(end)
        return "within"
    return _range_effect(test, context, now, start, end)


def _range_effect(
    test: DateTest, context: RuleContext, now: int, start: int | None, end: int | None
) -> str | None:
    if end is None and test.period is not None and start is not None:
        years, months, weeks, days, hours, minutes, seconds = test.period
        end = add_period(
            start,
            context.zone,
            years=years,
            months=months,
            weeks=weeks,
            days=days,
            seconds=hours * 3600 + minutes * 60 + seconds,
        )
    if start is None and end is None:
        return None
    if start is not None and now < start:
        context.note_change(start)
        return "before"
    if end is not None:
        if now > end:
            return "after"
        context.note_change(end + 1)
    return "within"


def _spec_effect(spec: tuple[tuple[str, int | None, int | None], ...], context: RuleContext) -> str:
    fields = calendar_of(context.now, context.zone)
    for name, low, high in spec:
        value: int = getattr(fields, name)
        if low is not None and value < low:
            return "before"
        if high is not None and value > high:
            return "after"
    return "satisfied"
