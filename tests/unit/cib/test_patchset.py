"""Pacemaker's XML patches: a patch made of two trees makes the one of the other."""

from __future__ import annotations

import random

import pytest
from lxml import etree

from engine.base.errors import EngineError
from engine.cib.operations import is_same
from engine.cib.patchset import Style, apply_patchset, make_patchset, patchset_lines

TAGS = ("a", "b", "c")


def grown(source: random.Random, depth: int = 0) -> etree._Element:
    """A tree by chance in which ids are unique among siblings."""
    made = etree.Element("cib" if depth == 0 else source.choice(TAGS))
    if depth == 0:
        for name in ("admin_epoch", "epoch", "num_updates"):
            made.set(name, str(source.randrange(3)))
    ids = source.sample(range(6), source.randrange(5)) if depth < 3 else []
    for number in ids:
        child = grown(source, depth + 1)
        child.set("id", f"{child.tag}{number}")
        if source.random() < 0.5:
            child.set("v", str(source.randrange(3)))
        made.append(child)
        if source.random() < 0.2:
            made.append(etree.Comment(source.choice(("one", "two", "three"))))
    return made


@pytest.mark.parametrize("seed", range(300))
def test_a_patch_makes_the_new_tree_of_the_old_one(seed: int) -> None:
    source = random.Random(seed)
    old, new = grown(source), grown(source)
    patch = make_patchset(old, new, Style(with_digest=True))
    if patch is None:
        assert is_same(old, new)
        return
    del patch.attrib["digest"]  # the order of attributes may be another
    assert is_same(apply_patchset(old, patch), new)


def test_nothing_changed_makes_no_patch() -> None:
    old = etree.fromstring('<cib epoch="1"><a id="1"/></cib>')
    new = etree.fromstring('<cib epoch="2"><a id="1"/></cib>')
    assert make_patchset(old, old) is None
    assert make_patchset(old, new, Style(with_version=False)) is None


def test_a_patch_fits_its_version_only() -> None:
    old = etree.fromstring('<cib epoch="1"/>')
    patch = make_patchset(old, etree.fromstring('<cib epoch="2"/>'))
    assert patch is not None
    assert apply_patchset(old, patch).get("epoch") == "2"
    with pytest.raises(EngineError, match="Application of update diff failed"):
        apply_patchset(etree.fromstring('<cib epoch="3"/>'), patch)


@pytest.mark.parametrize(
    "text",
    [
        "<nix/>",
        '<diff format="1"/>',
        '<diff format="2"><change operation="jump" path="/cib"/></diff>',
        '<diff format="2"><change operation="modify" path="/cib"/></diff>',
        '<diff format="2"><change operation="create" path="/cib/nix"/></diff>',
        '<diff format="2"><change operation="create" path="/cib"/></diff>',
        '<diff format="2"><change operation="delete" path="/cib"/></diff>',
        '<diff format="2"><change operation="delete" path="//cib"/></diff>',
        '<diff format="2" digest="0"><change operation="delete" path="/cib/x"/></diff>',
    ],
)
def test_what_is_no_fitting_patch_is_refused(text: str) -> None:
    with pytest.raises(EngineError):
        apply_patchset(etree.fromstring("<cib/>"), etree.fromstring(text))


def test_a_patch_as_text() -> None:
    old = etree.fromstring('<cib epoch="1"><a id="1" x="1"/><b id="2"/><c id="3"/></cib>')
    new = etree.fromstring('<cib epoch="2"><c id="3"/><a id="1" y="2"/><d id="4"><e/></d></cib>')
    patch = make_patchset(old, new)
    assert patch is not None
    assert list(patchset_lines(patch)) == [
        "Diff: --- 0.1.0 2",
        "Diff: +++ 0.2.0 (no digest)",
        "-- /cib/b[@id='2']",
        "+  /cib:  @epoch=2",
        "+~ /cib/c[@id='3'] moved to offset 0",
        "+  /cib/a[@id='1']:  @y=2",
        "-- /cib/a[@id='1']:  @x",
        "+~ /cib/a[@id='1'] moved to offset 1",
        '++ /cib:  <d id="4">',
        "++          <e/>",
        "++        </d>",
    ]
