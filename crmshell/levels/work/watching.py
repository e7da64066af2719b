"""`status watch`: the status on the whole screen, again and again until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Answer
from crmshell.session import Session
from engine.base.digits import is_digits

_SECONDS = 2
_LONGEST = 3600
_HOME_AND_CLEAR = "\x1b[H\x1b[2J"


def watch(session: Session, words: list[str], render: Callable[[list[str]], Answer]) -> Answer:
    """Shows what `render` says of the words; a cluster that cannot be reached is waited for."""
    environment = session.environment
    screen = environment.screen()
    if screen is None or environment.dumb:
        raise ShellError("status watch needs a terminal that can be cleared", code="no-terminal")
    seconds = _SECONDS
    if words and is_digits(words[0]):
        seconds = min(max(1, int(words[0][:6])), _LONGEST)
        words = words[1:]
    render(words)  # A wrong word is refused before anything is cleared.
    try:
        while True:
            columns, rows = environment.screen() or screen
            environment.write(_HOME_AND_CLEAR + _fitting(_text(render, words), columns, rows - 1))
            environment.sleep(seconds)
    except KeyboardInterrupt:
        return Answer()


def _text(render: Callable[[list[str]], Answer], words: list[str]) -> str:
    try:
        answer = render(words)
    except ShellError as problem:
        return "\n".join(f"ERROR: {report.message}" for report in problem.reports)
    return answer.text or answer.data.decode("utf-8", "replace")


def _fitting(text: str, columns: int, rows: int) -> str:
    """The beginning of the text that the screen can hold, and how much there is below."""
    lines = [line[:columns] for line in text.expandtabs().splitlines()]
    if len(lines) <= rows:
        return "\n".join(lines)
    return "\n".join([*lines[: rows - 1], f"... {len(lines) - rows + 1} more lines"])
