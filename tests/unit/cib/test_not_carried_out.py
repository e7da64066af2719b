"""What the agents do not do is refused when it comes in, and does not stand in the way afterwards."""

from __future__ import annotations

import pytest
from lxml import etree

from engine.base.events import Outcome, Submission
from engine.base.exitcodes import ExitStatus
from engine.cib.not_carried_out import ROWS, refusals, rows_in, uses_of
from engine.cib.patch import diff, patch_to_bytes
from engine.replica.state import ReplicatedCib

OPTION = '<cluster_property_set id="o"><nvpair id="x" name="{}" value="{}"/></cluster_property_set>'
USES = {
    "bundles": ("resources", '<bundle id="b"><podman image="i"/></bundle>'),
    "fencing by watchdog": ("crm_config", OPTION.format("stonith-watchdog-timeout", "10s")),
}


def machine() -> ReplicatedCib:
    made = ReplicatedCib()
    section = made.cib.section("resources")
    section.append(
        etree.fromstring('<primitive id="d" class="ocf" provider="pacemaker" type="Dummy"/>')
    )
    return made


def submit(held: ReplicatedCib, section: str, text: str) -> bytes | Outcome:
    new = held.cib.copy()
    new.section(section).append(etree.fromstring(text))
    patch = patch_to_bytes(diff(held.cib.root, new.root))
    return held.judge(Submission("r", held.version, patch=patch))


def test_every_row_has_a_use_here() -> None:
    assert {row.name for row in ROWS} <= set(USES)


@pytest.mark.parametrize("row", [row.name for row in ROWS])
def test_a_change_that_brings_it_in_is_refused_with_its_name_and_place(row: str) -> None:
    section, text = USES[row]
    refused = submit(machine(), section, text)
    assert isinstance(refused, Outcome)
    assert refused.status == ExitStatus.UNIMPLEMENT_FEATURE
    wanted = next(each for each in ROWS if each.name == row)
    assert wanted.what in refused.error
    assert wanted.advice in refused.error


@pytest.mark.parametrize("row", [row.name for row in ROWS])
def test_what_is_there_already_does_not_stand_in_the_way(row: str) -> None:
    held = machine()
    section, text = USES[row]
    held.cib.section(section).append(etree.fromstring(text))
    dummy = '<primitive id="more" class="ocf" provider="pacemaker" type="Dummy"/>'
    assert isinstance(submit(held, "resources", dummy), bytes)


def test_switching_it_on_under_any_id_is_refused_and_switching_it_off_is_not() -> None:
    held = machine()
    held.cib.section("crm_config").append(
        etree.fromstring(OPTION.format("stonith-watchdog-timeout", "0"))
    )
    for value, fine in (("10s", False), ("0s", True)):
        new = held.cib.copy()
        pair = new.root.find(".//nvpair[@id='x']")
        assert pair is not None
        pair.set("value", value)
        patch = patch_to_bytes(diff(held.cib.root, new.root))
        assert isinstance(held.judge(Submission("r", held.version, patch=patch)), bytes) is fine


def test_a_replacement_is_judged_as_well() -> None:
    held = machine()
    new = held.cib.copy()
    new.section("resources").append(etree.fromstring(USES["bundles"][1]))
    judged = held.judge(Submission("r", held.version, replace=new.to_bytes()))
    assert isinstance(judged, Outcome)
    assert "b: bundles are not run" in judged.error


@pytest.mark.parametrize("row", [row.name for row in ROWS])
def test_the_quick_look_at_a_change_misses_nothing(row: str) -> None:
    section, text = USES[row]
    held = machine()
    new = held.cib.copy()
    new.section(section).append(etree.fromstring(text))
    rows = rows_in(patch_to_bytes(diff(held.cib.root, new.root)))
    assert refusals(uses_of(held.cib.root, rows), new.root, rows)
