"""Laws: printing and reading are inverse, and no line ever ends in anything but a refusal."""

from __future__ import annotations

import contextlib
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from crmshell.errors import ShellError
from crmshell.grammar.ast import (
    AttrSet,
    Expression,
    LocationStmt,
    NvPair,
    Op,
    Operations,
    PrimitiveStmt,
    Rule,
)
from crmshell.grammar.cursor import Dialect
from crmshell.grammar.part_text import Style
from crmshell.grammar.printer import Printer
from crmshell.grammar.statements import parse_line
from crmshell.grammar.tokens import Line, join_lines

LOADED = Dialect(typed=False)
FAST = settings(max_examples=60, deadline=None, database=None)
FIXTURE = Path(__file__).parents[2] / "grammar" / "identity.crm"
LINES = [line.text for line in join_lines(FIXTURE.read_text().splitlines(), "f") if line.text]

ids = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True)
values = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co", "Zl", "Zp")),
    max_size=12,
)
names = st.from_regex(r"[A-Za-z#][A-Za-z0-9_.-]{0,8}", fullmatch=True)
pairs = st.builds(NvPair, names, values)
expressions = st.builds(
    Expression,
    names.filter(lambda name: name.lower() not in {"or", "and", "rule", "date", "defined"}),
    st.sampled_from(["lt", "gt", "lte", "gte", "eq", "ne"]),
    values.filter(lambda value: "{" not in value),
    st.sampled_from(["", "string", "number"]),
)
scores = st.sampled_from(["INFINITY", "-INFINITY", "+INFINITY", "10", "-7", "0"])
rules = st.builds(
    Rule,
    st.lists(expressions, min_size=2, max_size=3).map(tuple),
    st.sampled_from(["", "or"]),
    scores,
)
attr_sets = st.builds(
    AttrSet,
    st.sampled_from(["params", "meta", "utilization"]),
    st.lists(rules, max_size=1).map(tuple),
    st.lists(pairs, max_size=3).map(tuple),
)
ops = st.builds(
    Op,
    st.sampled_from(["start", "stop", "promote"]),
    st.just((("interval", "0s"), ("timeout", "20s"))),
)
primitives = st.builds(
    PrimitiveStmt,
    ids,
    st.just(("ocf", "pacemaker", "Dummy")),
    st.just(""),
    values.filter(bool),
    st.tuples(attr_sets, st.builds(Operations, st.lists(ops, min_size=1, max_size=2).map(tuple))),
)


@FAST
@given(primitives)
def test_reading_what_was_printed_gives_the_same_primitive(statement: PrimitiveStmt) -> None:
    for one_line in (True, False):
        text = Printer(Style(one_line=one_line)).text(statement)
        (line,) = join_lines(text.split("\n"), "f")
        assert parse_line(line, LOADED).statement == statement


@FAST
@given(ids, ids, st.lists(rules, min_size=1, max_size=2).map(tuple))
def test_reading_what_was_printed_gives_the_same_rules(
    name: str, rsc: str, found: tuple[Rule, ...]
) -> None:
    statement = LocationStmt(name, rsc=rsc, rules=found)
    (line,) = join_lines(Printer().text(statement).split("\n"), "f")
    assert parse_line(line, LOADED).statement == statement


@FAST
@given(
    st.sampled_from(LINES),
    st.integers(0, 200),
    st.integers(0, 10),
    st.sampled_from(
        ["", "'", '"', "\\", "(", ")", "{", "}", "[", "$id=", "rule", ":", "=", "@", "\x00", " "]
    ),
)
def test_a_damaged_line_is_read_or_refused_with_a_place(
    line: str, place: int, cut: int, put: str
) -> None:
    damaged = line[:place] + put + line[place + cut :]
    with contextlib.suppress(ShellError):
        try:
            parse_line(Line.single(damaged), Dialect())
        except ShellError as refused:
            assert all(report.span is not None for report in refused.reports)
            raise


@FAST
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for keyword in ("primitive ", "location l a rule ", "order o ", "role r read ", ""):
        with contextlib.suppress(ShellError):
            parse_line(Line.single(keyword + text), Dialect())
