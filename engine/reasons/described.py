"""Constraints in words. Pure."""

from __future__ import annotations

from lxml import etree

from engine.base.score import INFINITY
from engine.base.values import score_or_none


def constraint_fact(constraint: etree._Element) -> str:
    """What a constraint wants, with its id first."""
    name = constraint.get("id", "")
    match constraint.tag:
        case "rsc_location":
            return f"location {name}: {_location(constraint)}"
        case "rsc_colocation":
            return f"colocation {name}: {_colocation(constraint)}"
        case "rsc_order":
            return f"order {name}: {_order(constraint)}"
        case _:
            ticket = constraint.get("ticket", "")
            who = constraint.get("rsc") or _members(constraint)
            return f"ticket constraint {name}: {who} needs ticket {ticket}"


def _location(constraint: etree._Element) -> str:
    who = constraint.get("rsc") or constraint.get("rsc-pattern") or _members(constraint)
    node = constraint.get("node")
    role = f" as {constraint.get('role')}" if constraint.get("role") else ""
    if node is None:
        rules = constraint.findall("rule")
        scores = " and ".join(
            rule.get("score") or rule.get("score-attribute") or "0" for rule in rules
        )
        return f"{who} by its rule, {scores}{role}"
    return f"{who}{role} {_wish(constraint.get('score', '0'))} {node}"


def _wish(score: str) -> str:
    value = score_or_none(score) or 0
    if value >= INFINITY:
        return "is to run on"
    if value <= -INFINITY:
        return "may not run on"
    return f"prefers by {value}" if value >= 0 else f"avoids by {-value}"


def _colocation(constraint: etree._Element) -> str:
    score = score_or_none(constraint.get("score", "INFINITY")) or 0
    dependent, primary = constraint.get("rsc"), constraint.get("with-rsc")
    if dependent is None or primary is None:
        return f"{_members(constraint)} together ({constraint.get('score', 'INFINITY')})"
    role = (
        f" where that is {constraint.get('with-rsc-role')}"
        if constraint.get("with-rsc-role")
        else ""
    )
    if score >= INFINITY:
        return f"{dependent} runs only with {primary}{role}"
    if score <= -INFINITY:
        return f"{dependent} never runs with {primary}{role}"
    wish = "prefers" if score >= 0 else "avoids"
    return f"{dependent} {wish} by {abs(score)} the node of {primary}{role}"


def _order(constraint: etree._Element) -> str:
    first, then = constraint.get("first"), constraint.get("then")
    if first is None or then is None:
        return f"{_members(constraint)} one after the other"
    action = constraint.get("first-action", "start")
    follows = constraint.get("then-action") or action
    return (
        f"{action} {first} before {follows} {then}"
        if action != "start" or follows != "start"
        else f"{first} before {then}"
    )


def _members(constraint: etree._Element) -> str:
    return " ".join(ref.get("id", "") for ref in constraint.iter("resource_ref"))
