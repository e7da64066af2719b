"""Law: what is shown and what is saved loads again, whatever is in the configuration."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from crmshell.pending.changes import PendingCib
from crmshell.pending.listing import Listing, configuration_text
from crmshell.pending.textedit import load_text
from engine.cib.document import Cib, empty_cib
from tests.unit.pending.cib_grower import grown

MEMBERS = ("primitive", "group", "clone", "bundle")


def said_by(element: etree._Element, *, ids: bool) -> tuple[Any, ...]:
    """What an element says; a container's sets and members may change places with each other."""
    children = [said_by(child, ids=ids) for child in element if isinstance(child.tag, str)]
    children.sort(key=lambda said: said[0] if said[0] not in MEMBERS else "members")
    named = ids or element.tag in (*MEMBERS, "resource_ref", "obj_ref", "role")
    attributes = {
        str(name): str(value) for name, value in element.attrib.items() if name != "id" or named
    }
    return str(element.tag), tuple(sorted(attributes.items())), tuple(children)


def all_said(cib: Cib, *, ids: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for section in cib.configuration:
        said = said_by(section, ids=ids)
        if said[2]:
            order = said[2] if ids else tuple(sorted(said[2], key=repr))
            found[str(section.tag)] = order
    return found


def reloaded(source: Cib, listing: Listing) -> Cib:
    pending = PendingCib(source)
    text = configuration_text(pending, pending.everything(), listing)
    target = PendingCib(empty_cib())
    load_text(target, text.split("\n"), "saved", "replace")
    return target.cib


@settings(max_examples=80, deadline=None, database=None)
@given(st.integers(0, 2**32))
def test_a_saved_configuration_comes_back_with_ids_and_order(seed: int) -> None:
    source = Cib(grown(seed))
    target = reloaded(source, Listing("cib", all_ids=True))
    assert all_said(target, ids=True) == all_said(source, ids=True)


@settings(max_examples=80, deadline=None, database=None)
@given(st.integers(0, 2**32))
def test_a_shown_configuration_comes_back_with_its_meaning(seed: int) -> None:
    source = Cib(grown(seed))
    for element in source.configuration.iterfind(".//*[@id-ref]"):
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)  # ids are not compared here, so neither are references
    target = reloaded(source, Listing("kind"))
    assert all_said(target, ids=False) == all_said(source, ids=False)


@settings(max_examples=60, deadline=None, database=None)
@given(st.integers(0, 2**32), st.sampled_from(["update", "push"]))
def test_what_was_saved_may_be_loaded_over_itself(seed: int, method: str) -> None:
    source = Cib(grown(seed))
    target = PendingCib(Cib(grown(seed)))
    text = configuration_text(target, target.everything(), Listing("cib", all_ids=True))
    load_text(target, text.split("\n"), "saved", method)
    assert all_said(target.cib, ids=True) == all_said(source, ids=True)
