"""Deleting and renaming in generated configurations: nobody names what is not there, nothing goes
without a word, and a new name changes nothing but the name."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from crmshell.pending.changes import PendingCib
from crmshell.pending.references import delete, rename
from engine.cib.document import Cib

Element = etree._Element
RESOURCES = ("primitive", "group", "clone", "bundle", "template")
NAMES = {
    "rsc_location": ("rsc",),
    "rsc_colocation": ("rsc", "with-rsc"),
    "rsc_order": ("first", "then"),
    "rsc_ticket": ("rsc",),
}


def primitive(name: str, more: str = "", template: str = "") -> str:
    kind = f'template="{template}"' if template else 'class="ocf" provider="heartbeat" type="Dummy"'
    return (
        f'<primitive id="{name}" {kind}>{more}<operations>'
        f'<op id="{name}-monitor-10s" name="monitor" interval="10s"/></operations></primitive>'
    )


@st.composite
def resources(draw: st.DrawFn) -> list[str]:
    """Primitives alone, in groups, clones and bundles, of templates, with shared attributes."""
    parts = ['<template id="T" class="ocf" provider="heartbeat" type="Dummy"/>']
    shared = draw(st.booleans())
    own = '<meta_attributes id="a-meta"><nvpair id="a-m" name="priority" value="1"/></meta_attributes>'
    parts.append(primitive("a", own))
    parts.append(primitive("b", '<meta_attributes id-ref="a-meta"/>' if shared else ""))
    parts.append(primitive("c", template=draw(st.sampled_from(["", "T"]))))
    members = draw(st.integers(1, 3))
    group = "".join(primitive(f"g{number}") for number in range(members))
    group = f'<group id="G">{group}</group>'
    parts.append(f'<clone id="C">{group}</clone>' if draw(st.booleans()) else group)
    parts.append(f'<clone id="D">{primitive("d")}</clone>')
    parts.append(
        '<bundle id="B"><podman image="i"/><network ip-range-start="192.0.2.1"/>'
        f"{primitive('e')}</bundle>"
    )
    parts += [f'<primitive id="f{n}" class="stonith" type="null"/>' for n in (1, 2)]
    return parts


@st.composite
def configurations(draw: st.DrawFn) -> PendingCib:
    xml = "".join(draw(resources()))
    free = etree.fromstring(f"<r>{xml}</r>")
    names = [e.get("id", "") for e in free.iter(*RESOURCES) if e.tag != "template"]
    name = st.sampled_from(names)
    some = st.lists(name, min_size=1, max_size=4, unique=True)
    constraints: list[str] = []
    for number in range(draw(st.integers(1, 5))):
        constraints.append(draw(constraint(f"k{number}", some)))
    anything = st.sampled_from([*names, *(f"k{n}" for n in range(len(constraints)))])
    tags = [
        f'<tag id="t{n}">' + "".join(f'<obj_ref id="{m}"/>' for m in draw(some)) + "</tag>"
        for n in range(draw(st.integers(0, 2)))
    ]
    if tags:
        constraints.append('<rsc_location id="kt" rsc="t0" node="n1" score="1"/>')
    levels = [
        f'<fencing-level id="l{n}" target="n1" index="{n}" devices="{devices}"/>'
        for n, devices in enumerate(draw(st.lists(st.sampled_from(["f1", "f2", "f1,f2"]))), 1)
    ]
    permissions = "".join(
        f'<acl_permission id="r{n}" kind="read" reference="{draw(anything)}"/>' for n in range(2)
    )
    xpath = f"<acl_permission id='r9' kind='read' xpath=\"//primitive[@id='{draw(name)}']\"/>"
    text = (
        '<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">'
        '<configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes>'
        f"<resources>{xml}</resources><constraints>{''.join(constraints)}</constraints>"
        f"<fencing-topology>{''.join(levels)}</fencing-topology>"
        f'<acls><acl_role id="R">{permissions}{xpath}</acl_role>'
        '<acl_target id="u"><role id="R"/></acl_target></acls>'
        f"<tags>{''.join(tags)}</tags></configuration><status/></cib>"
    )
    return PendingCib(Cib(etree.fromstring(text)))


def constraint(ident: str, some: st.SearchStrategy[list[str]]) -> st.SearchStrategy[str]:
    tag = st.sampled_from(sorted(NAMES))

    def simple(kind: str, names: list[str]) -> str:
        pairs = zip(NAMES[kind], names * 2, strict=False)
        more = {"rsc_location": 'node="n1" score="1"', "rsc_ticket": 'ticket="k"'}.get(kind, "")
        return f'<{kind} id="{ident}" {more} ' + " ".join(f'{a}="{n}"' for a, n in pairs) + "/>"

    def sets(kind: str, groups: list[list[str]], loose: bool) -> str:
        more = {"rsc_location": 'node="n1" score="1"', "rsc_ticket": 'ticket="k"'}.get(kind, "")
        text = ""
        for number, names in enumerate(groups):
            flag = ' sequential="false"' if loose and kind != "rsc_location" else ""
            refs = "".join(f'<resource_ref id="{name}"/>' for name in names)
            text += f'<resource_set id="{ident}-{number}"{flag}>{refs}</resource_set>'
        return f'<{kind} id="{ident}" {more}>{text}</{kind}>'

    groups = st.lists(some, min_size=1, max_size=3)
    return st.one_of(
        st.builds(simple, tag, some.filter(lambda names: len(names) > 1)),
        st.builds(sets, tag, groups, st.booleans()),
    )


def mentions(root: Element) -> list[tuple[str, str]]:
    """Who names whom: (the id of the object that names, the name)."""
    found: list[tuple[str, str]] = []
    for element in root.iter(etree.Element):
        who = element.get("id", "")
        for attribute in ("rsc", "with-rsc", "first", "then", "template", "reference", "id-ref"):
            if element.get(attribute) is not None:
                found.append((who, element.get(attribute, "")))
        if element.tag == "fencing-level":
            found += [(who, device) for device in element.get("devices", "").split(",")]
        if element.tag in ("resource_ref", "obj_ref") or (
            element.tag == "role" and element.getparent().tag == "acl_target"  # type: ignore[union-attr]
        ):
            found.append((element.getparent().get("id", ""), who))  # type: ignore[union-attr]
    return found


def names_of(root: Element) -> set[str]:
    return {
        element.get("id", "")
        for element in root.iter(etree.Element)
        if element.tag not in ("resource_ref", "obj_ref", "role")
    }


def dangling(root: Element) -> set[str]:
    there = names_of(root)
    return {name for _, name in mentions(root) if name not in there}


OBJECTS = st.sampled_from(
    ["a", "b", "c", "d", "e", "g0", "g1", "G", "C", "D", "B", "T", "f1", "f2"]
    + ["k0", "k1", "k2", "t0", "t1", "R"]
)


@settings(max_examples=300, deadline=None)
@given(configurations(), st.lists(OBJECTS, min_size=1, max_size=3))
def test_what_is_deleted_is_named_by_nobody_and_all_that_goes_is_said(
    tree: PendingCib, names: list[str]
) -> None:
    root = tree.cib.root
    names = [name for name in names if tree.find(name) is not None]
    before = set(tree.objects)
    notes = delete(tree, names)
    assert not dangling(root)
    said = " ".join(note.message for note in notes)
    for gone in before - set(tree.objects) - set(names):
        assert re.search(rf"\b{re.escape(gone)}\b", said), (gone, said)
    for permission in root.iter("acl_permission"):
        for name in re.findall(r"@id='([^']*)'", permission.get("xpath", "")):
            if name not in names_of(root):
                assert f"still names {name}" in said
    for constraint_ in root.iter(*NAMES):
        assert constraint_.find("resource_set") is not None or constraint_.get(
            NAMES[str(constraint_.tag)][0]
        )


@settings(max_examples=300, deadline=None)
@given(configurations(), OBJECTS, st.sampled_from(["new", "n-1", "x.y"]))
def test_a_new_name_changes_the_name_and_nothing_else(tree: PendingCib, old: str, new: str) -> None:
    if tree.find(old) is None:
        return
    root = tree.cib.root
    wanted = sorted((who, new if name == old else name) for who, name in _by_object(root, old, new))
    rename(tree, old, new)
    assert not dangling(root)
    assert sorted(_by_object(root, old, new)) == wanted
    text = etree.tostring(root).decode()
    assert f"'{old}'" not in text
    assert len(list(root.iter("*"))) == len(list(tree.base.root.iter("*")))


def _by_object(root: Element, old: str, new: str) -> list[tuple[str, str]]:
    """Mentions, with the ids of parts as they are after the renaming."""
    return [
        (
            re.sub(rf"^{re.escape(old)}(?=$|-)", new, who),
            re.sub(rf"^{re.escape(old)}(?=$|-)", new, name),
        )
        for who, name in mentions(root)
    ]


@settings(max_examples=100, deadline=None)
@given(configurations(), OBJECTS, OBJECTS)
def test_a_deletion_can_be_taken_back_whole(tree: PendingCib, one: str, two: str) -> None:
    before = etree.tostring(tree.cib.root, method="c14n")
    tree.begin("delete")
    delete(tree, [name for name in (one, two) if tree.find(name) is not None])
    tree.undo()
    assert etree.tostring(tree.cib.root, method="c14n") == before
