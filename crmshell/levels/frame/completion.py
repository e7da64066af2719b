"""Completion of a line: which command it is in, which argument, and what may stand there.

`complete` serves the interactive shell, `compgen` the programmable completion of bash, zsh and
fish. Nothing here prints, and nothing that the cluster or an agent does wrong reaches the user.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from crmshell.errors import ShellError
from crmshell.grammar.expect import STATEMENTS, expect
from crmshell.levels.frame.arguments import ARGUMENTS, Here, offer
from crmshell.levels.frame.candidates import candidates
from crmshell.levels.frame.lookups import DirectLookups
from crmshell.levels.frame.registry import Candidate, Command, Level, Registry, follow_path
from crmshell.levels.frame.skill import has_skill
from crmshell.session import Session
from crmshell.views.lookups import Lookups
from engine.base.errors import EngineError

MAX_OFFERED = 2000
_OPTIONS = (
    Candidate("--help", "the options"),
    Candidate("--version", "the version"),
    Candidate("--file", "commands from a file"),
    Candidate("--cib", "work on a shadow CIB"),
    Candidate("--display", "plain, color, color-always, uppercase"),
    Candidate("--color", "auto, always, never"),
    Candidate("--output-as", "text, json, xml for status and configuration"),
    Candidate("--force", "yes to every question; commit despite findings"),
    Candidate("--no", "no to every question"),
    Candidate("--wait", "after each change wait until the cluster has settled"),
    Candidate("--history", "source for the level history"),
    Candidate("--opt", "a setting for this run: SECTION.NAME=VALUE"),
    Candidate("--debug", "say more when something goes wrong"),
)
OPTIONS_WITH_VALUE = frozenset(
    {
        *("-f", "--file", "-c", "--cib", "-D", "--display", "-H", "--history", "-o", "--opt"),
        *("-X", "--profile", "--color", "--output-as", "--scriptdir"),
    }
)


@dataclass(frozen=True, slots=True)
class Typed:
    """A half-typed line: whole words, the word under the cursor, and where that begins."""

    words: tuple[str, ...]
    current: str
    start: int


@dataclass(frozen=True, slots=True)
class Completion:
    """Candidates for the word that begins at `start` of the text."""

    start: int
    candidates: tuple[Candidate, ...] = ()


def compgen(session: Session, text: str) -> Iterator[Candidate]:
    """Candidates for the end of a command line of the calling shell, whose first word is `crm`."""
    typed = read_typed(text)
    if not typed.words:
        return
    _, _, line = text.lstrip().partition(" ")
    line = line.lstrip()
    while line.startswith("-"):
        option, blank, line = line.partition(" ")
        if not blank:
            yield from (one for one in _OPTIONS if one.text.startswith(option))
            return
        if option in OPTIONS_WITH_VALUE:
            _, _, line = line.lstrip().partition(" ")
        line = line.lstrip()
    yield from complete(session, Registry(), line).candidates


def complete(
    session: Session, registry: Registry, text: str, lookups: Lookups | None = None
) -> Completion:
    """What may stand at the end of `text`, typed in the level where the session is."""
    typed = read_typed(text)
    lookups = lookups or session.lookups or DirectLookups(session)
    try:
        found = _Search(session, registry, lookups).candidates(typed)
        return Completion(typed.start, _narrowed(found, typed.current))
    except (ShellError, EngineError, OSError):
        return Completion(typed.start)


def read_typed(text: str) -> Typed:
    """Split by the rules of the input language, forgiving what is not finished yet."""
    words: list[str] = []
    current = ""
    start = 0
    quote = ""
    inside = False
    escaped = False
    for place, letter in enumerate(text):
        if escaped:
            current += letter
            escaped = False
        elif letter == "\\" and quote != "'":
            escaped = True
            start, inside = (start, True) if inside else (place, True)
        elif quote:
            if letter == quote:
                quote = ""
            else:
                current += letter
        elif letter.isspace():
            if inside:
                words.append(current)
            current, inside, start = "", False, place + 1
        else:
            start, inside = (start, True) if inside else (place, True)
            if letter in "'\"":
                quote = letter
            else:
                current += letter
    return Typed(tuple(words), current, start if inside else len(text))


def _narrowed(found: Iterable[Candidate], current: str) -> tuple[Candidate, ...]:
    """Those that begin with what is typed (case ignored if none does), each once."""
    known: dict[str, Candidate] = {}
    for one in found:
        known.setdefault(one.text, one)
        if len(known) > MAX_OFFERED * 10:
            break
    exact = [one for one in known.values() if one.text.startswith(current)]
    if not exact and current:
        low = current.lower()
        exact = [one for one in known.values() if one.text.lower().startswith(low)]
    return tuple(exact[:MAX_OFFERED])


class _Search:
    """One look for candidates; `levels` is where the words so far have led."""

    def __init__(self, session: Session, registry: Registry, lookups: Lookups) -> None:
        self._session = session
        self._registry = registry
        self._lookups = lookups
        self._levels = list(session.levels)

    def candidates(self, typed: Typed) -> Iterable[Candidate]:
        words = list(typed.words)
        while words:
            head, slash, rest = words[0].rpartition("/")
            if slash:
                self._levels = follow_path(self._registry, self._levels, head or "/")
                words[0:1] = [rest] if rest else []
                continue
            found = self._registry.find(self._level, words[0])
            if isinstance(found, Level):
                self._levels.append(found.name)
                words.pop(0)
            elif isinstance(found, Command):
                return self._arguments(found, words, typed.current)
            else:
                return ()
        return self._first_words(typed.current)

    @property
    def _level(self) -> str:
        return self._levels[-1] if self._levels else "root"

    def _first_words(self, current: str) -> Iterator[Candidate]:
        """Sublevels and commands, also behind a path (`../resource/st`)."""
        head, slash, _ = current.rpartition("/")
        levels = follow_path(self._registry, self._levels, head or "/") if slash else self._levels
        level = levels[-1] if levels else "root"
        for name in self._registry.sublevels(level):
            yield Candidate(f"{head}{slash}{name}", self._registry.level(name).help)
        skill = self._session.options.text("core.skill_level")
        for one in self._registry.commands(level).values():
            if not one.hidden and has_skill(one, skill):
                yield Candidate(f"{head}{slash}{one.name}", one.help)

    def _arguments(
        self, command: Command, words: Sequence[str], current: str
    ) -> Iterable[Candidate]:
        """Candidates for an argument of a command; `words` begin with the command word."""
        if self._level == "configure" and command.name in STATEMENTS:
            wants = expect([command.name, *words[1:]], current)
            return (one for want in wants for one in candidates(want, current, self._lookups))
        given = words[1:]
        if command.completers:
            made = command.completers[min(len(given), len(command.completers) - 1)]
            found = made(self._session, given, current)
            return (one if isinstance(one, Candidate) else Candidate(one) for one in found)
        level = "*" if command.level == "*" else self._level
        kinds = ARGUMENTS.get((level, command.name), ())
        if not kinds:
            return ()
        here = Here(
            self._session, self._registry, self._lookups, tuple(self._levels), tuple(given), current
        )
        return offer(kinds[min(len(given), len(kinds) - 1)], here)
