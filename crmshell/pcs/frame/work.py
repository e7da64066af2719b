"""Work: what one `pcs` command has in hand: its words and options, the CIB, and its findings.

A command edits a copy of the CIB through `Book`; the difference is handed over only when nothing
was found against it. So a line is done completely or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from crmshell.errors import ShellError
from crmshell.grammar.errors import nearest_word
from crmshell.grammar.tokens import Line
from crmshell.pcs.frame.book import Book
from crmshell.pcs.frame.command import Command
from crmshell.pcs.frame.options import Given
from crmshell.pending.problems import place_of
from crmshell.session import Session
from engine.base.reports import Report, Severity


@dataclass(slots=True)
class Work:
    """One command at work."""

    session: Session
    command: Command
    given: Given
    words: list[str]
    line: Line
    findings: list[Report] = field(default_factory=list)

    # -- options ---------------------------------------------------------------------------------

    @property
    def force(self) -> bool:
        return self.given.has("--force")

    def has(self, name: str) -> bool:
        return self.given.has(name)

    def option(self, name: str, default: str = "") -> str:
        return self.given.get(name, default)

    # -- findings --------------------------------------------------------------------------------

    def refuse(self, message: str, word: str = "", *, forceable: bool = False) -> None:
        """A finding that stops the command, with the word of the line that it is about.

        `forceable`: with --force it is a warning.
        """
        if forceable and self.force:
            self.session.warn(message)
            return
        if forceable:
            message += "; --force does it nevertheless"
        span = place_of(word, self.line) if word and word in self.line.text else None
        self.findings.append(Report("refused", Severity.ERROR, message, span=span))

    def refuse_name(
        self, message: str, word: str, legal: Iterable[str], *, forceable: bool = False
    ) -> None:
        """The same for a name that is not known: the nearest one is proposed."""
        near = nearest_word(word, legal)
        hint = f" (did you mean '{near}'?)" if near else ""
        self.refuse(message + hint, word, forceable=forceable)

    def check(self) -> None:
        """Raises `ShellError` with all findings so far."""
        if self.findings:
            found = tuple(dict.fromkeys(self.findings))
            self.findings.clear()
            raise ShellError(reports=found)

    def stop(self, message: str, word: str = "") -> ShellError:
        """All findings and this one, to raise."""
        self.refuse(message, word)
        return ShellError(reports=tuple(dict.fromkeys(self.findings)))

    def misuse(self) -> ShellError:
        """The words do not fit the command: its usage in one line, to raise."""
        return self.stop(f"usage: {self.command.synopsis}")

    # -- the CIB ---------------------------------------------------------------------------------

    def read(self) -> Book:
        """The CIB as it is now."""
        return Book(self.session.cib(), self)

    def edit(self, change: Callable[[Book], None]) -> None:
        """Let `change` edit a copy of the CIB; hand the difference over when nothing is against it."""
        self.check()
        base = self.session.source.read(sync=True)
        book = Book(base.copy(), self)
        change(book)
        self.check()
        committed = self.session.source.commit(base, book.cib)
        self.session.report(*committed.reports)
        self.settle()

    def settle(self) -> None:
        """With --wait[=SECONDS]: wait until the cluster has nothing more to do."""
        if not self.has("--wait"):
            return
        from engine.base.errors import BadInput
        from engine.base.timespec import milliseconds_from_text

        text = self.option("--wait")
        try:
            limit = milliseconds_from_text(text) / 1000 if text else None
        except BadInput as problem:
            raise ShellError(f"--wait: {problem}") from None
        if not self.session.source.wait(limit):
            raise ShellError(
                "the cluster has not settled within the time limit", code="not-settled"
            )

    def must_be_live(self, what: str) -> None:
        """Raises `ShellError` when the command needs a running cluster and -f names a file."""
        if self.has("-f"):
            raise self.stop(f"{what} needs the running cluster, it cannot be done in a file (-f)")

    # -- saying ----------------------------------------------------------------------------------

    def show(self, lines: str | Iterable[str]) -> None:
        """Write a result; nothing for no lines."""
        text = lines if isinstance(lines, str) else "\n".join(lines)
        if text:
            self.session.show(text)

    def info(self, text: str) -> None:
        self.session.info(text)

    def warn(self, text: str) -> None:
        self.session.warn(text)
