"""The options, output and result codes that all programs share."""

from __future__ import annotations

import pytest
from lxml import etree

from engine.base.errors import EngineError
from engine.base.result_codes import EXIT, LEGACY, LIBRARY, exit_code, legacy_code, library_code
from engine.tools import crm_error, iso8601
from engine.tools.frame.options import option, parse

TABLE = (
    option("-Q --query", "ask"),
    option("-l --local", "here"),
    option("-v --attr-value", "a value", value="VALUE"),
    option("-i --interval", "maybe a value", value="N", optional=True),
)


def test_short_options_may_be_bundled() -> None:
    found = parse("x", TABLE, ["-Qlv", "5", "rest"])
    assert found.given == [("query", ""), ("local", ""), ("attr-value", "5")]
    assert found.words == ["rest"]


@pytest.mark.parametrize(
    "words",
    [
        ["-v", "-INFINITY"],
        ["--attr-value=-INFINITY"],
        ["-v-INFINITY"],
        ["--attr-value", "-INFINITY"],
    ],
)
def test_a_value_may_begin_with_a_dash(words: list[str]) -> None:
    assert parse("x", TABLE, words).get("attr-value") == "-INFINITY"


def test_a_value_that_may_be_left_out() -> None:
    words = ["--interval", "7", "-i3", "--interval=4", "-i", "-Q", "-v", "-i", "-i"]
    found = parse("x", TABLE, words)
    assert found.all("interval") == ["7", "3", "4", "", ""]
    assert found.get("attr-value") == "-i"
    assert found.words == []


def test_a_long_name_may_be_cut_short() -> None:
    assert parse("x", TABLE, ["--inter=4", "--que"]).given == [("interval", "4"), ("query", "")]


def test_behind_two_dashes_there_are_no_options() -> None:
    assert parse("x", TABLE, ["-Q", "--", "-l"]).words == ["-l"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--qeury"], "unknown option --qeury; did you mean --query?"),
        (["-z"], "unknown option -z; x --help lists the options"),
        (["-v"], "option -v needs a value"),
        (["--query=1"], "option --query takes no value"),
        (["-v", "a\x01"], "'a\\x01' holds characters that are not text"),
        (["-v", "\udcff"], "'\\udcff' holds characters that are not text"),
    ],
)
def test_a_wrong_word_is_one_line(words: list[str], text: str) -> None:
    with pytest.raises(EngineError) as caught:
        parse("x", TABLE, words)
    assert (str(caught.value), int(caught.value.status)) == (text, 64)


def test_a_wrong_option_is_told_in_the_wanted_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert crm_error.main(["--output-as=xml", "--nonsense"]) == 64
    root = etree.fromstring(capsys.readouterr().out)
    assert root.find("status").get("code") == "64"
    assert "nonsense" in (root.findtext("status/errors/error") or "")


def test_a_code_that_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert crm_error.main(["abc"]) == 64
    assert (
        capsys.readouterr().err
        == "crm_error: 'abc' is not a result code, expected a whole number\n"
    )


def test_the_three_families_of_codes() -> None:
    assert exit_code(64) == ("CRM_EX_USAGE", "Incorrect usage")
    assert exit_code(137) == ("CRM_EX_SIGNAL", "Interrupted by signal 9")
    assert library_code(-1005) == ("pcmk_rc_node_unknown", "Node not found")
    assert library_code(2) == legacy_code(-2) == ("ENOENT", "No such file or directory")
    assert legacy_code(204)[0] == "pcmk_err_transform_failed"
    assert (len(EXIT), len(LIBRARY), len(LEGACY)) == (44, 44, 17)
    assert all(text for family in (EXIT, LIBRARY, LEGACY) for _, text in family.values())


@pytest.mark.parametrize(
    ("words", "last", "status"),
    [
        (["-d", "2009-01-31 00:00:00Z", "-D", "P1M"], "Duration ends at: 2009-02-28 00:00:00Z", 0),
        (["-p", "2020-02-28/P1D"], "Period: 2020-02-28 00:00:00Z to 2020-02-29 00:00:00Z", 0),
        (["-p", "P1D/2020-03-01"], "Period: 2020-02-29 00:00:00Z to 2020-03-01 00:00:00Z", 0),
        (["-d", "2020-02-29 12:00 +02:00", "-L"], "Date: 2020-02-29 12:00:00 +02:00", 0),
        (["-d", "2020-02-29 12:00 +02:00", "-O"], "Date: 2020-060 10:00:00Z", 0),
        (["-d", "2020-02-29", "-E", "2020-03-01 00:00:00Z"], "Date: 2020-02-29 00:00:00Z", 1),
    ],
)
def test_dates(
    words: list[str], last: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert iso8601.main(words) == status
    assert capsys.readouterr().out.splitlines()[-1] == last


@pytest.mark.parametrize(
    "text", ["2019-13-01", "2019-10-01 00:00 +25:00", "P1D", "2019-10-01 24:00:01", "", "P/"]
)
def test_what_is_no_date_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert iso8601.main(["-d", text]) == 2
    assert capsys.readouterr().err == f"iso8601: Invalid date/time specified: {text}\n"
