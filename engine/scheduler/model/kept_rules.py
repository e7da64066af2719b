"""What location rules said in earlier runs under the same configuration.

Most rules of locations ask for attributes of nodes and nothing else. What such a rule says is decided
by the values that the nodes have for these attributes, so as long as no event touches one of them the
scores of the last run hold. A rule that looks at dates, at parameters or at anything else of the
moment or the resource is evaluated anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from engine.base.carried_over import Kept
from engine.cib.refs import References
from engine.cib.rules import Rule, attributes_that_decide, read_rule
from engine.scheduler.model.entities import Node

Column = tuple[str | None, ...]
# (place of the node among the nodes, score)
Found = tuple[tuple[int, int], ...]
# The rule's element, what its score means, and the values of the attributes on all nodes.
Question = tuple[etree._Element, tuple[int, ...], tuple[Column, ...]]


@dataclass(frozen=True, slots=True)
class ReadRule:
    """A rule; `attributes` are the node attributes it depends on, None if more than those decide."""

    rule: Rule
    attributes: tuple[str, ...] | None


class KeptRules:
    """The rules of one configuration, and what they said."""

    __slots__ = ("_columns", "_found", "_rules")

    def __init__(self) -> None:
        self._rules: dict[etree._Element, ReadRule] = {}
        self._found: Kept[Question, Found] = Kept()
        self._columns: dict[str, Column] = {}

    def begin(self) -> None:
        """A run begins: attributes are asked for again, what the last run did not use is dropped."""
        self._columns = {}
        self._found.begin()

    def rule(self, element: etree._Element, refs: References) -> ReadRule:
        """The rule in the element."""
        known = self._rules.get(element)
        if known is None:
            rule = read_rule(element, refs)
            known = self._rules[element] = ReadRule(rule, attributes_that_decide(rule))
        return known

    def question(
        self,
        element: etree._Element,
        scores: tuple[int, ...],
        attributes: Sequence[str],
        nodes: Sequence[Node],
    ) -> Question:
        """Everything that the answer of a rule depends on; `nodes` are all nodes in their order."""
        columns = self._columns
        asked: list[Column] = []
        for name in attributes:
            column = columns.get(name)
            if column is None:
                column = columns[name] = tuple([node.attributes.get(name) for node in nodes])
            asked.append(column)
        if not asked:
            asked.append((None,) * len(nodes))
        return element, scores, tuple(asked)

    def find(self, question: Question) -> Found | None:
        """What the rule said, None if it was not asked that."""
        return self._found.find(question)

    def keep(self, question: Question, found: Found) -> None:
        self._found.keep(question, found)
