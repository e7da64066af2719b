"""Refusals of changes to the pending configuration, and their place in the user's text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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
    start = _find_word(word, line.text)
    if start >= 0:
        return line.span(start, start + len(word))
    first = len(line.text) - len(line.text.lstrip())
    end = line.text.find(" ", first)
    return line.span(first, end if end > 0 else len(line.text))


_QUOTED = re.compile(r"['\"]([^'\"]+)['\"]")


Lines = tuple[Line, ...]
"""The statements that made an object; several where they are merged, as those of `property`."""


def located(reports: Iterable[Report], origins: Mapping[str, Lines]) -> list[Report]:
    """The reports, those about objects typed in this run with the place of the word they mean.

    They come in the order of these places; what is about the cluster as a whole has none, and is last.
    """
    return sorted((_located(report, origins) for report in reports), key=_position)


def _position(report: Report) -> tuple[bool, int, int]:
    span = report.span
    return (True, 0, 0) if span is None else (False, span.line, span.column)


def _located(report: Report, origins: Mapping[str, Lines]) -> Report:
    lines = origins.get(report.subject, ()) if report.span is None else ()
    if not lines:
        return report
    body = report.message.removeprefix(f"{report.subject}: ")
    tokens = {word.rstrip(":") for line in lines for word in line.text.split()}
    plain = [word for word in body.split() if word in tokens]
    quoted = [word for word in _QUOTED.findall(body) if word != report.subject]
    first = body.split()[0].rstrip(":,")
    for word in [*quoted, *plain, first, first.rpartition(":")[2], report.subject]:
        for line in reversed(lines):
            start = _find_word(word, line.text)
            if start >= 0:
                return replace(report, span=line.span(start, start + len(word)))
    return replace(report, span=place_of("", lines[-1]))


def _find_word(word: str, text: str) -> int:
    """Where the word begins in the text as a word of its own, else anywhere; -1: nowhere."""
    if not word:
        return -1
    found = re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])", text)
    return found.start() if found is not None else text.find(word)
