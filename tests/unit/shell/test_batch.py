"""Scripts: levels, continuation lines, places of errors, all or nothing."""

from __future__ import annotations

import pytest
from shell_runner import Shell


def test_levels_are_entered_and_left(shell: Shell) -> None:
    said = shell(stdin="node\nstandby n1\nup\nresource\ncd ../node\nshow n1\nquit\nnosuch\n")
    assert said.status == 0
    assert "standby=on" in said.out


def test_a_level_in_front_of_a_command_lasts_one_line(shell: Shell) -> None:
    said = shell(stdin="node show n1\nresource locate ip\n")
    assert said.status == 0
    assert "resource ip is NOT running" in said.out


def test_a_path_in_front_of_a_command_lasts_one_line(shell: Shell) -> None:
    said = shell(stdin="node\n../resource locate ip\nshow n1\n/resource locate ip\nshow n2\n")
    assert said.status == 0
    assert said.out.count("NOT running") == 2


def test_a_path_alone_goes_there(shell: Shell) -> None:
    said = shell(stdin="node\n..\n/resource\nlocate ip\n../node\nshow n1\n")
    assert said.status == 0


def test_continuation_lines_are_joined(shell: Shell) -> None:
    said = shell(stdin="node \\\n   attribute n1 \\\n set a '1 2'\n")
    assert said.status == 0
    assert 'value="1 2"' in said.cib


def test_comments_and_blank_lines_are_nothing(shell: Shell) -> None:
    assert shell(stdin="# remark\n\n   # indented\n").status == 0


def test_an_error_names_file_line_and_column_and_shows_the_place(shell: Shell) -> None:
    said = shell(stdin="node\nshow n1\n  standbi n1\n")
    assert said.status == 1
    assert "ERROR: stdin:3:3: " in said.err
    assert "      standbi n1\n      ^~~~~~~\n" in said.err


def test_after_an_error_nothing_acts_on_the_cluster_but_every_error_is_said(shell: Shell) -> None:
    said = shell(stdin="node standby n1\nnosuch\nnode standby n2\nnosuch2\n")
    assert said.status == 1
    assert said.cib.count('name="standby"') == 1
    assert "nosuch2" in said.err
    assert "not run" in said.err


def test_under_force_a_script_goes_on_and_ends_with_1(shell: Shell) -> None:
    said = shell("-F", stdin="nosuch\nnode standby n2\n")
    assert said.status == 1
    assert said.cib.count('name="standby"') == 1


def test_batch_errors_stop_ends_at_the_first_error(shell: Shell) -> None:
    said = shell("-o", "core.batch_errors=stop", stdin="nosuch\nnosuch2\n")
    assert said.status == 1
    assert "nosuch2" not in said.err


def test_what_stops_something_is_spelt_out_in_a_script(shell: Shell) -> None:
    said = shell(stdin="resource sto ip\n")
    assert said.status == 1
    assert "Stopped" not in said.cib
    assert shell("resource", "sto", "ip").status == 0


@pytest.mark.parametrize(
    "data",
    [
        b"node show \xff\xfe\n",
        b"node show a\x00b\n",
        b"node show 'open\n",
        b'node show "open\n',
        b"node show " + b"x" * 5_000_000,
        b"\\",
        b"node show \\",
        b"/" * 1000,
        b"cd " + b"../" * 1000,
        b"\xe2\x80\xa8\n",
    ],
)
def test_no_bytes_on_stdin_make_a_traceback_or_change_the_cib(shell: Shell, data: bytes) -> None:
    said = shell(stdin=data)
    assert "Traceback" not in said.err
    assert "bug" not in said.err
    assert 'epoch="1"' in said.cib


def test_a_file_runs_from_the_level_given(shell: Shell, tmp_path: object) -> None:
    script = f"{tmp_path}/script.crm"
    with open(script, "w", encoding="utf-8") as stream:
        stream.write("standby n1\n")
    said = shell("-f", script, "node")
    assert said.status == 0
    assert 'value="on"' in said.cib
