"""Access rights: what a user sees and may change."""

from __future__ import annotations

import pytest
from lxml import etree

from engine.base.errors import EngineError
from engine.cib.access import (
    READ,
    WRITE,
    Access,
    is_restricted,
    refuse_forbidden,
    rights_of,
    seen_by,
)

CIB = """
<cib epoch="1" num_updates="0" admin_epoch="0"><configuration>
<crm_config><cluster_property_set id="s">
<nvpair id="s-acl" name="enable-acl" value="true"/><nvpair id="s-x" name="x" value="1"/>
</cluster_property_set></crm_config>
<nodes/>
<resources><primitive id="a" class="ocf"><meta_attributes id="a-m">
<nvpair id="a-r" name="target-role" value="Started"/></meta_attributes></primitive>
<primitive id="b" class="ocf"/></resources>
<acls>
<acl_role id="looks"><acl_permission id="l1" kind="read" xpath="/cib"/></acl_role>
<acl_role id="roles"><acl_permission id="r1" kind="write" xpath="//nvpair[@name='target-role']"/></acl_role>
<acl_role id="notb"><acl_permission id="n1" kind="write" xpath="//resources"/>
<acl_permission id="n2" kind="deny" reference="b"/></acl_role>
<acl_role id="metas"><acl_permission id="m1" kind="read" object-type="meta_attributes"/></acl_role>
<acl_target id="viewer"><role id="looks"/></acl_target>
<acl_target id="t1" name="starter"><role id="looks"/><role id="roles"/></acl_target>
<acl_target id="owner"><role id="looks"/><role id="notb"/></acl_target>
<acl_target id="little"><role id="metas"/></acl_target>
<acl_group id="ops"><role id="notb"/></acl_group>
</acls></configuration><status/></cib>
"""


def tree() -> etree._Element:
    return etree.fromstring(CIB, etree.XMLParser(remove_blank_text=True))


def may(user: str, xpath: str, name: str, value: str, groups: tuple[str, ...] = ()) -> bool:
    old, new = tree(), tree()
    new.xpath(xpath)[0].set(name, value)
    try:
        refuse_forbidden(old, new, user, groups)
    except EngineError as refused:
        assert int(refused.status) == 4
        return False
    return True


@pytest.mark.parametrize(
    ("user", "xpath", "allowed"),
    [
        ("root", "//primitive[@id='b']", True),
        ("hacluster", "//primitive[@id='b']", True),
        ("nobody", "//primitive[@id='a']", False),
        ("viewer", "//primitive[@id='a']", False),
        ("starter", "//nvpair[@id='a-r']", True),
        ("starter", "//meta_attributes", False),
        ("owner", "//nvpair[@id='a-r']", True),
        ("owner", "//primitive[@id='b']", False),
        ("owner", "//nvpair[@id='s-x']", False),
    ],
)
def test_who_may_change_what(user: str, xpath: str, allowed: bool) -> None:
    assert may(user, xpath, "description", "new") is allowed


def test_a_group_gives_its_rights() -> None:
    assert may("somebody", "//primitive[@id='a']", "description", "x", ("ops",))


def test_without_access_control_everybody_may() -> None:
    root = tree()
    root.xpath("//nvpair[@name='enable-acl']")[0].set("value", "no")
    assert not is_restricted(root, "nobody")
    assert seen_by(root, "nobody") is root


def test_new_and_deleted_objects_need_a_right_too() -> None:
    old, new = tree(), tree()
    new.xpath("//resources")[0].append(etree.Element("primitive", {"id": "c", "class": "ocf"}))
    refuse_forbidden(old, new, "owner")
    with pytest.raises(EngineError):
        refuse_forbidden(old, new, "starter")
    gone = tree()
    gone.xpath("//resources")[0].remove(gone.xpath("//primitive[@id='b']")[0])
    with pytest.raises(EngineError):
        refuse_forbidden(old, gone, "owner")


def test_of_what_only_leads_to_something_visible_the_id_is_seen() -> None:
    seen = seen_by(tree(), "little")
    assert [each.tag for each in seen.iter()] == [
        *("cib", "configuration", "resources", "primitive", "meta_attributes", "nvpair"),
    ]
    assert dict(seen.find(".//primitive").attrib) == {"id": "a"}
    assert seen.find(".//nvpair").get("value") == "Started"
    with pytest.raises(EngineError):
        seen_by(tree(), "nobody")


def test_a_denial_hides_a_part_of_what_is_visible() -> None:
    seen = seen_by(tree(), "owner")
    assert [each.get("id") for each in seen.iter("primitive")] == ["a"]


def test_the_kind_at_an_element() -> None:
    root = tree()
    access = Access.on(root, rights_of(root, "owner"))
    kinds = [
        access.kind_at(root.xpath(path)[0]) for path in ("/cib", "//resources", "//*[@id='b']")
    ]
    assert kinds == [READ, WRITE, "deny"]
