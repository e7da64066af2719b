"""load, edit and filter: everything or nothing, in the order of the text."""

from __future__ import annotations

import pytest
from lxml import etree

from crmshell.errors import ShellError
from crmshell.pending.listing import configuration_xml, select
from crmshell.pending.textedit import apply_edited, load_text, load_xml, renames_in
from tests.unit.pending.pending_builder import pending, shown

BASE = ("node n", "primitive a Dummy", "primitive b Dummy", "primitive c Dummy", "group g a b")


def test_a_wrong_statement_leaves_everything_as_it_was() -> None:
    tree = pending(*BASE)
    before = shown(tree)
    with pytest.raises(ShellError) as refused:
        load_text(tree, ["primitive z Dummy", "primitive", "group h z nosuch x"], "f", "update")
    assert [report.span.line for report in refused.value.reports if report.span] == [2]
    with pytest.raises(ShellError) as refused:
        load_text(tree, ["primitive z Dummy", "group h z nosuch"], "f", "update")
    assert refused.value.reports[0].span is not None
    assert refused.value.reports[0].span.column == 11
    assert shown(tree) == before


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("location l nosuch 1: n", "doesn't exist"),
        ("primitive g Dummy", "already in use by group"),
    ],
)
def test_what_cannot_be_loaded_is_said(line: str, what: str) -> None:
    with pytest.raises(ShellError, match=what):
        load_text(pending(*BASE), [line], "f", "update")


def test_the_same_object_twice_is_refused() -> None:
    with pytest.raises(ShellError, match="defined twice"):
        load_text(pending(), ["primitive z Dummy", "primitive z Dummy"], "f", "update")


def test_objects_may_stand_in_any_order() -> None:
    tree = pending()
    text = [
        "group g z y",
        "order o y x",
        "primitive y Dummy",
        "primitive z Dummy",
        "primitive x Dummy",
    ]
    load_text(tree, text, "f", "update")
    assert shown(tree)[-2:] == ["group g z y", "order o y x"]


def test_push_deletes_what_the_text_lacks() -> None:
    tree = pending(*BASE, "property x=1 y=2", "location l g 1: n")
    load_text(tree, ["primitive a Dummy", "property x=5", "node n"], "f", "push")
    assert shown(tree) == [
        "node n",
        "primitive a Dummy",
        "property cib-bootstrap-options: x=5",
    ]


def test_replace_starts_from_the_nodes() -> None:
    tree = pending(*BASE)
    load_text(tree, ["primitive z Dummy"], "f", "replace")
    assert shown(tree) == ["node n", "primitive z Dummy"]


def test_members_may_be_exchanged_in_one_edit() -> None:
    tree = pending(*BASE, "primitive d Dummy", "group h c d")
    scope = select(tree, ["g", "h"])
    apply_edited(tree, ["group g c b", "group h a d"], "edit", scope)
    assert shown(tree)[-2:] == ["group g c b", "group h a d"]


def test_an_object_taken_out_of_the_text_is_deleted() -> None:
    tree = pending(*BASE)
    apply_edited(tree, ["group g a"], "edit", select(tree, ["g", "b"]))
    assert shown(tree)[1:] == ["primitive a Dummy", "primitive c Dummy", "group g a"]


def test_an_edit_may_not_touch_other_objects() -> None:
    tree = pending(*BASE)
    with pytest.raises(ShellError, match="not being edited"):
        apply_edited(tree, ["primitive c Dummy params x=1"], "edit", select(tree, ["b"]))


def test_an_object_under_another_id_is_seen_as_renamed() -> None:
    tree = pending(*BASE, "location l g 1: n")
    text = ["primitive aa Dummy", "group g aa b"]
    assert renames_in(tree, text, select(tree, ["a", "g"])) == [("a", "aa")]
    assert renames_in(tree, text, select(tree, ["a", "c", "g"])) == []
    assert renames_in(tree, ["primitive aa Dummy params x=1"], select(tree, ["a"])) == []


def test_comments_stay_with_their_object() -> None:
    tree = pending()
    load_text(tree, ["# why", "# because -- of it", "primitive a Dummy"], "f", "update")
    assert shown(tree) == ["# why", "# because - - of it", "primitive a Dummy"]


def test_xml_of_a_configuration_can_be_loaded_back() -> None:
    tree = pending(*BASE, "location l g 1: n", "rsc_defaults x=1")
    text = configuration_xml(tree, None)
    other = pending()
    load_xml(other, text.encode(), "f", "replace")
    assert shown(other) == shown(tree)
    assert etree.tostring(other.cib.configuration) == etree.tostring(tree.cib.configuration)


def test_saving_keeps_ids_and_order() -> None:
    source = pending()
    load_xml(
        source,
        b"""<configuration><resources>
        <primitive id="z" class="ocf" provider="heartbeat" type="Dummy">
        <instance_attributes id="odd"><nvpair id="p1" name="x" value="1"/>
        <rule id="r" score="INFINITY"><expression id="e9" attribute="a" operation="eq" value="1"/>
        <rule id="r2" boolean-op="or"><expression id="e8" attribute="b" operation="defined"/></rule>
        </rule>
        </instance_attributes><operations><op id="o" name="monitor" interval="5s"/></operations>
        </primitive><group id="g"><primitive id="b" class="lsb" type="x"/></group>
        <primitive id="a" class="lsb" type="y"/></resources><constraints>
        <rsc_order id="k"><resource_set id="s1"><resource_ref id="z"/><resource_ref id="a"/>
        <resource_ref id="b"/></resource_set></rsc_order></constraints></configuration>""",
        "f",
        "replace",
    )
    saved = shown(source, "cib", all_ids=True)
    other = pending()
    load_text(other, saved, "f", "replace")
    assert shown(other, "cib", all_ids=True) == saved
    ids = {part.get("id") for part in source.cib.configuration.iter("*")}
    assert {part.get("id") for part in other.cib.configuration.iter("*")} == ids
    assert [part.get("id") for part in other.make_section("resources")] == ["z", "g", "a"]


@pytest.mark.parametrize(
    "data", [b"", b"<a/>", b"<cib><configuration/></cib>", b"<!DOCTYPE x><cib/>"]
)
def test_bad_xml_is_refused(data: bytes) -> None:
    with pytest.raises(ShellError):
        load_xml(pending(), data, "f", "update")
