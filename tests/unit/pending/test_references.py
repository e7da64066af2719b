"""Deleting and renaming with everything that refers to an object."""

from __future__ import annotations

import pytest

from crmshell.pending.problems import Refused
from crmshell.pending.references import delete, rename
from tests.unit.pending.pending_builder import pending, shown

BASE = (
    "primitive a Dummy",
    "primitive b Dummy",
    "primitive c Dummy",
    "primitive d Dummy",
    "group g a b",
    "location l g 10: n",
    "order o Mandatory: g c",
    "colocation k inf: g c d",
    "tag t g c",
)


def rest(*statements: str, drop: tuple[str, ...]) -> list[str]:
    """What is left besides primitives after deleting."""
    tree = pending(*statements)
    delete(tree, drop)
    return [line for line in shown(tree) if not line.startswith("primitive")]


def test_constraints_of_a_deleted_container_go_to_its_first_member() -> None:
    assert rest(*BASE, drop=("g",)) == [
        "tag t c",
        "colocation k inf: d c",
        "location l a 10: n",
        "order o Mandatory: a c",
    ]


def test_the_last_member_takes_its_container_along() -> None:
    assert rest(*BASE, drop=("a", "b")) == ["tag t c", "colocation k inf: d c"]


def test_a_set_with_one_resource_left_says_nothing() -> None:
    assert rest(*BASE, drop=("c", "d")) == ["group g a b", "tag t g", "location l g 10: n"]


def test_a_loose_set_stays_a_set() -> None:
    lines = rest(*BASE[:4], "colocation x inf: d ( a b c )", drop=("d", "c"))
    assert lines == ["colocation x inf: ( a b )"]


def test_a_template_takes_its_primitives_along() -> None:
    tree = pending("rsc_template t Dummy", "primitive p @t", "location l p 1: n")
    delete(tree, ["t"])
    assert shown(tree) == [""]


def test_an_unknown_id_deletes_nothing() -> None:
    tree = pending(*BASE)
    before = shown(tree)
    with pytest.raises(Refused, match=r"nosuch does not exist"):
        delete(tree, ["a", "nosuch"])
    assert shown(tree) == before
    delete(tree, ["nosuch"], missing_ok=True)
    assert shown(tree) == before


def test_rename_reaches_every_reference() -> None:
    tree = pending(*BASE, "fencing_topology n: c,d", "role r write ref:c")
    rename(tree, "c", "cc")
    text = "\n".join(shown(tree))
    assert "order o Mandatory: g cc" in text
    assert "colocation k inf: g cc d" in text
    assert "tag t g cc" in text
    assert "fencing_topology n: cc,d" in text
    assert "write ref:cc" in text
    assert [user.get("id") for user in tree.naming("cc")] == ["o", "k", "t"]
    assert tree.naming("c") == []


def test_generated_inner_ids_follow_a_rename() -> None:
    tree = pending("primitive a Dummy params x=1 op monitor interval=1s")
    rename(tree, "a", "z")
    ids = [part.get("id") for part in tree.objects["z"].iter()]
    assert ids == ["z", "z-instance_attributes", "z-instance_attributes-x", None, "z-monitor-1s"]


def test_an_inner_id_that_is_referred_to_keeps_its_name() -> None:
    tree = pending("primitive a Dummy params x=1", "primitive b Dummy params $id-ref=a")
    rename(tree, "a", "z")
    assert tree.objects["z"][0].get("id") == "a-instance_attributes"


@pytest.mark.parametrize("new", ["b", "1x", "a b", "l"])
def test_a_bad_or_used_new_name_is_refused(new: str) -> None:
    with pytest.raises(Refused):
        rename(pending(*BASE), "a", new)


GUARDED = (
    "primitive f stonith:fence_a",
    "primitive h stonith:fence_a",
    "primitive a Dummy",
    "fencing_topology n: f,h n: f",
    "role r read ref:a",
    "role x write xpath:\"//primitive[@id='a']\"",
)


def test_fencing_levels_and_permissions_follow_what_is_deleted() -> None:
    tree = pending(*GUARDED)
    notes = [note.message for note in delete(tree, ["f", "a"])]
    lines = shown(tree)
    assert "fencing_topology n: h" in " ".join(" ".join(lines).split())
    assert not any("ref:a" in line for line in lines)
    assert "r: deleted the permission for a" in notes
    assert "x: a permission's XPath still names a" in notes
    delete(tree, ["h"])
    assert "fencing_topology" not in " ".join(shown(tree))


def test_an_xpath_follows_a_new_name() -> None:
    tree = pending(*GUARDED)
    rename(tree, "a", "b")
    text = " ".join(shown(tree))
    assert "[@id='b']" in text
    assert "@id='a'" not in text
