"""`save` then `load` into an empty CIB gives the same configuration: every CIB of the cases."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from crmshell.pending.changes import PendingCib
from crmshell.pending.listing import Listing, configuration_text
from crmshell.pending.textedit import load_text
from engine.cib.document import Cib

ROOT = Path(__file__).parents[2]
CASES = (
    ROOT / os.environ.get("CONFORMANCE", "../shared/conformance") / "scheduler" / "cases" / "xml"
)
FILES = sorted(CASES.glob("*.xml"))
MEMBERS = ("primitive", "group", "clone", "bundle", "master")


def empty_like(cib: Cib) -> Cib:
    root = etree.Element("cib", dict(cib.root.attrib))
    configuration = etree.SubElement(root, "configuration")
    for name in ("crm_config", "nodes", "resources", "constraints"):
        etree.SubElement(configuration, name)
    return Cib(root)


def said_by(element: etree._Element) -> tuple[Any, ...]:
    """Everything an element says. Members of a container and its sets may change places with each
    other, rules and nvpairs too; among themselves they keep their order."""
    children = [said_by(child) for child in element if isinstance(child.tag, str)]
    children.sort(key=lambda said: said[0] if said[0] not in MEMBERS else "members")
    a = {name: value for name, value in element.attrib.items() if (name, value) != DEFAULT_BOOLEAN}
    if element.tag == "resource_set":
        a = {name: value for name, value in a.items() if value != "true"}
    return str(element.tag), tuple(sorted(a.items())), tuple(children)


DEFAULT_BOOLEAN = ("boolean-op", "and")


def all_said(cib: Cib) -> dict[str, tuple[Any, ...]]:
    return {str(section.tag): said_by(section) for section in cib.configuration if len(section)}


def loaded(source: Cib, listing: Listing) -> Cib:
    pending = PendingCib(source)
    text = configuration_text(pending, pending.everything(), listing)
    target = PendingCib(empty_like(source))
    load_text(target, text.split("\n"), "saved", "replace")
    return target.cib


def test_the_cases_are_there() -> None:
    if not FILES:
        pytest.skip(f"LOUD: no CIBs in {CASES}; set CONFORMANCE to the conformance folder")
    assert len(FILES) > 100


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_saved_configuration_loads_with_its_ids_and_order(path: Path) -> None:
    source = Cib.from_bytes(path.read_bytes())
    assert all_said(loaded(source, Listing("cib", all_ids=True))) == all_said(source)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_shown_configuration_loads(path: Path) -> None:
    source = Cib.from_bytes(path.read_bytes())
    target = loaded(source, Listing("kind"))
    for tag in ("nvpair", "op", "expression", "resource_ref", "primitive", "fencing-level"):
        found = [len(list(cib.configuration.iter(tag))) for cib in (source, target)]
        assert found[0] == found[1], tag
