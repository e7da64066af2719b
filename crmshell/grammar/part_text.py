"""Parts of statements → text: words, name=value pairs, attribute sets, rules.

Which ids are written is a choice: those that something refers to (`show`), or every one that
would not be made again as it is (`save`, so that loading gives the same CIB).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from crmshell.grammar.ast import (
    AttrSet,
    DateExpression,
    Expression,
    NvPair,
    OperationExpression,
    Part,
    Rule,
)
from crmshell.grammar.ids import legal_id
from crmshell.grammar.words import UNITS

# (kind of the word, text) -> the text, perhaps in colour
Paint: TypeAlias = Callable[[str, str], str]

HIDDEN = "******"
_BARE = re.compile(r"[A-Za-z0-9_.-]+\Z")
_NEEDS_QUOTES = re.compile(r"[\s\"'\\]|\A\Z")
_SCORES = {"INFINITY": "inf", "+INFINITY": "+inf", "-INFINITY": "-inf"}
_OPERATIONS = {"in_range": "in", "date_spec": "spec"}
_RULE_WORDS = frozenset(("and", "or", "start", "end", *UNITS))
_SET_TAGS = {"params": "instance_attributes", "attributes": "instance_attributes"}
_SET_TAGS |= {"op_params": "instance_attributes", "utilization": "utilization"}
_SET_TAGS |= {"meta": "meta_attributes", "op_meta": "meta_attributes"}


def plain(_kind: str, text: str) -> str:
    """No colours."""
    return text


def hide_nothing(_name: str) -> bool:
    """All values are shown."""
    return False


def quoted(text: str) -> str:
    """A value as it is written: bare when it is a simple word."""
    if _BARE.match(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def worded(text: str) -> str:
    """A word that is quoted only when splitting would harm it."""
    if _NEEDS_QUOTES.search(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def score_text(score: str) -> str:
    """`inf`, `-inf` or the number."""
    return _SCORES.get(score, score)


@dataclass(frozen=True, slots=True)
class Style:
    """How to print. `referenced`: ids that must be shown; `all_ids`: every id that cannot be made
    again; `one_line`: parts joined by a blank; `nodes`: all node names, () = never shorten."""

    referenced: Collection[str] = ()
    all_ids: bool = False
    one_line: bool = False
    nodes: tuple[str, ...] = ()
    paint: Paint = plain
    hides: Callable[[str], bool] = hide_nothing


class PartPrinter:
    """Prints parts in one style."""

    __slots__ = ("_all", "_deep", "_joint", "_p", "_refs", "style")

    def __init__(self, style: Style | None = None) -> None:
        self.style = style or Style()
        self._p = self.style.paint
        self._refs = self.style.referenced
        self._all = self.style.all_ids
        self._joint = " " if self.style.one_line else " \\\n\t"
        self._deep = " " if self.style.one_line else " \\\n\t\t"

    def _head(self, keyword: str, given: str) -> str:
        return f"{self._p('keyword', keyword)} {self._p('identifier', given)}"

    def _pair(self, name: str, value: str) -> str:
        if self.style.hides(name):
            value = HIDDEN
        return f"{self._p('attr_name', name)}={self._p('attr_value', quoted(value))}"

    def _plain_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        return [
            f"{self._p('attr_name', name)}={self._p('attr_value', quoted(value))}"
            for name, value in pairs
        ]

    def _shows(self, given: str, made: str) -> bool:
        """Must this id be written? `made` is what a new statement would get."""
        if not given:
            return False
        return given in self._refs or (self._all and given != legal_id(made))

    def _described(self, parts: list[str], description: str) -> None:
        if description:
            parts.append(f"{self._p('attr_name', 'description')}={quoted(description)}")

    def _nvpair(self, pair: NvPair, prefix: str) -> str:
        if pair.ref:
            text = "@" + self._p("id_reference", pair.ref)
            return f"{text}:{pair.name}" if pair.name else text
        if pair.value is None:
            text = self._p("attr_name", pair.name)
        else:
            text = self._pair(pair.name, pair.value)
        if pair.id and self._shows(pair.id, f"{prefix}-{pair.name}"):
            return f"${self._p('identifier', pair.id)}:{text}"
        return text

    def _attr_set(self, stmt: AttrSet, prefix: str) -> str:
        words = [self._p("keyword", stmt.kind)]
        if stmt.ref:
            words.append(f"$id-ref={self._p('id_reference', stmt.ref)}")
            return " ".join(words)
        made = f"{prefix}-{_SET_TAGS[stmt.kind]}"
        if self._shows(stmt.id, made):
            words.append(f"$id={self._p('identifier', stmt.id)}")
        if stmt.score:
            words.append(self._p("score", stmt.score) + ":")
        inner = stmt.id or made
        return " ".join([*words, *self._rules_and_pairs(stmt.rules, stmt.pairs, inner)])

    def _rules_and_pairs(
        self, rules: Sequence[Rule], pairs: Sequence[NvPair], prefix: str
    ) -> list[str]:
        """Rules first, unless a rule would take a pair for its own (`start=` behind a date)."""
        first = [self._rule(rule, prefix) for rule in rules]
        second = [self._nvpair(pair, prefix) for pair in pairs]
        if rules and any(pair.name.lower() in _RULE_WORDS for pair in pairs):
            first, second = second, first
        return first + second

    # -- rules -------------------------------------------------------------------------------

    def _rule(self, rule: Rule, prefix: str) -> str:
        words = [self._p("keyword", "rule")]
        if rule.ref:
            words.append(f"$id-ref={self._p('id_reference', rule.ref)}")
            return " ".join(words)
        made = f"{prefix}-rule"
        if self._shows(rule.id, made):
            words.append(f"$id={self._p('identifier', rule.id)}")
        if rule.role:
            words.append(f"$role={self._p('attr_value', rule.role)}")
        if rule.score_attribute:
            words.append(self._p("score", rule.score_attribute) + ":")
        elif rule.score is None:
            words.append(":")
        elif rule.score != "INFINITY" or self._begins_with_id(rule, rule.id or made):
            words.append(self._p("score", score_text(rule.score)) + ":")
        words += self._expression(rule, rule.id or made)
        return " ".join(words)

    def _expression(self, rule: Rule, prefix: str) -> list[str]:
        words: list[str] = []
        boolean = rule.boolean or "and"
        made = f"{prefix}-expression"
        count = 0
        if len(rule.parts) == 1 and rule.boolean == "or":
            words.append("or")
        for place, part in enumerate(rule.parts):
            if place:
                words.append(boolean)
            if isinstance(part, Rule):
                words += self._nested(part, prefix)
                continue
            if self._shows(part.id, f"{made}-{count - 1}" if count else made):
                words.append(f"$id={self._p('identifier', part.id)}")
            words.append(self._part(part, part.id or made))
            count += 1
        return words

    def _begins_with_id(self, rule: Rule, prefix: str) -> bool:
        """Does the expression begin with an id, which could be taken for that of the rule?"""
        first = rule.parts[0] if rule.parts else None
        if first is None or isinstance(first, Rule):
            return False
        return self._shows(first.id, f"{prefix}-expression")

    def _nested(self, rule: Rule, prefix: str) -> list[str]:
        made = f"{prefix}-rule"
        words = ["("]
        score = score_text(rule.score) if rule.score is not None else rule.score_attribute
        if self._shows(rule.id, made):
            words.append(f"$id={self._p('identifier', rule.id)}")
        if rule.role:
            words.append(f"$role={rule.role}")
        if score or len(words) > 1:
            words.append(self._p("score", score) + ":")
        return [*words, *self._expression(rule, rule.id or made), ")"]

    def _part(self, part: Part, prefix: str) -> str:
        if isinstance(part, Expression):
            name = self._p("attr_name", part.attribute)
            if part.value is None:
                return f"{part.operation} {name}"
            facing = f"{part.type}:{part.operation}" if part.type else part.operation
            value = f"{part.source}{{{part.value}}}" if part.source else part.value
            text = worded(value) if part.source else quoted(value)
            return f"{name} {facing} {self._p('attr_value', text)}"
        if isinstance(part, DateExpression):
            return self._date(part, prefix)
        if isinstance(part, OperationExpression):
            return (
                f"operation {part.name}:{part.interval}"
                if part.interval
                else (f"operation {part.name}")
            )
        if isinstance(part, Rule):
            return ""
        return "resource " + worded(":".join(part.agent))

    def _date(self, part: DateExpression, prefix: str) -> str:
        operation = _OPERATIONS.get(part.operation, part.operation)
        if operation in ("lt", "gt"):
            return f"date {operation} {self._p('attr_value', quoted(part.start or part.end))}"
        words = ["date", operation]
        if part.start:
            words.append(f"start={quoted(part.start)}")
        if part.end:
            words.append(f"end={quoted(part.end)}")
        tag = "date_spec" if part.operation == "date_spec" else "duration"
        if part.units_id and self._shows(part.units_id, f"{prefix}-{tag}"):
            words.append(f"$id={part.units_id}")
        words += [f"{name}={quoted(value)}" for name, value in part.units]
        return " ".join(words)
