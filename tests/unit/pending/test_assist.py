"""The helpers of level assist: what moves into a template, and the loose bond."""

from __future__ import annotations

import pytest

from crmshell.grammar.statements import parse_line
from crmshell.grammar.tokens import Line
from crmshell.pending.assist import make_template, make_weak_bond
from crmshell.pending.changes import PendingCib
from crmshell.pending.listing import configuration_text
from crmshell.pending.problems import Refused
from engine.cib.document import empty_cib

LINE = Line.single("assist template a b")


def pending(*statements: str) -> PendingCib:
    made = PendingCib(empty_cib())
    for text in statements:
        made.apply(parse_line(Line.single(text), made.dialect()))
    return made


def text(cib: PendingCib) -> str:
    return configuration_text(cib, cib.everything())


def test_what_all_primitives_have_in_common_moves_into_the_template() -> None:
    cib = pending(
        "primitive a IPaddr2 params ip=1 nic=e meta priority=1 op monitor interval=10s timeout=5s",
        "primitive b IPaddr2 params nic=e ip=2 op monitor interval=10s timeout=5s op stop timeout=9s",
    )
    assert make_template(cib, ["a", "b"], LINE) == "template-IPaddr2"
    assert text(cib).replace(" \\\n\t", " | ").split("\n") == [
        "rsc_template template-IPaddr2 IPaddr2 | params nic=e | op monitor interval=10s timeout=5s",
        "primitive a @template-IPaddr2 | params ip=1 | meta priority=1",
        "primitive b @template-IPaddr2 | params ip=2 | op stop timeout=9s interval=0s",
    ]


def test_what_something_refers_to_stays_where_it_is() -> None:
    cib = pending(
        "primitive a IPaddr2 params $id=shared nic=e",
        "primitive b IPaddr2 params nic=e",
        "primitive c IPaddr2 params $id-ref=shared",
    )
    make_template(cib, ["a", "b"], LINE)
    shown = text(cib)
    assert "rsc_template template-IPaddr2 IPaddr2\n" in shown
    assert "params $id=shared nic=e" in shown


def test_a_set_with_a_rule_is_the_primitives_own() -> None:
    cib = pending(
        "primitive a IPaddr2 params rule #uname eq n1 nic=e", "primitive b IPaddr2 params nic=e"
    )
    make_template(cib, ["a", "b"], LINE)
    assert "rule #uname eq n1 nic=e" in text(cib)


def test_a_name_in_use_gets_a_number() -> None:
    cib = pending(
        "primitive template-IPaddr2 IPaddr2", "primitive a IPaddr2", "primitive b IPaddr2"
    )
    assert make_template(cib, ["a", "b"], LINE) == "template-IPaddr2-2"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", "d"], "one template needs one agent"),
        (["a", "t"], "made from template"),
        (["a", "g"], "is a group"),
        (["a", "nosuch"], "nosuch does not exist"),
        (["a", "a"], "two primitives"),
    ],
)
def test_primitives_that_are_not_alike_are_refused(names: list[str], said: str) -> None:
    cib = pending(
        "rsc_template tpl IPaddr2",
        "primitive a IPaddr2",
        "primitive t @tpl",
        "primitive d ocf:pacemaker:Dummy",
        "primitive m IPaddr2",
        "group g m",
    )
    before = text(cib)
    with pytest.raises(Refused, match=said):
        make_template(cib, names, LINE)
    assert text(cib) == before


def test_a_weak_bond_is_a_dummy_and_a_colocation_with_it() -> None:
    cib = pending("primitive a IPaddr2", "primitive b IPaddr2")
    assert make_weak_bond(cib, ["a", "b"]) == ("place-a-b", "together-a-b")
    shown = text(cib)
    assert "primitive place-a-b ocf:pacemaker:Dummy" in shown
    assert "colocation together-a-b inf: ( a b ) place-a-b" in shown
    with pytest.raises(Refused, match="nosuch"):
        make_weak_bond(cib, ["a", "nosuch"])
