"""Showing a text: straight to stdout, or through the user's pager when it is longer than the screen."""

from __future__ import annotations

import os
import re

from crmshell.environment import Environment

_CODES = re.compile(r"\033\[[0-9;]*m")


def page_text(text: str, environment: Environment, pager: str = "") -> None:
    """Show `text`; `pager` is the user's setting, else $PAGER, less, more. Never in a pipe."""
    screen = environment.screen()
    if (
        screen is None
        or not environment.stdin_tty
        or environment.dumb
        or rows_of(text, screen[0]) < screen[1]
    ):
        environment.write(text)
        return
    argv = pager_command(environment, pager)
    if not argv or not _run_pager(argv, text, environment):
        environment.write(text)


def rows_of(text: str, columns: int) -> int:
    """Rows that the text fills on a screen of so many columns."""
    return sum(
        max(1, -(-len(_CODES.sub("", line)) // columns)) for line in text.rstrip("\n").split("\n")
    )


def pager_command(environment: Environment, pager: str) -> list[str]:
    """Words of the pager's command; empty when there is none."""
    import shlex

    for wanted in (pager, environment.variables.get("PAGER", "")):
        try:
            words = shlex.split(wanted)
        except ValueError:
            continue
        if words and environment.find_program(words[0]):
            return words
    path = environment.find_program("less", "more")
    if not path:
        return []
    return [path, "-R", "-F", "-X"] if os.path.basename(path) == "less" else [path]


def _run_pager(argv: list[str], text: str, environment: Environment) -> bool:
    import subprocess

    environment.stdout.flush()
    try:
        with subprocess.Popen(
            argv, stdin=subprocess.PIPE, env={"LESS": "", **environment.variables}
        ) as process:
            try:
                process.communicate(text.encode("utf-8", "backslashreplace"))
            except KeyboardInterrupt:
                process.wait()
            except BaseException:
                process.terminate()  # Whoever ends us does not wait for somebody to leave the pager.
                raise
    except (OSError, ValueError):
        return False
    return True
