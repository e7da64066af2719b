"""The rule language: `[role=] [SCORE:] expression {and|or expression}` (shell 2.1).

A pyparsing grammar over the words of the statement. Blanks separate words; characters inside a
word that would separate are carried by stand-ins, which cannot occur in the input.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cache
from typing import Any, NoReturn

import pyparsing as pp

from crmshell.grammar.ast import (
    DateExpression,
    Expression,
    OperationExpression,
    Part,
    ResourceExpression,
    Rule,
)
from crmshell.grammar.cursor import Cursor, score_from_word
from crmshell.grammar.slips import operator_for

UNITS = (
    "hours",
    "minutes",
    "seconds",
    "monthdays",
    "weekdays",
    "yeardays",
    "yearsdays",
    "months",
    "weeks",
    "years",
    "weekyears",
    "moon",
    "days",
)
OPERATORS = ("lt", "gt", "lte", "gte", "eq", "ne")
TYPES = ("string", "number", "integer", "version")
MAX_DEPTH = 20

_STAND_INS = {" ": "\x01", "\t": "\x02", "\n": "\x03", "\r": "\x04"}
_HIDE = str.maketrans(_STAND_INS)
_SHOW = str.maketrans({stand_in: sign for sign, stand_in in _STAND_INS.items()} | {"\x05": ""})
_SOURCE = re.compile(r"(literal|param|meta)\{(.*)\}\Z", re.DOTALL)
_FACING = re.compile(r"(?:(string|number|integer|version):)?(lt|gt|lte|gte|eq|ne)\Z", re.IGNORECASE)


def parse_rule(cursor: Cursor) -> Rule:
    """The rule that begins at the word `rule`; the cursor stands behind it afterwards."""
    cursor.take("rule")
    if not cursor.at_end and cursor.word.startswith("$id-ref="):
        return Rule(ref=cursor.checked_id(cursor.take("a reference").partition("=")[2]))
    head = _rule_head(cursor, nested=False)
    return _read_expression(cursor, head)


def _rule_head(cursor: Cursor, *, nested: bool) -> Rule:
    """Id, role and score in front of the expression."""
    given, role = "", ""
    score: str | None = None if nested else "INFINITY"
    attribute = ""
    while not cursor.at_end:
        word = cursor.word
        low = word.lower()
        if low.startswith("$id=") and not given:
            cursor.i += 1
            given = cursor.checked_id(word[4:])
        elif low.startswith(("role=", "$role=")):
            cursor.i += 1
            role = cursor.rule_role(word.partition("=")[2])
        elif word.endswith(":") and "=" not in word:
            cursor.i += 1
            score, attribute = (None, "") if word == ":" else score_from_word(word[:-1])
            break
        else:
            break
    return Rule(score=score, score_attribute=attribute, role=role, id=given)


def _read_expression(cursor: Cursor, head: Rule) -> Rule:
    words = cursor.words[cursor.i :]
    if words and words[0].lower() == "rule":
        raise cursor.problem("expected an expression after rule")
    text, places = _encoded(words)
    try:
        *tokens, end = _grammar().parse_string(text)
    except pp.ParseBaseException as problem:
        _refuse(cursor, text, places, problem)
    except RecursionError:
        raise cursor.problem(f"rules nested more than {MAX_DEPTH} deep") from None
    first = cursor.i
    cursor.i += bisect_left(places, end)
    return _rule_of(cursor, head, tokens, first)


def _rule_of(cursor: Cursor, head: Rule, tokens: Sequence[Any], first: int, depth: int = 0) -> Rule:
    """A rule of the flat list part, bool, part, …; nested lists are nested rules."""
    if depth > MAX_DEPTH:
        raise cursor.problem(f"rules nested more than {MAX_DEPTH} deep", first)
    booleans = {token for token in tokens if isinstance(token, str)}
    if len(booleans) > 1:
        raise cursor.problem(
            "'and' and 'or' cannot be mixed in one rule; put a part in ( … )", first
        )
    parts: list[Part] = []
    for token in tokens:
        if isinstance(token, tuple):
            nested_head, inner = token
            parts.append(_rule_of(cursor, nested_head, inner, first, depth + 1))
        elif not isinstance(token, str):
            parts.append(token)
    boolean = booleans.pop() if booleans else ""
    return Rule(
        tuple(parts),
        "" if boolean == "and" else boolean,
        head.score,
        head.score_attribute,
        head.role,
        head.id,
    )


def _encoded(words: Sequence[str]) -> tuple[str, list[int]]:
    """The words as one text, and where each begins in it."""
    parts: list[str] = []
    places: list[int] = []
    length = 0
    for word in words:
        part = word.translate(_HIDE) or "\x05"
        places.append(length)
        parts.append(part)
        length += len(part) + 1
    return " ".join(parts), places


def _refuse(
    cursor: Cursor, text: str, places: Sequence[int], problem: pp.ParseBaseException
) -> NoReturn:
    place = problem.loc
    while place < len(text) and text[place] == " ":
        place += 1
    at = cursor.i + (bisect_right(places, place) - 1 if place < len(text) else len(places))
    what = problem.msg if problem.msg.startswith("expected") else "expected a rule expression"
    legal: tuple[str, ...] = (*OPERATORS, "defined", "not_defined", "date", "and", "or")
    nearest = operator_for(cursor.words[at]) if at < cursor.size else ""
    before = [word.lower() for word in cursor.words[max(cursor.i, at - 2) : at]]
    if before[:1] == ["date"] and before[1:] in (["in"], ["in_range"]):
        what, legal = "expected start=, end= or a length such as days=7", (*UNITS, "start", "end")
    elif before[:1] == ["date"] and before[1:] in (["spec"], ["date_spec"]):
        what, legal = "expected a unit such as hours=9-16", UNITS
    elif before[-1:] == ["not"] and at < cursor.size and cursor.words[at].lower() == "defined":
        nearest = "not_defined"
    raise cursor.problem(what, at, legal=legal, nearest=nearest) from None


# -- the grammar ----------------------------------------------------------------------------------


def _word(pattern: str, expected: str) -> pp.ParserElement:
    """A whole word that matches `pattern` (small and capital letters alike)."""
    element = pp.Regex(rf"(?:{pattern})(?=\s|\Z)", re.IGNORECASE | re.ASCII)
    element.set_name(expected)
    element.errmsg = f"expected {expected}"
    return element


def _plain(text: str) -> str:
    return text.translate(_SHOW)


def _given_id(tokens: list[Any]) -> tuple[str, list[Any]]:
    if tokens and isinstance(tokens[0], str) and tokens[0].startswith("$id="):
        return _plain(tokens[0][4:]), tokens[1:]
    return "", tokens


def _make_simple(tokens: pp.ParseResults) -> Expression:
    given, rest = _given_id(list(tokens))
    attribute, operator, operand = (_plain(word) for word in rest)
    facing = _FACING.match(operator)
    kind, operation = (facing[1] or "", facing[2]) if facing else ("", operator)
    source = _SOURCE.match(operand)
    value, origin = (source[2], source[1]) if source else (operand, "")
    return Expression(attribute, operation.lower(), value, kind.lower(), origin, given)


def _make_defined(tokens: pp.ParseResults) -> Expression:
    given, rest = _given_id(list(tokens))
    return Expression(_plain(rest[1]), rest[0].lower(), id=given)


def _make_date(tokens: pp.ParseResults) -> DateExpression:
    given, rest = _given_id(list(tokens))
    operation = {"in": "in_range", "spec": "date_spec"}.get(rest[1].lower(), rest[1].lower())
    if operation in {"lt", "gt"}:
        day = _plain(rest[2])
        return DateExpression(
            operation, "" if operation == "lt" else day, day if operation == "lt" else "", id=given
        )
    start, end, units_id = "", "", ""
    units: list[tuple[str, str]] = []
    for word in rest[2:]:
        name, _, value = _plain(word).partition("=")
        if name.lower() == "start":
            start = value
        elif name.lower() == "end":
            end = value
        elif name == "$id":
            units_id = value
        else:
            units.append((name.lower(), value))
    return DateExpression(operation, start, end, tuple(units), given, units_id)


def _make_resource(tokens: pp.ParseResults) -> ResourceExpression:
    given, rest = _given_id(list(tokens))
    first, second, third = _plain(rest[1]).split(":", 2)
    return ResourceExpression((first, second, third), given)


def _make_operation(tokens: pp.ParseResults) -> OperationExpression:
    given, rest = _given_id(list(tokens))
    name, _, interval = _plain(rest[1]).partition(":")
    return OperationExpression(name, interval, given)


def _make_nested(tokens: pp.ParseResults) -> tuple[Rule, list[Any]]:
    given, role, score, attribute = "", "", None, ""
    inner: list[Any] = []
    for token in tokens:
        word = token if isinstance(token, str) else ""
        if not inner and word.startswith("$id="):
            given = _plain(word[4:])
        elif not inner and word.lower().startswith(("role=", "$role=")):
            role = _plain(word.partition("=")[2])
        elif not inner and word.endswith(":"):
            score, attribute = score_from_word(_plain(word[:-1]))
        else:
            inner.append(token)
    head = Rule(score=score, score_attribute=attribute, role=role, id=given)
    return head, inner


@cache
def _grammar() -> pp.ParserElement:
    """The expression grammar, built when the first rule is read; the last result is where it ended."""
    given = pp.Opt(_word(r"\$id=\S+", "$id=ID"))
    value = _word(r"\S+", "a value")
    attribute = _word(r"[^\s()]\S*", "an attribute name")
    operator = _word(
        rf"(?:(?:{'|'.join(TYPES)}):)?(?:{'|'.join(OPERATORS)})",
        f"one of {', '.join(OPERATORS)} (with string:, number:, … in front)",
    )
    unit = _word(rf"(?:{'|'.join(UNITS)})=\S+", "a unit such as hours=9-16")
    limit = _word(r"(?:start|end)=\S+", "start= or end=")
    inner_id = _word(r"\$id=\S+", "$id=ID")

    defined = given + _word("defined|not_defined", "defined") - attribute
    date_head = given + _word("date", "date")
    moment = date_head + _word("lt|gt", "lt or gt") - value
    in_range = date_head + _word("in|in_range", "in") - pp.OneOrMore(limit | unit | inner_id)
    spec = date_head + _word("spec|date_spec", "spec") - pp.OneOrMore(unit | inner_id)
    resource = given + _word("resource", "resource") + _word(r"[^\s:]*:[^\s:]*:\S*", "an agent")
    operation = (
        given
        + _word("operation", "operation")
        + ~operator
        + _word(r"[^\s:=()]+(?::\S+)?", "NAME[:INTERVAL]")
    )
    simple = given + attribute + operator - value

    expression = pp.Forward()
    head = pp.ZeroOrMore(
        _word(r"\$id=\S+(?=\s+(?:\S*:|\$?role=\S+|or)\s)", "$id=ID")
        | _word(r"\$?role=\S+", "role=ROLE")
        | _word(r"[^\s=]*:", "SCORE:")
    )
    nested = pp.Suppress(_word(r"\(", "(")) - head + expression + pp.Suppress(_word(r"\)", ")"))
    part = (
        nested.set_parse_action(_make_nested)
        | moment.set_parse_action(_make_date)
        | in_range.copy().set_parse_action(_make_date)
        | spec.copy().set_parse_action(_make_date)
        | defined.set_parse_action(_make_defined)
        | resource.set_parse_action(_make_resource)
        | operation.set_parse_action(_make_operation)
        | simple.set_parse_action(_make_simple)
    )
    boolean = _word("and|or", "and or or").set_parse_action(lambda tokens: tokens[0].lower())
    leading = pp.Opt(_word(r"or(?!\s+(?:\w+:)?(?:lt|gt|lte|gte|eq|ne)\s)", "or"))
    expression <<= leading + part + pp.ZeroOrMore(boolean - part)
    end = pp.Empty().set_parse_action(lambda _text, place, _tokens: place)
    return expression + end
