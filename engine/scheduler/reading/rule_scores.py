"""On which nodes a location rule holds, and with which score (P5.6)."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from engine.base.digits import clipped
from engine.cib.rules import Rule, RuleContext, passes, read_rule
from engine.scheduler.model.kept_rules import Found, Question
from engine.scheduler.model.model import Model, Node, Resource
from engine.scheduler.reading.context import Reading
from engine.scheduler.reading.nodes import resource_attribute, score_with_words
from engine.scheduler.reading.parameters import parameters

_SUBMATCH: Final = re.compile(r"%([0-9])")


def rule_scores(
    reading: Reading, block: etree._Element, resource: Resource, submatches: tuple[str, ...]
) -> tuple[str | None, tuple[tuple[Node, int], ...]]:
    """Role of the rule, and the nodes on which it passes with their scores, last node first."""
    model = reading.model
    nodes = model.nodes
    kept = model.kept_rules
    if kept is None:
        rule = read_rule(block, reading.refs)
        found = _evaluate(model, rule, resource, submatches)
    else:
        known = kept.rule(block, reading.refs)
        rule = known.rule
        question = None if submatches else _question(model, block, rule, resource, known.attributes)
        answer = kept.find(question) if question is not None else None
        if answer is not None:
            found = answer
        else:
            found = _evaluate(model, rule, resource, submatches)
            if question is not None:
                kept.keep(question, found)
    return rule.role, tuple([(nodes[place], score) for place, score in found])


def _question(
    model: Model,
    block: etree._Element,
    rule: Rule,
    resource: Resource,
    attributes: tuple[str, ...] | None,
) -> Question | None:
    """Everything that the rule's answer depends on, None if that is more than node attributes."""
    if attributes is None or model.kept_rules is None:
        return None
    if rule.score is None and rule.score_attribute is not None:
        if resource.meta.get("container-attribute-target") is not None:
            return None  # the attribute may be that of a host
        attributes = (*attributes, rule.score_attribute)
    options = model.options
    scores = (
        score_with_words(model, rule.score) or 0,
        options.health_red,
        options.health_yellow,
        options.health_green,
    )
    return model.kept_rules.question(block, scores, attributes, model.nodes)


def _evaluate(model: Model, rule: Rule, resource: Resource, submatches: tuple[str, ...]) -> Found:
    """(place of the node, score) where the rule passes, last node first."""
    attribute = rule.score_attribute if rule.score is None else None
    if attribute is not None:
        attribute = _with_submatches(attribute, submatches)
    fixed = score_with_words(model, rule.score) or 0
    target = resource.meta.get("container-attribute-target")
    found: list[tuple[int, int]] = []
    for place, node in enumerate(model.nodes):
        context = RuleContext(
            now=model.now,
            zone=model.zone,
            attributes=node.attributes,
            params=parameters(model, resource, node),
            meta=resource.meta,
            submatches=submatches,
            note_change=model.want_recheck,
        )
        if not passes(rule, context):
            continue
        score = fixed
        if attribute is not None:
            told = score_with_words(model, resource_attribute(node, attribute, target))
            if told is None:
                continue
            score = told
        found.append((place, score))
    found.reverse()
    return tuple(found)


def _with_submatches(text: str, submatches: tuple[str, ...]) -> str:
    def value(match: re.Match[str]) -> str:
        number = clipped(match.group(1))
        return submatches[number] if number < len(submatches) else match.group()

    return _SUBMATCH.sub(value, text) if submatches else text
