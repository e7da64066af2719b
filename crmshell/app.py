"""The `crm` command: its options, and the choice of interactive, batch or one-shot (shell 1.1, 1.5).

Nothing heavy is imported before it is known to be needed: `--version` must answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crmshell import __version__
from crmshell.environment import Environment
from crmshell.errors import ShellError, UsageProblem
from engine.base.digits import is_digits

if TYPE_CHECKING:
    from crmshell.dispatch import Dispatcher
    from crmshell.options import Options
    from crmshell.session import Session

PIPE_CLOSED = 141
INTERRUPTED = 130
USAGE = """\
usage: crm [OPTIONS] [LEVEL...] [COMMAND [ARGUMENTS...]]

Without a command: interactive on a terminal, else commands from standard input.

  -h, --help            this text; `crm help` for everything else
      --version         the version
  -f, --file FILE       commands from a file (- is standard input)
  -c, --cib NAME        work on a shadow CIB
  -D, --display STYLE   plain, color, color-always, uppercase (several by comma)
      --color WHEN      auto, always, never
      --output-as FORM  text, json, xml for status and configuration
  -F, --force           yes to every question; commit despite findings
  -n, --no              no to every question
  -w, --wait            after each change wait until the cluster has settled
  -H, --history SOURCE  source for the level history
  -o, --opt NAME=VALUE  a setting for this run (may be repeated)
  -d, --debug           say more when something goes wrong
  -R                    echo commands and programs (for regression tests)
      --scriptdir DIRS  further folders with scripts, separated by ;
  -X FILE               write a profile of this run
