from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from engine.base.errors import BadInput
from engine.cib.patch import (
    Insert,
    Move,
    Patch,
    SetAttribute,
    apply_patch,
    diff,
    element_digest,
    patch_from_bytes,
    patch_to_bytes,
    plan_patch,
)
from tests.calls import calls_in

IDS = st.sampled_from(["a", "b", "c", "d", ""])
TAGS = st.sampled_from(["primitive", "group", "op"])
VALUES = st.sampled_from(["1", "2", "<&\"'é"])


@st.composite
def trees(draw, depth=3, tag="cib"):
    root = etree.Element(tag)
    for name in draw(st.lists(st.sampled_from(["x", "y", "z"]), unique=True)):
        root.set(name, draw(VALUES))
    if depth and draw(st.integers(0, 3)):
        for _ in range(draw(st.integers(0, 4))):
            if draw(st.integers(0, 9)) == 0:
                root.append(etree.Comment(draw(st.sampled_from(["one", "two"]))))
                continue
            child = draw(trees(depth=depth - 1, tag=draw(TAGS)))
            ident = draw(IDS)
            if ident:
                child.set("id", ident)
            root.append(child)
    elif draw(st.integers(0, 5)) == 0:
        root.text = "words"
    return root


@settings(max_examples=120, deadline=None)
@given(trees(), trees())
def test_applying_the_difference_of_two_trees_to_the_one_makes_the_other(old, new):
    patch = patch_from_bytes(patch_to_bytes(diff(old, new)))
    tree = deepcopy(old)
    assert apply_patch(tree, patch) == ()
    assert element_digest(tree) == element_digest(new)


@settings(max_examples=60, deadline=None)
@given(trees(), trees())
def test_taking_a_patch_back_restores_the_tree(old, new):
    tree = deepcopy(old)
    plan = plan_patch(tree, diff(old, new))
    plan.apply()()
    assert element_digest(tree) == element_digest(old)


def xml(text: str) -> etree._Element:
    return etree.fromstring(text)


BASE = """<cib><configuration><resources>
  <primitive id="a" type="x"><meta_attributes id="a-m"><nvpair id="n" name="p" value="1"/></meta_attributes></primitive>
  <primitive id="b" type="x"/>
  <group id="g"><primitive id="p1"/><primitive id="p2"/><primitive id="p3"/></group>
</resources></configuration></cib>"""


def edited(*edits) -> etree._Element:
    tree = xml(BASE)
    for edit in edits:
        edit(tree)
    return tree


def set_type(ident, value):
    return lambda tree: tree.find(f".//*[@id='{ident}']").set("type", value)


def drop(ident):
    def edit(tree):
        element = tree.find(f".//*[@id='{ident}']")
        element.getparent().remove(element)

    return edit


def add(ident, **attributes):
    def edit(tree):
        etree.SubElement(tree.find(".//resources"), "primitive", {"id": ident, **attributes})

    return edit


def test_disjoint_edits_of_two_users_merge():
    mine = diff(xml(BASE), edited(set_type("a", "mine"), add("new")))
    tree = edited(set_type("b", "theirs"), add("other"))
    assert apply_patch(tree, mine) == ()
    assert tree.find(".//*[@id='a']").get("type") == "mine"
    assert tree.find(".//*[@id='b']").get("type") == "theirs"
    assert [child.get("id") for child in tree.find(".//resources")] == [
        "a",
        "b",
        "g",
        "new",
        "other",
    ]


def test_two_edits_of_one_attribute_are_a_conflict_that_names_the_object():
    mine = diff(xml(BASE), edited(set_type("a", "mine"), set_type("b", "mine")))
    tree = edited(set_type("a", "theirs"))
    before = element_digest(tree)
    conflicts = apply_patch(tree, mine)
    assert [(found.subject, found.what) for found in conflicts] == [
        ("primitive a", "type is 'theirs' now")
    ]
    assert element_digest(tree) == before


def test_the_same_edit_by_two_users_is_no_conflict():
    mine = diff(xml(BASE), edited(set_type("a", "same"), drop("b"), add("new", type="t")))
    tree = edited(set_type("a", "same"), drop("b"), add("new", type="t"))
    assert apply_patch(tree, mine) == ()


