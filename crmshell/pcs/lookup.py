"""From the words of a line to its command; a wrong word costs one line with the nearest one."""

from __future__ import annotations

from collections.abc import Sequence

from crmshell.errors import ShellError
from crmshell.grammar.errors import nearest_word
from crmshell.pcs.frame.command import Command
from crmshell.pcs.table import COMMANDS, without_words


def find_command(words: Sequence[str]) -> tuple[Command, list[str]]:
    """The command with the longest name that begins the line, and the words behind it.

    Raises `ShellError` when a word is neither a command nor may stand there.
    """
    for count in range(min(len(words), 5), 0, -1):
        path = " ".join(words[:count])
        command = COMMANDS.get(path)
        if command is None:
            continue
        rest = list(words[count:])
        if not rest:
            return without_words(command), rest
        below = next_words(words[:count])
        if rest and below and 0 <= command.most < len(rest):
            raise _unknown(rest[0], words[:count], below)
        return command, rest
    count = 0
    while count < len(words) and next_words(words[: count + 1]):
        count += 1
    below = next_words(words[:count])
    if count == len(words):
        raise ShellError(f"pcs {' '.join(words)}: what? There are {', '.join(below)}", code="usage")
    raise _unknown(words[count], words[:count], below)


def _unknown(word: str, before: Sequence[str], below: Sequence[str]) -> ShellError:
    near = nearest_word(word, below)
    hint = f"did you mean {near}?" if near else f"there are {', '.join(below)}"
    where = " ".join(["pcs", *before])
    return ShellError(f"{where}: no command '{word}', {hint}", code="unknown-word")


def next_words(before: Sequence[str]) -> list[str]:
    """Words that may follow in the names of commands; old spellings are not proposed."""
    count = len(before)
    start = tuple(before)
    found = {
        command.words[count]: None
        for command in COMMANDS.values()
        if not command.now and len(command.words) > count and command.words[:count] == start
    }
    return sorted(found)
