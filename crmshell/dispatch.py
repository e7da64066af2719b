"""From a line to a level and a command, and the call of it; free of terminal matters.

Movement, abbreviations, level names in front of a command, paths (`/status`, `../resource stop x`),
and the one place where refusals and bugs of commands are turned into message lines.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from crmshell.errors import ShellError, UnknownWord
from crmshell.grammar.tokens import Line, Token, split_words
from crmshell.levels.frame.registry import (
    Answer,
    Call,
    Command,
    Level,
    Registry,
    change_levels,
    follow_path,
)
from crmshell.levels.frame.skill import require_skill
from crmshell.options import SKILLS
from crmshell.session import Mode, Session
from engine.base.errors import EngineError
from engine.base.reports import Report, Severity

INTERRUPTED = 130
_ASKS_FOR_HELP = frozenset(("--help", "-h"))


class Dispatcher:
    """Runs lines in a session."""

    def __init__(self, session: Session, registry: Registry | None = None) -> None:
        self.session = session
        self.registry = registry or Registry()

    def run_line(self, line: Line) -> int:
        """Run one logical line; messages have been shown. Exit status of what it did."""
        if self.session.switches.regression:
            self.session.environment.write(f".INP: {line.text}")
        return self.guarded(lambda: self._run(line))

    def is_levels_only(self, line: Line) -> bool:
        """Whether the line names levels and nothing to do there."""
        level = "root"
        for token in split_words(line):
            found = self.registry.find(level, token.text)
            if not isinstance(found, Level):
                return False
            level = found.name
        return True

    def finish(self) -> int:
        """At the end of a script or of a one-shot call: leave every level; the exit status."""
        return self.guarded(lambda: 0 if change_levels(self.session, self.registry, []) else 1)

    def guarded(self, run: Callable[[], int]) -> int:
        """Call `run`; a refusal or a bug becomes message lines and a status."""
        session = self.session
        try:
            return run()
        except ShellError as problem:
            session.report(*problem.reports)
            if problem.keeps:
                session.keep_pending()
            return problem.status
        except EngineError as problem:
            session.report(*(problem.reports or (Report("refused", Severity.ERROR, str(problem)),)))
            return 1
        except KeyboardInterrupt:
            if not session.interactive:
                raise
            session.environment.complain("")
            return INTERRUPTED
        except BrokenPipeError:
            raise
        except OSError as problem:
            # Files are the environment's affair; what is left is an output that cannot be written.
            session.error(
                f"{problem.filename or 'output'}: {problem.strerror or problem}", "output"
            )
            return 1
        except Exception as problem:  # the one place that turns bugs into a line
            self._report_bug(problem)
            return 1

    # -- inside ---------------------------------------------------------------------------------

    def _run(self, line: Line) -> int:
        text = line.text.strip()
        if not text or text.startswith("#"):
            return 0
        tokens: Sequence[Token] = split_words(line)
        home = list(self.session.levels)
        try:
            if self._is_path(tokens):
                return 0
            tokens = self._go_where_the_line_says(tokens)
            if not tokens:
                return 0
            asks = len(tokens) == 1 and tokens[0].text in _ASKS_FOR_HELP
            word = "help" if asks else tokens[0].text  # of the level as a whole
            found = self.registry.find(self.session.level, word)
            if not isinstance(found, Command):
                raise self._unknown(tokens[0], line)
            if asks:
                tokens = (replace(tokens[0], text="help"),)
        except ShellError:
            self.session.levels[:] = home
            raise
        there = list(self.session.levels)
        status = 1
        try:
            status = self._call(found, tokens, line)
        finally:
            if self.session.levels == there != home:
                status = self._return_from(there, home, status)
        return status

    def _return_from(self, there: list[str], home: list[str], status: int) -> int:
        """After a command in another level: leave what this line entered, and be home again."""
        if home != there[: len(home)]:
            self.session.levels[:] = home
            return status
        if change_levels(self.session, self.registry, home):
            return status
        return status or 1

    def _is_path(self, tokens: Sequence[Token]) -> bool:
        """A line that is nothing but `..`, `/ra`, `../configure`: go there, as `cd` does."""
        word = tokens[0].text
        if len(tokens) > 1 or not (word == ".." or "/" in word):
            return False
        try:
            target = follow_path(self.registry, self.session.levels, word)
        except UnknownWord:
            return False
        change_levels(self.session, self.registry, target)
        return True

    def _go_where_the_line_says(self, tokens: Sequence[Token]) -> Sequence[Token]:
        """Enter the levels that begin the line (a path, or names); what is left of the words."""
        first = tokens[0]
        head, slash, rest = first.text.rpartition("/")
        if slash:
            self.session.levels[:] = follow_path(self.registry, self.session.levels, head or "/")
            command_word = Token(rest, first.end - len(rest), first.end)
            tokens = (command_word, *tokens[1:]) if rest else tokens[1:]
        while tokens:
            found = self.registry.find(self.session.level, tokens[0].text)
            if not isinstance(found, Level):
                break
            self.session.levels.append(found.name)
            tokens = tokens[1:]
        return tokens

    def _unknown(self, token: Token, line: Line) -> ShellError:
        first = self.registry.unknown(self.session.level, token.text).reports[0]
        span = line.span(token.start, token.end)
        return ShellError(reports=(Report(first.code, first.severity, first.message, span=span),))

    def _call(self, command: Command, tokens: Sequence[Token], line: Line) -> int:
        session = self.session
        call = Call(command.name, tuple(tokens), line, self.registry)
        self._remark_on_word(command, tokens[0])
        if call.args and call.args[-1] in _ASKS_FOR_HELP and len(call.args) == 1:
            return self._help_on(command, call)
        skill = session.options.text("core.skill_level")
        if skill != SKILLS[-1]:
            require_skill(command, skill)
        self._check_arguments(command, call)
        if command.changes and session.mode is Mode.BATCH and session.script_failed:
            session.info(f"not run, for the script has an error: {line.text.strip()}")
            return 1
        status = self._answer(command.run(session, call))
        if command.changes and status == 0:
            session.wait_if_wanted()
        return status

    def _help_on(self, command: Command, call: Call) -> int:
        helper = self.registry.commands(self.session.level)["help"]
        word = call.tokens[0]
        topic = Token(command.name, word.start, word.end)
        return self._answer(
            helper.run(self.session, Call("help", (word, topic), call.line, self.registry))
        )

    def _remark_on_word(self, command: Command, token: Token) -> None:
        word = token.text
        if word == command.name or word in command.aliases:
            return
        if word in command.deprecated:
            self.session.warn(f"'{word}' is old, use '{command.deprecated[word]}'", "deprecated")
        elif self.session.mode is Mode.BATCH and command.drops:
            raise ShellError(
                f"'{word}' is not accepted for '{command.name}' in a script: "
                "what stops or deletes is spelt out",
                code="abbreviation",
            )
        elif self.session.interactive:
            self.session.info(f'"{word}" is accepted as "{command.name}"')

    def _check_arguments(self, command: Command, call: Call) -> None:
        given = len(call.args)
        if command.least <= given and (command.most < 0 or given <= command.most):
            return
        if command.least == command.most:
            need = f"takes exactly {_count(command.least)}"
        elif given < command.least:
            need = f"takes at least {_count(command.least)}"
        else:
            need = f"takes at most {_count(command.most)}"
        usage = f"Expected ({command.usage}), " if command.usage else ""
        text = f"{self.session.level}.{command.name}: {usage}{need} ({given} given)"
        span = call.line.span(call.tokens[0].start, call.tokens[-1].end)
        raise ShellError(reports=(Report("arguments", Severity.ERROR, text, span=span),))

    def _answer(self, answer: Answer | str | None) -> int:
        if answer is None:
            return 0
        if isinstance(answer, str):
            self.session.show(answer)
            return 0
        if answer.text:
            self.session.show(answer.text)
        if answer.data:
            self.session.environment.write(answer.data.decode("utf-8"))
        self.session.report(*answer.reports)
        return answer.status

    def _report_bug(self, problem: Exception) -> None:
        """A bug of ours: one line, and where the traceback is."""
        import traceback

        environment = self.session.environment
        path = os.path.join(environment.state_folder, "traceback.txt")
        text = "".join(traceback.format_exception(problem))
        where = ""
        if self.session.switches.debug:
            environment.complain(text)
        elif environment.make_folder(environment.state_folder):
            try:
                environment.write_file(path, text.encode("utf-8", "backslashreplace"), private=True)
                where = f"; the details are in {path}"
            except ShellError:
                where = ""
        self.session.error(
            f"this is a bug in crm ({type(problem).__name__}: {problem}){where}", "bug"
        )


def _count(number: int) -> str:
    return "1 argument" if number == 1 else f"{number} arguments"
