"""Parts of objects of the CIB → parts of statements: attribute sets, rules, expressions.

Strict: what the text cannot say raises `NoText`.
"""

from __future__ import annotations

from typing import TypeAlias

from lxml import etree

from crmshell.grammar.ast import (
    AttrSet,
    NvPair,
    OperationExpression,
    Part,
    ResourceExpression,
    Rule,
)
from crmshell.grammar.cib_values import (
    NoText,
    date_expression_of,
    expression_of,
    id_of,
    nvpair_of,
    optional_id,
    word_of,
)
from crmshell.grammar.cursor import ID, Dialect
from crmshell.grammar.words import (
    is_line_safe,
    is_pair_name,
    is_score,
)

Element: TypeAlias = etree._Element

_OPERATORS = frozenset(("lt", "gt", "lte", "gte", "eq", "ne"))


class PartReader:
    """Makes parts of elements, for one schema."""

    __slots__ = ("dialect",)

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    # -- attribute sets ----------------------------------------------------------------------

    def attr_set(self, element: Element, kind: str) -> AttrSet:
        given = score = ref = ""
        for name, value in element.attrib.items():
            if name == "id":
                given = id_of(value)
            elif name == "score":
                score = word_of(value)
            elif name == "id-ref":
                ref = id_of(value)
            else:
                raise NoText(name)
        if ref and (len(element) or given or score):
            raise NoText("id-ref")
        rules: list[Rule] = []
        pairs: list[NvPair] = []
        for child in element:
            tag = child.tag
            if tag == "nvpair":
                pairs.append(nvpair_of(child))
            elif tag == "rule":
                rules.append(self.rule(child))
            elif isinstance(tag, str):
                raise NoText(tag)
        return AttrSet(kind, tuple(rules), tuple(pairs), score, given, ref)

    # -- rules -------------------------------------------------------------------------------

    def rule(self, element: Element, *, nested: bool = False) -> Rule:
        a = dict(element.attrib)
        ref = a.pop("id-ref", "")
        if ref:
            if a or len(element):
                raise NoText("id-ref")
            return Rule(ref=id_of(ref))
        given, role = a.pop("id", ""), a.pop("role", "")
        score, attribute = a.pop("score", None), a.pop("score-attribute", "")
        boolean = a.pop("boolean-op", "")
        if a or boolean not in ("", "and", "or") or (attribute and score is not None):
            raise NoText("rule")
        if score is not None and not is_score(score):
            raise NoText("score")
        if attribute and (is_score(attribute) or not is_pair_name(attribute)):
            raise NoText("score-attribute")
        if role and not ID.match(role):
            raise NoText("role")
        if nested and role in ("Master", "Slave"):
            raise NoText("role")
        parts = tuple(self.part(child) for child in element if isinstance(child.tag, str))
        if not parts:
            raise NoText("rule")
        boolean = "" if boolean == "and" else boolean
        return Rule(parts, boolean, score, attribute, role, optional_id(given))

    def part(self, element: Element) -> Part:
        tag = element.tag
        a = dict(element.attrib)
        given = optional_id(a.pop("id", ""))
        if tag == "expression":
            return expression_of(a, given)
        if tag == "date_expression":
            return date_expression_of(element, a, given)
        if tag == "rule":
            return self.rule(element, nested=True)
        if tag == "rsc_expression":
            agent = (a.pop("class", ""), a.pop("provider", ""), a.pop("type", ""))
            if a or not any(agent) or any(":" in part or not is_line_safe(part) for part in agent):
                raise NoText(tag)
            return ResourceExpression(agent, given)
        if tag == "op_expression":
            name, interval = a.pop("name", ""), a.pop("interval", "")
            if a or not ID.match(name) or name in _OPERATORS or not is_line_safe(interval):
                raise NoText(tag)
            return OperationExpression(name, interval, given)
        raise NoText(tag)