"""


@dataclass(slots=True)
class Wishes:
    """What the command line asks for."""

    words: list[str] = field(default_factory=list)
    file: str = ""
    shadow: str = ""
    profile: str = ""
    settings: list[tuple[str, str]] = field(default_factory=list)
    force: bool = False
    refuse: bool = False
    wait: bool = False
    debug: bool = False
    regression: bool = False
    history: str = ""
    output_as: str = "text"
    only: str = ""


_FLAGS = {
    "-F": "force",
    "--force": "force",
    "-n": "refuse",
    "--no": "refuse",
    "-w": "wait",
    "--wait": "wait",
    "-d": "debug",
    "--debug": "debug",
    "-R": "regression",
    "--regression-tests": "regression",
}
_TEXTS = {
    "-f": "file",
    "--file": "file",
    "-c": "shadow",
    "--cib": "shadow",
    "-X": "profile",
    "--profile": "profile",
    "-H": "history",
    "--history": "history",
    "--output-as": "output_as",
}
_COLOUR = {"auto": "color", "always": "color-always", "never": "plain"}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the `crm` command; the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    environment = Environment.real()
    try:
        status = run(words, environment)
        environment.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return PIPE_CLOSED
    except OSError as problem:
        _forget_stdout()
        environment.complain(f"ERROR: output: {problem.strerror or problem}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def run(argv: Sequence[str], environment: Environment) -> int:
    """Do what the command line says in this environment; the exit status."""
    if list(argv[:1]) == ["--compgen"]:
        return _complete(argv[1:], environment)
    try:
        wishes = wishes_from_words(argv)
        if wishes.only == "version":
            environment.write(f"crm {__version__}")
            return 0
        if wishes.only == "help":
            environment.write(USAGE)
            return 0
        session = _open_session(wishes, environment)
    except ShellError as problem:
        for report in problem.reports:
            environment.complain(f"ERROR: {report.message}")
        return problem.status
    from crmshell.dispatch import Dispatcher

    dispatcher = Dispatcher(session)
    start = _profiled if wishes.profile else _start
    try:
        return dispatcher.guarded(lambda: start(dispatcher, wishes))
    finally:
        if session.temporary:
            environment.remove_file(session.temporary)


def wishes_from_words(argv: Sequence[str]) -> Wishes:
    """The options before the first word that is none; raises `UsageProblem`."""
    wishes = Wishes()
    rest = list(argv)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        name, glued, value = word, False, ""
        if word.startswith("--") and "=" in word:
            name, _, value = word.partition("=")
            glued = True
        elif not word.startswith("--") and len(word) > 2:
            name, value = word[:2], word[2:]
            if name in _FLAGS or name == "-h":
                rest.insert(0, f"-{value}")
            else:
                glued = True
        _take_option(wishes, name, value if glued else None, rest)
        if wishes.only:
            return wishes
    wishes.words = rest
    return wishes


def _take_option(wishes: Wishes, name: str, value: str | None, rest: list[str]) -> None:
    if name in {"-h", "--help"}:
        wishes.only = "help"
        return
    if name == "--version":
        wishes.only = "version"
        return
    if name in _FLAGS:
        setattr(wishes, _FLAGS[name], True)
        return
    if name not in {*_TEXTS, "-D", "--display", "--color", "-o", "--opt", "--scriptdir"}:
        raise UsageProblem(f"crm: no such option {name}{_near_option(name)}")
    if value is None:
        if not rest:
            raise UsageProblem(f"crm: option {name} needs a value")
        value = rest.pop(0)
    if name in {"-D", "--display"}:
        wishes.settings.append(("color.style", value))
    elif name == "--color":
        if value not in _COLOUR:
            raise UsageProblem(f"crm: --color {value}: expected auto, always or never")
        wishes.settings.append(("color.style", _COLOUR[value]))
    elif name in {"-o", "--opt"}:
        key, mark, text = value.partition("=")
        if not mark:
            raise UsageProblem(f"crm: {name} {value}: expected SECTION.NAME=VALUE")
        wishes.settings.append((key, text))
    elif name == "--output-as":
        if value not in {"text", "json", "xml"}:
            raise UsageProblem(f"crm: --output-as {value}: expected text, json or xml")
        wishes.output_as = value
    elif name != "--scriptdir":
        setattr(wishes, _TEXTS[name], value)


def _near_option(name: str) -> str:
    from difflib import get_close_matches

    known = [option for option in (*_FLAGS, *_TEXTS, "--display", "--opt") if len(option) > 2]
    near = get_close_matches(name, known, 1)
    return f", did you mean {near[0]}?" if near else "; crm --help lists them"


def _open_session(wishes: Wishes, environment: Environment) -> Session:
    from crmshell.session import Session, Switches

    environment.echo_programs = wishes.regression
    options = load_options(environment)
    for name, value in wishes.settings:
        try:
            options.set(name, value)
        except ShellError as problem:
            raise UsageProblem(f"crm: {problem}") from None
    session = Session(
        environment,
        options,
        Switches(
            force=wishes.force,
            refuse=wishes.refuse,
            wait=wishes.wait,
            debug=wishes.debug,
            regression=wishes.regression,
            output_as=wishes.output_as,
            history_source=wishes.history,
        ),
    )
    if wishes.shadow:
        from crmshell.sources.shadow import require_shadow

        require_shadow(environment, wishes.shadow)
        session.shadow = wishes.shadow
    return session


def load_options(environment: Environment) -> Options:
    """The settings of the machine and of the user; lines that say nothing legal are remarked on."""
    from crmshell.options import Options, values_from_ini

    user = environment.variables.get("CRM_CONFIG_FILE") or os.path.join(
        environment.config_folder, "crm.conf"
    )
    layers: list[dict[str, str]] = []
    for path in ("/etc/crm/crm.conf", user):
        values: dict[str, str] = {}
        if os.path.isfile(path) and os.access(path, os.R_OK):
            values, findings = values_from_ini(environment.read_text(path), path)
            for finding in findings:
                environment.complain(f"WARNING: {finding.message}")
        layers.append(values)
    return Options(system_values=layers[0], user_values=layers[1])


def _start(dispatcher: Dispatcher, wishes: Wishes) -> int:
    from crmshell.batch import one_shot_line, run_batch, script_lines, stdin_lines
    from crmshell.session import Mode

    session = dispatcher.session
    environment = session.environment
    line = one_shot_line(wishes.words) if wishes.words else None
    if line is not None and not wishes.file and not dispatcher.is_levels_only(line):
        session.source_line = lambda file, number: line.text if file == "prompt" else None
        # Where the line itself failed to leave its level, leaving would only fail again.
        return dispatcher.run_line(line) or dispatcher.finish()
    script = wishes.file or ("" if environment.stdin_tty and environment.stdout_tty else "-")
    session.mode = Mode.BATCH if script else Mode.INTERACTIVE
    if line is not None and dispatcher.run_line(line):
        return 1
    if not script:
        return _talk(dispatcher)
    try:
        lines = script_lines(environment, script) if wishes.file else stdin_lines(environment)
    except ShellError as problem:
        session.report(*problem.reports)
        return 2
    return run_batch(dispatcher, "stdin" if script == "-" else script, lines)


def _talk(dispatcher: Dispatcher) -> int:
    from crmshell.repl import run_interactive

    return run_interactive(dispatcher)


def _profiled(dispatcher: Dispatcher, wishes: Wishes) -> int:
    import cProfile

    profile = cProfile.Profile()
    try:
        return profile.runcall(_start, dispatcher, wishes)
    finally:
        profile.dump_stats(wishes.profile)


def _complete(argv: Sequence[str], environment: Environment) -> int:
    """`crm --compgen POINT LINE`: candidates for the programmable completion of a shell.

    A line each; with `described` a tab and what the candidate means behind it.
    """
    from crmshell.levels.frame.completion import compgen
    from crmshell.session import Session

    described = list(argv[2:]) == ["described"]
    if len(argv) not in (2, 3) or len(argv) != 2 + described or not is_digits(argv[0]):
        environment.complain("ERROR: crm: expected --compgen POINT LINE [described]")
        return 2
    session = Session(environment, load_options(environment))
    for one in compgen(session, argv[1][: int(argv[0])]):
        remark = " ".join(one.remark.split())
        environment.write(f"{one.text}\t{remark}" if described and remark else one.text)
    return 0


def _forget_stdout() -> None:
    """The reader has gone: let the interpreter flush into nothing at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
