"""A program: its table of options and what it does, and how one is run."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.cib import file_of
from engine.tools.frame.options import Option, Parsed, help_text, option, parse
from engine.tools.frame.output import FORMATS, Output

COMMON = (
    option("-? --help", "show this help"),
    option("--help-all", "show all options", advanced=True),
    option("-$ --version", "show the version"),
    option("-V --verbose", "say more (may be repeated)"),
)
FORMATTED = (
    option("--output-as", f"format of the output: {', '.join(FORMATS)}", value="FORMAT"),
    option("--output-to", "file for the output, - for standard output", value="DEST"),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a program."""

    options: Parsed
    out: Output
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Program:
    """`main` does the work and answers the exit status; `usage` is what follows the name.

    Raised `EngineError`s become an error line and their status. `form_of` tells the format where
    other options than `--output-as` may choose it.
    """

    name: str
    summary: str
    options: tuple[Option, ...]
    main: Callable[[Call], int]
    usage: str = "[OPTIONS]"
    formatted: bool = True
    formats: tuple[str, ...] = FORMATS
    form_of: Callable[[Parsed], str] | None = None

    @property
    def table(self) -> tuple[Option, ...]:
        """All options, those of every program included; its own win."""
        own = {name for each in self.options for name in each.names}
        rest = [*COMMON, *(FORMATTED if self.formatted else ())]
        shared = []
        for each in rest:
            names = tuple(name for name in each.names if name not in own)
            if names and each.names[-1] not in own:
                shared.append(Option(names, each.text, each.value, each.optional, each.advanced))
        return (*self.options, *shared)


def run(program: Program, argv: Sequence[str] | None = None) -> int:
    """Run a program with the words of the command line; the result is its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if argv is None:
        _leave_to_pacemaker(program.name, words)
    try:
        return _run(program, words)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return ExitStatus.OK


def _leave_to_pacemaker(name: str, words: Sequence[str]) -> None:
    """Where Pacemaker alone is on this machine, its own program answers for the running cluster."""
    if file_of(os.environ):
        return
    from engine.ipc.live import program_instead

    path = program_instead(name, os.environ)
    if path:
        with contextlib.suppress(OSError):
            os.execv(path, [path, *words])


def _run(program: Program, words: Sequence[str]) -> int:
    try:
        options = parse(program.name, program.table, words)
    except EngineError as problem:
        return _refuse(program, words, _form_in(words), str(problem))
    if "help" in options or "help-all" in options:
        text = help_text(
            program.name,
            program.summary,
            program.usage,
            program.table,
            everything="help-all" in options,
        )
        sys.stdout.write(text)
        return ExitStatus.OK
    own = {each.key for each in program.options}
    if "version" in options and "version" not in own:
        from engine.tools.frame.version import version_line

        sys.stdout.write(version_line(program.name))
        return ExitStatus.OK
    form = options.get("output-as", "text") or "text"
    if program.form_of is not None:
        form = program.form_of(options)
    if form not in program.formats:
        text = f"unknown output format {form}; expected one of {', '.join(program.formats)}"
        return _refuse(program, words, "text", text)
    out = Output(program.name, words, form)
    try:
        status = program.main(Call(options, out, os.environ))
    except EngineError as problem:
        out.error(f"{program.name}: {problem}")
        for report in problem.reports:
            out.note(f"{program.name}: {report.message}")
        status = int(problem.status)
    return _finish(out, status, options.get("output-to", "-"))


def _refuse(program: Program, words: Sequence[str], form: str, text: str) -> int:
    out = Output(program.name, words, form)
    out.error(f"{program.name}: {text}")
    out.finish(ExitStatus.USAGE, sys.stdout)
    return ExitStatus.USAGE


def _form_in(words: Sequence[str]) -> str:
    """The format that words ask for that could not be taken apart."""
    for place, word in enumerate(words):
        if word == "--output-as=xml" or list(words[place : place + 2]) == ["--output-as", "xml"]:
            return "xml"
    return "text"


def _finish(out: Output, status: int, place: str) -> int:
    if place in ("", "-"):
        out.finish(status, sys.stdout)
        return int(status)
    try:
        with open(place, "w", encoding="utf-8") as file:
            out.finish(status, file)
    except OSError as problem:
        sys.stderr.write(f"{out.program}: {place}: {problem.strerror}\n")
        return ExitStatus.CANTCREAT
    return int(status)
