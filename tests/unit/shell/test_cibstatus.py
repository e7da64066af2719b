"""Level cibstatus: a status to try things on; the CIB itself stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell_runner import Shell


def test_a_failed_node_moves_what_runs_there_in_the_simulation_only(
    shell: Shell, tmp_path: Path
) -> None:
    before = (tmp_path / "cib.xml").read_text()
    said = shell(
        stdin="cibstatus\nnode n1 online\nnode n2 online\nquorum true\n"
        "op start ip success n1\nsimulate\nshow changed\n"
    )
    assert said.status == 0
    assert "Bringing node n1 online" in said.out
    assert "Injecting ip_start_0@n1=0 into the configuration" in said.out
    assert said.cib == before


def test_an_operation_can_time_out(shell: Shell) -> None:
    said = shell(stdin="cibstatus\nnode n1 online\nop monitor:10s ip unknown timeout n1\nshow\n")
    assert said.status == 0
    assert 'op-status="2"' in said.out
    assert 'interval="10000"' in said.out


def test_tickets_are_granted_and_revoked(shell: Shell) -> None:
    said = shell(stdin="cibstatus\nticket t grant\nticket t standby\nshow\n")
    assert 'granted="true"' in said.out
    assert 'standby="true"' in said.out


def test_a_status_is_saved_and_loaded(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "status.xml"
    shell(stdin=f"cibstatus\nnode n1 online\nsave {path}\n")
    said = shell(stdin=f"cibstatus\nload {path}\norigin\nshow\n")
    assert said.out.startswith(str(path))
    assert 'crmd="online"' in said.out


@pytest.mark.parametrize(
    "line",
    [
        "node nix online",
        "node n1 sleeping",
        "op start nix success n1",
        "op start ip wonderful n1",
        "op start ip success",
        "ticket t burn",
        "quorum maybe",
        "load /nonexistent",
        "save live",
        "show something",
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(shell: Shell, line: str) -> None:
    said = shell("cibstatus", *line.split())
    assert said.status == 1
    assert said.err.startswith("ERROR: ")
    assert said.err.count("ERROR") == 1
