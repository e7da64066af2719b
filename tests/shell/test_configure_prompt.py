"""Configuring by real keys: completion, questions about pending changes, editor, the users' session."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminal import Terminal


def configuring(folder: Path, **variables: str) -> Terminal:
    terminal = Terminal(folder, "configure", **variables)
    terminal.prompt("configure")
    return terminal


@pytest.fixture
def crm(tmp_path: Path) -> Terminal:
    return configuring(tmp_path)


def program(folder: Path, name: str, script: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_statement_is_completed_from_command_to_parameter(crm: Terminal) -> None:
    crm.keys("primi\tvip IPa\tpar\ti")
    crm.tab("ip=")
    crm.keys("1.2.3.4 ci\t24 \r")
    assert "ERROR" not in crm.output()
    shown = crm.type("show vip")
    assert "params ip=1.2.3.4 cidr_netmask=24" in shown


def test_a_parameters_meaning_type_and_default_are_shown(crm: Terminal) -> None:
    crm.keys("primitive vip IPaddr params ip=1 cidr_netmask=")
    crm.tab("24")
    crm.keys("\x03")
    crm.output()
    crm.keys("primitive vip IPaddr params ip=\t")
    crm.sees("required, string: address")


def test_ids_of_pending_objects_are_completed(crm: Terminal) -> None:
    crm.type("primitive a-long-name Dummy params ip=1")
    crm.keys("group g a-l\t\r")
    crm.output()
    assert "group g a-long-name" in crm.type("show g")


def test_meta_attributes_operations_and_rules_are_completed(crm: Terminal) -> None:
    crm.keys("primitive a Dummy params i")
    crm.tab("ip=")
    crm.keys("1 meta target-r\tStop\top moni\tinterval=\t\t timeo\t\r")
    assert "ERROR" not in crm.output()
    shown = crm.type("show a")
    assert "target-role=Stopped" in shown
    assert "op monitor" in shown
    crm.keys("location l a rule -inf: not_d\track\r")
    crm.output()
    assert "-inf: not_defined rack" in crm.type("show l")


def test_an_agent_that_is_not_there_offers_nothing_and_prints_nothing(crm: Terminal) -> None:
    crm.keys("primitive a NoSuch params \t\t")
    crm.keys("\x03")
    crm.output()
    assert "ERROR" not in crm.type("show")


def test_an_agent_that_hangs_does_not_hold_up_the_keys(tmp_path: Path) -> None:
    crm = configuring(tmp_path)
    program(tmp_path / "ocf/resource.d/heartbeat", "Hangs", "sleep 60")
    crm.keys("primitive a Hangs params \tfake=1\r")
    crm.child.timeout = 5
    crm.sees("configure#")


def test_ctrl_c_keeps_what_is_pending(crm: Terminal) -> None:
    crm.type("primitive a Dummy params ip=1")
    crm.keys("primitive b\x03")
    crm.output()
    shown = crm.type("show")
    assert "primitive a Dummy" in shown
    assert "primitive b" not in shown


@pytest.mark.parametrize(("answer", "stored", "stays"), [("y", True, False), ("n", False, False)])
def test_ctrl_d_shows_the_changes_and_asks(
    crm: Terminal, answer: str, stored: bool, stays: bool
) -> None:
    crm.type("primitive a Dummy params ip=1")
    crm.keys("\x04")
    assert "+primitive a Dummy" in crm.sees("(y/n/c)?")
    crm.keys(f"{answer}\r")
    crm.prompt()
    assert ('id="a"' in crm.cib.read_text()) == stored


def test_the_answer_c_stays_with_everything_pending(crm: Terminal) -> None:
    crm.type("primitive a Dummy params ip=1")
    crm.keys("up\r")
    crm.sees("(y/n/c)?")
    crm.keys("c\r")
    crm.output()
    assert "primitive a Dummy" in crm.type("show a")
    assert 'id="a"' not in crm.cib.read_text()


def test_a_statement_over_several_lines_is_one(crm: Terminal) -> None:
    crm.keys("primitive a Dummy \\\r")
    crm.sees("   >")
    crm.keys("params ip=1 \\\rmeta priority=2\r")
    crm.output()
    shown = crm.type("show a")
    assert "params ip=1" in shown
    assert "meta priority=2" in shown


def test_the_editor_changes_an_object(tmp_path: Path) -> None:
    editor = program(tmp_path, "ed", 'sed -i s/ip=1/ip=2/ "$1"')
    crm = configuring(tmp_path, EDITOR=editor)
    crm.type("primitive a Dummy params ip=1")
    assert "ERROR" not in crm.type("edit a")
    assert "ip=2" in crm.type("show a")


def test_a_mistake_in_the_editor_is_shown_and_the_editor_offered_again(tmp_path: Path) -> None:
    editor = program(tmp_path, "ed", 'echo "primitive" >> "$1"')
    crm = configuring(tmp_path, EDITOR=editor)
    crm.type("primitive a Dummy params ip=1")
    crm.keys("edit a\r")
    assert "ERROR" in crm.sees("Edit or discard changes")
    crm.keys("n\r")
    crm.output()
    assert crm.type("show").count("primitive") == 1


@pytest.mark.parametrize("editor", ["false", "/no/such/editor", "'"])
def test_a_broken_editor_is_one_line_and_nothing_changes(tmp_path: Path, editor: str) -> None:
    crm = configuring(tmp_path, EDITOR=editor)
    crm.type("primitive a Dummy params ip=1")
    said = crm.type("edit a")
    assert said.count("ERROR") == 1
    assert "Traceback" not in said
    assert "ip=1" in crm.type("show a")


def test_the_session_of_the_introductions_works_as_typed(tmp_path: Path) -> None:
    editor = program(tmp_path, "ed", "exit 0")
    crm = Terminal(tmp_path, EDITOR=editor, rows=100)
    crm.prompt()
    crm.type("cd ra")
    crm.prompt("ra")
    assert "ocf / heartbeat" in crm.type("classes")
    assert "IPaddr" in crm.type("list ocf heartbeat")
    assert "cidr_netmask" in crm.type("info ocf:heartbeat:IPaddr")
    crm.keys("exit\r")
    assert crm.ends() == 0

    crm = Terminal(tmp_path, EDITOR=editor, rows=100)
    crm.prompt()
    crm.type("configure")
    for line in (
        "property stonith-enabled=false",
        "primitive webip ocf:heartbeat:IPaddr params ip=192.168.10.160 cidr_netmask=24",
        "edit webip",
        "primitive webserver systemd:nginx",
        "group webservice webip webserver",
    ):
        assert "ERROR" not in crm.type(line)
    crm.type("verify")
    assert "ERROR" not in crm.type("commit force")
    crm.type("cd ..")
    crm.type("node")
    assert "standby node n1" in crm.type("standby n1")
    assert "online node n1" in crm.type("online n1")
    crm.type("cd ..")
    crm.keys("exit\r")
    assert crm.ends() == 0

    crm = configuring(tmp_path)
    for line in ("monitor webip 30s:20s", "monitor webserver 30s:100s"):
        assert "ERROR" not in crm.type(line)
    assert "ERROR" not in crm.type("commit force")
    stored = crm.cib.read_text()
    for part in ('id="webservice"', 'interval="30s"', 'timeout="100s"', 'value="192.168.10.160"'):
        assert part in stored


def test_leaving_shows_findings_explains_the_letters_and_asks_again(crm: Terminal) -> None:
    crm.type("primitive a Dummy params ip=1 nosuch=2")
    crm.keys("up\r")
    before = crm.sees("(y/n/c)?")
    assert 'parameter "nosuch" is not known' in before
    assert "y commits the changes, n drops them, c stays here with them" in before
    crm.keys("perhaps\r")
    crm.sees("'perhaps' is no answer; y commits")
    crm.sees("(y/n/c)?")
    crm.keys("n\r")
    crm.prompt()


def test_what_was_edited_is_checked_at_once(tmp_path: Path) -> None:
    editor = program(tmp_path, "ed", 'sed -i "s/ip=1/ip=1 nosuch=2/" "$1"')
    crm = configuring(tmp_path, EDITOR=editor)
    crm.type("primitive a Dummy params ip=1")
    assert 'parameter "nosuch" is not known' in crm.type("edit a")


def test_a_statement_typed_again_replaces_the_one_kept_with_an_error(crm: Terminal) -> None:
    assert "is not known" in crm.type("primitive a Dummy params ip=1 nosuch=2")
    assert "ERROR" not in crm.type("primitive a Dummy params ip=3")
    assert "ip=3" in crm.type("show a")
    assert "edit a changes it" in crm.type("primitive a Dummy params ip=4")
