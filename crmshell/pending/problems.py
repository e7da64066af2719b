"""Refusals of changes to the pending configuration, and their place in the user's text."""

from __future__ import annotations

from dataclasses import replace

from crmshell.errors import ShellError
from crmshell.grammar.tokens import Line, Token
from engine.base.reports import Report, Severity, Span


class Refused(ShellError):
    """A change that cannot be made. `word` is the word of the statement that is to blame."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        subject: str = "",
        word: str = "",
        nearest: str = "",
    ) -> None:
        hint = f" (did you mean '{nearest}'?)" if nearest else ""
        report = Report(code, Severity.ERROR, message + hint, subject=subject, nearest=nearest)
        super().__init__(reports=(report,))
        self.word = word or subject

    def at(self, line: Line, tokens: tuple[Token, ...] = ()) -> ShellError:
        """The same refusal with the place of its word in the line."""
        span = place_of(self.word, line, tokens)
        return ShellError(reports=tuple(replace(report, span=span) for report in self.reports))


def place_of(word: str, line: Line, tokens: tuple[Token, ...] = ()) -> Span:
    """Where a word stands in a line; the whole first word when it is not there."""
    for token in tokens:
        if token.text == word:
            return line.span(token.start, token.end)
    if word:
        start = line.text.find(word)
        if start >= 0:
            return line.span(start, start + len(word))
    first = len(line.text) - len(line.text.lstrip())
    end = line.text.find(" ", first)
    return line.span(first, end if end > 0 else len(line.text))
