"""The options of a `pcs` line: `--name`, `--name=value`, `--name value`, `-f FILE`; anywhere on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from crmshell.errors import ShellError
from crmshell.grammar.errors import nearest_word

# Every command takes these; the first group does not change what it does here.
TOLERATED = ("--debug", "--request-timeout", "--yes", "--force", "--wait", "--skip-offline")
WITH_VALUE = frozenset(
    [
        "--after",
        "--before",
        "--group",
        "--name",
        "--corosync_conf",
        "--output-format",
        "--request-timeout",
        "--node",
        "--from",
        "--to",
        "--token",
        "--addr0",
        "--addr1",
        "--ipv6",
        "--transport",
        "--expected-quorum",
        "--interval",
        "--recipients",
    ]
)
FLAGS = frozenset(
    [
        "--all",
        "--agent-validation",
        "--autodelete",
        "--brief",
        "--clone",
        "--config",
        "--debug",
        "--defaults",
        "--disabled",
        "--enable",
        "--expired",
        "--force",
        "--full",
        "--groups",
        "--hide-inactive",
        "--interactive",
        "--local",
        "--lock",
        "--master",
        "--monitor",
        "--no-cluster-uuid",
        "--no-default-ops",
        "--no-expire-check",
        "--nodesc",
        "--no-strict",
        "--off",
        "--promoted",
        "--resources",
        "--safe",
        "--simulate",
        "--skip-offline",
        "--start",
        "--strict",
        "--yes",
        "--no-watchdog-validation",
        "--no-stop",
        "--keep-old",
        "--really",
        "--tree",
    ]
)
_OPTIONAL = frozenset(("--wait",))
_SHORT_VALUES = {"-u": "--user", "-p": "--password", "-f": "-f"}
_NUMBER = re.compile(r"-([0-9]|inf(inity)?$)", re.IGNORECASE)


@dataclass(slots=True)
class Given:
    """What stood on the line: plain words in their order, and options."""

    words: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return name in self.values

    def get(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)


def split_options(argv: Sequence[str]) -> Given:
    """The line taken apart; raises `ShellError` for what is no option of any command.

    A negative number, a negative infinity and all behind `--` are plain words.
    """
    given = Given()
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            given.words += rest
            break
        if word.startswith("--"):
            _take_long(given, word, rest)
        elif word.startswith("-") and len(word) > 1 and not _NUMBER.match(word):
            _take_short(given, word, rest)
        else:
            given.words.append(word)
    return given


def _take_long(given: Given, word: str, rest: list[str]) -> None:
    name, mark, value = word.partition("=")
    if name in WITH_VALUE:
        given.values[name] = value if mark else _next(name, rest)
    elif name in _OPTIONAL:
        given.values[name] = value
    elif name in FLAGS or name in ("--help", "--version"):
        if mark:
            raise ShellError(f"option {name} takes no value", code="usage")
        given.values[name] = ""
    else:
        near = nearest_word(name, [*WITH_VALUE, *FLAGS, *_OPTIONAL, "--help", "--version"])
        hint = f", did you mean {near}?" if near else ""
        raise ShellError(f"no such option {name}{hint}", code="usage")


def _take_short(given: Given, word: str, rest: list[str]) -> None:
    if word == "-h":
        given.values["--help"] = ""
        return
    name = _SHORT_VALUES.get(word[:2])
    if name is None:
        raise ShellError(f"no such option {word}; pcs --help lists them", code="usage")
    given.values[name] = word[2:] or _next(word, rest)


def _next(name: str, rest: list[str]) -> str:
    if not rest:
        raise ShellError(f"option {name} needs a value", code="usage")
    return rest.pop(0)
