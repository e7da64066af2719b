"""The rules that must have a mutant: promises, view protocol and decisions of the rule book."""

from __future__ import annotations

import re
from pathlib import Path

BOOK = Path(__file__).resolve().parents[2] / "doc/rules/engine.md"
_PROMISE = re.compile(r"^\| (C\d) \|", re.M)
_PROTOCOL = re.compile(r"^\| (R\d{1,2}) \|", re.M)
_DECISION = re.compile(r"\bD-\d{1,2}\b")


def all_rules() -> list[str]:
    """C1 to C7, R1 to R13 and each D-n that the book has, by family and number."""
    text = BOOK.read_text()
    found = {*_PROMISE.findall(text), *_PROTOCOL.findall(text), *_DECISION.findall(text)}
    return sorted(found, key=lambda rule: (rule[0], int(rule.lstrip("CRD-"))))
