"""Requests on a CIB: sections, matching, counting up, versions."""

from __future__ import annotations

import pytest
from lxml import etree

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.cib import operations
from engine.cib.document import Cib, empty_cib

NODES = '<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>'


def xml(text: str) -> etree._Element:
    return etree.fromstring(text)


@pytest.fixture
def root() -> etree._Element:
    made = empty_cib().root
    operations.replace(made, "nodes", xml(NODES))
    return made


def test_scopes_name_sections(root: etree._Element) -> None:
    assert operations.section_of(root, "") is root
    nodes = operations.section_of(root, "nodes")
    assert nodes is not None and len(nodes) == 2
    assert operations.section_of(root, "tags") is None
    with pytest.raises(EngineError, match="unknown scope 'nix'"):
        operations.section_of(root, "nix")


def test_what_exists_is_not_made_again(root: etree._Element) -> None:
    operations.create(root, "nodes", xml('<node id="3" uname="n3"/>'))
    two = xml('<nodes><node id="4" uname="n4"/><node id="3" uname="x"/></nodes>')
    with pytest.raises(operations.CreationRefused) as refused:
        operations.create(root, "nodes", two)
    assert [failure.element.get("id") for failure in refused.value.failures] == ["3"]
    assert refused.value.status is ExitStatus.EXISTS


def test_a_missing_section_is_made_at_its_place(root: etree._Element) -> None:
    operations.modify(root, "acls", xml('<acls><acl_role id="r"/></acls>'))
    assert [child.tag for child in Cib(root).configuration][-1] == "acls"


def test_what_is_not_there_is_changed_only_when_it_may_be_made(root: etree._Element) -> None:
    new = xml('<primitive id="p" class="ocf"/>')
    with pytest.raises(EngineError) as refused:
        operations.modify(root, "resources", new)
    assert refused.value.status is ExitStatus.NOSUCH
    operations.modify(root, "resources", new, may_create=True)
    operations.modify(
        root, "", xml('<primitive id="p" type="Dummy"><meta_attributes id="m"/></primitive>')
    )
    made = root.find("configuration/resources/primitive")
    assert made is not None
    assert (made.get("class"), made.get("type"), len(made)) == ("ocf", "Dummy", 1)


@pytest.mark.parametrize(
    ("present", "value", "result"),
    [
        ("5", "value++", "6"),
        ("5", "value+=-7", "-2"),
        ("abc", "value+=3", "3"),
        ("INFINITY", "value+=3", "1000000"),
        ("5", "other++", "other++"),
        (None, "value++", "value++"),
        ("5", "7", "7"),
    ],
)
def test_counting_up(present: str | None, value: str, result: str) -> None:
    assert operations.counted("value", value, present) == result


def test_deletion_needs_the_name_and_all_attributes(root: etree._Element) -> None:
    assert not operations.delete(root, "", xml('<node id="1" uname="n2"/>'))
    assert not operations.delete(root, "resources", xml('<node id="1"/>'))
    assert operations.delete(root, "", xml('<node uname="n2"/>'))
    assert [each.get("id") for each in root.iter("node")] == ["1"]


def test_an_older_cib_replaces_nothing(root: etree._Element) -> None:
    Cib(root).version = Cib(root).version._replace(epoch=7)
    with pytest.raises(EngineError) as refused:
        operations.replace(root, "", empty_cib().root)
    assert refused.value.status is ExitStatus.OLD
    other = xml(etree.tostring(root))
    other[0].find("nodes").clear()
    assert operations.replace(root, "nodes", other) is root
    assert root.find("configuration/nodes/node") is None


def test_an_xpath_may_find_attributes_and_must_be_one(root: etree._Element) -> None:
    assert [each.tag for each in operations.found_by(root, "//node/@uname")] == ["node", "node"]
    paths = [operations.path_of(each) for each in operations.found_by(root, "//node")]
    assert paths[0] == "/cib/configuration/nodes/node[@id='1']"
    with pytest.raises(EngineError, match="is not an XPath"):
        operations.found_by(root, "//[")


def test_versions_follow_what_was_changed(root: etree._Element) -> None:
    Cib(root).version = Cib(root).version._replace(epoch=4, num_updates=9)
    same = xml(etree.tostring(root))
    assert not operations.settle_version(root, same)
    same.set("have-quorum", "1")
    assert operations.settle_version(root, same)
    assert Cib(same).version == (0, 4, 10)
    new = xml(etree.tostring(root))
    operations.delete(new, "", xml('<node id="1"/>'))
    assert operations.settle_version(root, new)
    assert Cib(new).version == (0, 5, 0)
    assert Cib(operations.erased(new)).version == (1, 6, 0)
