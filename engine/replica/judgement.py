"""What a change of the configuration has to pass, for the event loop and for the guard process alike.

Judging a large configuration takes longer than an agent may stand still: such a change becomes a
`Question`, which the guard answers with a `Verdict` (engine 1.1, D-2).
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from lxml import etree

from engine.base.errors import BadInput, EngineError
from engine.base.events import Question, Verdict
from engine.base.exitcodes import ExitStatus
from engine.base.reports import Report, Severity
from engine.cib.access import is_restricted, permission_denied, refuse_forbidden
from engine.cib.document import Cib, CibVersion
from engine.cib.not_carried_out import ROWS, Row, Use, refusals, uses_of
from engine.cib.patch import (
    Operation,
    Patch,
    SetAttribute,
    patch_from_bytes,
    plan_patch,
    touched_paths,
)
from engine.cib.soundness import Soundness

# Far above any count of changes, and far enough below 18 digits that counting on stays readable.
MAX_VERSION = 10**15
MOST_TOLD = 20
# Attributes of <cib> that the engine writes itself; a client's change of them is left out.
MANAGED = frozenset(
    {
        *("epoch", "num_updates", "cib-last-written", "update-origin", "update-client"),
        *("update-user", "have-quorum", "dc-uuid", "execution-date"),
    }
)

Check = Callable[[etree._Element], list[Report]]


def answer(question: Question, check: Check) -> Verdict:
    """Judge a change. Whatever is wrong with it is in the verdict."""
    try:
        if question.replace:
            return _answer_replacement(question, check)
        return _answer_patch(question, check)
    except BadInput as problem:
        return verdict_of_problem(problem)
    except EngineError as problem:  # the user may not do this
        return Verdict(str(problem), int(problem.status))


def verdict_of_problem(problem: BadInput) -> Verdict:
    """The refusal of a change, with the warnings that were found beside the errors."""
    lower = [item.message for item in problem.reports if item.severity < Severity.ERROR]
    return Verdict(str(problem), int(problem.status), tuple(lower[:MOST_TOLD]))


def _answer_replacement(question: Question, check: Check) -> Verdict:
    wanted = replacement_from(question.replace)
    if question.acl_user:
        old = Cib.from_bytes(question.state, "configuration")
        for cib in (old, wanted):
            for status in cib.root.findall("status"):
                cib.root.remove(status)
        refuse_forbidden(old.root, wanted.root, question.acl_user, question.acl_groups)
    refuse_what_is_not_carried_out(frozenset(Use(*row) for row in question.uses), wanted.root)
    return _accepted(wanted, check, question.force)


def _answer_patch(question: Question, check: Check) -> Verdict:
    cib = Cib.from_bytes(question.state, "configuration")
    patch = configuration_part(patch_from_bytes(question.patch))
    plan = plan_patch(cib.root, patch)
    is_judged = is_restricted(cib.root, question.acl_user)
    if plan.conflicts and is_judged:
        raise permission_denied("the change does not fit what is there")
    if plan.conflicts:
        found = tuple([(item.subject, item.what) for item in plan.conflicts])
        return Verdict(status=int(ExitStatus.OLD), conflicts=found)
    if not plan.changes:
        return Verdict(is_empty=True)
    before = uses_of(cib.root)
    old = deepcopy(cib.root) if is_judged else None
    plan.apply()
    if old is not None:
        refuse_forbidden(old, cib.root, question.acl_user, question.acl_groups)
    check_version(cib)
    refuse_what_is_not_carried_out(before, cib.root)
    return _accepted(cib, check, question.force)


def _accepted(cib: Cib, check: Check, force: bool) -> Verdict:
    is_flawless = verify(cib.root, check, force=force)
    learned = Soundness().learn(cib.root) if is_flawless else None
    return Verdict(tally=learned.whole.to_bytes() if learned and learned.whole else b"")


def replacement_from(data: bytes) -> Cib:
    """The configuration that is to take the place of the present one; `BadInput` if it cannot."""
    wanted = Cib.from_bytes(data, "replacement")
    check_version(wanted)
    _ = wanted.configuration
    return wanted


def verify(root: etree._Element, check: Check, *, force: bool) -> bool:
    """Check the whole; whether nothing at all was found. `BadInput` for errors that block it."""
    reports = check(root)
    errors = [
        report
        for report in reports
        if report.severity >= Severity.ERROR and not (force and report.force_code)
    ]
    if errors:
        text = "; ".join(report.message for report in errors[:MOST_TOLD])
        raise BadInput(text, status=ExitStatus.CONFIG, reports=tuple(errors))
    return not reports


def check_version(cib: Cib) -> None:
    """Every node must be able to count on from the version: it is refused before it is in the log."""
    for name, number in zip(CibVersion._fields, cib.version, strict=True):
        if number > MAX_VERSION:
            raise BadInput(f"{name}={number} of the CIB is above {MAX_VERSION}")


def refuse_what_is_not_carried_out(
    before: frozenset[Use], root: etree._Element, rows: tuple[Row, ...] = ROWS
) -> None:
    """What is accepted is done: raises `BadInput` for a change that brings in what is not."""
    reports = refusals(before, root, rows)
    if reports:
        raise BadInput(
            "; ".join(report.message for report in reports[:MOST_TOLD]),
            status=ExitStatus.UNIMPLEMENT_FEATURE,
            reports=reports,
        )


def configuration_part(patch: Patch) -> Patch:
    """Without the attributes that the engine writes; `BadInput` for anything outside configuration."""
    kept: list[Operation] = []
    for operation, path in zip(patch.operations, touched_paths(patch), strict=True):
        if not path:
            if isinstance(operation, SetAttribute) and operation.name not in MANAGED:
                kept.append(operation)
        elif path[0][0] != "configuration":
            raise BadInput(f"a change of <{path[0][0]}> cannot be committed")
        elif len(path) == 1 and not isinstance(operation, SetAttribute):
            raise BadInput("<configuration> itself cannot be added, moved or removed")
        else:
            kept.append(operation)
    return Patch(tuple(kept))