@pytest.mark.parametrize(
    ("mine", "theirs", "subject", "what"),
    [
        (drop("a"), set_type("n", "9"), "primitive a", "was changed"),
        (set_type("b", "mine"), drop("b"), "primitive b", "was removed"),
        (add("new", type="1"), add("new", type="2"), "primitive new", "was added"),
        (set_type("n", "9"), drop("a"), "primitive a", "was removed"),
    ],
)
def test_what_one_changes_and_the_other_removes_or_adds_is_a_conflict(mine, theirs, subject, what):
    conflicts = apply_patch(edited(theirs), diff(xml(BASE), edited(mine)))
    assert [(found.subject, found.what) for found in conflicts] == [(subject, what)]


def reorder(tree):
    group = tree.find(".//group")
    group.append(group[0])


def test_a_moved_child_is_one_operation():
    patch = diff(xml(BASE), edited(reorder))
    assert [type(item) for item in patch.operations] == [Move]


def test_white_space_and_attribute_order_carry_no_meaning():
    one = xml('<cib a="1" b="2"><x id="1"/> <x id="2"/></cib>')
    two = xml('<cib b="2" a="1">\n <x id="1"/>\n<x id="2"/>\n</cib>')
    assert not diff(one, two)


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x91\x05", b"\x91\x94\x00\x00\x00\x00", b"\x81\xa1a\x01", b"\x05"]
)
def test_bytes_that_are_no_patch_are_refused(data):
    with pytest.raises(BadInput):
        patch_from_bytes(data)


@pytest.mark.parametrize(
    "operation",
    [
        SetAttribute((), "id", None, "other"),
        SetAttribute((), "a b", None, "x"),
        SetAttribute((), "x:y", None, "x"),
        SetAttribute((), "x", None, "nul\x00"),
        Insert((), ("x", "1", 0), None, b"<y id='1'/>"),
        Insert((), ("x", "1", 0), None, b"<x id='1'>"),
        Insert((), ("#comment", " -- ", 0), None, b"<!-- -- -->"),
    ],
)
def test_a_patch_that_would_make_no_xml_is_refused_and_changes_nothing(operation):
    tree = xml("<cib/>")
    good = SetAttribute((), "good", None, "1")
    with pytest.raises(BadInput):
        apply_patch(tree, Patch((good, operation)))
    assert etree.tostring(tree) == b"<cib/>"


def test_a_path_of_endless_depth_is_refused():
    deep = SetAttribute(tuple(("a", "", 0) for _ in range(5000)), "x", None, "1")
    with pytest.raises(BadInput):
        patch_from_bytes(patch_to_bytes(Patch((deep,))))


@settings(max_examples=100, deadline=None)
@given(trees(), trees(), st.integers(0), st.integers(1, 255))
def test_a_damaged_patch_is_refused_or_applied_whole_or_in_conflict(old, new, place, bits):
    data = bytearray(patch_to_bytes(diff(old, new)))
    data[place % len(data)] ^= bits
    tree = deepcopy(old)
    try:
        conflicts = apply_patch(tree, patch_from_bytes(bytes(data)))
    except BadInput:
        conflicts = (None,)
    if conflicts:
        assert element_digest(tree) == element_digest(old)


def test_a_patch_with_a_doctype_in_it_is_refused():
    patch = diff(xml("<cib/>"), xml("<cib><x/></cib>"))
    row = patch.operations[0]
    evil = type(row)(row.parent, row.step, row.after, b"<!DOCTYPE x><x/>")
    with pytest.raises(BadInput, match="DOCTYPE"):
        apply_patch(xml("<cib/>"), Patch((evil,)))


def _compare_and_change(count: int) -> int:
    """Calls that it takes to compare and change that many primitives, an operation of each."""
    resources = "".join(
        f'<primitive id="p{n}" class="ocf" provider="heartbeat" type="Dummy"><operations>'
        f'<op id="p{n}-m" name="monitor" interval="10s"/></operations></primitive>'
        for n in range(count)
    )
    old = xml(f"<cib><configuration><resources>{resources}</resources></configuration></cib>")
    new = deepcopy(old)
    for element in new.iter("op"):
        element.set("interval", "20s")

    def work() -> None:
        patch = diff(old, new)
        assert len(patch.operations) == count
        assert apply_patch(old, patch) == ()

    return calls_in(work)


def test_comparing_and_changing_costs_in_proportion_to_the_configuration():
    assert _compare_and_change(2000) < 5 * _compare_and_change(500)
