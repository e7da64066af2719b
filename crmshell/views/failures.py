"""What single failures would lead to, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from engine.reasons.failures import Failure

_SHOWN = 8


def failures_text(failures: Sequence[Failure], why: Callable[[Failure, str], str]) -> str:
    """The failures that something does not survive, then how many it does; `why(failure, resource)` in a line."""
    lines: list[str] = []
    for failure in failures:
        if failure.is_survived:
            continue
        lines.append(_headline(failure))
        for name in (*failure.down, *failure.demoted):
            word = "is down" if name in failure.down else "has no promoted instance"
            reason = why(failure, name)
            lines.append(f"  {name} {word}{f': {reason}' if reason else ''}")
    fine = [failure for failure in failures if failure.is_survived]
    nodes = [failure for failure in fine if failure.kind == "node"]
    if nodes:
        lines.append("Nodes that may be lost:")
        lines += [f"  {failure.name}: {_moves(failure)}" for failure in nodes]
    resources = sum(1 for failure in fine if failure.kind == "resource")
    if resources:
        lines.append(f"Resources that may fail on their node: {resources}.")
    bad = len(failures) - len(fine)
    lines.append(
        f"{bad} of {len(failures)} single failures are not survived."
        if bad
        else "Every single failure is survived."
    )
    return "\n".join(lines)


def failures_json(failures: Sequence[Failure]) -> str:
    """Every failure for programs: one object."""
    items = [
        {
            "kind": failure.kind,
            "name": failure.name,
            "node": failure.node,
            "survived": failure.is_survived,
            "down": list(failure.down),
            "demoted": list(failure.demoted),
            "moved": list(failure.moved),
            "quorum": failure.has_quorum,
            "error": failure.error,
        }
        for failure in failures
    ]
    return json.dumps(
        {"survived": all(f.is_survived for f in failures), "failures": items}, indent=2
    )


def _headline(failure: Failure) -> str:
    if failure.error:
        return f"{failure.kind} {failure.name}: cannot be tried: {failure.error}"
    if failure.kind == "node":
        quorum = "" if failure.has_quorum else ", and with it the quorum"
        return f"If node {failure.name} is lost{quorum}:"
    return f"If {failure.name} fails on {failure.node} and has to leave it:"


def _moves(failure: Failure) -> str:
    if not failure.moved:
        return "nothing moves"
    more = len(failure.moved) - _SHOWN
    names = " ".join(failure.moved[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"{names} go elsewhere" if len(failure.moved) > 1 else f"{names} goes elsewhere"
