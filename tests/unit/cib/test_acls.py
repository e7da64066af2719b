"""Old access rights in today's form: nobody gets more than he had."""

from __future__ import annotations

from lxml import etree

from engine.cib.acls import modernize_acls


def modernized(acls: str) -> tuple[etree._Element, list[str]]:
    root = etree.fromstring(f"<configuration><acls>{acls}</acls></configuration>")
    return root, modernize_acls(root)


def test_a_user_with_roles_becomes_a_target() -> None:
    root, said = modernized(
        '<acl_user id="alice"><role_ref id="r"/></acl_user>'
        '<acl_role id="r"><read id="r-1" xpath="/cib"/></acl_role>'
    )
    assert root.find("acls/acl_target[@id='alice']/role[@id='r']") is not None
    permission = root.find("acls/acl_role/acl_permission")
    assert permission is not None
    assert dict(permission.attrib) == {"id": "r-1", "kind": "read", "xpath": "/cib"}
    assert said == ["user alice is acl_target alice"]


def test_a_user_with_rights_of_his_own_gets_a_role_of_his_own() -> None:
    root, _ = modernized('<acl_user id="bob"><deny id="b" tag="nvpair" attribute="v"/></acl_user>')
    role, target = root.findall("acls/*")
    assert (role.tag, role.get("id")) == ("acl_role", "bob-rights")
    assert dict(role[0].attrib) == {
        "id": "b",
        "kind": "deny",
        "object-type": "nvpair",
        "attribute": "v",
    }
    assert target[0].get("id") == "bob-rights"


def test_a_tag_with_an_id_becomes_a_path() -> None:
    root, _ = modernized('<acl_role id="r"><write id="w" tag="node" ref="n"/></acl_role>')
    assert root[0][0][0].get("xpath") == "//node[@id='n']"


def test_what_has_no_equal_grants_less_and_is_told() -> None:
    root, said = modernized(
        '<acl_role id="r"><write id="w" ref="n" attribute="a"/>'
        '<deny id="d" ref="n" attribute="a"/></acl_role>'
    )
    assert [each.get("id") for each in root[0][0]] == ["d"]
    assert "role r: write w is left out" in said[0]
    assert "deny d covers the whole object" in said[1]


def test_rights_of_today_are_left_alone() -> None:
    text = '<acl_role id="r"><acl_permission id="p" kind="read" xpath="/cib"/></acl_role>'
    root, said = modernized(text)
    assert said == []
    assert text in etree.tostring(root, encoding="unicode")
