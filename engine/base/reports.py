"""Findings as data: what is wrong, how bad, where, and whether it may be forced.

Library code never prints and rarely raises for a finding: it hands reports to a `Reporter`, so
that the user sees all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol


class Severity(IntEnum):
    """How bad a finding is; the order is the order of badness."""

    INFO = 0
    DEPRECATION = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text: file (or `stdin`, `prompt`), line and column from 1, length in characters."""

    file: str
    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """One finding.

    `code` is stable and for programs; `message` one line for people; `subject` the id of the object
    concerned; `span` the place in the user's text; `nearest` the nearest legal word, if any;
    `force_code` names the option under which the finding may be overridden ("" = never).
    """

    code: str
    severity: Severity
    message: str
    subject: str = ""
    span: Span | None = None
    nearest: str = ""
    force_code: str = ""


class Reporter(Protocol):
    """Takes findings as they are made."""

    def report(self, report: Report) -> None: ...


@dataclass(slots=True)
class ReportList:
    """The plain reporter: keeps everything in order."""

    items: list[Report] = field(default_factory=list)

    def report(self, report: Report) -> None:
        self.items.append(report)

    def extend(self, reports: Iterable[Report]) -> None:
        self.items.extend(reports)

    @property
    def has_errors(self) -> bool:
        return any(item.severity >= Severity.ERROR for item in self.items)


def error(
    code: str,
    message: str,
    *,
    subject: str = "",
    span: Span | None = None,
    nearest: str = "",
    force_code: str = "",
) -> Report:
    """An error report; the fields are those of `Report`."""
    return Report(code, Severity.ERROR, message, subject, span, nearest, force_code)


def warning(
    code: str,
    message: str,
    *,
    subject: str = "",
    span: Span | None = None,
    nearest: str = "",
    force_code: str = "",
) -> Report:
    """A warning report; the fields are those of `Report`."""
    return Report(code, Severity.WARNING, message, subject, span, nearest, force_code)
