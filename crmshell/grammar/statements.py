"""The table of statements, and reading one line or many.

Each statement has one function in the module of its family; this one picks it by the keyword,
collects problems as the caller wants them, and ties comments to the statement that follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from crmshell.grammar import access, cluster, constraints, resources
from crmshell.grammar.ast import Statement, XmlStmt
from crmshell.grammar.cursor import Cursor, Dialect
from crmshell.grammar.errors import Strictness, SyntaxProblem, nearest_word, shortened
from crmshell.grammar.tokens import Line, Token, join_lines, split_words
from engine.base.reports import Report

STATEMENTS: dict[str, Callable[[Cursor], Statement]] = {
    "node": cluster.node,
    "primitive": resources.primitive,
    "rsc_template": resources.primitive,
    "group": resources.container,
    "clone": resources.container,
    "ms": resources.container,
    "master": resources.container,
    "bundle": resources.bundle,
    "location": constraints.location,
    "colocation": constraints.colocation,
    "collocation": constraints.colocation,
    "order": constraints.order,
    "rsc_ticket": constraints.ticket,
    "property": cluster.property_set,
    "rsc_defaults": cluster.property_set,
    "op_defaults": cluster.property_set,
    "fencing_topology": cluster.topology,
    "fencing-topology": cluster.topology,
    "tag": cluster.tag,
    "role": access.role,
    "user": access.user,
    "acl_target": access.acl_target,
    "acl_group": access.acl_target,
    "alert": access.alert,
}
KEYWORDS = (*STATEMENTS, "xml")
_XML_LINE = re.compile(r"\s*xml\s+(?=<)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parsed:
    """One statement, where it stands, the comments before it and what was said while reading."""

    statement: Statement
    line: Line
    comments: tuple[str, ...] = ()
    notes: tuple[Report, ...] = ()


def parse_line(line: Line, dialect: Dialect, tokens: tuple[Token, ...] | None = None) -> Parsed:
    """The statement of a logical line; raises `SyntaxProblem`."""
    raw = _XML_LINE.match(line.text)
    if raw is not None:
        return Parsed(XmlStmt(line.text[raw.end() :].strip()), line)
    cursor = Cursor(line, split_words(line) if tokens is None else tokens, dialect)
    if not cursor.size:
        raise SyntaxProblem("an empty statement", line.span(0, 1))
    reader = STATEMENTS.get(cursor.keyword)
    if cursor.keyword == "xml" and cursor.size == 2 and cursor.words[1].startswith("<"):
        return Parsed(XmlStmt(cursor.words[1]), line)
    if reader is None:
        raise _unknown_keyword(cursor)
    statement = reader(cursor)
    cursor.finish()
    return Parsed(statement, line, (), tuple(cursor.notes))


def _unknown_keyword(cursor: Cursor) -> SyntaxProblem:
    token = cursor.tokens[0]
    nearest = nearest_word(token.text, KEYWORDS)
    hint = f" (did you mean '{nearest}'?)" if nearest else ""
    if cursor.keyword == "xml":
        hint = ", expected xml <ELEMENT …>"
    return SyntaxProblem(
        f"no such statement: '{shortened(token.text, 60)}'{hint}",
        cursor.line.span(token.start, token.end),
        nearest=nearest,
        code="unknown-statement",
    )


@dataclass(frozen=True, slots=True)
class ParsedText:
    """All statements of a text that could be read, and the problems of the others."""

    statements: tuple[Parsed, ...]
    problems: tuple[Report, ...]


def parse_text(
    physical: Iterable[str], file: str, dialect: Dialect, strictness: Strictness = Strictness.ALL
) -> ParsedText:
    """Every statement of a configuration text with its comments."""
    found: list[Parsed] = []
    problems: list[Report] = []
    comments: list[str] = []
    for line in join_lines(physical, file):
        if line.is_blank:
            continue
        if line.is_comment:
            comments.append(line.text.strip())
            continue
        try:
            parsed = parse_line(line, dialect)
        except SyntaxProblem as problem:
            problems.append(problem.report)
            comments = []
            if strictness is Strictness.FIRST:
                break
            continue
        found.append(
            Parsed(parsed.statement, line, tuple(comments), parsed.notes) if comments else parsed
        )
        comments = []
    return ParsedText(tuple(found), tuple(problems))
