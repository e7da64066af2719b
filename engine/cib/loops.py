"""Constraints that lead back to where they began: what waits for itself can never be done.

Seen in the configuration alone, so only loops that are there in every state of the cluster; the
scheduler finds those that the state makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from lxml import etree

from engine.base.digits import clipped, is_digits
from engine.base.reports import Report, Severity

Steps = dict[str, dict[str, str]]  # what comes first → what comes then → the constraint's id

_INFINITY = 1_000_000
_SHOWN_NAMES = 12


def loop_findings(root: etree._Element) -> list[Report]:
    """One warning for each loop of mandatory orders or colocations, with its constraints."""
    constraints = root.find("configuration/constraints")
    if constraints is None:
        return []
    orders: Steps = {}
    for element in constraints.iterfind("rsc_order"):
        if element.get("kind", "Mandatory") == "Mandatory" and element.get("score") is None:
            _take(orders, _order_steps(element), element)
    colocations: Steps = {}
    for element in constraints.iterfind("rsc_colocation"):
        if _is_mandatory(element.get("score", "")):
            _take(colocations, _colocation_steps(element), element)
    return [
        *_told("order-loop", orders, "the orders {} make {} wait for each other"),
        *_told("colocation-loop", colocations, "the colocations {} make {} follow each other"),
    ]


def _take(steps: Steps, pairs: Iterator[tuple[str, str]], element: etree._Element) -> None:
    for first, then in pairs:
        steps.setdefault(first, {}).setdefault(then, element.get("id", ""))
        steps.setdefault(then, {})


def _order_steps(element: etree._Element) -> Iterator[tuple[str, str]]:
    """Pairs of `ACTION of RESOURCE`; a start is the resource alone."""
    first, then = element.get("first"), element.get("then")
    if first is not None and then is not None:
        first_action = element.get("first-action", "start")
        then_action = element.get("then-action", first_action)
        yield _named(first, first_action), _named(then, then_action)
        return
    for one in element.iterfind("resource_set"):
        if one.get("sequential", "true").lower() in {"true", "on", "yes", "y", "1"}:
            action = one.get("action", "start")
            members = [_named(ref.get("id", ""), action) for ref in one.iterfind("resource_ref")]
            yield from pairwise(members)


def _is_mandatory(score: str) -> bool:
    word = score.strip().lower().removeprefix("+")
    return word == "infinity" or (is_digits(word) and clipped(word) >= _INFINITY)


def _named(resource: str, action: str) -> str:
    return resource if action == "start" else f"{action} of {resource}"


def _colocation_steps(element: etree._Element) -> Iterator[tuple[str, str]]:
    dependent, primary = element.get("rsc"), element.get("with-rsc")
    if dependent is not None and primary is not None:
        yield dependent, primary


def _told(code: str, steps: Steps, text: str) -> Iterator[Report]:
    for part in _loops(steps):
        members = set(part)
        ids = sorted({steps[a][b] for a in part for b in steps[a] if b in members})
        message = text.format(_listed(ids), _listed(sorted(part)))
        if len(part) == 1:
            message = f"{ids[0]}: '{part[0]}' is named on both sides, expected two resources"
        yield Report(code, Severity.WARNING, message, subject=ids[0])


def _listed(names: list[str]) -> str:
    """The names, or the first of many and how many there are besides."""
    if len(names) <= _SHOWN_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[:_SHOWN_NAMES])} and {len(names) - _SHOWN_NAMES} more"


def _loops(steps: Steps) -> list[list[str]]:
    """Strongly connected parts with a way back, in the order in which they are found (Tarjan)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    found: list[list[str]] = []
    for start in steps:
        if start in number:
            continue
        work = [(start, iter(steps[start]))]
        while work:
            name, followers = work[-1]
            if name not in number:
                number[name] = lowest[name] = len(number)
                path.append(name)
                on_path.add(name)
            for follower in followers:
                if follower not in number:
                    work.append((follower, iter(steps[follower])))
                    break
                if follower in on_path:
                    lowest[name] = min(lowest[name], number[follower])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    lowest[above] = min(lowest[above], lowest[name])
                if lowest[name] == number[name]:
                    place = _last_index(path, name)
                    part = path[place:]
                    del path[place:]
                    on_path.difference_update(part)
                    if len(part) > 1 or name in steps[name]:
                        found.append(part)
    return found


def _last_index(path: list[str], name: str) -> int:
    place = len(path) - 1
    while path[place] != name:
        place -= 1
    return place
