"""Which CIBs are accepted, and what is said about the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lxml import etree

from engine.base.reports import Severity
from engine.cib.document import SECTIONS, empty_cib
from engine.cib.schema import EXPLAINED, compiled_grammar, dangling_references, validate

PRIMITIVE = '<primitive id="{0}" class="ocf" provider="heartbeat" type="Dummy"/>'


def cib_with(resources: str = "", constraints: str = "") -> etree._Element:
    cib = empty_cib()
    for name, text in (("resources", resources), ("constraints", constraints)):
        cib.section(name).extend(etree.fromstring(f"<x>{text}</x>"))
    return etree.fromstring(cib.to_bytes())


def messages(root: etree._Element) -> list[str]:
    return [report.message for report in validate(root)]


def test_an_empty_cib_is_accepted() -> None:
    assert messages(cib_with()) == []


def test_group_clone_and_constraints_are_accepted() -> None:
    group = f'<group id="g">{PRIMITIVE.format("a")}{PRIMITIVE.format("b")}</group>'
    clone = f'<clone id="c">{PRIMITIVE.format("d")}</clone>'
    order = '<rsc_order id="o" first="g" then="c" kind="Optional"/>'
    assert messages(cib_with(group + clone, order)) == []


@pytest.mark.parametrize(
    ("resources", "constraints", "words"),
    [
        ('<primitve id="a" class="ocf" type="x"/>', "", ("primitve", "did you mean primitive")),
        ('<primitive id="a" class="ofc" type="x"/>', "", ("'a'", "class='ofc'")),
        ('<primitive id="1a" class="ocf" type="x"/>', "", ("1a",)),
        (PRIMITIVE.format("a") * 2, "", ("'a'", "taken already")),
        ("", '<rsc_order id="o" first="a" then="b" kind="Always"/>', ("'o'", "Always")),
        ("", '<rsc_colocation id="c" rsc="a" with-rsc="b" score="much"/>', ("'c'", "much")),
    ],
)
def test_a_finding_names_the_object_and_the_word(
    resources: str, constraints: str, words: tuple[str, ...]
) -> None:
    found = messages(cib_with(resources, constraints))
    assert len(found) == 1
    assert all(word in found[0] for word in words), found
    assert "\n" not in found[0]


def test_all_faults_are_said_at_once() -> None:
    bad = '<primitive id="a" class="ofc" type="x"/><group id="g" colour="red"/>'
    found = messages(cib_with(bad))
    assert len(found) == 2
    assert "ofc" in found[0]
    assert "colour" in found[1]


def test_an_unknown_schema_is_named() -> None:
    root = cib_with()
    root.set("validate-with", "pacemaker-9.9")
    assert "pacemaker-9.9" in messages(root)[0]


def test_a_reference_to_nothing_is_found_with_the_nearest_name() -> None:
    root = cib_with(
        PRIMITIVE.format("database"), '<rsc_order id="o" first="databse" then="database"/>'
    )
    found = dangling_references(root)
    assert [report.nearest for report in found] == ["database"]
    assert found[0].severity is Severity.ERROR


def test_a_role_that_nobody_has_defined_is_found() -> None:
    acls = '<acls><acl_target id="bob"><role id="reed"/></acl_target><acl_role id="read"/></acls>'
    root = cib_with()
    root.find("configuration").append(etree.fromstring(acls))
    found = dangling_references(root)
    assert [(report.subject, report.nearest) for report in found] == [("bob", "read")]


CASES = Path(os.environ.get("CONFORMANCE", Path(__file__).parents[4] / "shared/conformance"))


@pytest.mark.skipif(
    not (CASES / "scheduler/cases/xml").is_dir(),
    reason=f"NO CONFORMANCE CASES at {CASES}: the schema is not held against them (set CONFORMANCE)",
)
def test_every_conformance_cib_is_valid() -> None:
    refused = []
    for path in sorted((CASES / "scheduler/cases/xml").glob("*.xml")):
        reports = validate(etree.parse(str(path)).getroot())
        if any(report.severity is Severity.ERROR for report in reports):
            refused.append((path.name, reports[0].message))
    assert refused == []


@pytest.mark.parametrize("place", [0, 199, 200, 450])
@pytest.mark.parametrize("fault", ["clas", "text", "element"])
def test_a_fault_among_many_objects_is_found_wherever_it_is(place: int, fault: str) -> None:
    root = cib_with("".join(PRIMITIVE.format(f"p{number}") for number in range(451)))
    assert messages(root) == []
    victim = root.findall("configuration/resources/primitive")[place]
    if fault == "clas":
        victim.set("clas", "ocf")
    elif fault == "text":
        victim.tail = "stray"
    else:
        victim.addprevious(etree.Element("primitiv", id="z"))
    assert not compiled_grammar().validate(root)
    assert len(messages(root)) == 1


def test_empty_sections_are_accepted_whatever_they_are() -> None:
    """Large sections are judged in pieces, each with all sections but objects of one."""
    cib = empty_cib()
    for name in SECTIONS:
        cib.section(name)
    assert messages(cib.root) == []


def test_the_nearest_name_is_looked_for_where_it_is_read() -> None:
    """Thousands of references to nothing are told without comparing each with every name."""
    location = '<rsc_location id="l{0}" rsc="q{0}" node="n" score="1"/>'
    many = range(EXPLAINED + 5)
    resources = "".join(PRIMITIVE.format(f"qq{number}") for number in many)
    root = cib_with(resources, "".join(location.format(number) for number in many))
    found = dangling_references(root)
    assert len(found) == len(many)
    assert [bool(report.nearest) for report in found] == [n < EXPLAINED for n in many]
