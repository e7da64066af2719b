"""Values that nobody can read: times, dates, numbers and rules of a configuration, one finding each.

The scheduler itself goes on with the default in all these cases; people want to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from lxml import etree

from engine.base.isodate import Zone, epoch_from_text
from engine.base.reports import Report, Severity, Span
from engine.base.values import interval_milliseconds, unit_milliseconds
from engine.cib.options import CLUSTER_OPTIONS, OPERATION_OPTIONS, RESOURCE_META, Option, is_valid
from engine.cib.refs import References
from engine.cib.rules import Combine, DateTest, Never, Rule, read_rule

_OLD_ROLES = frozenset(("slave", "master"))
_UNSET = frozenset(("default", "#default"))


def value_findings(root: etree._Element, file: str = "CIB") -> Iterator[Report]:
    """Findings about the values in the configuration of a CIB, section by section."""
    configuration = root.find("configuration")
    if configuration is None:
        return
    refs = References(configuration)
    yield from _option_findings(configuration, file)
    yield from _meta_findings(configuration, file)
    for op in configuration.iter("op"):
        yield from _operation_findings(op, file)
    for rule in configuration.iter("rule"):
        parent = rule.getparent()
        if parent is None or parent.tag != "rule":
            yield from _rule_findings(rule, read_rule(rule, refs), file)


def _finding(
    element: etree._Element, message: str, file: str, severity: Severity, nearest: str = ""
) -> Report:
    identity = element.get("id", "")
    line = element.sourceline
    span = Span(file, line, 1) if isinstance(line, int) else None
    text = f"<{element.tag!s} id={identity!r}>: {message}"
    return Report("value", severity, text, subject=identity, span=span, nearest=nearest)


def _expected(option: Option) -> str:
    if option.words:
        return f"one of: {', '.join(option.words)}"
    return {
        "boolean": "true or false",
        "integer": "a whole number",
        "score": "a whole number, INFINITY or -INFINITY",
        "time": "a time such as 30s, 5min or PT1M",
        "percentage": "a number with %",
    }.get(option.kind, "some text")


def _bad_value(option: Option, name: str, value: str) -> str:
    return f"{name}='{value}' cannot be read, expected {_expected(option)}"


# -- names and values --------------------------------------------------------------------------


def _option_findings(configuration: etree._Element, file: str) -> Iterator[Report]:
    """Cluster options that look like a slip of the pen; the values are checked where they are read."""
    known = [*CLUSTER_OPTIONS, *(o.old_name for o in CLUSTER_OPTIONS.values() if o.old_name)]
    for pair in configuration.iterfind("crm_config/cluster_property_set/nvpair"):
        name = pair.get("name", "")
        near = get_close_matches(name, known, 1, 0.85) if name not in known else []
        if near:
            message = f"option '{name}' is unknown, did you mean {near[0]}?"
            yield _finding(pair, message, file, Severity.WARNING, near[0])


def _meta_findings(configuration: etree._Element, file: str) -> Iterator[Report]:
    """Meta attributes of resources and of their defaults."""
    for section in ("resources", "rsc_defaults"):
        parent = configuration.find(section)
        for pair in parent.iter("nvpair") if parent is not None else ():
            block = pair.getparent()
            if block is None or block.tag != "meta_attributes":
                continue
            owner = block.getparent()
            table = RESOURCE_META if owner is None or owner.tag != "op" else OPERATION_OPTIONS
            yield from _pair_findings(pair, table.get(pair.get("name", "")), file)


def _pair_findings(pair: etree._Element, option: Option | None, file: str) -> Iterator[Report]:
    value = pair.get("value")
    if option is None or value is None or value.lower() in _UNSET:
        return
    if option.name == "target-role" and value.lower() in _OLD_ROLES:
        return
    if option.name != "container-attribute-target" and not is_valid(option, value):
        yield _finding(pair, _bad_value(option, option.name, value), file, Severity.WARNING)


def _operation_findings(op: etree._Element, file: str) -> Iterator[Report]:
    """Times of an operation; a timeout is no ISO duration (1.8)."""
    interval = op.get("interval")
    if interval is not None and interval_milliseconds(interval) is None:
        message = _bad_value(OPERATION_OPTIONS["interval"], "interval", interval)
        yield _finding(op, message, file, Severity.ERROR)
    for name in ("timeout", "start-delay"):
        value = op.get(name)
        milliseconds = unit_milliseconds(value)
        if value is not None and (milliseconds is None or milliseconds < 0):
            message = f"{name}='{value}' cannot be read, expected a time such as 30s or 5min"
            yield _finding(op, message, file, Severity.WARNING)
    origin = op.get("interval-origin")
    if origin is not None and epoch_from_text(origin, Zone()) is None:
        message = (
            f"interval-origin='{origin}' is no date, expected for example 2026-11-20 09:30:00Z"
        )
        yield _finding(op, message, file, Severity.WARNING)


# -- rules -------------------------------------------------------------------------------------


def _rule_findings(element: etree._Element, rule: Rule, file: str) -> Iterator[Report]:
    """Parts of a rule that can never pass."""
    if rule.combine is Combine.INVALID:
        message = "the rule never passes: expected an id and boolean-op 'and' or 'or'"
        yield _finding(element, message, file, Severity.ERROR)
        return
    for part in rule.parts:
        if isinstance(part, Rule):
            yield from _rule_findings(element, part, file)
        elif isinstance(part, Never):
            message = f"the rule has a part that never passes: {part.what}"
            yield _finding(element, message, file, Severity.ERROR)
        elif isinstance(part, DateTest):
            yield from _date_findings(element, part, file)


def _date_findings(element: etree._Element, test: DateTest, file: str) -> Iterator[Report]:
    found: dict[str, int | None] = {}
    for name, text in (("start", test.start), ("end", test.end)):
        found[name] = epoch_from_text(text, Zone()) if text is not None else None
        if text is not None and found[name] is None:
            message = f"{name}='{text}' is no date, expected for example 2026-11-20 09:30:00Z"
            yield _finding(element, message, file, Severity.ERROR)
    start, end = found["start"], found["end"]
    if start is not None and end is not None and end < start:
        message = f"end '{test.end}' is before start '{test.start}': the rule never passes"
        yield _finding(element, message, file, Severity.WARNING)
