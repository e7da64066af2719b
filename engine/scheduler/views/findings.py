"""Everything that is wrong with a CIB: its form, references to nothing, what the scheduler finds."""

from __future__ import annotations

from dataclasses import replace

from engine.base.errors import EngineError
from engine.base.reports import Report, ReportList, Severity
from engine.cib.document import Cib
from engine.cib.loops import loop_findings
from engine.cib.schema import dangling_references, validate
from engine.cib.upgrade import removed_option_findings

_SAME_AS_DANGLING = frozenset(("no-such-resource", "unknown-resource"))


def findings(cib: Cib, now: float) -> tuple[Report, ...]:
    """All findings, each once; the scheduler is asked only about a CIB of the right form.

    `now` is epoch seconds, for date rules.
    """
    found = ReportList()
    found.extend(validate(cib.root))
    if not found.has_errors:
        from engine.scheduler.api import schedule
        from engine.scheduler.reading.value_checks import value_findings

        found.extend(dangling_references(cib.root))
        found.extend(removed_option_findings(cib.root))
        found.extend(value_findings(cib.root))
        try:
            schedule(cib, now, found)
        except EngineError as problem:
            found.extend(problem.reports or (Report("refused", Severity.ERROR, str(problem)),))
        known = {report.code for report in found.items}
        if "ordering-loop" in known:
            known.add("order-loop")
        found.extend(r for r in loop_findings(cib.root) if r.code not in known)
    dangling = {report.subject for report in found.items if report.code == "reference-dangling"}
    return tuple(
        dict.fromkeys(
            _judged(report)
            for report in found.items
            if not (report.code in _SAME_AS_DANGLING and report.subject in dangling)
        )
    )


def _judged(report: Report) -> Report:
    """Without quorum is how the cluster is at present: no fault of its configuration."""
    return replace(report, severity=Severity.INFO) if report.code == "no-quorum" else report
