"""Rules, name/value sets and cluster options."""

from __future__ import annotations

import pytest
from lxml import etree

from engine.base.isodate import Zone
from engine.base.reports import ReportList
from engine.cib.nvsets import apply_sets, read_sets
from engine.cib.options import CLUSTER_OPTIONS, RESOURCE_META, is_valid, option_text
from engine.cib.refs import References
from engine.cib.rules import RuleContext, passes, read_rule

NOW = 1_700_000_000  # 2023-11-14 22:13:20Z, a Tuesday


def holds(xml: str, **context: object) -> bool:
    element = etree.fromstring(xml)
    rule = read_rule(element, References(element))
    return passes(rule, RuleContext(now=NOW, **context))  # type: ignore[arg-type]


def expression(rest: str) -> str:
    return f'<rule id="r"><expression id="e" {rest}/></rule>'


@pytest.mark.parametrize(
    ("rest", "result"),
    [
        ('attribute="a" operation="defined"', True),
        ('attribute="b" operation="defined"', False),
        ('attribute="b" operation="not_defined"', True),
        ('attribute="b" operation="not_defined" value="1"', False),
        ('attribute="a" operation="eq" value="10"', True),
        ('attribute="a" operation="gt" value="9"', True),
        ('attribute="a" operation="gt" value="9" type="string"', False),
        ('attribute="a" operation="lt" value="10.5"', True),
        ('attribute="v" operation="gt" value="1.9" type="version"', True),
        ('attribute="b" operation="ne" value="x"', True),
        ('attribute="b" operation="lt" value="x"', False),
        ('attribute="w" operation="eq" value="HELLO"', True),
        ('attribute="a" operation="like" value="1"', False),
        ('operation="eq" value="1"', False),
    ],
)
def test_expressions_look_at_node_attributes(rest: str, result: bool) -> None:
    attributes = {"a": "10", "v": "1.10", "w": "hello"}
    assert holds(expression(rest), attributes=attributes) is result


def test_the_value_may_come_from_a_parameter_or_a_meta_attribute() -> None:
    rest = 'attribute="a" operation="eq" value="p" value-source="{}"'
    attributes = {"a": "10"}
    assert holds(expression(rest.format("param")), attributes=attributes, params={"p": "10"})
    assert not holds(expression(rest.format("meta")), attributes=attributes, params={"p": "10"})


def test_parts_are_combined_by_and_unless_told_otherwise() -> None:
    parts = (
        '<expression id="e" attribute="a" operation="defined"/>'
        '<expression id="f" attribute="b" operation="defined"/>'
    )
    assert not holds(f'<rule id="r">{parts}</rule>', attributes={"a": "1"})
    assert holds(f'<rule id="r" boolean-op="OR">{parts}</rule>', attributes={"a": "1"})
    assert not holds(f'<rule id="r" boolean-op="xor">{parts}</rule>', attributes={"a": "1"})


def test_a_rule_without_parts_passes_and_one_without_id_does_not() -> None:
    assert holds('<rule id="r"/>')
    assert not holds("<rule/>")


def test_agents_and_operations_have_expressions_of_their_own() -> None:
    agent = '<rule id="r"><rsc_expression id="e" class="ocf" type="Dummy"/></rule>'
    assert holds(agent, agent_class="ocf", provider="x", agent_type="Dummy")
    assert not holds(agent, agent_class="lsb", agent_type="Dummy")
    operation = '<rule id="r"><op_expression id="e" name="monitor" interval="10s"/></rule>'
    assert holds(operation, op_name="monitor", op_interval_ms=10_000)
    assert not holds(operation, op_name="monitor", op_interval_ms=0)


@pytest.mark.parametrize(
    ("rest", "result", "changes"),
    [
        ('operation="lt" end="2023-11-15"', True, [1_700_006_400]),
        ('operation="gt" start="2023-11-15"', False, [1_700_006_401]),
        ('operation="gt" start="2023-11-14"', True, []),
        ('start="2023-11-14" end="2023-11-15"', True, [1_700_006_401]),
        ('start="2023-11-15"', False, [1_700_006_400]),
        ('end="2023-11-13"', False, []),
        ('start="garbage"', False, []),
        ("", False, []),
    ],
)
def test_date_expressions_know_when_they_change(
    rest: str, result: bool, changes: list[int]
) -> None:
    noted: list[int] = []
    rule = f'<rule id="r"><date_expression id="e" {rest}/></rule>'
    assert holds(rule, note_change=noted.append) is result
    assert noted == changes


