"""Skill levels: what they open, what they refuse."""

from __future__ import annotations

import pytest

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import LEVELS, Registry
from crmshell.levels.frame.skill import has_skill, needed_skill, require_skill
from crmshell.options import Options


@pytest.mark.parametrize(
    ("level", "name", "skill"),
    [
        ("resource", "start", "operator"),
        ("resource", "move", "administrator"),
        ("resource", "param", "administrator"),
        ("node", "standby", "operator"),
        ("root", "status", "operator"),
        ("cluster", "status", "operator"),
        ("cluster", "stop", "administrator"),
        ("configure", "show", "administrator"),
        ("configure", "primitive", "administrator"),
        ("configure", "acl_target", "expert"),
        ("configure", "role", "expert"),
        ("configure", "simulate", "operator"),
        ("cib", "use", "administrator"),
        ("cibstatus", "show", "administrator"),
        ("cibstatus", "ticket", "expert"),
        ("history", "transitions", "administrator"),
        ("options", "skill-level", "operator"),
        ("ra", "info", "operator"),
    ],
)
def test_a_command_wants_this_skill(level: str, name: str, skill: str) -> None:
    assert needed_skill(Registry().commands(level)[name]) == skill


@pytest.mark.parametrize("level", sorted(LEVELS))
def test_everybody_may_leave_a_level_and_read_its_help(level: str) -> None:
    commands = Registry().commands(level)
    for name in ("help", "up", "quit", "cd", "ls"):
        require_skill(commands[name], "operator")


def test_a_refusal_says_what_is_needed_and_what_is_there() -> None:
    erase = Registry().commands("configure")["erase"]
    assert not has_skill(erase, "operator")
    with pytest.raises(ShellError, match=r"configure.erase: administrator skill level required"):
        require_skill(erase, "operator")


def test_one_skill_at_a_time_is_set_in_any_case_of_letters() -> None:
    options = Options()
    with pytest.raises(ShellError, match="expected one of operator"):
        options.set("core.skill_level", "operator,expert")
    options.set("core.skill_level", "Operator")
    assert options.text("core.skill_level") == "operator"
