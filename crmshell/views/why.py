"""Why a resource runs where it runs, or does not, in sentences; and what would have it otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from engine.base.score import INFINITY
from engine.reasons.changes import Change
from engine.reasons.explain import Cause, Explanation
from engine.reasons.node import NodeExplanation
from engine.reasons.outcome import Outcome, Place

_MOST = 12  # causes or ways in one answer


def why_text(found: Explanation) -> str:
    """The answer for people, the most important first."""
    lines = [_headline(found.name, found.outcome)]
    if found.outcome.blocked:
        lines.append(f"It cannot start: {'; '.join(found.outcome.blocked)}.")
    if found.wished == "there":
        lines += _decided(found)
    else:
        lines += _in_the_way(found)
    if not found.is_complete:
        lines.append("Time ran out before everything was tried: there may be more.")
    return "\n".join(lines)


def why_json(found: Explanation) -> str:
    """The same for programs: one object."""
    fields = {
        "resource": found.name,
        "node": found.node,
        "now": [_place_fields(place) for place in found.outcome.was],
        "next": [_place_fields(place) for place in found.outcome.will],
        "blocked": list(found.outcome.blocked),
        "causes": [_cause_fields(cause) for cause in found.causes],
        "ways": [_cause_fields(way) for way in found.ways],
        "preference": _score(found.preference) if found.preference is not None else None,
        "complete": found.is_complete,
    }
    return json.dumps(fields, indent=2)


def node_text(found: NodeExplanation) -> str:
    """Why a node runs what it runs, for people: what matters first."""
    runs = ", ".join(found.runs)
    lines = [f"{found.node} is to run {runs}." if runs else f"{found.node} is to run nothing."]
    matters = [each for each in found.keeping if each.gains or each.loses]
    idle = [each for each in found.keeping if not (each.gains or each.loses)]
    for each in matters:
        lines.append(f"  * {each.change.fact}")
        if each.change.command:
            lines.append(f"      {each.change.command}")
        if each.gains:
            lines.append(f"      then it would also run {', '.join(each.gains)}")
        if each.loses:
            lines.append(f"      then it would not run {', '.join(each.loses)}")
    if idle:
        lines.append("Of no consequence at present:")
        lines += [f"  * {each.change.fact}" for each in idle[:_MOST]]
    if not found.keeping:
        lines.append("Nothing about the node itself keeps anything away from it.")
    if not found.is_complete:
        lines.append("Time ran out before everything was tried: there may be more.")
    return "\n".join(lines)


def node_json(found: NodeExplanation) -> str:
    """The same for programs: one object."""
    items = [
        {
            "fact": each.change.fact,
            "command": each.change.command,
            "gains": list(each.gains),
            "loses": list(each.loses),
        }
        for each in found.keeping
    ]
    fields = {
        "node": found.node,
        "runs": list(found.runs),
        "facts": items,
        "complete": found.is_complete,
    }
    return json.dumps(fields, indent=2)


def _headline(name: str, outcome: Outcome) -> str:
    was, will = _places(outcome.was), _places(outcome.will)
    if outcome.was == outcome.will:
        return (
            f"{name} runs on {was} and stays there." if was else f"{name} is stopped and stays so."
        )
    if not was:
        return f"{name} is stopped and is about to start on {will}."
    if not will:
        return f"{name} runs on {was} and is about to stop."
    return f"{name} runs on {was}; next it is on {will}."


def _places(places: Sequence[Place]) -> str:
    return ", ".join(f"{p.node} ({p.role})" if p.role else p.node for p in places)


def _decided(found: Explanation) -> Iterator[str]:
    if not found.causes:
        yield (
            "Nothing decides it: with every rule, value and failure around it taken away, it would be there all the same."
        )
        return
    yield "This decides it:"
    for cause in found.causes[:_MOST]:
        yield f"  * {_facts(cause.changes)}"
        yield f"      otherwise it would {_would(cause.without)}"
    yield from _left(found.causes)


def _in_the_way(found: Explanation) -> Iterator[str]:
    where = f"on {found.node}" if found.node else "anywhere"
    if not found.causes and found.preference is None:
        yield f"No change that is known here would have it {where}."
        return
    if found.causes:
        yield f"It is not {where} because:" if found.node else "It is stopped because:"
    for cause in found.causes[:_MOST]:
        yield f"  * {_facts(cause.changes)}"
        for change in cause.changes:
            if change.command:
                yield f"      {change.command}"
        yield f"      then it would {_would(cause.without)}"
    yield from _left(found.causes)
    if found.preference is not None:
        yield from _preferred(found)


def _preferred(found: Explanation) -> Iterator[str]:
    score = found.preference or 0
    if found.causes:
        yield f"Or a location prefers it there by {_score(score)} at least:"
    else:
        yield f"Nothing keeps it away: a location that prefers it there by {_score(score)} brings it there:"
    name = f"{found.name}-on-{found.node}"
    words = "inf" if score >= INFINITY else str(score)
    yield f"      crm configure location {name} {found.name} {words}: {found.node}"


def _left(causes: Sequence[Cause]) -> Iterator[str]:
    if len(causes) > _MOST:
        yield f"  and {len(causes) - _MOST} more (--output-as json has all)"


def _facts(changes: Sequence[Change]) -> str:
    return ", together with: ".join(change.fact for change in changes)


def _would(outcome: Outcome) -> str:
    return f"run on {_places(outcome.will)}" if outcome.will else "be stopped"


def _score(score: int) -> str:
    return "INFINITY" if score >= INFINITY else str(score)


def _place_fields(place: Place) -> dict[str, str]:
    return {"node": place.node, "role": place.role} if place.role else {"node": place.node}


def _cause_fields(cause: Cause) -> dict[str, object]:
    return {
        "facts": [change.fact for change in cause.changes],
        "commands": [change.command for change in cause.changes if change.command],
        "then": [_place_fields(place) for place in cause.without.will],
    }
