"""The command line of `crm`: options, one-shot calls, words that are nothing."""

from __future__ import annotations

import pytest
from shell_runner import Shell

from crmshell import __version__
from crmshell.app import wishes_from_words
from crmshell.batch import quoted_word
from crmshell.errors import UsageProblem
from crmshell.grammar.tokens import Line, split_words


def test_the_version_is_printed(shell: Shell) -> None:
    assert shell("--version").out == f"crm {__version__}\n"


def test_options_stand_before_the_first_word() -> None:
    wishes = wishes_from_words(["-Fw", "-c", "x", "-Dplain", "--opt=core.wait=yes", "node", "-f"])
    assert (wishes.force, wishes.wait, wishes.shadow) == (True, True, "x")
    assert wishes.settings == [("color.style", "plain"), ("core.wait", "yes")]
    assert wishes.words == ["node", "-f"]


@pytest.mark.parametrize(
    "words", [["--nosuch"], ["-f"], ["-o", "x"], ["--color", "pink"], ["--output-as=yaml"]]
)
def test_a_wrong_option_is_status_2_and_one_line(shell: Shell, words: list[str]) -> None:
    said = shell(*words)
    assert said.status == 2
    assert said.err.count("\n") == 1
    with pytest.raises(UsageProblem):
        wishes_from_words(words)


def test_an_unknown_setting_is_refused_with_the_nearest_name(shell: Shell) -> None:
    said = shell("-o", "core.pagr=x", "node", "show")
    assert said.status == 2
    assert "core.pager" in said.err


def test_an_unknown_command_is_status_1_and_names_the_nearest(shell: Shell) -> None:
    said = shell("node", "standbi", "n1")
    assert said.status == 1
    assert "did you mean standby?" in said.err
    assert "^~~" in said.err


def test_a_file_of_commands_that_cannot_be_read_is_status_2(shell: Shell) -> None:
    assert shell("-f", "/nonexistent/script").status == 2


@pytest.mark.parametrize(
    "word", ["plain", "a b", "it's", 'say "x"', "", "a\\", 'it\'s "both" \\ here', "tab\there"]
)
def test_a_word_of_the_command_line_stays_one_word(word: str) -> None:
    tokens = split_words(Line.single(quoted_word(word)))
    assert [token.text for token in tokens] == [word]


def test_words_with_closed_quotes_are_read_as_typed() -> None:
    assert quoted_word('x="a"') == 'x="a"'


def test_abbreviations_are_by_prefix_and_for_levels_by_letters(shell: Shell) -> None:
    assert shell("nod", "sho").status == 0
    assert shell("rsc", "locate", "ip").status == 0
    assert shell("node", "stdby", "n1").status == 1


def test_an_ambiguous_prefix_is_not_guessed(shell: Shell) -> None:
    said = shell("node", "st", "n1")
    assert said.status == 1
    assert "standby" in said.err
    assert "status-attr" in said.err


def test_too_few_words_say_what_is_expected(shell: Shell) -> None:
    said = shell("node", "fence")
    assert said.status == 1
    assert "takes exactly 1 argument (0 given)" in said.err


def test_a_missing_cib_file_is_one_line(shell: Shell) -> None:
    said = shell("node", "show", CIB_file="/nonexistent/cib.xml")
    assert (said.status, said.err.count("\n")) == (1, 1)


def test_without_a_cluster_the_shell_says_so_in_one_line(shell: Shell) -> None:
    said = shell("node", "show", CIB_file="", CRMSHELL_ROOT="/nonexistent")
    assert said.status == 1
    assert said.err.startswith("ERROR: no cluster runs on this machine")
    assert said.err.count("\n") == 1


def test_a_commit_that_is_refused_on_leaving_is_tried_once(shell: Shell) -> None:
    before = shell("configure", "show", "xml").out
    said = shell("configure", "xml", "<primitive id='x' class='ocf' type='Dummy' foo='1'/>")
    assert said.status == 1
    assert said.err.count("not committed") == 1
    assert shell("configure", "show", "xml").out == before
