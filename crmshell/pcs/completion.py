"""Completion of `pcs` lines for the shells: words of the table, options of the command."""

from __future__ import annotations

from collections.abc import Sequence

from crmshell.pcs.frame.options import TOLERATED
from crmshell.pcs.lookup import next_words
from crmshell.pcs.table import COMMANDS


def candidates(words: Sequence[str]) -> list[str]:
    """What may stand in place of the last word."""
    *before, current = words or [""]
    plain = [word for word in before if not word.startswith("-")]
    if current.startswith("-"):
        found = [*TOLERATED, "--help"]
        for count in range(len(plain), 0, -1):
            command = COMMANDS.get(" ".join(plain[:count]))
            if command is not None:
                found += command.options.split()
                break
        return sorted({word for word in found if word.startswith(current)})
    return [word for word in next_words(plain) if word.startswith(current)]
