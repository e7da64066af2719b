"""What the documents tell users to type exists: every command, and every statement is understood."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from crmshell.app import run, wishes_from_words
from crmshell.batch import one_shot_line
from crmshell.environment import Environment
from crmshell.grammar.tokens import Line, split_words
from crmshell.levels.frame.registry import Command, Level, Registry
from engine.cib.document import empty_cib

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path
    for folder in ("user", "coming-from", "admin")
    for path in (ROOT / "doc" / folder).glob("*.md")
) + [ROOT / "README.md"]
_CODE = re.compile(r"`crm ([^`]+)`")
_PROMPT = re.compile(r"^(?:\w+)?# (?:CIB_file=\S+ )?crm (.+)$", re.MULTILINE)
_INSIDE = re.compile(r"^crm\(live\)(\w*)# (.+)$", re.MULTILINE)
_REMARK = re.compile(r"\s{3,}.*$|\s+<\s+\S+$|\s+# .*$|\s+>\s+\S+$")


def _typed(document: Path) -> list[str]:
    """Commands of a document as they would stand after `crm`."""
    text = document.read_text()
    found = [match.group(1) for match in _CODE.finditer(text)]
    found += [match.group(1) for match in _PROMPT.finditer(text)]
    found += [" ".join(match.groups()).strip() for match in _INSIDE.finditer(text)]
    return [_REMARK.sub("", line).split(", `")[0] for line in found]


def _resolves(line: str) -> bool:
    """Whether the words lead through levels to a command (or end in a level)."""
    registry = Registry()
    try:
        words = wishes_from_words(split_words_of(line)).words
    except Exception:
        return False
    level = "root"
    for word in words:
        found = registry.find(level, word)
        if isinstance(found, Level):
            level = found.name
            continue
        return isinstance(found, Command)
    return True


def split_words_of(line: str) -> list[str]:
    return [token.text for token in split_words(Line.single(line))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_a_document_exists(document: Path) -> None:
    assert [line for line in _typed(document) if not _resolves(line) and "..." not in line] == []


def test_the_documents_show_commands() -> None:
    assert sum(len(_typed(document)) for document in DOCUMENTS) > 100


STATEMENTS = sorted(
    {
        line.removeprefix("configure ")
        for document in DOCUMENTS
        for line in _typed(document)
        if re.match(
            r"configure (primitive|group|clone|location|order|colocation|property|rsc_defaults|"
            r"alert|monitor)\b",
            line,
        )
        and "..." not in line
    }
)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_statement_in_a_document_is_understood(statement: str, tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    path.write_bytes(empty_cib().to_bytes())
    known = "".join(
        f"configure primitive {name} ocf:pacemaker:Dummy\n"
        for name in ("A", "B", "webip", "webserver")
        if not statement.startswith(f"primitive {name} ")
    )
    err = io.StringIO()
    environment = Environment(
        io.TextIOWrapper(io.BytesIO(f"{known}configure {statement}\n".encode())),
        io.StringIO(),
        err,
        {"CIB_file": str(path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    run(["-F"], environment)
    assert "syntax" not in err.getvalue()
    assert one_shot_line(split_words_of(statement)).text
