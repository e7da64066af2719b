"""Who is told of what, and with which variables: the pure part of alerts."""

from __future__ import annotations

from datetime import UTC

import pytest
from lxml import etree

from engine.alerts.configured import DEFAULT_TIMEOUT_MS, receivers
from engine.alerts.happenings import (
    AttributeWritten,
    Happening,
    NodeFenced,
    NodeSeen,
    OperationEnded,
)
from engine.alerts.runs import Run, runs, timestamp

NODE = NodeSeen("h1", "1", is_member=True)
FENCED = NodeFenced("h2", "off", "h1", "transition", ok=True)
COLOUR = AttributeWritten("h1", "1", "colour", "red")
SIZE = AttributeWritten("h1", "1", "size", "9")
STARTED = OperationEnded("h1", "db", "start", 0, 0, 0, 0, "ok", 12, 20_000)
TIMED_OUT = OperationEnded("h1", "db", "start", 0, 1, 0, 2, "Timed Out", 0, 20_000)
ALL = (NODE, FENCED, STARTED, COLOUR, SIZE)
WALL = 1_700_000_000.25


def told(inside: str, *happenings: Happening, alert: str = "") -> list[Run]:
    text = f'<cib><configuration><alerts><alert id="a" path="/x"{alert}>{inside}</alert></alerts></configuration></cib>'
    everybody = receivers(etree.fromstring(text), WALL)
    found: list[Run] = []
    for happening in happenings:
        found.extend(runs(happening, everybody, WALL, UTC, len(found)))
    return found


def kinds(found: list[Run]) -> list[str]:
    return [run.environment["CRM_alert_kind"] for run in found]


def meta(holder: str, **values: str) -> str:
    pairs = "".join(
        f'<nvpair id="{holder}-{name}" name="{name.replace("_", "-")}" value="{value}"/>'
        for name, value in values.items()
    )
    return f'<meta_attributes id="{holder}-meta">{pairs}</meta_attributes>'


@pytest.mark.parametrize(
    ("select", "wanted"),
    [
        ("", ["node", "fencing", "resource"]),
        ("<select/>", ["node", "fencing", "resource"]),
        ("<select><select_nodes/></select>", ["node"]),
        ("<select><select_fencing/><select_resources/></select>", ["fencing", "resource"]),
        ("<select><select_attributes/></select>", ["attribute", "attribute"]),
        (
            '<select><select_attributes><attribute id="i" name="size"/></select_attributes></select>',
            ["attribute"],
        ),
    ],
)
def test_what_an_alert_selects_is_what_it_is_told(select: str, wanted: list[str]) -> None:
    assert kinds(told(select, *ALL)) == wanted


def test_without_a_recipient_there_is_one_run_with_an_empty_one() -> None:
    [run] = told("", NODE)
    assert run.environment["CRM_alert_recipient"] == ""
    assert (run.path, run.timeout_ms) == ("/x", DEFAULT_TIMEOUT_MS)


def test_each_recipient_has_a_run_and_its_own_values_over_those_of_the_alert() -> None:
    own = (
        '<instance_attributes id="i1"><nvpair id="n1" name="who" value="{}"/></instance_attributes>'
    )
    inside = (
        meta("a", timeout="5s")
        + own.format("all")
        + '<recipient id="r1" value="one"/>'
        + f'<recipient id="r2" value="two">{meta("r2", timeout="7s")}{own.format("me").replace("1", "2")}</recipient>'
    )
    found = told(inside, NODE)
    assert [(run.environment["CRM_alert_recipient"], run.timeout_ms) for run in found] == [
        ("one", 5000),
        ("two", 7000),
    ]
    assert [run.environment["who"] for run in found] == ["all", "me"]
    assert [run.environment["CRM_alert_node_sequence"] for run in found] == ["1", "2"]


@pytest.mark.parametrize("value", ["0", "-3s", "soon", ""])
def test_a_time_out_that_is_none_is_the_usual_one(value: str) -> None:
    [run] = told(meta("a", timeout=value), NODE)
    assert run.timeout_ms == DEFAULT_TIMEOUT_MS


def test_an_alert_that_is_switched_off_tells_nobody_whatever_its_recipients_say() -> None:
    inside = (
        meta("a", enabled="false")
        + f'<recipient id="r" value="v">{meta("r", enabled="true")}</recipient>'
    )
    assert told(inside, NODE) == []


def test_a_recipient_can_be_switched_off_alone() -> None:
    inside = f'<recipient id="r" value="v">{meta("r", enabled="false")}</recipient><recipient id="s" value="w"/>'
    assert [run.environment["CRM_alert_recipient"] for run in told(inside, NODE)] == ["w"]


@pytest.mark.parametrize(
    ("happening", "wanted"),
    [
        (NODE, {"node": "h1", "nodeid": "1", "desc": "member"}),
        (NodeSeen("h1", "1", is_member=False), {"desc": "lost"}),
        (FENCED, {"node": "h2", "rc": "0", "desc": "Operation off of h2 by h1 for transition: OK"}),
        (STARTED, {"rsc": "db", "task": "start", "interval": "0", "rc": "0", "exec_time": "12"}),
        (TIMED_OUT, {"status": "2", "desc": "Timed Out", "exec_time": "20000"}),
        (COLOUR, {"attribute_name": "colour", "attribute_value": "red", "node": "h1"}),
    ],
)
def test_a_script_finds_what_happened_in_its_environment(
    happening: Happening, wanted: dict[str, str]
) -> None:
    [run] = told(
        "<select><select_nodes/><select_fencing/><select_resources/><select_attributes/></select>",
        happening,
    )
    found = {name: run.environment[f"CRM_alert_{name}"] for name in wanted}
    assert found == wanted


def test_the_time_is_there_in_three_forms_and_the_one_for_people_can_be_left_out() -> None:
    [run] = told("", NODE)
    assert run.environment["CRM_alert_timestamp_epoch"] == "1700000000"
    assert run.environment["CRM_alert_timestamp_usec"] == "250000"
    assert run.environment["CRM_alert_timestamp"] == "22:13:20.250000"
    [run] = told(meta("a", timestamp_format=""), NODE)
    assert "CRM_alert_timestamp" not in run.environment


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("%H:%M:%S.%06N", "22:13:20.012345"),
        ("%S.%03N", "20.012"),
        ("%s is %N", None),
        ("100%%N", "100%N"),
        ("%09N", "012345"),
    ],
)
def test_the_fraction_of_the_second_has_as_many_digits_as_asked_for(
    pattern: str, wanted: str | None
) -> None:
    found = timestamp(pattern, 1_700_000_000, 12_345, UTC)
    assert found.endswith(" is 012345") if wanted is None else found == wanted


def test_a_configuration_without_alerts_has_nobody_to_tell() -> None:
    assert receivers(etree.fromstring("<cib><configuration/></cib>"), WALL) == ()
