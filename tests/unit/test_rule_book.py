"""The rule book in doc/rules: whatever the code cites is there, and every family names who keeps it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "doc/rules"
FAMILY = re.compile(r"^\| ((?:[PCL]|engine |shell )?\d+) \|(.*)\|(.*)\|(.*)\|$", re.M)
HEADING = re.compile(r"^#{2,3} ([PCL]?\d+[a-z]?(?:\.\d+)?)[. ]", re.M)
RULE = re.compile(r"^(?:\*\*|- |\| |#+ )?([PCL]?\d+\.\d+)\b", re.M)
DECISION = re.compile(r"\b((?:D|I)-\d+[a-z]?|R\d{1,2})\b")
NUMBERS = re.compile(r"\((?:[PC]?\d{1,2}\.\d{1,2})(?:(?:,| to| and|;) [PC]?\d{1,2}\.\d{1,2})*\)")


def families() -> dict[str, tuple[str, str]]:
    """Who keeps a family and what holds it."""
    found = FAMILY.findall((BOOK / "index.md").read_text())
    return {name.strip(): (kept, held) for name, _what, kept, held in found}


def rules_of(page: str) -> set[str]:
    text = (BOOK / page).read_text()
    return set(RULE.findall(text)) | set(HEADING.findall(text))


def citations() -> list[tuple[str, str]]:
    """(file, number) for each number in brackets in a docstring of the engine."""
    found = []
    for path in sorted((ROOT / "engine").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node) or ""
                for group in NUMBERS.findall(text):
                    found += [
                        (str(path.relative_to(ROOT)), n)
                        for n in re.findall(r"[PC]?\d+\.\d+", group)
                    ]
    return found


def test_every_number_that_the_code_cites_is_in_the_book() -> None:
    known = rules_of("scheduler-reading.md")
    known |= {f"P{n}" if n[0].isdigit() else n for n in rules_of("scheduler-placement.md")}
    known |= rules_of("scheduler-planning.md") | rules_of("engine.md") | rules_of("shell.md")
    missing = sorted({f"{file}: {number}" for file, number in citations() if number not in known})
    assert len(citations()) > 100
    assert missing == []


def test_every_decision_that_the_code_cites_is_in_the_book() -> None:
    book = "".join((BOOK / page).read_text() for page in ("engine.md", "invariants.md"))
    known = set(DECISION.findall(book))
    cited = set()
    for path in (ROOT / "engine").rglob("*.py"):
        cited |= {(path.name, name) for name in re.findall(r"\b(D-\d+|I-\d+)\b", path.read_text())}
    assert sorted(f"{file}: {name}" for file, name in cited if name not in known) == []


@pytest.mark.parametrize("page", sorted(p.name for p in BOOK.glob("*.md") if p.name != "index.md"))
def test_every_family_of_a_page_is_in_the_index(page: str) -> None:
    prefix = {"engine.md": "engine ", "shell.md": "shell ", "scheduler-placement.md": "P"}.get(
        page, ""
    )
    if page == "invariants.md":
        return
    heads = re.findall(r"^## ([CL]?\d+)\. ", (BOOK / page).read_text(), re.M)
    assert heads
    assert [h for h in heads if prefix + h not in families()] == []


def test_the_modules_and_tests_of_the_index_exist() -> None:
    table = families()
    assert len(table) > 100
    for name, (kept, held) in table.items():
        paths = re.findall(r"`([^`]+)`", kept + held)
        assert "not built" in kept or len(paths) >= 2, name
        assert [path for path in paths if not (ROOT / path).is_file()] == [], name


def test_no_docstring_is_only_a_number() -> None:
    found = []
    for path in sorted((ROOT / "engine").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node) or ""
                if text and not re.search(r"[a-z]{3}", re.sub(r"[PCLDIR]-?\d[\d.]*", "", text)):
                    found.append(f"{path.relative_to(ROOT)}: {node.name}: {text}")
    assert found == []
