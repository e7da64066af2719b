"""The interactive prompt, by real keys on a terminal."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from terminal import Terminal


@pytest.fixture
def crm(tmp_path: Path) -> Terminal:
    terminal = Terminal(tmp_path)
    terminal.prompt()
    return terminal


def test_a_level_is_entered_and_left_and_the_prompt_says_where(crm: Terminal) -> None:
    crm.type("options")
    crm.prompt("options")
    crm.type("up")
    crm.prompt()
    crm.keys("quit\r")
    crm.sees("bye")
    assert crm.ends() == 0


def test_ctrl_d_leaves_the_level_and_at_the_root_the_shell(crm: Terminal) -> None:
    crm.type("options")
    crm.prompt("options")
    crm.keys("\x04")
    crm.prompt()
    crm.keys("\x04")
    crm.sees("bye")
    assert crm.ends() == 0


def test_ctrl_c_discards_the_line(crm: Terminal) -> None:
    crm.keys("nonsense\x03")
    crm.output()
    assert "120" in crm.type("options show core.lock_timeout")


def test_tab_completes_a_level_and_a_command(crm: Terminal) -> None:
    crm.keys("opt\t")
    crm.sees("options")
    crm.keys("check-m\tstrict\r")
    crm.output()
    crm.prompt()
    assert "check_mode = strict" in (crm.folder / ".config/crm/crm.conf").read_text()


def test_tab_offers_nodes_of_the_cib(crm: Terminal) -> None:
    crm.keys("node standby \t")
    crm.sees("n1")
    crm.sees("n2")


def test_an_unknown_word_is_one_line_with_the_nearest(crm: Terminal) -> None:
    assert "did you mean options" in crm.type("optoins show")
    crm.prompt()


def test_help_and_question_mark_need_no_cluster(tmp_path: Path) -> None:
    (tmp_path / "cib.xml").write_text("not XML")
    crm = Terminal(tmp_path, rows=100)
    crm.prompt()
    assert "Levels:" in crm.type("?")
    assert "conditions on node attributes" in crm.type("help rules")


def test_long_output_goes_through_the_pager_and_short_output_does_not(tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho PAGED; wc -l\n")
    pager.chmod(0o755)
    crm = Terminal(tmp_path, PAGER=str(pager))
    crm.prompt()
    assert "PAGED" in crm.type("options show all")
    assert "PAGED" not in crm.type("options show core.wait")


def test_after_a_resize_the_pager_knows_the_new_height(tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho PAGED; wc -l\n")
    pager.chmod(0o755)
    crm = Terminal(tmp_path, PAGER=str(pager))
    crm.prompt()
    crm.child.setwinsize(200, 100)
    crm.keys("options show all\r")
    assert "PAGED" not in crm.sees("color.ticket")
    crm.child.setwinsize(10, 100)
    crm.keys("options show all\r")
    crm.sees("PAGED")


def test_a_resize_while_typing_keeps_the_line(crm: Terminal) -> None:
    crm.keys("options show core.ch")
    crm.child.setwinsize(30, 60)
    time.sleep(0.2)
    crm.keys("eck_mode\r")
    crm.sees("strict")


def test_history_is_kept_and_searched(tmp_path: Path) -> None:
    first = Terminal(tmp_path)
    first.prompt()
    first.type("options show core.lock_timeout")
    first.keys("\x04")
    first.ends()
    assert (tmp_path / ".local/state/crm/history").stat().st_mode & 0o777 == 0o600
    second = Terminal(tmp_path)
    second.prompt()
    second.keys("\x12lock")
    second.sees("lock_timeout")
    second.keys("\r\r")
    assert "120" in second.output()


def test_an_old_history_of_crmsh_is_taken_over(tmp_path: Path) -> None:
    old = tmp_path / ".cache/crm/history"
    old.parent.mkdir(parents=True)
    old.write_text("options show core.pager\noptions show core.lock_timeout\n")
    crm = Terminal(tmp_path)
    crm.prompt()
    crm.keys("\x1b[A\r")
    assert "120" in crm.output()


def test_a_suggestion_from_history_is_taken_with_the_right_arrow(crm: Terminal) -> None:
    crm.type("options show core.lock_timeout")
    crm.keys("options sh")
    crm.sees("core.lock_timeout")
    crm.keys("\x1b[C\r")
    assert "120" in crm.output()


def test_a_line_that_ends_with_a_backslash_goes_on(crm: Terminal) -> None:
    crm.keys("options \\\r")
    crm.sees("   >")
    crm.keys("show core.lock_timeout\r")
    assert "120" in crm.output()


def test_a_home_that_cannot_be_written_to_costs_only_the_history(tmp_path: Path) -> None:
    crm = Terminal(tmp_path, HOME="/proc/self")
    crm.prompt()
    assert "120" in crm.type("options show core.lock_timeout")


def test_several_pasted_lines_run_one_after_the_other(crm: Terminal) -> None:
    crm.keys("\x1b[200~options show core.lock_timeout\noptions show core.check_mode\x1b[201~\r")
    printed = crm.output()
    assert "120" in printed
    assert "strict" in printed


def test_completion_of_a_broken_cib_prints_nothing_into_the_prompt(tmp_path: Path) -> None:
    (tmp_path / "cib.xml").write_text("<cib")
    crm = Terminal(tmp_path)
    crm.prompt()
    crm.keys("node standby \t\t")
    time.sleep(0.5)
    crm.keys("\x03")
    before = crm.prompt()
    assert "ERROR" not in before
    assert "Traceback" not in before


def test_ctrl_c_interrupts_a_running_command_and_the_shell_goes_on(tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho RUNS\ntrap 'exit 1' INT\nsleep 60\n")
    pager.chmod(0o755)
    crm = Terminal(tmp_path, PAGER=str(pager))
    crm.prompt()
    crm.keys("options show all\r")
    crm.sees("RUNS")
    crm.keys("\x03")
    crm.prompt()
    assert "120" in crm.type("options show core.lock_timeout")


def test_a_dumb_terminal_gets_a_plain_prompt(tmp_path: Path) -> None:
    crm = Terminal(tmp_path, TERM="dumb")
    crm.prompt()
    crm.keys("options show core.lock_timeout\r")
    crm.sees("120")
    crm.keys("\x04")
    crm.sees("bye")
    assert crm.ends() == 0


def test_letters_beyond_ascii_survive_a_c_locale(tmp_path: Path) -> None:
    crm = Terminal(tmp_path, "configure", LANG="C", LC_ALL="C")
    crm.prompt("configure")
    crm.type('node n1 attributes room="Köln"')
    crm.keys("up\r")
    crm.sees("(y/n/c)?")
    crm.keys("y\r")
    crm.output()
    crm.prompt()
    assert 'value="Köln"' in crm.cib.read_text()


def test_status_watch_shows_changes_until_ctrl_c(tmp_path: Path) -> None:
    crm = Terminal(tmp_path, rows=30)
    crm.prompt()
    crm.keys("status watch 1 bynode\r")
    crm.sees("Node List:")
    crm.cib.write_text(crm.cib.read_text().replace('uname="n2"', 'uname="renamed"'))
    crm.sees("renamed")
    crm.keys("\x03")
    crm.prompt()
    assert "did you mean bynode" in crm.type("status watch bynod")
    assert "120" in crm.type("options show core.lock_timeout")
