"""Levels and commands: how they are declared, found by abbreviation, and listed.

A level is a line of `LEVELS` (its modules are imported when the level is first used). A command is
a function of such a module under the decorator `@command`; nothing is registered elsewhere.
Abbreviation: shell 1.4 with decision 9(g): names by unique prefix, level names also by letters
in order.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from crmshell.errors import UnknownWord
from engine.base.reports import Report

if TYPE_CHECKING:
    from crmshell.grammar.tokens import Line, Token
    from crmshell.session import Session

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call of a command: the canonical name, and the words from the command word on."""

    name: str
    tokens: tuple[Token, ...]
    line: Line
    registry: Registry

    @property
    def args(self) -> list[str]:
        """The words after the command word."""
        return [token.text for token in self.tokens[1:]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say: text for stdout, findings for stderr, exit status.

    `data` is machine output that must not go through a pager.
    """

    text: str = ""
    reports: tuple[Report, ...] = ()
    status: int = 0
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One completion: the whole word to insert, and a short remark shown beside it."""

    text: str
    remark: str = ""


class Completer(Protocol):
    """Candidates for the word being typed; `words` are the finished ones after the command word."""

    def __call__(
        self, session: Session, words: Sequence[str], current: str
    ) -> Iterable[Candidate | str]: ...


class Runner(Protocol):
    """The function behind a command."""

    def __call__(self, session: Session, call: Call) -> Answer | str | None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """A command of a level.

    `usage` is what follows the name (`<rsc> [<node>]`), `least`/`most` the number of arguments
    (most -1: any). `changes`: it acts on the cluster at once, so a script that has failed skips it
    and `-w` waits after it. `drops`: it stops or deletes something, so scripts must spell it out.
    """

    level: str
    name: str
    run: Runner
    help: str = ""
    usage: str = ""
    aliases: tuple[str, ...] = ()
    deprecated: Mapping[str, str] = field(default_factory=dict)
    completers: tuple[Completer, ...] = ()
    least: int = 0
    most: int = -1
    changes: bool = False
    drops: bool = False

    @property
    def hidden(self) -> bool:
        return self.name.startswith("_")


def command(
    level: str,
    name: str,
    *,
    help: str = "",
    usage: str = "",
    aliases: Sequence[str] = (),
    deprecated: Mapping[str, str] | None = None,
    completers: Sequence[Completer] = (),
    args: tuple[int, int] = (0, -1),
    changes: bool = False,
    drops: bool = False,
) -> Callable[[Runner], Runner]:
    """Declare the function below as command `name` of `level` (`*`: of every level).

    `completers` stand for the argument places; the last one serves all further places. A function
    may carry several declarations. `args` is the least and the most number of arguments.
    """

    def declare(run: Runner) -> Runner:
        made = Command(
            level=level,
            name=name,
            run=run,
            help=help,
            usage=usage,
            aliases=tuple(aliases),
            deprecated=dict(deprecated or {}),
            completers=tuple(completers),
            least=args[0],
            most=args[1],
            changes=changes,
            drops=drops,
        )
        declared: tuple[Command, ...] = getattr(run, "crm_commands", ())
        setattr(run, "crm_commands", (made, *declared))  # noqa: B010 - functions have no such field
        return run

    return declare


def on_leave(level: str) -> Callable[[Callable[[Session], bool]], Callable[[Session], bool]]:
    """Declare the function below as the one asked before `level` is left; False: stay in it."""

    def declare(run: Callable[[Session], bool]) -> Callable[[Session], bool]:
        setattr(run, "crm_leaves", level)  # noqa: B010 - functions have no such field
        return run

    return declare


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A level: where its commands are declared, one line of help, in which levels it is."""

    name: str
    modules: tuple[str, ...]
    help: str = ""
    parents: tuple[str, ...] = ("root",)


_EVERYWHERE = ("crmshell.levels.commands.movement", "crmshell.levels.commands.help")

LEVELS: Mapping[str, Level] = {
    level.name: level
    for level in (
        Level(
            "root",
            ("crmshell.levels.commands.root", "crmshell.levels.commands.report"),
            "the top level",
            (),
        ),
        Level(
            "cluster",
            (
                "crmshell.levels.commands.cluster",
                "crmshell.levels.commands.cluster_join",
                "crmshell.levels.commands.cluster_key",
                "crmshell.levels.commands.cluster_status",
                "crmshell.levels.commands.cluster_units",
            ),
            "make a cluster, start and stop it, see how it is",
        ),
        Level(
            "corosync",
            ("crmshell.levels.commands.corosync",),
            "read, check and change corosync.conf",
        ),
        Level(
            "history",
            ("crmshell.levels.commands.history",),
            "what the cluster did and why: stored transitions",
            ("root", "configure"),
        ),
        Level("options", ("crmshell.levels.commands.options",), "settings of this shell"),
        Level(
            "script",
            ("crmshell.levels.commands.script",),
            "ready-made configurations from a few parameters",
        ),
        Level(
            "template",
            ("crmshell.levels.commands.template",),
            "configuration from templates with blanks to fill in",
            ("root", "configure"),
        ),
        Level(
            "node",
            ("crmshell.levels.commands.node",),
            "nodes: standby, online, attributes, fencing",
        ),
        Level(
            "cibstatus",
            ("crmshell.levels.commands.cibstatus",),
            "a status to try things on with simulate",
            ("root", "configure", "cib"),
        ),
        Level("cib", ("crmshell.levels.commands.cib",), "shadow CIBs", ("root", "configure")),
        Level(
            "configure",
            (
                "crmshell.levels.commands.configure",
                "crmshell.levels.commands.configure_edit",
                "crmshell.levels.commands.configure_show",
                "crmshell.levels.commands.configure_commit",
                "crmshell.levels.commands.configure_graph",
                "crmshell.levels.commands.configure_simulate",
                "crmshell.levels.commands.configure_agents",
            ),
            "the configuration of the cluster",
        ),
        Level(
            "assist",
            ("crmshell.levels.commands.assist",),
            "helpers that write several statements at once",
            ("configure",),
        ),
        Level(
            "maintenance",
            ("crmshell.levels.commands.maintenance",),
            "maintenance of the cluster or a resource",
        ),
        Level(
            "ra",
            ("crmshell.levels.commands.ra",),
            "resource agents: lists and descriptions",
            ("root", "configure"),
        ),
        Level(
            "resource",
            ("crmshell.levels.commands.resource", "crmshell.levels.commands.resource_values"),
            "resources: start, stop, move, clean up",
        ),
    )
}

_OF_OTHER_TOOLS = {
    "create": "resources are made with primitive, group, clone, bundle",
    "constraint": "constraints are made with location, colocation, order, rsc_ticket",
    "stonith": "fence devices are made with primitive ID stonith:AGENT …",
    "remove": "did you mean delete?",
    "update": "did you mean set, or edit?",
}


class Registry:
    """Looks levels and commands up; imports the modules of a level when first asked for it."""

    def __init__(self, levels: Mapping[str, Level] = LEVELS) -> None:
        self._levels = levels
        self._commands: dict[str, dict[str, Command]] = {}
        self._words: dict[str, dict[str, Command | Level]] = {}
        self._leavers: dict[str, Callable[[Session], bool]] = {}

    def level(self, name: str) -> Level:
        return self._levels[name]

    def sublevels(self, level: str) -> tuple[str, ...]:
        """Names of the levels inside a level, sorted."""
        return tuple(sorted(name for name, each in self._levels.items() if level in each.parents))

    def commands(self, level: str) -> Mapping[str, Command]:
        """Commands of a level by name, in the order of declaration, those of every level last."""
        found = self._commands.get(level)
        if found is None:
            found = {}
            for module in (*self._levels[level].modules, *_EVERYWHERE):
                self._collect(module, level, found)
            self._commands[level] = found
        return found

    def leaver(self, level: str) -> Callable[[Session], bool] | None:
        """The function to ask before the level is left, if it has one.

        A level of which no command was looked up has nothing to ask about.
        """
        return self._leavers.get(level)

    def _collect(self, module: str, level: str, into: dict[str, Command]) -> None:
        for item in list(vars(importlib.import_module(module)).values()):
            for made in getattr(item, "crm_commands", ()):
                if made.level in {level, "*"}:
                    into.setdefault(made.name, made)
            if getattr(item, "crm_leaves", None) == level:
                self._leavers[level] = item

    def find(self, level: str, word: str) -> Command | Level | None:
        """What a word means in a level: exact name or alias, else unique prefix, else (levels
        only) the unique name that has its letters in order. None: nothing, or several."""
        everywhere = self._words_of("*")
        if word in everywhere:
            return everywhere[word]
        names = self._words_of(level)
        if word in names:
            return names[word]
        hit = _only(names, lambda name: name.startswith(word.lower()))
        if hit is not None:
            return hit
        inner = {name: self._levels[name] for name in self.sublevels(level)}
        return _only(inner, lambda name: _in_order(word.lower(), name))

    def _words_of(self, level: str) -> Mapping[str, Command | Level]:
        """Every word that means something in a level; `*`: the commands that all levels have."""
        names = self._words.get(level)
        if names is None:
            names = {}
            for made in self._of_level(level).values():
                for name in (made.name, *made.aliases, *made.deprecated):
                    names[name] = made
            if level != "*":
                names.update((name, self._levels[name]) for name in self.sublevels(level))
            self._words[level] = names
        return names

    def _of_level(self, level: str) -> Mapping[str, Command]:
        if level != "*":
            return self.commands(level)
        found: dict[str, Command] = {}
        for module in _EVERYWHERE:
            self._collect(module, level, found)
        return found

    def find_level(self, level: str, word: str) -> Level | None:
        """The sublevel that a word means."""
        inner = {name: self._levels[name] for name in self.sublevels(level)}
        return (
            inner.get(word)
            or _only(inner, lambda name: name.startswith(word.lower()))
            or _only(inner, lambda name: _in_order(word.lower(), name))
        )

    def unknown(self, level: str, word: str) -> UnknownWord:
        """The refusal for a word that means nothing here."""
        from difflib import get_close_matches

        names = [name for name in self.visible(level) if not name.startswith("_")]
        several = [name for name in names if word and name.startswith(word.lower())]
        where = "" if level == "root" else f"{level}: "
        known = self._of_other_tools(level, word)
        if known:
            return UnknownWord(f"{where}no such command '{word}', {known}")
        if len(several) > 1:
            return UnknownWord(f"{where}'{word}' may be {_listed(several)}; type more of it")
        near = self._elsewhere(level, word) or get_close_matches(word.lower(), names, 3, 0.6)
        hint = f", did you mean {_listed(near)}?" if near else ""
        kind = "command or level" if self.sublevels(level) else "command"
        return UnknownWord(f"{where}no such {kind} '{word}'{hint}")

    def _of_other_tools(self, level: str, word: str) -> str:
        """What to say to a word that people type in the wrong place; "" to all others."""
        if word == "crm":
            return "leave it out: these are the commands of crm"
        if word == "pcs":
            return "the words of pcs have other names here (see 'help')"
        if word == level:
            return f"this is level {level} already"
        return _OF_OTHER_TOOLS.get(word, "") if level == "configure" else ""

    def _elsewhere(self, level: str, word: str) -> list[str]:
        """How to say from here what is a word of the root, or of the level that defines objects."""
        if level != "root" and word in self.visible("root"):
            return [f"/{word}"]
        if level != "configure" and word in self.visible("configure"):
            return [f"configure {word}" if level == "root" else f"/configure {word}"]
        return []

    def visible(self, level: str) -> list[str]:
        """Names for `ls`, help and completion: sublevels, then commands; no aliases, none hidden."""
        commands = [made.name for made in self.commands(level).values() if not made.hidden]
        return [*self.sublevels(level), *commands]


def change_levels(session: Session, registry: Registry, target: Sequence[str]) -> bool:
    """Go from the levels entered to `target`; levels that are left are asked first.

    False: a level wants to be stayed in (the user said so), and we are in it.
    """
    common = 0
    edited = session.has_pending_changes
    for mine, theirs in zip(session.levels, target, strict=False):
        if mine != theirs:
            break
        common += 1
    while len(session.levels) > common:
        leaver = registry.leaver(session.level)
        if leaver is not None and not leaver(session):
            return False
        session.levels.pop()
    session.levels.extend(target[common:])
    if edited and not session.has_pending_changes and not session.script_failed:
        session.wait_if_wanted()
    return True


def follow_path(registry: Registry, levels: Sequence[str], path: str) -> list[str]:
    """The levels that a path (`..`, `../configure`, `/ra`) means from `levels`."""
    target = [] if path.startswith("/") else list(levels)
    for part in path.split("/"):
        if part in {"", "."}:
            continue
        if part == "..":
            target = target[:-1]
            continue
        found = registry.find_level(target[-1] if target else "root", part)
        if found is None:
            raise registry.unknown(target[-1] if target else "root", part)
        target.append(found.name)
    return target


def _only(names: Mapping[str, _Found], fits: Callable[[str], bool]) -> _Found | None:
    hits = [what for name, what in names.items() if not name.startswith("_") and fits(name)]
    unique: list[_Found] = []
    for hit in hits:
        if not any(hit is known for known in unique):
            unique.append(hit)
    return unique[0] if len(unique) == 1 else None


def _in_order(letters: str, name: str) -> bool:
    if not letters or not name.startswith(letters[0]):
        return False
    rest = iter(name)
    return all(letter in rest for letter in letters)


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} or {names[-1]}"
