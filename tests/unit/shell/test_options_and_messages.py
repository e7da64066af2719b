"""Settings, colours, message lines, tables and the pager's decisions."""

from __future__ import annotations

import io

import pytest

from crmshell.environment import Environment, decode_text
from crmshell.errors import ShellError
from crmshell.options import OPTIONS, Options, values_from_ini
from crmshell.output.messages import format_report
from crmshell.output.pager import pager_command, rows_of
from crmshell.output.style import Style, style_for
from crmshell.output.tables import aligned, in_columns
from engine.base.reports import Report, Severity, Span


def _environment(tty: bool = True, **variables: str) -> Environment:
    return Environment(
        io.StringIO(),
        io.StringIO(),
        io.StringIO(),
        {"TERM": "xterm", "PATH": "/usr/bin:/bin", **variables},
        stdout_tty=tty,
        stderr_tty=tty,
    )


def test_every_default_is_legal() -> None:
    assert [name for name, option in OPTIONS.items() if option.problem_with(option.default)] == []


def test_layers_win_in_order() -> None:
    options = Options({"core.wait": "yes"}, {"core.wait": "no"})
    assert not options.flag("core.wait")
    options.set("wait", "1")
    assert options.flag("core.wait")
    assert dict(options.changed()) == {"core.wait": "1"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("core.wait", "perhaps"),
        ("core.lock_timeout", "-1"),
        ("core.check_mode", "lax"),
        ("color.error", "ultraviolet"),
        ("color.style", "color,neon"),
        ("core.nosuch", "x"),
    ],
)
def test_what_is_not_legal_is_refused_and_the_value_kept(name: str, value: str) -> None:
    options = Options()
    before = dict(options.changed())
    with pytest.raises(ShellError):
        options.set(name, value)
    assert dict(options.changed()) == before


def test_an_ini_text_says_which_line_is_wrong() -> None:
    text = "# remark\n[core]\nwait = yes\nnonsense\ncheck_mode = lax\n[other]\nx = 1\n"
    values, findings = values_from_ini(text, "crm.conf")
    assert values == {"core.wait": "yes"}
    assert [finding.message.split(": ")[0] for finding in findings] == ["crm.conf:4", "crm.conf:5"]


@pytest.mark.parametrize(
    ("tty", "variables", "style", "colour"),
    [
        (True, {}, "color", True),
        (False, {}, "color", False),
        (True, {"NO_COLOR": "1"}, "color", False),
        (True, {"TERM": "dumb"}, "color", False),
        (True, {}, "plain", False),
        (False, {"NO_COLOR": "1"}, "color-always", True),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    tty: bool, variables: dict[str, str], style: str, colour: bool
) -> None:
    options = Options(run_values={"color.style": style})
    assert style_for(_environment(tty, **variables), options).colour is colour


def test_keywords_are_capitals_when_asked_for() -> None:
    style = style_for(_environment(False), Options(run_values={"color.style": "uppercase"}))
    assert style.paint("keyword", "primitive") == "PRIMITIVE"
    assert style.paint("identifier", "p1") == "p1"


def test_a_message_shows_place_line_and_caret() -> None:
    report = Report(
        "x", Severity.ERROR, "no such thing", span=Span("f.crm", 3, 5, 4), nearest="thing2"
    )
    text = format_report(report, Style(), lambda file, line: "    bad!" if line == 3 else None)
    assert text == (
        "ERROR: f.crm:3:5: no such thing (did you mean thing2?)\n        bad!\n        ^~~~"
    )


def test_a_long_line_is_cut_around_the_place_and_control_characters_are_not_sent() -> None:
    line = "x" * 1000 + "\033[31m" + "y" * 1000
    report = Report("x", Severity.WARNING, "a\nb\033c", span=Span("f", 1, 1001, 1))
    text = format_report(report, Style(), lambda file, number: line)
    assert "\033" not in text
    assert text.startswith("WARNING: f:1:1001: a b?c\n")
    assert max(len(part) for part in text.splitlines()) < 200
    assert text.splitlines()[2].index("^") == text.splitlines()[1].index("?")


def test_words_stand_in_columns_that_fit() -> None:
    assert in_columns(["a", "b", "c"], 80) == "a  b  c"
    assert in_columns(["a", "b", "c"], 1) == "a\nb\nc"
    assert in_columns(["a", "b"], None) == "a\nb"
    assert in_columns([], 80) == ""
    assert aligned([("a", "bb"), ("ccc", "d")]) == "a    bb\nccc  d"


def test_rows_count_folded_lines_and_no_colour_codes() -> None:
    assert rows_of("x" * 81 + "\ny\n", 80) == 3
    assert rows_of("\033[31m" + "x" * 80 + "\033[0m", 80) == 1


def test_the_pager_is_the_users_then_less() -> None:
    assert pager_command(_environment(PAGER="cat -n"), "") == ["cat", "-n"]
    assert pager_command(_environment(PAGER="cat"), "nosuchpager") == ["cat"]
    assert pager_command(_environment(PAGER="'"), "cat") == ["cat"]


@pytest.mark.parametrize("data", [b"ok\n\xff", b"ok\na\0b"])
def test_text_that_is_none_is_refused_with_its_place(data: bytes) -> None:
    with pytest.raises(ShellError, match="file:2:"):
        decode_text(data, "file")
