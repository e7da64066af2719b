"""The command crm_ticket, on a file, and what the controller makes of its requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib, empty_cib
from engine.cib.status import change_status
from engine.controller.messages import Ask
from engine.controller.options import controller_options
from engine.controller.requests import Decision, Situation, decide
from engine.tools.crm_ticket import main

Capture = pytest.CaptureFixture[str]
CONSTRAINT = '<rsc_ticket id="c" rsc="db" ticket="T" loss-policy="stop"/>'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cib = empty_cib()
    cib.section("resources").append(
        etree.fromstring('<primitive id="db" class="ocf" provider="pacemaker" type="Dummy"/>')
    )
    cib.section("constraints").append(etree.fromstring(CONSTRAINT))
    path = tmp_path / "cib.xml"
    path.write_bytes(cib.to_bytes())
    monkeypatch.setenv("CIB_file", str(path))
    monkeypatch.delenv("CIB_shadow", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    return path


def test_granting_and_revoking_need_force(file: Path, capsys: Capture) -> None:
    assert main(["-t", "T", "-g"]) == ExitStatus.UNSAFE
    assert main(["-t", "T", "-r"]) == ExitStatus.UNSAFE
    assert main(["-t", "T", "-S", "granted", "-v", "true"]) == ExitStatus.UNSAFE
    assert main(["-t", "T", "-D", "granted"]) == ExitStatus.UNSAFE
    assert b"ticket_state" not in file.read_bytes()
    assert main(["-t", "T", "-g", "--force", "-S", "owner", "-v1", "-S", "term", "-v5"]) == 0
    state = Cib.from_bytes(file.read_bytes()).root.find("status/tickets/ticket_state")
    assert state is not None
    assert (state.get("granted"), state.get("owner"), state.get("term")) == ("true", "1", "5")
    assert int(state.get("last-granted") or 0) > 1_700_000_000
    assert main(["-t", "T", "-C"]) == ExitStatus.UNSAFE
    capsys.readouterr()
    assert main(["-t", "T", "-q"]) == 0
    assert capsys.readouterr().out.startswith('State XML:\n\n<ticket_state id="T" ')
    assert main(["-t", "T", "-C", "-f"]) == 0
    assert main(["-t", "T", "-q"]) == ExitStatus.NOSUCH


def test_standby_and_attributes(file: Path, capsys: Capture) -> None:
    assert main(["-t", "T", "-s"]) == 0
    assert main(["-t", "T", "-G", "standby"]) == 0
    assert main(["-l"]) == 0
    assert main(["-t", "T", "-a"]) == 0
    assert main(["-t", "T", "-D", "standby"]) == 0
    assert main(["-t", "T", "-G", "standby", "-d", "no"]) == 0
    assert main(["-w"]) == 0
    assert capsys.readouterr().out == "true\nT\trevoked [standby]\nno\nT\n"
    assert main(["-t", "T", "-G", "standby"]) == ExitStatus.NOSUCH


def test_a_ticket_that_only_a_constraint_names_is_revoked(file: Path, capsys: Capture) -> None:
    assert main(["-L"]) == 0
    assert main(["-c"]) == 0
    assert capsys.readouterr().out == f"T\trevoked\nConstraints XML:\n\n{CONSTRAINT}\n"
    assert main(["-t", "U", "-l"]) == ExitStatus.NOSUCH
    assert main(["-t", "U", "-D", "x"]) == 0
    assert b"ticket_state" not in file.read_bytes()


@pytest.mark.parametrize("words", ["", "-g", "-t T -S a", "-G x", "-t T -S a -q", "--wat"])
def test_wrong_usage_is_status_64(file: Path, words: str) -> None:
    assert main(words.split()) == ExitStatus.USAGE


# -- at the controller --------------------------------------------------------------------------------


def asked(root: etree._Element, **fields: object) -> Decision:
    ask = Ask(1, "ticket", {"ticket": "T", **fields}, "root")
    situation = Situation(root, {1: "n1"}, None, controller_options(root, 1000.0), 5.0, 1000.0)
    return decide(ask, situation)


def test_a_change_of_a_ticket_is_a_change_of_the_status_and_schedules() -> None:
    root = empty_cib().root
    decision = asked(root, values={"granted": "true", "owner": "7"})
    assert decision.trigger == "ticket T"
    for change in decision.changes:
        change_status(root, change)
    state = root.find("status/tickets/ticket_state")
    assert state is not None
    assert dict(state.attrib) == {
        "id": "T",
        "granted": "true",
        "owner": "7",
        "last-granted": "1000",
    }
    assert asked(root, values={"owner": "7"}).changes == ()
    assert asked(root, values={}, gone=["nix"]).trigger == ""
    for change in asked(root, forget=True).changes:
        change_status(root, change)
    assert root.find("status/tickets/ticket_state") is None
    assert asked(root, forget=True).changes == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"ticket": ""},
        {"ticket": "a\x00"},
        {"ticket": 7},
        {"values": [1]},
        {"values": {"id": "x"}},
        {"values": {"a b": "x"}},
        {"values": {"a": "x\x00"}},
        {"values": {"a": 7}},
        {"gone": "x"},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    decision = asked(empty_cib().root, **fields)
    assert decision.reply is not None
    assert not decision.reply["ok"]
    assert decision.changes == ()
