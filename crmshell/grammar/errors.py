"""Syntax errors: what is wrong, where it stands, and the nearest legal word.

A `SyntaxProblem` is raised by whatever reads text and carries reports with a span. How many of
them a caller wants before it gives up is its own choice: `Strictness`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from crmshell.errors import ShellError
from engine.base.reports import Report, Severity, Span

LONGEST_QUOTE = 120
MOST_CANDIDATES = 2000


class Strictness(Enum):
    """What a reader of many statements does with the first wrong one."""

    FIRST = "first"  # stop there: the prompt
    ALL = "all"  # read on, then refuse everything together: scripts, load
    WARN = "warn"  # say it and go on with the rest: -F


class SyntaxProblem(ShellError):
    """One statement that cannot be understood; `reports` has exactly one entry."""

    def __init__(
        self, message: str, span: Span, *, nearest: str = "", code: str = "syntax"
    ) -> None:
        report = Report(code, Severity.ERROR, message, span=span, nearest=nearest)
        super().__init__(reports=(report,))

    @property
    def report(self) -> Report:
        return self.reports[0]


def nearest_word(word: str, legal: Iterable[str]) -> str:
    """The legal word that looks most like `word`; "" when none does. Cheap for long lists."""
    from difflib import get_close_matches

    if not word or len(word) > 64:
        return ""
    candidates = list(legal)
    lower = word.lower()
    for candidate in candidates:
        if candidate.lower() == lower and candidate != word:
            return candidate
    if len(candidates) > MOST_CANDIDATES:
        candidates = [c for c in candidates if c[:1].lower() == lower[:1]][:MOST_CANDIDATES]
    found = get_close_matches(lower, [c.lower() for c in candidates], n=1, cutoff=0.6)
    if not found:
        return ""
    return next(c for c in candidates if c.lower() == found[0])


def shortened(text: str, limit: int = LONGEST_QUOTE) -> str:
    """The text on one line for quoting in a message, cut in the middle when it is long."""
    if len(text) > 4 * limit:
        text = text[: 2 * limit] + " … " + text[-limit:]
    one_line = " ".join(text.split())
    if len(one_line) <= limit:
        return one_line
    keep = limit - 3
    return one_line[: keep * 2 // 3] + " … " + one_line[-(keep // 3) :]
