"""Help from the table: all families, the commands of a family, or one command."""

from __future__ import annotations

from collections.abc import Sequence

from crmshell.errors import ShellError
from crmshell.pcs.lookup import next_words
from crmshell.pcs.table import COMMANDS

HEAD = """\
usage: pcs [-f FILE] [OPTIONS] COMMAND...

  -f FILE           work on this CIB file, not on the running cluster
  --force           do it despite findings that may be overruled
  --wait[=SECONDS]  wait until the cluster has carried it out
  --help            this text, or that of the command
  --version         the version
"""


def help_text(words: Sequence[str]) -> str:
    """What there is below these words; raises `ShellError` when there is nothing."""
    start = tuple(words)
    if not start:
        lines = [f"  {name:<12}pcs help {name}" for name in next_words(())]
        return "\n".join([HEAD, "Commands:", *lines])
    found = [
        command
        for command in COMMANDS.values()
        if command.words[: len(start)] == start and not command.now
    ]
    while not found and len(start) > 1:
        start = start[:-1]
        found = [each for each in COMMANDS.values() if each.words == start]
    if not found:
        raise ShellError(f"no help for '{words[0]}'; there are {', '.join(next_words(()))}")
    lines = []
    for command in found:
        lines.append(command.synopsis)
        if command.help:
            lines.append(f"    {command.help}")
        if command.options:
            lines.append(f"    options: {command.options}")
    return "\n".join(lines)
