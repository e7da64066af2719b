"""Slips that people really make: the message proposes what they meant."""

from __future__ import annotations

import pytest

from crmshell.grammar.errors import SyntaxProblem
from crmshell.grammar.statements import parse_line
from crmshell.grammar.tokens import Line
from tests.unit.pending.pending_builder import pending, refusal

SLIPS = (
    ("primitive v ocf::heartbeat:IPaddr2", "ocf:heartbeat:IPaddr2"),
    ("primitive v Dummy op monitor 10s", "interval=10s"),
    ("primitive v Dummy op monitor interval=10s 20s", "timeout=20s"),
    ("location l a 100 n1", "100:"),
    ("location l a 100:n1", "100: n1"),
    ("location l a n1 -inf", "-inf: n1"),
    ("location l a infinty: n1", "infinity"),
    ("location l a rule 1: #uname == n1", "eq"),
    ("location l a rule 1: x <= 3", "lte"),
    ("location l a rule 1: not defined x", "not_defined"),
    ("location l a rule 1: date spec hour=9-17", "hours"),
    ("colocation c inf a b", "inf:"),
    ("order o mandatory a b", "Mandatory:"),
    ("order o Mandatory: start a b", "a:start"),
    ("order o Mandatory: a b symetrical=false", "symmetrical"),
    ("rsc_ticket t T: a b los-policy=stop", "loss-policy"),
    ("property no-quorum-policy ignore", "no-quorum-policy=ignore"),
)


@pytest.mark.parametrize(("text", "meant"), SLIPS)
def test_a_slip_gets_the_words_that_were_meant(text: str, meant: str) -> None:
    assert refusal(pending("node n1"), text).nearest == meant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("primitive v Dummy params ip = 1", "without blanks around ="),
        ("primitive Dummy params ip=1", "an id and an agent"),
        ("clone c a b", "a clone has one member"),
        ("colocation c inf: a with b", "without 'with'"),
        ("order o a then b", "without 'then'"),
        ("location l a rule 1: date in 2030-01-01", "expected start=, end="),
        ("property stonith-enabled", "has no value"),
        ("rsc_defaults", "expected NAME=VALUE"),
        ("role r", "expected a right"),
        ("acl_target u", "expected a role"),
        ("alert a /x select attributes standby", "{ NAME … }"),
    ],
)
def test_the_message_says_what_is_wrong(text: str, words: str) -> None:
    assert words in refusal(pending("node n1"), text).message


def test_what_looks_like_a_slip_may_be_loaded() -> None:
    dialect = pending("node n1").dialect(typed=False)
    for text in ("colocation c x: then b", "order o start b", "role r", "property flag"):
        try:
            parse_line(Line.single(text), dialect)
        except SyntaxProblem as problem:
            pytest.fail(problem.report.message)
