"""Asking why: the search for causes, with a limit for large clusters and a word on a terminal while it lasts."""

from __future__ import annotations

import sys
from collections.abc import Callable

from crmshell.errors import ShellError
from crmshell.views.why import node_json, node_text, why_json, why_text
from engine.base.errors import EngineError
from engine.cib.document import Cib
from engine.reasons.explain import explain
from engine.reasons.node import explain_node

LIMIT_SECONDS = 30.0
_QUIET_SECONDS = 1.0


def answer(
    cib: Cib, clock: Callable[[], float], name: str, node: str, form: str, *, scores: bool = False
) -> str:
    """Why a resource is where it is, or why (not) on a node, as `text` or `json`. `clock` tells epoch seconds.

    Raises `ShellError` when the CIB cannot be scheduled.
    """
    if form == "xml":
        raise ShellError("why: expected text or json as output", code="arguments")
    search, now = _Search(clock), clock()
    try:
        found = explain(cib, now, name, node, search.may_go_on)
    except EngineError as problem:
        raise ShellError(str(problem), reports=problem.reports) from None
    finally:
        search.end()
    if form == "json":
        return why_json(found)
    text = why_text(found)
    if not scores:
        return text
    from crmshell.views.score_reasons import scores_behind

    return f"{text}\n\n{scores_behind(cib, now, name, node)}"


def node_answer(cib: Cib, clock: Callable[[], float], node: str, form: str) -> str:
    """Why a node runs what it runs and nothing else, as `text` or `json`; raises `ShellError` as `answer`."""
    if form == "xml":
        raise ShellError("why: expected text or json as output", code="arguments")
    search = _Search(clock)
    try:
        found = explain_node(cib, clock(), node, search.may_go_on)
    except EngineError as problem:
        raise ShellError(str(problem), reports=problem.reports) from None
    finally:
        search.end()
    return node_json(found) if form == "json" else node_text(found)


class _Search:
    """Counts the tries; says so on a terminal when it takes longer."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._tries = 0
        self._is_shown = False

    def may_go_on(self) -> bool:
        spent = self._clock() - self._began
        self._tries += 1
        if spent > _QUIET_SECONDS and sys.stderr.isatty():
            self._is_shown = True
            sys.stderr.write(f"\rtrying what else could be: {self._tries}")
            sys.stderr.flush()
        return spent < LIMIT_SECONDS

    def end(self) -> None:
        if self._is_shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
