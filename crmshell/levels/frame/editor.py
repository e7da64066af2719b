"""Texts through the user's editor: to a private file, the editor on the terminal, and back."""

from __future__ import annotations

import shlex

from crmshell.environment import decode_text
from crmshell.errors import ShellError
from crmshell.session import Mode, Session

EDITORS = ("vim", "vi", "emacs", "nano")


def editor_command(session: Session) -> list[str]:
    """Words of the editor's command: the setting, $EDITOR, or the first that is installed."""
    environment = session.environment
    given = session.options.text("core.editor") or environment.variables.get("EDITOR", "")
    try:
        words = shlex.split(given)
    except ValueError:
        raise ShellError(f"the editor '{given}' has an unclosed quote", code="no-editor") from None
    found = words or [environment.find_program(*EDITORS)]
    if not found[0] or not environment.find_program(found[0]):
        what = f"editor '{found[0]}'" if found[0] else "editor"
        raise ShellError(f"no {what}; set one with: options editor PROGRAM", code="no-editor")
    return found


def require_terminal(session: Session) -> None:
    """Refuse to open an editor where nobody sits at a terminal: in scripts and behind pipes."""
    environment = session.environment
    on_terminal = environment.stdin_tty and environment.stdout_tty
    if session.mode is Mode.BATCH or not (session.interactive or on_terminal):
        raise ShellError("edit not allowed in batch mode", code="not-interactive")


def edit_text(session: Session, text: str, suffix: str) -> str:
    """The text as the user leaves it; raises `ShellError` when the editor fails."""
    return decode_text(edit_bytes(session, text.encode(), suffix), "the edited text")


def edit_bytes(session: Session, data: bytes, suffix: str) -> bytes:
    """The same for bytes, whatever the editor leaves."""
    require_terminal(session)
    environment = session.environment
    argv = editor_command(session)
    path = environment.temporary_file(data, suffix)
    try:
        status = environment.run_on_terminal([*argv, path])
        if status:
            raise ShellError(f"{argv[0]} ended with status {status}, nothing was changed")
        return environment.read_file(path)
    finally:
        environment.remove_file(path)
