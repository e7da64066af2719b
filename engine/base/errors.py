"""Refusals of the engine: exceptions that carry reports and an exit status."""

from __future__ import annotations

from engine.base.exitcodes import ExitStatus
from engine.base.reports import Report


class EngineError(Exception):
    """A request was refused; `reports` say what, where and what would be right."""

    def __init__(
        self,
        message: str,
        *,
        status: ExitStatus = ExitStatus.ERROR,
        reports: tuple[Report, ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reports = reports


class BadInput(EngineError):
    """Input that is not well-formed, or outside the limits (exit status DATAERR unless said)."""

    def __init__(
        self,
        message: str,
        *,
        status: ExitStatus = ExitStatus.DATAERR,
        reports: tuple[Report, ...] = (),
    ) -> None:
        super().__init__(message, status=status, reports=reports)
