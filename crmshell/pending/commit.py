"""Handing the pending configuration over: checks, the difference, what to do when refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Protocol

from lxml import etree

from crmshell.errors import ShellError
from crmshell.pending.changes import PendingCib
from crmshell.pending.checks import Facts
from crmshell.pending.problems import Lines, located
from crmshell.pending.verify import verify
from crmshell.sources.api import CibSource
from engine.base.reports import Report, Severity
from engine.cib.document import Cib
from engine.cib.schema import dangling_references, validate

_NOT_THE_CHANGES_FAULT = frozenset(
    {"bad-cib", "cannot-read", "cannot-run", "cannot-write", "conflict", "locked", "timeout"}
)

_LINE = re.compile(r"\bline [0-9]+")


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
    def facts(self) -> Facts: ...
    def report(self, *reports: Report) -> None: ...
    def info(self, text: str) -> None: ...
    def forget_pending(self) -> None: ...
    def confirm(self, question: str, *, default: bool = False) -> bool: ...


def commit_pending(session: Committer, *, force: bool = False, replace: bool = False) -> None:
    """Checks and writes what is pending; raises `ShellError` when it must not or cannot be."""
    pending = session.pending
    if not pending.differs:
        if pending.is_changed:
            session.forget_pending()
        session.info("apparently there is nothing to commit")
        return
    forced = force or session.force
    put_in_order(pending)
    pending.refused_at = pending.mark()
    _check(session, forced=forced)
    pending.refused_at = -1
    try:
        committed = session.source.commit(pending.base, pending.cib, replace=replace, force=forced)
    except ShellError as problem:
        # What was wrong with the change itself is said and mended; the rest is tried again later.
        problem.keeps = problem.keeps or problem.reports[0].code in _NOT_THE_CHANGES_FAULT
        raise
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


def find_problems(session: Committer, *, everything: bool) -> list[Report]:
    """All findings about the pending configuration, or about what was changed, with their places."""
    pending = session.pending
    names = None if everything else list(pending.touched)
    # Lines typed at the prompt or in an editor are gone; those of a script can be shown again.
    origins = {
        name: lines
        for name, lines in pending.origins.items()
        if lines[-1].file not in ("prompt", "edit")
    }
    reports = [*verify(pending, session.facts(), names), *_not_carried_out(session)]
    parts = {report.subject for report in reports} - origins.keys() - {""}
    return located(reports, origins | _origins_of_parts(pending, parts, origins))


def _not_carried_out(session: Committer) -> tuple[Report, ...]:
    """What the change brings in and the agents of this cluster would refuse."""
    if not session.source.live:
        return ()
    from crmshell.sources.agent import AgentSource
    from engine.cib.not_carried_out import refusals, uses_of

    if not isinstance(session.source, AgentSource):
        return ()
    return refusals(uses_of(session.pending.base.root), session.pending.cib.root)


def _origins_of_parts(
    pending: PendingCib, parts: Set[str], origins: Mapping[str, Lines]
) -> dict[str, Lines]:
    """The lines of the objects to which parts with these ids belong."""
    found: dict[str, Lines] = {}
    if not parts or not origins:
        return found
    for element in pending.cib.configuration.iter(etree.Element):
        identity = element.get("id", "")
        if identity in parts:
            owners = (each.get("id", "") for each in element.iterancestors())
            line = next((origins[owner] for owner in owners if owner in origins), None)
            if line is not None:
                found[identity] = line
    return found


def tell(session: Committer, reports: list[Report]) -> None:
    """Shows findings; what was told before about the same pending changes is not said again."""
    told = session.pending.told
    session.report(*(report for report in reports if report.message not in told))
    told.update(report.message for report in reports)


def _check(session: Committer, *, forced: bool) -> None:
    """Shows all findings; raises when errors stand against the commit."""
    reports = find_problems(session, everything=False)
    errors = [report for report in reports if report.severity >= Severity.ERROR]
    if session.interactive:
        # What was told when it was typed may have scrolled away since: the question is about it.
        session.pending.told.difference_update(report.message for report in errors)
    tell(session, reports)
    if not errors:
        return
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    if _breaks_the_form(session.pending):
        raise ShellError(
            f"not committed: {count} above, and no cluster takes a configuration of such a form,"
            " forced or not",
            code="bad-form",
        )
    if forced or (session.interactive and session.confirm("Do you still want to commit")):
        return
    how = "commit force commits" if session.interactive else "commit force, or crm -F, commits"
    raise ShellError(f"not committed: {count} above ({how} despite them)", code="not-committed")


def _breaks_the_form(pending: PendingCib) -> bool:
    """Does the change bring in a fault of form: against the schema, an id twice, a reference to
    nothing? What was there before does not count, or a bad CIB could never be mended."""
    faults = _faults_of_form(pending.cib)
    return bool(faults) and not faults <= _faults_of_form(pending.base)


def _faults_of_form(cib: Cib) -> set[tuple[str, str, str]]:
    """What is wrong with the form, without the numbers of lines."""
    return {
        (report.code, report.subject, _LINE.sub("", report.message))
        for report in (*validate(cib.root), *dangling_references(cib.root))
        if report.severity >= Severity.ERROR
    }
