"""Handing the pending configuration over: checks, the difference, what to do when refused."""

from __future__ import annotations

from typing import Protocol

from crmshell.errors import ShellError
from crmshell.pending.changes import PendingCib
from crmshell.pending.tree import Element
from crmshell.sources.api import CibSource
from engine.base.reports import Report, Severity


class Committer(Protocol):
    """What a commit needs of the session."""

    @property
    def pending(self) -> PendingCib: ...
    @property
    def source(self) -> CibSource: ...
    @property
    def force(self) -> bool: ...
    @property
    def interactive(self) -> bool: ...
    def report(self, *reports: Report) -> None: ...
    def info(self, text: str) -> None: ...
    def forget_pending(self) -> None: ...
    def confirm(self, question: str, *, default: bool = False) -> bool: ...


def commit_pending(session: Committer, *, force: bool = False, replace: bool = False) -> None:
    """Checks and writes what is pending; raises `ShellError` when it must not or cannot be."""
    pending = session.pending
    if not pending.is_changed:
        session.info("apparently there is nothing to commit")
        return
    put_in_order(pending)
    committed = session.source.commit(
        pending.base, pending.cib, replace=replace, force=force or session.force
    )
    session.report(*committed.reports)
    session.forget_pending()
    if force:
        session.info("commit forced")


def put_in_order(pending: PendingCib) -> None:
    """The schema wants the primitive of a bundle last."""
    resources = pending.section("resources")
    for bundle in resources.findall("bundle") if resources is not None else ():
        member = bundle.find("primitive")
        if member is not None and member.getnext() is not None:
            pending.move(member, bundle)


def refuse_on_errors(reports: list[Report]) -> None:
    """Raises when a finding is an error."""
    errors = tuple(report for report in reports if report.severity >= Severity.ERROR)
    if errors:
        raise ShellError(reports=errors)


def children(element: Element) -> list[Element]:
    """Element children."""
    return [child for child in element if isinstance(child.tag, str)]
