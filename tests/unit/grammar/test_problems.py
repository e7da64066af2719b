"""What is wrong is said with its word, its place and the nearest legal word."""

from __future__ import annotations

import pytest

from crmshell.grammar.cursor import Dialect
from crmshell.grammar.errors import Strictness, SyntaxProblem
from crmshell.grammar.statements import parse_line, parse_text
from crmshell.grammar.tokens import Line
from engine.base.reports import Report

TYPED = Dialect()


def problem_of(text: str) -> Report:
    with pytest.raises(SyntaxProblem) as refused:
        parse_line(Line.single(text), TYPED)
    return refused.value.report


@pytest.mark.parametrize(
    ("text", "near", "column"),
    [
        ("primitive", "expected an id", 10),
        ("primitive p", "expected an agent", 12),
        ("primitive 1p Dummy", "<1p>", 11),
        ("primitive p ocf:a:b:c", "<ocf:a:b:c>", 13),
        ("primitive p Dummy op monitor timeout=5s", "interval", 22),
        ("primitive p Dummy op monitor interval=1s depth=1 timeout=9s", "<timeout=9s>", 50),
        ("primitive p Dummy op_params a=1", "<op_params>", 19),
        ("primitive p Dummy params $id-ref=x a=1", "<a=1>", 36),
        ("primitive p Dummy parms fake=1", "<parms>", 19),
        ("clone c a b", "<b>", 11),
        ("node alpha beta", "<beta>", 12),
        ("group g a a", "<a>", 11),
        ("group g", "resource", 8),
        ("bundle b network ip-range-start=1", "docker or podman", 34),
        ("location l a alpha", "<alpha>", 14),
        ("location l // 1: alpha", "<//>", 12),
        ("location l { } 1: alpha", "empty", 14),
        ("location l a rule 1: x like y", "<like>", 24),
        ("location l a 10:", "a node", 17),
        ("colocation c inf: ( a ( b c ) ) d", "nested", 23),
        ("colocation c inf: ( a b ] c", "closes nothing", 25),
        ("colocation c inf: a:Funny b", "Funny", 19),
        ("colocation c inf: a b c colour=red", "<colour=red>", 25),
        ("colocation c inf: a", "two resources", 20),
        ("order o Mandatory: a:jump b", "<a:jump>", 20),
        ("rsc_ticket rt T1: a loss-policy=panic", "panic", 21),
        ("property a=", "empty value", 10),
        ("rsc_defaults a=1 foo:", "<foo:>", 18),
        ("fencing_topology alpha:", "without devices", 24),
        ("tag t:", "id of an object", 7),
        ("role r admin cib", "<admin>", 8),
        ("role r read attribute:uname", "needs type:", 8),
        ("alert a /x to { b", "missing '}'", 18),
        ("xml <a", "", 1),
    ],
)
def test_the_wrong_word_is_pointed_at(text: str, near: str, column: int) -> None:
    if text.startswith("xml"):
        parsed = parse_line(Line.single(text), TYPED)
        assert parsed.line.text == text
        return
    report = problem_of(text)
    assert near in report.message
    assert report.span is not None
    assert report.span.column == column


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("primitve p Dummy", "primitive"),
        ("primitive p Dummy parms fake=1", "params"),
        ("order o Mandatry: a b", "Mandatory"),
        ("order o a:strat b", "start"),
        ("rsc_ticket rt T1: a loss-policy=fench", "fence"),
        ("location l a rule 1: x eqq y", "eq"),
        ("role r raed cib", "read"),
        ("alert a /x meat timeout=1s", "meta"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_nearest_one(text: str, nearest: str) -> None:
    assert problem_of(text).nearest == nearest


def test_a_script_is_read_to_its_end_and_every_problem_is_said() -> None:
    lines = ["primitive", "node alpha", "# remark", "group g", "node beta"]
    parsed = parse_text(lines, "f.crm", TYPED)
    assert [report.span.line for report in parsed.problems if report.span] == [1, 4]
    assert len(parsed.statements) == 2


def test_reading_stops_at_the_first_problem_when_asked_to() -> None:
    parsed = parse_text(["primitive", "group g"], "f.crm", TYPED, Strictness.FIRST)
    assert len(parsed.problems) == 1


def test_comments_belong_to_the_statement_that_follows() -> None:
    parsed = parse_text(["# one", "", "# two", "node alpha", "node beta"], "f.crm", TYPED)
    assert parsed.statements[0].comments == ("# one", "# two")
    assert parsed.statements[1].comments == ()


def test_old_roles_are_written_as_new_ones_where_the_schema_has_them() -> None:
    text = "colocation c inf: a b:Master"
    new = parse_line(Line.single(text), Dialect((3, 9)))
    old = parse_line(Line.single(text), Dialect((3, 0)))
    assert new.statement.items[1].role == "Promoted"  # type: ignore[union-attr]
    assert old.statement.items[1].role == "Master"  # type: ignore[union-attr]
    assert [note.code for note in new.notes] == ["old-role"]


def test_bare_times_get_seconds_only_when_typed() -> None:
    text = "primitive p Dummy op monitor interval=10 timeout=20"
    typed = parse_line(Line.single(text), Dialect())
    loaded = parse_line(Line.single(text), Dialect(typed=False))
    assert typed.statement.parts[0].ops[0].attrs[0] == ("interval", "10s")  # type: ignore[union-attr]
    assert loaded.statement.parts[0].ops[0].attrs[0] == ("interval", "10")  # type: ignore[union-attr]
