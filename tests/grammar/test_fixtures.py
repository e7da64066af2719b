"""Statements as fixtures: what must print as itself, and text beside its XML."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from crmshell.grammar.cursor import Dialect
from crmshell.grammar.from_cib import Reader
from crmshell.grammar.ids import IdMaker, fill_ids
from crmshell.grammar.part_text import Style
from crmshell.grammar.printer import Printer
from crmshell.grammar.statements import Parsed, parse_text
from crmshell.grammar.to_cib import MEMBER_PLACE, Builder

HERE = Path(__file__).parent
LOADED = Dialect(typed=False)


def statements_of(text: str) -> list[tuple[str, Parsed]]:
    """Each statement with its text, as it stands in the fixture."""
    parsed = parse_text(text.splitlines(), "fixture", LOADED)
    assert not parsed.problems
    lines = text.splitlines()
    starts = [one.line.number - 1 for one in parsed.statements]
    ends = [*starts[1:], len(lines)]
    return [
        ("\n".join(lines[start:end]).strip("\n"), one)
        for start, end, one in zip(starts, ends, parsed.statements, strict=True)
    ]


IDENTITY = statements_of((HERE / "identity.crm").read_text())
TREES = [(text, one) for text, one in IDENTITY if not text.startswith("xml")]
PAIRS = sorted((HERE / "pairs").glob("*.crm"))


def element_of(one: Parsed) -> etree._Element:
    """The element of a statement with its ids and with members where it has some."""
    statement = one.statement
    element = Builder().build(statement)
    ids = IdMaker([element.get("id", "")])
    fill_ids(element, element.get("uname") or element.get("id", ""), ids)
    for name in getattr(statement, "members", ()):
        if element.tag in ("group", "clone"):
            etree.SubElement(element, "primitive", {"id": name})
    for place in element.findall(MEMBER_PLACE):
        place.tag = "primitive"
        place.set("id", "a")
    if element.tag == "meta_attributes":
        etree.SubElement(etree.Element("configuration"), one.line.text.split()[0]).append(element)
    return element


def referenced_in(text: str) -> set[str]:
    return set(re.findall(r"\$id=([\w.-]+)", text)) | set(re.findall(r"\$([\w.-]+):", text))


@pytest.mark.parametrize(("text", "one"), IDENTITY, ids=[text[:60] for text, _ in IDENTITY])
def test_a_statement_prints_as_itself(text: str, one: Parsed) -> None:
    assert Printer(Style(referenced_in(text))).text(one.statement) == text


@pytest.mark.parametrize(("text", "one"), TREES, ids=[text[:60] for text, _ in TREES])
def test_a_statement_comes_back_from_its_xml(text: str, one: Parsed) -> None:
    statement = Reader(LOADED).statement(element_of(one))
    assert Printer(Style(referenced_in(text))).text(statement) == text


@pytest.mark.parametrize("path", PAIRS, ids=[path.stem for path in PAIRS])
def test_text_becomes_exactly_its_xml(path: Path) -> None:
    cases = re.split(r"^----$", path.read_text(), flags=re.MULTILINE)
    assert len(cases) % 2 == 0
    for text, xml in zip(cases[::2], cases[1::2], strict=True):
        (_, one), *rest = statements_of(text.strip() + "\n")
        assert not rest
        parser = etree.XMLParser(remove_blank_text=True)
        wanted = etree.tostring(etree.fromstring(xml.strip(), parser), method="c14n")
        assert etree.tostring(element_of(one), method="c14n") == wanted
