"""What a skill level opens (shell 1.9): advice for the user, no protection of the cluster.

An operator steers resources and nodes and looks at everything that runs; an administrator edits the
configuration as well; what can lock somebody out, or stands for a state of the cluster that is not
there, is the expert's. Everybody may enter every level, move about and read help.
"""

from __future__ import annotations

from collections.abc import Mapping

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Command
from crmshell.options import SKILLS

_ADMINISTRATOR, _EXPERT = "administrator", "expert"
# Levels whose commands want more than an operator's skill, and what in them does not.
_LEVELS = frozenset(
    {
        "assist",
        "cib",
        "cibstatus",
        "cluster",
        "configure",
        "corosync",
        "history",
        "maintenance",
        "template",
    }
)
_FOR_ALL: Mapping[str, frozenset[str]] = {
    "cluster": frozenset({"health", "status", "wait", "wait_for_startup"}),
    "configure": frozenset({"simulate"}),
    "corosync": frozenset({"check", "diff", "get", "log", "show", "status"}),
    "template": frozenset({"list", "show"}),
}
_OF_ADMINISTRATORS: Mapping[str, frozenset[str]] = {
    "resource": frozenset(
        {"ban", "cleanup", "clear", "meta", "move", "param", "secret", "utilization"}
    ),
    "script": frozenset({"run"}),
}
_OF_EXPERTS: Mapping[str, frozenset[str]] = {
    "cibstatus": frozenset({"load", "node", "op", "save", "ticket"}),
    "configure": frozenset({"acl_group", "acl_target", "role", "rsctest", "user"}),
}


def needed_skill(command: Command) -> str:
    """The least skill level that has the command."""
    level, name = command.level, command.name
    if name in _OF_EXPERTS.get(level, ()):
        return _EXPERT
    if name in _OF_ADMINISTRATORS.get(level, ()):
        return _ADMINISTRATOR
    return _ADMINISTRATOR if level in _LEVELS and name not in _FOR_ALL.get(level, ()) else SKILLS[0]


def has_skill(command: Command, skill: str) -> bool:
    """Whether a user of this skill level may use the command."""
    return SKILLS.index(skill) >= SKILLS.index(needed_skill(command))


def require_skill(command: Command, skill: str) -> None:
    """Raises `ShellError` when the command wants a higher skill level."""
    if not has_skill(command, skill):
        raise ShellError(
            f"{command.level}.{command.name}: {needed_skill(command)} skill level required, "
            f"yours is {skill} (options skill-level changes it)",
            code="skill-level",
        )
