"""What may come next: one call, the kinds of things expected."""

from __future__ import annotations

import pytest

from crmshell.grammar import expect as e
from crmshell.grammar.expect import expect


def kinds(line: str) -> set[str]:
    """Kinds wanted at the end of `line`; the last word is half typed unless a blank follows."""
    return {want.kind for want in wants(line)}


def wants(line: str) -> tuple[e.Want, ...]:
    words = line.split()
    typed = "" if line.endswith(" ") or not line else words.pop()
    return expect(words, typed)


def offered(line: str) -> set[str]:
    """The fixed words that are offered."""
    return {word for want in wants(line) if want.kind == e.KEYWORD for word in want.words}


def test_a_primitive_begins_with_a_new_id_and_an_agent() -> None:
    assert kinds("primitive ") == {e.NEW_ID}
    assert kinds("primitive vip ") == {e.AGENT}


def test_parameters_follow_the_agent_with_and_without_the_word_params() -> None:
    for line in ("primitive vip IPaddr2 ", "primitive vip IPaddr2 params "):
        param = next(want for want in wants(line) if want.kind == e.PARAM)
        assert param.subject == "IPaddr2"
        assert {"meta", "op", "rule"} <= offered(line)


def test_a_parameter_that_is_given_is_not_offered_again() -> None:
    param = next(w for w in wants("primitive vip IPaddr2 params ip=1 ") if w.kind == e.PARAM)
    assert param.given == ("ip",)


def test_after_an_equals_sign_only_the_value_is_wanted() -> None:
    (want,) = wants("primitive vip IPaddr2 params ip=1 nic=")
    assert (want.kind, want.subject, want.name) == (e.PARAM_VALUE, "IPaddr2", "nic")


def test_op_wants_an_action_and_then_its_attributes() -> None:
    assert kinds("primitive vip IPaddr2 op ") == {e.OP_ACTION}
    attribute = next(
        w for w in wants("primitive v IPaddr2 op monitor ") if w.kind == e.OP_ATTRIBUTE
    )
    assert attribute.words == ("monitor",)
    (value,) = wants("primitive v IPaddr2 op monitor on-fail=")
    assert (value.kind, value.name) == (e.OP_VALUE, "on-fail")


def test_meta_of_a_clone_is_told_from_meta_of_a_primitive() -> None:
    assert [w.subject for w in wants("clone c p meta ") if w.kind == e.META] == ["clone"]
    assert [w.subject for w in wants("primitive p D meta ") if w.kind == e.META] == ["primitive"]


def test_group_members_are_free_primitives_and_then_meta() -> None:
    first = wants("group g ")
    assert [w.subject for w in first] == [e.FREE_PRIMITIVE]
    assert "meta" in offered("group g a ")
    assert next(w for w in wants("group g a ") if w.kind == e.RESOURCE).given == ("a",)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("location l r ", "inf:"),
        ("location l r ", "rule"),
        ("location l r rule ", "defined"),
        ("location l r rule -inf: ", "date"),
        ("location l r rule -inf: #uname ", "eq"),
        ("location l r rule #kind eq ", "remote"),
        ("location l r rule #uname eq n1 ", "and"),
        ("location l r rule defined pingd ", "or"),
        ("location l r rule date ", "spec"),
        ("location l r rule date spec ", "hours="),
        ("location l r rule date in ", "start="),
        ("location l r role=", "Promoted"),
        ("colocation c ", "inf:"),
        ("colocation c inf: a b ", "node-attribute="),
        ("colocation c inf: a:", "a:Promoted"),
        ("order o ", "Mandatory:"),
        ("order o a:", "a:promote"),
        ("order o Mandatory: ( a ", ")"),
        ("order o Mandatory: a b ", "symmetrical="),
        ("order o Mandatory: a b symmetrical=", "true"),
        ("rsc_ticket t T: a loss-policy=", "freeze"),
        ("node n1 ", "utilization"),
        ("bundle b ", "podman"),
        ("bundle b docker ", "image="),
        ("bundle b docker image=x network ", "port-mapping"),
        ("role r ", "read"),
        ("role r read ", "xpath:"),
        ("monitor a:", "a:Promoted"),
        ("monitor a ", "10s:20s"),
        ("alert a /bin/x ", "to"),
    ],
)
def test_fixed_words_are_offered_where_they_are_legal(line: str, word: str) -> None:
    assert word in offered(line)


def test_nodes_are_wanted_after_a_score_and_after_uname() -> None:
    assert kinds("location l r inf: ") == {e.NODE}
    assert kinds("location l r rule #uname eq ") == {e.NODE}


def test_nothing_follows_a_whole_location() -> None:
    assert wants("location l r inf: n1 ") == ()


def test_after_a_rule_in_a_set_its_names_come_again() -> None:
    line = "primitive p IPaddr2 params rule #uname eq n1 "
    assert e.PARAM in kinds(line)
    assert "and" in offered(line)
    assert e.PARAM in kinds(line + "ip=1 ")
    assert "and" not in offered(line + "ip=1 ")


def test_options_want_their_own_names_and_values() -> None:
    assert [w.subject for w in wants("rsc_defaults ") if w.kind == e.PROPERTY] == ["rsc_defaults"]
    (value,) = wants("property no-quorum-policy=")
    assert (value.kind, value.name) == (e.PROPERTY_VALUE, "no-quorum-policy")


def test_fencing_devices_are_completed_behind_a_comma() -> None:
    (want,) = wants("fencing_topology n1: a,")
    assert (want.subject, want.name, want.given) == (e.DEVICE, "a,", ("a",))


def test_the_agent_of_a_half_typed_statement_is_known() -> None:
    assert e.agent_in("configure primitive p Dummy params".split()) == "Dummy"
    assert e.agent_in("primitive p".split()) == ""
    assert e.agent_in("primitive p @t".split()) == ""
    assert e.agent_in("group g p".split()) == ""


def test_an_unknown_statement_wants_nothing() -> None:
    assert wants("nosuch a ") == ()


@pytest.mark.parametrize("name", sorted(e.STATEMENTS))
@pytest.mark.parametrize(
    "tail", ["", " = = =", " rule rule", " ( [ { : :", " a b c d e f=g", " $id="]
)
def test_no_line_is_too_strange(name: str, tail: str) -> None:
    for line in (name + tail, name + tail + " "):
        assert isinstance(wants(line), tuple)
