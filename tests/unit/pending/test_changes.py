"""Statements into the pending configuration: done completely, or not at all, and undone."""

from __future__ import annotations

import pytest
from lxml import etree

from crmshell.pending.changes import Way
from crmshell.pending.edits import add_monitor, change_group, erase, set_path
from crmshell.pending.problems import Refused
from tests.unit.pending.pending_builder import pending, refusal, shown, typed

AB = ("primitive a Dummy", "primitive b Dummy")


def xml(tree: object) -> bytes:
    return etree.tostring(tree.cib.root)  # type: ignore[attr-defined]


def test_a_group_takes_its_members_in() -> None:
    tree = pending(*AB, "group g a b")
    assert [child.get("id") for child in tree.objects["g"]] == ["a", "b"]


def test_an_id_in_use_is_refused_with_its_place_and_nothing_changes() -> None:
    tree = pending("primitive a Dummy")
    before = xml(tree)
    report = refusal(tree, "primitive a Dummy params fake=1")
    assert "already in use" in report.message
    assert report.span is not None
    assert report.span.column == 11
    assert xml(tree) == before


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("group g nosuch", "nosuch does not exist"),
        ("group g h", "may contain only primitives"),
        ("group k a", "already in use at h"),
        ("clone c a", "already in use at h"),
        ("primitive c Dummy params $id=h x=1", "id h is already in use"),
        ("primitive c Dummy params passwd=******", "stands for a hidden value"),
        ("xml <a/>", "no object"),
        ("xml <primitive", "not well-formed"),
    ],
)
def test_what_cannot_be_is_refused_as_a_whole(text: str, what: str) -> None:
    tree = pending(*AB, "group h a b")
    before = xml(tree)
    assert what in refusal(tree, text).message
    assert xml(tree) == before


def test_constraints_on_a_new_member_go_to_its_container() -> None:
    tree = pending(*AB, "primitive c Dummy", "location l a 5: n", "order o a b", "order p a c")
    typed(tree, "group g a b")
    assert shown(tree)[-2:] == ["location l g 5: n", "order p g c"]


def test_a_typed_clone_is_interleaved_unless_it_says_otherwise() -> None:
    tree = pending(*AB, "clone c a", "clone d b meta interleave=false")
    assert shown(tree)[2:] == ["clone c a meta interleave=true", "clone d b meta interleave=false"]


def test_a_node_and_a_property_set_are_merged() -> None:
    tree = pending("node n attributes a=1", "property x=1 y=2")
    typed(tree, "node n attributes a=2 b=3")
    typed(tree, "property x=3 z=4")
    assert shown(tree) == [
        "node n attributes a=2 b=3",
        "property cib-bootstrap-options: x=3 y=2 z=4",
    ]


def test_replacing_keeps_the_place_and_the_ids_of_parts() -> None:
    tree = pending("primitive a Dummy params $id=mine x=1 y=2", "primitive b Dummy")
    typed(tree, "primitive a Dummy params y=3 z=4", Way.UPDATE)
    assert [child.get("id") for child in tree.make_section("resources")] == ["a", "b"]
    pairs = tree.objects["a"][0]
    assert pairs.get("id") == "mine"
    assert [pair.get("id") for pair in pairs] == ["mine-y", "mine-z"]


def test_a_clash_of_generated_ids_is_numbered() -> None:
    tree = pending("primitive a Dummy params x=1 params x=2")
    assert [part.get("id") for part in tree.objects["a"]] == [
        "a-instance_attributes",
        "a-instance_attributes-0",
    ]


def test_an_id_ref_to_an_object_means_its_first_part_of_that_kind() -> None:
    tree = pending("primitive a Dummy meta priority=1", "primitive b Dummy meta $id-ref=a")
    assert tree.objects["b"][0].get("id-ref") == "a-meta_attributes"
    assert shown(tree) == [
        "primitive a Dummy meta $id=a-meta_attributes priority=1",
        "primitive b Dummy meta $id-ref=a-meta_attributes",
    ]


