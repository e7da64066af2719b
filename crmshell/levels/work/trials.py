"""Trying what would be: every single failure in turn, with a word on a terminal while it lasts."""

from __future__ import annotations

import sys
from collections.abc import Callable

from crmshell.errors import ShellError
from crmshell.views.failures import failures_json, failures_text
from engine.base.errors import EngineError
from engine.cib.document import Cib
from engine.reasons.explain import explain
from engine.reasons.failures import Failure, single_failures, state_after

_EXPLAINED = 10  # resources whose loss is explained: each costs some scheduling runs
_EXPLAIN_SECONDS = 5.0


def all_single_failures(cib: Cib, clock: Callable[[], float], form: str) -> tuple[str, int]:
    """The text (or `json`) and the exit status: 1 when something would be down.

    Raises `ShellError` when the CIB cannot be scheduled. `clock` tells epoch seconds.
    """
    try:
        failures = list(single_failures(cib, clock(), _told))
    except EngineError as problem:
        raise ShellError(str(problem), reports=problem.reports) from None
    finally:
        _clear()
    status = 0 if all(failure.is_survived for failure in failures) else 1
    if form == "json":
        return failures_json(failures), status
    left = [_EXPLAINED]

    def why(failure: Failure, name: str) -> str:
        if left[0] <= 0:
            return ""
        left[0] -= 1
        end = clock() + _EXPLAIN_SECONDS
        found = explain(state_after(cib, failure), clock(), name, may_go_on=lambda: clock() < end)
        facts = [change.fact for cause in found.causes[:1] for change in cause.changes]
        return ", together with: ".join(facts)

    return failures_text(failures, why), status


def _told(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rtrying failures: {done} of {total}")
        sys.stderr.flush()


def _clear() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()
