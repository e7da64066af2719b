"""Values that nobody can read are found, each with what was expected."""

from __future__ import annotations

import pytest
from lxml import etree

from engine.scheduler.reading.value_checks import value_findings
from tests.unit.scheduler.clusters import cib, primitive


def messages(xml: str = "", **parts: str) -> list[str]:
    document = cib(
        parts.get("resource", primitive("a")),
        constraints=xml,
        options={parts["option"]: "1"} if "option" in parts else None,
    )
    return [report.message for report in value_findings(document.root)]


def test_a_sound_configuration_has_no_findings() -> None:
    ops = '<op id="o" name="monitor" interval="10s" timeout="1min"/>'
    assert messages(resource=primitive("a", ops=ops, target_role="Stopped")) == []


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('interval="soon"', "interval='soon' cannot be read, expected a time"),
        ('interval="10" timeout="PT30S"', "timeout='PT30S' cannot be read"),
        ('interval="10" start-delay="x"', "start-delay='x' cannot be read"),
        ('interval="10" interval-origin="x"', "interval-origin='x' is no date"),
    ],
)
def test_times_of_operations_are_read(attributes: str, expected: str) -> None:
    ops = f'<op id="o" name="monitor" {attributes}/>'
    (message,) = messages(resource=primitive("a", ops=ops))
    assert expected in message


def test_meta_attributes_have_types() -> None:
    (message,) = messages(resource=primitive("a", is_managed="perhaps"))
    assert "is-managed='perhaps' cannot be read, expected true or false" in message
    assert messages(resource=primitive("a", target_role="Slave")) == []


def test_a_misspelt_option_is_noticed_and_a_foreign_one_is_not() -> None:
    (message,) = messages(option="no-quorum-polici")
    assert "did you mean no-quorum-policy?" in message
    assert messages(option="my-own-note") == []


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ('<date_expression id="d" operation="gt" start="someday"/>', "start='someday' is no date"),
        (
            '<date_expression id="d" operation="in_range" start="2030-01-01" end="2020-01-01"/>',
            "is before start",
        ),
        ('<expression id="e" attribute="a" operation="like" value="x"/>', "unknown operation like"),
    ],
)
def test_rules_that_never_pass_are_named(part: str, expected: str) -> None:
    xml = f'<rsc_location id="l" rsc="a"><rule id="r" score="1">{part}</rule></rsc_location>'
    (message,) = messages(xml)
    assert message.startswith("<rule id='r'>")
    assert expected in message


def test_a_cib_without_configuration_has_no_values() -> None:
    assert list(value_findings(etree.Element("cib"))) == []
