"""One table of options for a program, and the parser for all of them.

The words are taken apart by the standard library's `getopt`, which knows what C programs know:
bundled short options, values that begin with a dash, `--` and `--name=value`.
"""

from __future__ import annotations

import getopt
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its names with dashes, the long one last, which is also its key.

    `value` names the value in the help; "" for a flag. `optional` says that the value may be left
    out (then it is given as `--name=value` or `-nvalue`). `advanced` ones stand in `--help-all`.
    """

    names: tuple[str, ...]
    text: str = ""
    value: str = ""
    optional: bool = False
    advanced: bool = False

    @property
    def key(self) -> str:
        return self.names[-1].lstrip("-")


def option(names: str, text: str = "", *, value: str = "", **more: bool) -> Option:
    """An option from its names separated by blanks."""
    return Option(tuple(names.split()), text, value, **more)


@dataclass(slots=True)
class Parsed:
    """The options in the order in which they were given, and the other words."""

    given: list[tuple[str, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __contains__(self, key: str) -> bool:
        return any(name == key for name, _ in self.given)

    def get(self, key: str, default: str = "") -> str:
        """The last value of an option."""
        return next((value for name, value in reversed(self.given) if name == key), default)

    def all(self, key: str) -> list[str]:
        """All values of an option, in their order."""
        return [value for name, value in self.given if name == key]

    def count(self, key: str) -> int:
        """How often an option was given."""
        return len(self.all(key))

    def last_of(self, keys: Sequence[str]) -> str:
        """Which of these options was given last, "" for none."""
        return next((name for name, _ in reversed(self.given) if name in keys), "")


def parse(program: str, table: Sequence[Option], words: Sequence[str]) -> Parsed:
    """Take the words apart; raises `EngineError` (USAGE) with one line that names the word."""
    short, long, by_name = "", [], {}
    optional = {name for each in table if each.optional for name in each.names}
    for each in table:
        takes = bool(each.value) and not each.optional
        for name in each.names:
            by_name[name] = each
            if name.startswith("--"):
                long.append(name[2:] + ("=" if takes else ""))
            else:
                short += name[1:] + (":" if takes else "")
    found = Parsed()
    kept, values = _without_optional_values(words, optional)
    try:
        given, found.words = getopt.gnu_getopt(kept, short, long)
    except getopt.GetoptError as problem:
        raise EngineError(_complaint(program, problem, by_name), status=ExitStatus.USAGE) from None
    for name, value in given:
        each = by_name[name]
        found.given.append((each.key, values.pop(0) if each.optional and values else value))
    return found


def _without_optional_values(
    words: Sequence[str], optional: set[str]
) -> tuple[list[str], list[str]]:
    """Options whose value may be left out as flags, and their values in order ("" for none)."""
    kept: list[str] = []
    values: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*kept, word, *rest], values
        name, mark, value = word.partition("=")
        if name in optional and (mark or name.startswith("--")):
            kept.append(name)
            values.append(value)
        elif word[:2] in optional and not word.startswith("--"):
            kept.append(word[:2])
            values.append(word[2:])
        else:
            kept.append(word)
    return kept, values


def _complaint(program: str, problem: getopt.GetoptError, by_name: dict[str, Option]) -> str:
    """One line about what is wrong with the words."""
    name = problem.opt
    dashed = f"--{name}" if len(name) > 1 else f"-{name}"
    if "requires argument" in problem.msg:
        return f"option {dashed} needs a value"
    if "must not have" in problem.msg:
        return f"option {dashed} takes no value"
    near = get_close_matches(dashed, by_name, 1, 0.7)
    hint = f"; did you mean {near[0]}?" if near else f"; {program} --help lists the options"
    return f"unknown option {dashed}{hint}"


def help_text(
    program: str, summary: str, usage: str, table: Sequence[Option], *, everything: bool
) -> str:
    """The text of `--help` and `--help-all`."""
    shown = [each for each in table if everything or not each.advanced]
    heads = [_head(each) for each in shown]
    width = min(38, max(map(len, heads), default=0))
    lines = [f"usage: {program} {usage}".rstrip(), "", summary, "", "Options:"]
    for each, head in zip(shown, heads, strict=True):
        lines.append(f"  {head:{width}}  {each.text}".rstrip())
    return "\n".join(lines) + "\n"


def _head(each: Option) -> str:
    names = ", ".join(each.names)
    if not each.value:
        return names
    return f"{names}[={each.value}]" if each.optional else f"{names}={each.value}"