def test_a_duration_stands_for_the_end() -> None:
    rule = (
        '<rule id="r"><date_expression id="e" start="2023-11-14">'
        '<duration id="d" hours="{}"/></date_expression></rule>'
    )
    assert holds(rule.format(23))
    assert not holds(rule.format(22))


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ('hours="22"', True),
        ('hours="9-16"', False),
        ('weekdays="1-5" months="11"', True),
        ('years="2024-"', False),
        ('monthdays="-14"', True),
        ('hours="x"', False),
    ],
)
def test_a_date_spec_matches_ranges_of_fields(fields: str, result: bool) -> None:
    rule = (
        '<rule id="r"><date_expression id="e" operation="date_spec">'
        f'<date_spec id="s" {fields}/></date_expression></rule>'
    )
    assert holds(rule) is result


def test_a_date_spec_is_about_local_time() -> None:
    rule = (
        '<rule id="r"><date_expression id="e" operation="date_spec">'
        '<date_spec id="s" hours="23"/></date_expression></rule>'
    )
    assert holds(rule, zone=Zone(3600))


def table(xml: str, first_id: str = "") -> dict[str, str]:
    root = etree.fromstring(f"<x>{xml}</x>")
    found: dict[str, str] = {}
    sets = read_sets((root,), "s", References(root), first_id)
    apply_sets(sets, found, RuleContext(now=NOW))
    return found


def pair(name: str, value: str) -> str:
    return f'<nvpair id="{name}{value}" name="{name}" value="{value}"/>'


def test_of_two_sets_with_the_same_score_the_later_one_counts() -> None:
    assert table(f'<s id="1">{pair("a", "1")}</s><s id="2">{pair("a", "2")}</s>') == {"a": "2"}


def test_a_higher_score_counts_before_the_place() -> None:
    xml = f'<s id="1" score="5">{pair("a", "1")}</s><s id="2">{pair("a", "2")}</s>'
    assert table(xml) == {"a": "1"}


def test_the_bootstrap_options_come_first_whatever_their_score() -> None:
    xml = f'<s id="boot" score="-1">{pair("a", "1")}</s><s id="2" score="9">{pair("a", "2")}</s>'
    assert table(xml, first_id="boot") == {"a": "1"}


def test_the_word_default_opens_a_name_again() -> None:
    xml = f'<s id="1" score="9">{pair("a", "1")}</s><s id="2" score="5">{pair("a", "#default")}</s>'
    assert table(xml) == {}


def test_sets_and_pairs_may_be_references() -> None:
    xml = (
        f'<s id="1"><nvpair id-ref="p"/></s><y><nvpair id="p" name="b" value="3"/></y>'
        f'<s id-ref="z"/><y><s id="z">{pair("a", "1")}</s></y>'
    )
    assert table(xml) == {"a": "1", "b": "3"}


def test_an_ambiguous_reference_means_nothing() -> None:
    assert table('<s id-ref="z"/><y><s id="z"/><s id="z"/></y>') == {}


def test_an_option_is_read_under_its_old_name_and_reported() -> None:
    reports = ReportList()
    assert option_text({"stonith-enabled": "no"}, "fencing-enabled", reports) == "no"
    assert [report.code for report in reports.items] == ["old-option"]


def test_the_current_name_wins_over_the_old_one() -> None:
    values = {"stonith-enabled": "no", "fencing-enabled": "yes"}
    assert option_text(values, "fencing-enabled") == "yes"


def test_an_invalid_option_counts_as_its_default_and_is_reported() -> None:
    reports = ReportList()
    assert option_text({"fencing-action": "poweroff"}, "fencing-action", reports) == "reboot"
    assert "expected reboot off" in reports.items[0].message


def test_every_default_is_a_legal_value() -> None:
    options = [*CLUSTER_OPTIONS.values(), *RESOURCE_META.values()]
    assert [o.name for o in options if o.default and not is_valid(o, o.default)] == []