def test_undo_takes_back_whole_commands() -> None:
    tree = pending(*AB)
    before = xml(tree)
    typed(tree, "group g a b meta priority=1")
    typed(tree, "location l g 1: n")
    assert tree.undo(2) == ["location l g 1: n", "group g a b meta priority=1"]
    assert xml(tree) == before
    typed(tree, "group g a b meta priority=1")
    assert tree.objects["g"][0].get("id") == "g-meta_attributes"


def test_everything_can_be_undone_to_what_was_read() -> None:
    tree = pending(*AB, "group g a b", "order o g a")
    assert tree.is_changed
    tree.undo(100)
    assert not tree.is_changed
    assert not tree.objects
    assert not any(tree.mentions.values())


def test_a_dangling_constraint_is_a_warning_when_typed() -> None:
    tree = pending("primitive webserver Dummy")
    (note,) = typed(tree, "location l webservr 1: n")
    assert "references a resource webservr which doesn't exist" in note.message
    assert note.nearest == "webserver"


def test_monitor_adds_an_operation_once() -> None:
    tree = pending("primitive a Dummy")
    add_monitor(tree, "a:Promoted", "30s:20s")
    assert shown(tree) == ["primitive a Dummy op monitor role=Promoted interval=30s timeout=20s"]
    with pytest.raises(Refused, match="already has a monitor op with interval 30"):
        add_monitor(tree, "a", "30:5s")
    with pytest.raises(Refused, match="is not a time"):
        add_monitor(tree, "a", "soon")


def test_set_changes_exactly_one_value() -> None:
    tree = pending("primitive a.b Dummy params x=1 op monitor interval=10s timeout=5s")
    set_path(tree, "a.b.x", "2")
    set_path(tree, "a.b.monitor.timeout", "50")
    set_path(tree, "a.b.monitor.10s.interval", "25s")
    assert shown(tree) == ["primitive a.b Dummy params x=2 op monitor interval=25s timeout=50s"]
    for path in ("a.b.y", "zz.x", "a.b.start.timeout", "a"):
        with pytest.raises(Refused):
            set_path(tree, path, "1")


def test_modgroup_moves_members_by_place() -> None:
    tree = pending(*AB, "primitive c Dummy", "group g a b")
    change_group(tree, ["g", "add", "c", "before", "b"])
    change_group(tree, ["g", "remove", "a"])
    assert shown(tree)[-1] == "group g c b"
    for words in (["g", "add", "c"], ["g", "remove", "a"], ["a", "add", "c"], ["g", "put", "a"]):
        with pytest.raises(Refused):
            change_group(tree, words)


def test_modgroup_leaves_constraints_on_the_new_member_alone() -> None:
    tree = pending(*AB, "primitive c Dummy", "group g a b", "node n", "location l c 5: n")
    (note,) = change_group(tree, ["g", "add", "c"])
    assert "location:l goes on naming c" in note.message
    assert "location l c 5: n" in shown(tree)


def test_erase_keeps_the_nodes_or_takes_only_them() -> None:
    tree = pending("node n", *AB, "group g a b", "property x=1", "fencing_topology n: a")
    erase(tree, nodes=False)
    assert shown(tree) == ["node n"]
    erase(tree, nodes=True)
    assert shown(tree) == [""]


def test_the_topology_stands_among_the_tickets_by_name() -> None:
    tree = pending("node n", *AB, "rsc_ticket a1 T: a", "rsc_ticket z1 T: a", "fencing_topology b")
    assert [line.split()[0] for line in shown(tree)[-3:]] == [
        "rsc_ticket",
        "fencing_topology",
        "rsc_ticket",
    ]


def test_a_property_typed_without_a_set_does_not_end_up_under_a_rule() -> None:
    tree = pending(
        "property $id=never rule date lt 2001-01-01 maintenance-mode=true",
        "property stonith-enabled=true",
    )
    sets = {each.get("id"): each for each in tree.cib.root.iter("cluster_property_set")}
    assert [pair.get("name") for pair in sets["never"].iter("nvpair")] == ["maintenance-mode"]
    assert [pair.get("name") for pair in sets["cib-bootstrap-options"].iter("nvpair")] == [
        "stonith-enabled"
    ]
