"""Refusals of the shell: exceptions that carry findings and an exit status."""

from __future__ import annotations

from engine.base.reports import Report, Severity


class ShellError(Exception):
    """A command was refused.

    `reports` are the findings to show; a plain message makes one error report of itself.
    `status` is the exit status of the command: 1, or 2 for wrong usage of the command line.
    `keeps`: the pending changes could not be handed over and are kept for the next start.
    """

    keeps = False

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 1,
        reports: tuple[Report, ...] = (),
        code: str = "refused",
    ) -> None:
        if not reports and message:
            reports = (Report(code, Severity.ERROR, message),)
        super().__init__(message or "; ".join(report.message for report in reports))
        self.status = status
        self.reports = reports


class UsageProblem(ShellError):
    """Wrong usage of the command line of `crm` itself (status 2)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=2, code="usage")


class UnknownWord(ShellError):
    """A word that names no command or level here; the message proposes the nearest ones."""

    def __init__(self, message: str, *, reports: tuple[Report, ...] = ()) -> None:
        super().__init__(message, reports=reports, code="unknown-word")


class Cancelled(ShellError):
    """The user answered no, or could not be asked; nothing was changed."""

    def __init__(self, message: str = "cancelled, nothing was changed") -> None:
        super().__init__(message, code="cancelled")


class CommitConflict(ShellError):
    """Somebody else changed what this commit touches; the pending changes are kept."""

    keeps = True

    def __init__(self, reports: tuple[Report, ...]) -> None:
        super().__init__(reports=reports, code="conflict")


class ConnectionLost(ShellError):
    """The node agent could not be reached, or went away in the middle (status 1)."""

    keeps = True

    def __init__(self, message: str) -> None:
        super().__init__(message, code="disconnected")
