"""Level configure: handing the pending changes over, dropping them, leaving the level."""

from __future__ import annotations

from crmshell.errors import CommitConflict, ShellError
from crmshell.levels.commands.configure_show import difference, hider
from crmshell.levels.frame.registry import Answer, Call, command, on_leave
from crmshell.pending.changes import PendingCib
from crmshell.pending.commit import commit_pending, find_problems, tell
from crmshell.pending.listing import Listing, configuration_text
from crmshell.session import Session
from engine.base.reports import Report, Severity


@command(
    "configure",
    "commit",
    usage="[force] [replace] [--dry-run]",
    args=(0, 3),
    changes=True,
    help="hand the pending changes over to the cluster",
)
def commit(session: Session, call: Call) -> Answer:
    unknown = [word for word in call.args if word not in ("force", "replace", "--dry-run")]
    if unknown:
        raise ShellError(
            f"commit: '{unknown[0]}' is unknown, expected force, replace or --dry-run",
            code="arguments",
        )
    if "--dry-run" in call.args:
        return _dry_run(session)
    _hand_over(session, force="force" in call.args, replace="replace" in call.args)
    return Answer()


def _hand_over(session: Session, *, force: bool = False, replace: bool = False) -> None:
    """Commit; a conflict is raised with both versions of what is in conflict, and what to do."""
    try:
        commit_pending(session, force=force, replace=replace)
    except CommitConflict as conflict:
        subjects = dict.fromkeys(report.subject for report in conflict.reports)
        views = [_both_versions(session, subject.split()[-1]) for subject in subjects if subject]
        advice = "'refresh' drops your changes, 'commit replace' overwrites what is in conflict"
        notes = [*(text for view in views for text in view), advice]
        infos = tuple(Report("conflict", Severity.INFO, text) for text in notes)
        conflict.reports = (*conflict.reports, *infos)
        raise


def _both_versions(session: Session, ident: str) -> list[str]:
    """An object as it is there now, and as it would be committed."""
    try:
        now = PendingCib(session.source.read())
    except ShellError:
        return []
    listing = Listing("cib", one_line=True, hides=hider(session, ()))
    texts: list[str] = []
    for whose, pending in (("theirs", now), ("yours", session.pending)):
        found = [each for each in pending.everything() if each.get("id") == ident]
        text = configuration_text(pending, found, listing)
        texts.append(f"{whose}: {text or f'no {ident}'}")
    return texts


def _dry_run(session: Session) -> Answer:
    """What a commit would change, and what the cluster would then do; nothing is written."""
    from crmshell.levels.work.simulation import run_scheduler, summary_text

    if not session.pending.differs:
        session.info("apparently there is nothing to commit")
        return Answer()
    reports = find_problems(session, everything=False)
    tell(session, reports)
    text = difference(session, session.pending)
    done = run_scheduler(session.pending.cib.copy(), session.environment.clock())
    failed = any(report.severity >= Severity.ERROR for report in reports)
    return Answer(f"{text}\n\nTransition Summary:\n{summary_text(done)}", status=int(failed))


@command("configure", "verify", args=(0, 0), help="check the whole configuration")
def verify_(session: Session, call: Call) -> Answer:
    reports = find_problems(session, everything=True)
    session.pending.told.clear()
    tell(session, reports)
    return Answer(status=int(any(report.severity >= Severity.ERROR for report in reports)))


@command("configure", "refresh", args=(0, 0), help="drop the pending changes, read the CIB again")
def refresh(session: Session, call: Call) -> None:
    if session.interactive and session.has_pending_changes:
        session.require("All changes will be dropped. Do you want to proceed")
    session.forget_pending()


@on_leave("configure")
def leave(session: Session) -> bool:
    """What becomes of pending changes when the level is left; False: the user stays."""
    if not session.has_pending_changes:
        return True
    fate = session.on_leaving
    if fate == "drop":
        tell(session, find_problems(session, everything=False))
        count = session.failed_lines
        lines = "1 line" if count == 1 else f"{count} lines"
        session.error(f"{lines} of the script failed, nothing was committed", "nothing-committed")
        session.forget_pending()
        return True
    if fate == "commit":
        if session.pending.refused_at == session.pending.mark():
            session.forget_pending()  # refused by a commit of the script, and unchanged since
        else:
            _hand_over(session)
        return True
    text = difference(session, session.pending)
    if not session.pending.differs:
        session.forget_pending()
        return True
    session.show(text)
    # The question is about these as well; what was told when it was typed may have scrolled away.
    found = find_problems(session, everything=False)
    session.pending.told.difference_update(report.message for report in found)
    tell(session, found)
    answer = _ask(session)
    if answer == "y":
        _hand_over(session)
        return True
    if answer == "n":
        session.forget_pending()
        return True
    return False


def leave_generator(session: Session) -> bool:
    """Leave a level that generates statements: below configure they stay pending, elsewhere as there."""
    return "configure" in session.levels[:-1] or leave(session)


_LETTERS = "y commits the changes, n drops them, c stays here with them"


def _ask(session: Session) -> str:
    """`y`, `n` or `c` (stay)."""
    if session.force:
        return "y"
    if session.switches.refuse:
        return "n"
    session.environment.complain(_LETTERS)
    while True:
        reply = session.environment.ask_line("Do you want to commit the changes (y/n/c)? ")
        if reply is None:
            return "c"
        word = reply.strip().lower()
        if word in ("y", "yes"):
            return "y"
        if word in ("n", "no"):
            return "n"
        if word in ("c", "cancel", ""):
            return "c"
        session.environment.complain(f"'{word}' is no answer; {_LETTERS}")
