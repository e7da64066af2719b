"""Kinds of the words of a line while it is typed: for the colours of the prompt. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crmshell.grammar.expect import STATEMENTS
from crmshell.levels.frame.registry import Command, Level, Registry

_WORD = re.compile(
    r"\s+|\"(?:\\.|[^\"\\])*\"?|'[^']*'?|(?:\\.|[^\s\"'\\])+(?:\"(?:\\.|[^\"\\])*\"?|'[^']*'?)*"
)
_SCORE = re.compile(r"([+-]?([0-9]+|inf|infinity)|mandatory|optional|serialize|advisory):$", re.I)
_CLAUSES = frozenset(
    (
        *("params", "meta", "utilization", "operations", "op", "op_params", "op_meta"),
        *("attributes", "rule", "and", "or", "defined", "not_defined", "date", "docker", "podman"),
        *("network", "storage", "port-mapping", "storage-mapping", "select", "to"),
        *("read", "write", "deny", "lt", "gt", "lte", "gte", "eq", "ne", "in", "spec"),
    )
)
_NAMING_RESOURCES = frozenset(("group", "clone", "ms", "location", "colocation", "order", "tag"))
Parts = list[tuple[str, str]]


def classify(level: str, registry: Registry, before: str, text: str) -> Parts:
    """(kind, text) of the pieces of `text`, which together are `text`; kind "" is plain.

    `before` are the earlier lines of the same statement.
    """
    state = _State(level, registry)
    for piece in _pieces(before):
        state.kind_of(piece)
    parts: Parts = []
    for piece in _pieces(text):
        kind = state.kind_of(piece)
        name, mark, value = piece.partition("=")
        if kind == "pair" and mark:
            parts += [("attr_name", name), ("", mark), ("attr_value", value)]
        else:
            parts.append(("" if kind == "pair" else kind, piece))
    return parts


def _pieces(text: str) -> Iterator[str]:
    place = 0
    for match in _WORD.finditer(text):
        if match.start() > place:
            yield text[place : match.start()]
        yield match.group()
        place = match.end()
    if place < len(text):
        yield text[place:]


class _State:
    """Where in the line the next word stands."""

    def __init__(self, level: str, registry: Registry) -> None:
        self._level = level
        self._registry = registry
        self._command = ""
        self._words = 0

    def kind_of(self, piece: str) -> str:
        if not piece.strip():
            return ""
        if not self._command:
            return self._head(piece)
        self._words += 1
        if self._level != "configure" or self._command not in STATEMENTS:
            return "pair" if "=" in piece else ""
        return self._in_statement(piece)

    def _head(self, piece: str) -> str:
        found = self._registry.find(self._level, piece)
        if isinstance(found, Level):
            self._level = found.name
            return "keyword"
        self._command = found.name if isinstance(found, Command) else piece
        return "keyword" if found is not None else ""

    def _in_statement(self, piece: str) -> str:
        if "=" in piece and not piece.startswith(("'", '"')):
            return "pair"
        if self._words == 1 and self._command not in ("property", "monitor"):
            return "identifier"
        if _SCORE.match(piece):
            return "score"
        if piece.lower() in _CLAUSES:
            return "keyword"
        return "resource_reference" if self._command in _NAMING_RESOURCES else ""
