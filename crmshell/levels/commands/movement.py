"""Commands of every level: moving about, listing, leaving (shell 1.3)."""

from __future__ import annotations

from crmshell.levels.frame.registry import Call, change_levels, command, follow_path
from crmshell.output.tables import in_columns
from crmshell.session import Session


@command("*", "cd", usage="[<path>]", args=(0, 1), help="go to another level (default: one up)")
def cd(session: Session, call: Call) -> None:
    """`cd X`, `cd ..`, `cd`, `cd ../configure`, `cd /ra`."""
    path = call.args[0] if call.args else ".."
    change_levels(session, call.registry, follow_path(call.registry, session.levels, path))


@command("*", "up", aliases=("end", "back"), args=(0, 0), help="go one level up")
def up(session: Session, call: Call) -> None:
    change_levels(session, call.registry, session.levels[:-1])


@command("*", "quit", aliases=("exit", "bye"), args=(0, 0), help="leave the shell")
def leave_shell(session: Session, call: Call) -> None:
    """Leave every level (with the question about pending changes), then the shell."""
    session.leaving = change_levels(session, call.registry, [])


@command("*", "ls", args=(0, 0), help="list the levels and commands here")
def ls(session: Session, call: Call) -> str:
    """Names in three columns, by name, `..` first unless at root."""
    names = sorted(call.registry.visible(session.level))
    words = [*([".."] if session.levels else []), *names]
    width = max(len(word) for word in words) + 2
    return in_columns(words, 3 * width)
