"""Two users' edits of one CIB: what is kept of each, and what is overwritten when that is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from crmshell.errors import CommitConflict
from crmshell.sources.merge import merge_commit
from engine.cib.document import Cib

BASE = """<cib validate-with="pacemaker-3.9" epoch="3" num_updates="0" admin_epoch="0"
 update-user="bob" cib-last-written="Mon Jan  1 10:00:00 2024"><configuration>
<crm_config><cluster_property_set id="o"><nvpair id="o-x" name="x" value="1"/>
<nvpair id="o-y" name="y" value="1"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/></nodes>
<resources><primitive id="a" class="ocf" provider="p" type="T"><instance_attributes id="a-i">
<nvpair id="a-i-ip" name="ip" value="1"/></instance_attributes></primitive>
<primitive id="b" class="ocf" provider="p" type="T"/>
<group id="g"><primitive id="m1" class="ocf" provider="p" type="T"/>
<primitive id="m2" class="ocf" provider="p" type="T"/></group></resources>
<constraints/></configuration><status/></cib>"""

Edit = Callable[[etree._Element], None]


def edited(*edits: Edit) -> Cib:
    cib = Cib.from_bytes(BASE.encode(), "base")
    for edit in edits:
        edit(cib.root)
    return cib


def by_id(root: etree._Element, ident: str) -> etree._Element:
    return next(element for element in root.iter() if element.get("id") == ident)


def put(ident: str, name: str, value: str) -> Edit:
    return lambda root: by_id(root, ident).set(name, value)


def drop(ident: str) -> Edit:
    def edit(root: etree._Element) -> None:
        element = by_id(root, ident)
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return edit


def add(parent: str, tag: str, ident: str, **attributes: str) -> Edit:
    def edit(root: etree._Element) -> None:
        found = root.find(f"configuration/{parent}")
        owner = by_id(root, parent) if found is None else found
        etree.SubElement(owner, tag, {"id": ident, **attributes})

    return edit


def move(ident: str, container: str) -> Edit:
    return lambda root: by_id(root, container).append(by_id(root, ident))


def overwritten(mine: tuple[Edit, ...], theirs: tuple[Edit, ...]) -> etree._Element:
    return merge_commit(edited(*theirs), edited(), edited(*mine), replace=True).root


def ids(root: etree._Element, path: str) -> list[str | None]:
    found = root.find(f"configuration/{path}")
    assert found is not None
    return [element.get("id") for element in found]


def test_a_conflict_says_object_what_who_and_when() -> None:
    theirs, mine = edited(put("a-i-ip", "value", "9")), edited(put("a-i-ip", "value", "5"))
    with pytest.raises(CommitConflict) as caught:
        merge_commit(theirs, edited(), mine, replace=False)
    assert str(caught.value) == (
        "conflict: primitive a: ip is '9' now, "
        "last written by bob at Mon Jan  1 10:00:00 2024 (epoch 3)"
    )


def test_only_the_object_in_conflict_is_overwritten() -> None:
    mine = (put("a-i-ip", "value", "5"), put("b", "type", "Mine"))
    theirs = (
        put("a-i-ip", "value", "9"),
        put("m1", "type", "Theirs"),
        add("resources", "primitive", "new"),
    )
    root = overwritten(mine, theirs)
    assert by_id(root, "a-i-ip").get("value") == "5"
    assert by_id(root, "b").get("type") == "Mine"
    assert by_id(root, "m1").get("type") == "Theirs"
    assert "new" in ids(root, "resources")


def test_what_the_other_added_to_the_object_in_conflict_goes() -> None:
    theirs = (put("a-i-ip", "value", "9"), add("a-i", "nvpair", "a-i-nic", name="nic", value="e"))
    root = overwritten((put("a-i-ip", "value", "5"),), theirs)
    assert [each.get("id") for each in by_id(root, "a-i")] == ["a-i-ip"]


def test_of_a_property_set_only_the_property_in_conflict_is_overwritten() -> None:
    root = overwritten(
        (put("o-x", "value", "5"),), (put("o-x", "value", "9"), put("o-y", "value", "9"))
    )
    assert by_id(root, "o-x").get("value") == "5"
    assert by_id(root, "o-y").get("value") == "9"


def test_what_the_other_removed_comes_back_at_its_place_when_it_was_edited() -> None:
    root = overwritten((put("a-i-ip", "value", "5"),), (drop("a"), put("b", "type", "Theirs")))
    assert ids(root, "resources") == ["a", "b", "g"]
    assert by_id(root, "a-i-ip").get("value") == "5"
    assert by_id(root, "b").get("type") == "Theirs"


def test_what_was_removed_stays_removed_though_the_other_edited_it() -> None:
    root = overwritten((drop("a"),), (put("a-i-ip", "value", "9"),))
    assert ids(root, "resources") == ["b", "g"]


def test_of_two_new_objects_with_one_id_the_committed_one_is_there() -> None:
    mine, theirs = (add("resources", "primitive", "n", type=kind) for kind in ("Mine", "Theirs"))
    root = overwritten((mine,), (theirs, put("b", "type", "Theirs")))
    assert by_id(root, "n").get("type") == "Mine"
    assert by_id(root, "b").get("type") == "Theirs"


def test_what_the_other_put_into_a_group_is_once_there_and_an_empty_group_is_not() -> None:
    theirs = (add("resources", "group", "new"), move("a", "new"), put("b", "type", "Theirs"))
    root = overwritten((put("a-i-ip", "value", "5"),), theirs)
    assert ids(root, "resources") == ["a", "b", "g"]
    assert len([each for each in root.iter() if each.get("id") == "a"]) == 1
    assert by_id(root, "b").get("type") == "Theirs"


def test_a_member_in_conflict_leaves_the_other_members_as_they_are() -> None:
    root = overwritten(
        (put("m1", "type", "Mine"),), (put("m1", "type", "Theirs"), put("m2", "type", "Theirs"))
    )
    assert by_id(root, "m1").get("type") == "Mine"
    assert by_id(root, "m2").get("type") == "Theirs"


def test_a_removed_group_comes_back_with_its_members() -> None:
    root = overwritten((put("m1", "type", "Mine"),), (drop("g"),))
    assert ids(root, "resources") == ["a", "b", "g"]
    assert [each.get("id") for each in by_id(root, "g")] == ["m1", "m2"]


def test_an_attribute_of_a_container_does_not_cost_the_edits_of_its_members() -> None:
    root = overwritten(
        (put("g", "description", "mine"),),
        (put("g", "description", "theirs"), put("m2", "type", "Theirs")),
    )
    assert by_id(root, "g").get("description") == "mine"
    assert by_id(root, "m2").get("type") == "Theirs"


def test_an_order_that_both_changed_is_the_committed_one() -> None:
    def first(root: etree._Element) -> None:
        by_id(root, "g").insert(0, by_id(root, "m2"))

    def last(root: etree._Element) -> None:
        group = by_id(root, "g")
        etree.SubElement(group, "primitive", {"id": "m0"})
        group.insert(0, group[-1])

    root = overwritten((first,), (last,))
    assert next(each.get("id") for each in by_id(root, "g")) == "m2"


def test_a_schema_that_was_chosen_is_kept_though_the_other_edited_something() -> None:
    mine = edited()
    mine.root.set("validate-with", "pacemaker-3.8")
    merged = merge_commit(edited(put("b", "type", "Theirs")), edited(), mine, replace=False)
    assert merged.root.get("validate-with") == "pacemaker-3.8"
    assert by_id(merged.root, "b").get("type") == "Theirs"


def property_set(**values: str) -> Edit:
    def edit(root: etree._Element) -> None:
        owner = root.find("configuration/crm_config")
        assert owner is not None
        made = etree.SubElement(owner, "cluster_property_set", {"id": "new"})
        for name, value in values.items():
            etree.SubElement(made, "nvpair", {"id": f"new-{name}", "name": name, "value": value})

    return edit


def test_the_first_properties_of_two_users_are_both_kept() -> None:
    merged = merge_commit(
        edited(property_set(x="1", y="2")),
        edited(),
        edited(property_set(x="1", z="3")),
        replace=False,
    )
    assert ids(merged.root, "crm_config/cluster_property_set[@id='new']") == [
        "new-x",
        "new-y",
        "new-z",
    ]


def test_of_the_first_properties_of_two_users_only_the_value_in_conflict_is_overwritten() -> None:
    mine, theirs = property_set(x="mine"), property_set(x="theirs", y="2")
    with pytest.raises(CommitConflict, match="x is 'theirs' now"):
        merge_commit(edited(theirs), edited(), edited(mine), replace=False)
    root = overwritten((mine,), (theirs,))
    assert by_id(root, "new-x").get("value") == "mine"
    assert by_id(root, "new-y").get("value") == "2"
