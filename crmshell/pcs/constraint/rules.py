"""Rules as they stand on a `pcs` line: read into a tree, written to the CIB, and back as text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lxml import etree

from crmshell.pcs.frame.book import Book, Element, Work
from engine.base.isodate import Zone, epoch_from_text

COMPARISONS = ("eq", "ne", "lt", "gt", "lte", "gte")
TYPES = ("string", "integer", "number", "version")
DATE_PARTS = ("hours", "monthdays", "weekdays", "yearsdays", "yeardays", "months", "weeks", "years",
              "weekyears", "moon")  # fmt: skip
DURATION_PARTS = ("hours", "monthdays", "weekdays", "yearsdays", "months", "weeks", "years",
                  "weekyears", "moon", "minutes", "seconds", "days")  # fmt: skip


class RuleProblem(Exception):
    """The words are no rule; the message says where and what was expected."""


@dataclass(slots=True)
class Part:
    """An expression (`tag`, attributes, inner elements) or, with `parts`, an and/or of parts."""

    tag: str
    values: dict[str, str] = field(default_factory=dict)
    inner: dict[str, dict[str, str]] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    kind: str = "expr"


def words_of(words: Sequence[str]) -> list[str]:
    """Words of a rule; one that holds a whole expression is taken apart, parentheses by themselves."""
    found: list[str] = []
    for word in words:
        pieces = shlex.split(word) if " " in word and "=" not in word.split()[0] else [word]
        for piece in pieces:
            found += [one for one in re.split(r"([()])", piece) if one]
    return found


class Reader:
    """Reads a rule; `resources`: whether it is one of defaults (resource, op) or of a location."""

    def __init__(self, words: Sequence[str], *, defaults: bool) -> None:
        self._words = words_of(words)
        self._place = 0
        self._defaults = defaults

    def read(self) -> Part:
        """The whole rule; raises `RuleProblem`."""
        if not self._words:
            raise RuleProblem("the rule is missing")
        found = self._either()
        if self._place < len(self._words):
            raise RuleProblem(f"'{self._words[self._place]}': expected 'and', 'or' or the end")
        return found

    def _next(self, what: str = "more words") -> str:
        if self._place >= len(self._words):
            raise RuleProblem(f"the rule ends behind '{self._words[-1]}': expected {what}")
        self._place += 1
        return self._words[self._place - 1]

    def _peek(self, ahead: int = 0) -> str:
        place = self._place + ahead
        return self._words[place] if place < len(self._words) else ""

    def _either(self) -> Part:
        return self._joined("or", lambda: self._joined("and", self._one))

    def _joined(self, word: str, read: Callable[[], Part]) -> Part:
        parts = [read()]
        while self._peek().lower() == word:
            self._next()
            parts.append(read())
        return parts[0] if len(parts) == 1 else Part("rule", {"boolean-op": word}, parts=parts)

    def _one(self) -> Part:
        if self._peek() == "(":
            self._next()
            found = self._either()
            if self._next("')'") != ")":
                raise RuleProblem(f"'{self._words[self._place - 1]}': expected ')'")
            return found
        word = self._next("an expression")
        if word in ("resource", "op") and (self._defaults or "=" in self._peek()):
            return self._of_resource() if word == "resource" else self._of_operation()
        if word in ("defined", "not_defined"):
            return Part("expression", {"operation": word, "attribute": self._next("an attribute")})
        if word == "date":
            return self._date()
        if word == "date-spec":
            return self._date_spec()
        return self._comparison(word)

    def _comparison(self, attribute: str) -> Part:
        operation = self._next("one of " + " ".join(COMPARISONS))
        if operation not in COMPARISONS:
            expected = ", ".join((*COMPARISONS, "defined, not_defined in front"))
            raise RuleProblem(f"'{attribute} {operation}': expected one of {expected}")
        value = self._next("a value")
        kind = ""
        if value in TYPES and self._peek() not in ("", "and", "or", ")"):
            kind, value = value, self._next("a value")
        values = {"operation": operation, "attribute": attribute}
        if kind:
            self._check_value(kind, value)
            values["type"] = kind
        values["value"] = value
        return Part("expression", values)

    def _check_value(self, kind: str, value: str) -> None:
        pattern = {"integer": r"[+-]?\d+", "number": r"[+-]?\d+(\.\d+)?", "version": r"\d+(\.\d+)*"}
        if kind in pattern and not re.fullmatch(pattern[kind], value):
            raise RuleProblem(f"'{value}' is no {kind}")

    def _date(self) -> Part:
        operation = self._next("gt, lt or in_range")
        if operation == "in_range":
            return self._range()
        if operation not in ("gt", "lt"):
            raise RuleProblem(f"'date {operation}': expected gt, lt or in_range")
        name = "start" if operation == "gt" else "end"
        return Part("date_expression", {"operation": operation, name: self._moment()})

    def _range(self) -> Part:
        values = {"operation": "in_range"}
        if self._peek() != "to":
            values["start"] = self._moment()
        if self._next("'to'") != "to":
            raise RuleProblem(f"'{self._words[self._place - 1]}': expected 'to'")
        if self._peek() == "duration":
            self._next()
            return Part("date_expression", values, {"duration": self._pairs(DURATION_PARTS)})
        values["end"] = self._moment()
        return Part("date_expression", values)

    def _moment(self) -> str:
        text = self._next("a date")
        if epoch_from_text(text, Zone()) is None:
            raise RuleProblem(f"'{text}' is no date (2031-05-05 or 2031-05-05T08:00:00)")
        return text

    def _date_spec(self) -> Part:
        found = {"date_spec": self._pairs(DATE_PARTS)}
        return Part("date_expression", {"operation": "date_spec"}, found)

    def _pairs(self, legal: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        while "=" in self._peek():
            name, _, value = self._next().partition("=")
            if name not in legal:
                raise RuleProblem(f"no date part '{name}'; there are {', '.join(legal)}")
            if not re.fullmatch(r"\d+(-\d*)?", value):
                raise RuleProblem(f"{name} '{value}': expected a number or a range like 9-16")
            found[name] = value
        if not found:
            raise RuleProblem(f"expected NAME=VALUE with one of {', '.join(legal)}")
        return found

    def _of_resource(self) -> Part:
        text = self._next("[STANDARD]:[PROVIDER]:[TYPE]")
        pieces = text.split(":")
        if len(pieces) == 2:
            pieces = [pieces[0], "", pieces[1]]
        if len(pieces) != 3 or not any(pieces):
            raise RuleProblem(f"resource '{text}': expected [STANDARD]:[PROVIDER]:[TYPE]")
        names = ("class", "provider", "type")
        values = {name: piece for name, piece in zip(names, pieces, strict=True) if piece}
        return Part("rsc_expression", values, kind="-".join(["rsc", *filter(None, pieces)]))

    def _of_operation(self) -> Part:
        values = {"name": self._next("the name of an operation")}
        if self._peek().startswith("interval="):
            values["interval"] = self._next().partition("=")[2]
        return Part("op_expression", values, kind=f"op-{values['name']}")


def read_rule(work: Work, words: Sequence[str], *, defaults: bool = False) -> Part | None:
    """The rule; a finding when the words are none."""
    try:
        return Reader(words, defaults=defaults).read()
    except (RuleProblem, ValueError) as problem:
        work.refuse(f"rule: {problem}", words[0] if words else "")
        return None


def write_rule(
    book: Book, parent: Element, part: Part, id_: str, values: dict[str, str]
) -> Element:
    """Write a rule below `parent`; `values` are its score and role, for the outermost one."""
    rule = etree.SubElement(parent, "rule")
    rule.set("id", id_)
    for name, value in values.items():
        rule.set(name, value)
    if part.parts:
        rule.set("boolean-op", part.values["boolean-op"])
    for one in part.parts or [part]:
        _write_part(book, rule, one, id_)
    return rule


def _write_part(book: Book, rule: Element, part: Part, id_: str) -> None:
    if part.parts:
        write_rule(book, rule, part, book.new_id(f"{id_}-rule"), {})
        return
    made = etree.SubElement(rule, part.tag)
    made.set("id", book.new_id(f"{id_}-{part.kind}"))
    for name, value in part.values.items():
        made.set(name, value)
    for tag, values in part.inner.items():
        inner = etree.SubElement(made, tag)
        suffix = "datespec" if tag == "date_spec" else "duration"
        inner.set("id", book.new_id(f"{made.get('id')}-{suffix}"))
        for name, value in values.items():
            inner.set(name, value)
