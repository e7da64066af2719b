"""The `pcs` command: finds the command of the line in the table and runs it (a second grammar).

Nothing heavy is imported before the command is known.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from crmshell import __version__
from crmshell.environment import Environment
from crmshell.errors import ShellError
from engine.base.errors import EngineError

if TYPE_CHECKING:
    from crmshell.pcs.frame.command import Command
    from crmshell.pcs.frame.options import Given

PIPE_CLOSED = 141
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the `pcs` command; the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    environment = Environment.real()
    try:
        status = run(words, environment)
        environment.stdout.flush()
    except BrokenPipeError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        return PIPE_CLOSED
    except OSError as problem:
        environment.complain(f"ERROR: output: {problem.strerror or problem}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def run(argv: Sequence[str], environment: Environment) -> int:
    """Do what the line says in this environment; the exit status."""
    if list(argv[:1]) == ["--compgen"]:
        from crmshell.pcs.completion import candidates

        environment.write("\n".join(candidates(argv[1:])))
        return 0
    try:
        return _run(argv, environment)
    except ShellError as problem:
        _complain(environment, argv, problem)
        return problem.status
    except EngineError as problem:
        environment.complain(f"ERROR: {problem}")
        return 1


def _complain(environment: Environment, argv: Sequence[str], problem: ShellError) -> None:
    from crmshell.app import load_options
    from crmshell.output.messages import format_report
    from crmshell.output.style import style_for

    style = style_for(environment, load_options(environment), stderr=True)
    text = typed_line(argv)
    for report in problem.reports:
        environment.complain(format_report(report, style, lambda _file, _number: text))


def typed_line(argv: Sequence[str]) -> str:
    """The line as it could have been typed; passwords behind -p are not repeated."""
    from shlex import quote

    shown, secret = ["pcs"], False
    for word in argv:
        shown.append("****" if secret else quote(word))
        secret = word == "-p"
    return " ".join(shown)


def _run(argv: Sequence[str], environment: Environment) -> int:
    from crmshell.pcs.frame.options import split_options
    from crmshell.pcs.lookup import find_command

    given = split_options(argv)
    if given.has("--version"):
        environment.write(f"pcs: crmshell {__version__}")
        return 0
    if given.has("--help") or not given.words or given.words[:1] == ["help"]:
        from crmshell.pcs.help import help_text

        words = given.words[1:] if given.words[:1] == ["help"] else given.words
        environment.write(help_text(words))
        return 0
    command, words = find_command(given.words)
    _check_options(command, given)
    return _start(command, given, words, argv, environment)


def _check_options(command: Command, given: Given) -> None:
    """Raises `ShellError` for options that the command does not take."""
    from crmshell.pcs.frame.options import TOLERATED

    allowed = {*TOLERATED, "-f", "--user", "--password", *command.options.split()}
    wrong = [name for name in given.values if name not in allowed]
    if wrong:
        names = ", ".join(command.options.split()) or "none of its own"
        raise ShellError(
            f"pcs {command.path} has no option {', '.join(wrong)}; it has {names}", code="usage"
        )
    if given.get("--output-format", "text") not in ("text", "json", "cmd"):
        raise ShellError(
            f"--output-format '{given.get('--output-format')}': expected text, json or cmd"
        )


def _start(
    command: Command, given: Given, words: list[str], argv: Sequence[str], environment: Environment
) -> int:
    from crmshell.app import load_options
    from crmshell.grammar.tokens import Line
    from crmshell.pcs.frame.book import Work
    from crmshell.session import Session, Switches

    if command.now:
        environment.complain(f"WARNING: 'pcs {command.path}' is an old spelling of: {command.now}")
    if given.has("-f"):
        variables = {**environment.variables, "CIB_file": given.get("-f")}
        variables.pop("CIB_shadow", None)
        environment = replace(environment, variables=variables)
    switches = Switches(force=given.has("--force"), wait=given.has("--wait"))
    session = Session(environment, load_options(environment), switches)
    work = Work(session, command, given, words, Line.single(typed_line(argv), "prompt"))
    if len(words) < command.least or 0 <= command.most < len(words):
        raise work.misuse()
    return command.function()(work) or 0
