"""From a line to a command: abbreviations, bugs, -R, help of a command, waiting."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell_runner import Shell

from crmshell.errors import UnknownWord
from crmshell.levels.frame.registry import LEVELS, Command, Level, Registry, follow_path


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


@pytest.mark.parametrize(
    ("level", "word", "name"),
    [
        ("root", "cfg", "configure"),
        ("root", "rsc", "resource"),
        ("root", "CONF", "configure"),
        ("configure", "prim", "primitive"),
        ("resource", "unmove", "clear"),
        ("resource", "unmigr", "clear"),
        ("ra", "meta", "info"),
        ("node", "?", "help"),
    ],
)
def test_a_word_means_what_it_abbreviates(
    registry: Registry, level: str, word: str, name: str
) -> None:
    found = registry.find(level, word)
    assert isinstance(found, Command | Level)
    assert found.name == name


@pytest.mark.parametrize(
    ("level", "word"),
    [("configure", "primitve"), ("configure", "p"), ("root", "c"), ("node", ""), ("root", "stus")],
)
def test_a_typo_or_an_ambiguous_word_means_nothing(
    registry: Registry, level: str, word: str
) -> None:
    assert registry.find(level, word) is None
    assert str(registry.unknown(level, word))


def test_every_level_is_reached_from_the_top_and_says_what_it_is_for(registry: Registry) -> None:
    for name, level in LEVELS.items():
        assert level.help
        if level.parents:
            assert any(name in registry.sublevels(parent) for parent in level.parents)
        assert registry.commands(name)


def test_every_command_has_a_line_of_help_and_no_name_twice(registry: Registry) -> None:
    for level in LEVELS:
        seen: set[str] = set()
        for made in registry.commands(level).values():
            assert made.help or made.hidden, f"{level} {made.name}"
            for name in (made.name, *made.aliases):
                assert name not in seen, f"{level} {name}"
                seen.add(name)


def test_paths_are_followed_from_where_one_stands(registry: Registry) -> None:
    assert follow_path(registry, ["configure"], "../resource") == ["resource"]
    assert follow_path(registry, ["node"], "/configure/ra") == ["configure", "ra"]
    assert follow_path(registry, [], "../..") == []
    with pytest.raises(UnknownWord):
        follow_path(registry, [], "configure/nix")


def test_a_bug_is_one_line_and_its_traceback_is_kept(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("crmshell.levels.commands.node.all_node_names", broken)
    said = shell("node", "show")
    assert said.status == 1
    assert said.err.startswith("ERROR: this is a bug in crm (ZeroDivisionError: oops)")
    assert said.err.count("\n") == 1
    kept = (tmp_path / "home/.local/state/crm/traceback.txt").read_text()
    assert "in broken" in kept
    assert "Traceback" in shell("-d", "node", "show").err


def test_regression_tests_see_each_line(shell: Shell) -> None:
    assert shell("-R", stdin="node show n1\n").out.startswith(".INP: node show n1\n")


def test_a_command_explains_itself(shell: Shell) -> None:
    for flag in ("--help", "-h"):
        said = shell("node", "standby", flag)
        assert said.status == 0
        assert "standby" in said.out
        assert "standby" not in said.cib


def test_minus_n_answers_no_to_everything(shell: Shell) -> None:
    said = shell("-n", "node", "clearstate", "n1")
    assert said.status == 1
    assert "nothing was changed" in said.err
