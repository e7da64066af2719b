"""One table of options for a program, and the parser for all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus

# Neither XML nor an output in UTF-8 can hold these.
NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its names with dashes, the long one last, which is also its key.

    `value` names the value in the help; "" for a flag. `optional` says that the value may be left
    out. `advanced` ones stand in `--help-all` only.
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
    """Take the words apart; raises `EngineError` (USAGE) with one line that names the word.

    Short options may be bundled, a value may follow at once or as the next word and may begin with
    a dash, `--` ends the options, a long name may be cut short where that is unambiguous. A value
    that may be left out is the next word only where that does not begin with a dash.
    """
    for word in words:
        if NO_TEXT.search(word):
            shown = word.encode("unicode_escape", "surrogateescape").decode("ascii")
            raise _usage(f"'{shown}' holds characters that are not text")
    reading = _Reading(program, {name: each for each in table for name in each.names}, list(words))
    while reading.rest:
        word = reading.rest.pop(0)
        if word == "--":
            reading.found.words += reading.rest
            break
        if word.startswith("--"):
            reading.long(word)
        elif len(word) > 1 and word[0] == "-":
            reading.short(word[1:])
        else:
            reading.found.words.append(word)
    return reading.found


@dataclass(slots=True)
class _Reading:
    """A command line on its way: the words that are left, and what was found."""

    program: str
    by_name: dict[str, Option]
    rest: list[str]
    found: Parsed = field(default_factory=Parsed)

    def long(self, word: str) -> None:
        name, mark, value = word.partition("=")
        each = self.by_name[self._whole(name)]
        if not each.value and mark:
            raise _usage(f"option {name} takes no value")
        self._take(each, name, value if mark else None)

    def short(self, letters: str) -> None:
        while letters:
            name, letters = f"-{letters[0]}", letters[1:]
            each = self.by_name.get(name)
            if each is None:
                raise self._unknown(name)
            attached = letters or None if each.value else None
            self._take(each, name, attached)
            if attached:
                return

    def _take(self, each: Option, name: str, value: str | None) -> None:
        if each.value and value is None:
            if each.optional:
                follows = bool(self.rest) and not self.rest[0].startswith("-")
            else:
                follows = bool(self.rest)
                if not follows:
                    raise _usage(f"option {name} needs a value")
            value = self.rest.pop(0) if follows else ""
        self.found.given.append((each.key, value or ""))

    def _whole(self, name: str) -> str:
        if name in self.by_name:
            return name
        meant = {self.by_name[each].key: each for each in self.by_name if each.startswith(name)}
        if len(meant) == 1 and len(name) > 3:
            return next(iter(meant.values()))
        if meant and len(name) > 3:
            raise _usage(f"option {name} is ambiguous: {', '.join(sorted(meant.values()))}")
        raise self._unknown(name)

    def _unknown(self, name: str) -> EngineError:
        from difflib import get_close_matches

        near = get_close_matches(name, self.by_name, 1, 0.7)
        hint = f"did you mean {near[0]}?" if near else f"{self.program} --help lists the options"
        return _usage(f"unknown option {name}; {hint}")


def _usage(text: str) -> EngineError:
    return EngineError(text, status=ExitStatus.USAGE)


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
