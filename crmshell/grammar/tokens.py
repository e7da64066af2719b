"""Words of the input language with their places (shell 1.6).

Physical lines become logical ones (a backslash at the end joins), logical lines become words by
POSIX shell rules. Every word knows its offset, and a logical line can say in which physical line
and column an offset stands, so that each finding can point at its word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from crmshell.grammar.errors import SyntaxProblem, shortened
from engine.base.reports import Span

# One word becomes at most one XML attribute; engine.base.safexml refuses tags above 256 KiB.
MAX_WORD = 64 * 1024
MAX_LINE = 4 * 1024 * 1024
MAX_WORDS = 10_000

# Blanks are the ASCII ones; a no-break space is part of a word, as in a POSIX shell.
_PLAIN = re.compile(r"\S+", re.ASCII)
_NEEDS_CARE = re.compile(r"[\"'\\]")
_PIECE = re.compile(
    r"(?P<blank>\s++)"
    r"|(?P<bare>[^\s\"'\\]++)"
    r"|'(?P<single>[^']*+)'"
    r"|\"(?P<double>[^\"\\]*+(?:\\.[^\"\\]*+)*+)\""
    r"|\\(?P<escaped>.)",
    re.DOTALL | re.ASCII,
)
_IN_DOUBLE = re.compile(r"\\([\"\\])")
# What XML 1.0 cannot hold, and the lone surrogates that stand for bytes which are no UTF-8.
_IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Token:
    """One word after quotes are taken off; `start` and `end` are offsets in the logical line."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line. `starts`: (offset in text, physical line, column) of each joined piece."""

    text: str
    file: str
    starts: tuple[tuple[int, int, int], ...]

    @classmethod
    def single(cls, text: str, file: str = "prompt", number: int = 1) -> Line:
        return cls(text, file, ((0, number, 1),))

    @property
    def number(self) -> int:
        """The physical line on which it begins."""
        return self.starts[0][1]

    @property
    def is_comment(self) -> bool:
        return self.text.lstrip().startswith("#")

    @property
    def is_blank(self) -> bool:
        return not self.text or self.text.isspace()

    def span(self, start: int, end: int) -> Span:
        """Where `text[start:end]` stands in the file."""
        offset, line, column = self.starts[0]
        for piece in reversed(self.starts):
            if piece[0] <= start:
                offset, line, column = piece
                break
        return Span(self.file, line, column + start - offset, max(1, end - start))


def join_lines(physical: Iterable[str], file: str, first: int = 1) -> Iterator[Line]:
    """Logical lines, comments and blank ones included; each is handed out as soon as it ends."""
    parts: list[str] = []
    starts: list[tuple[int, int, int]] = []
    length = 0
    for number, raw in enumerate(physical, first):
        line = raw.rstrip()
        column = 1
        if starts:
            stripped = line.lstrip()
            column += len(line) - len(stripped)
            line = stripped
        joined = line.endswith("\\") and not (not starts and line.lstrip().startswith("#"))
        if joined:
            line = line[:-1]
        starts.append((length, number, column))
        parts.append(line)
        length += len(line)
        if not joined:
            yield Line("".join(parts), file, tuple(starts))
            parts, starts, length = [], [], 0
    if starts:
        yield Line("".join(parts), file, tuple(starts))


def split_words(line: Line) -> tuple[Token, ...]:
    """The words of a line; raises `SyntaxProblem` for an unclosed quote or impossible characters."""
    text = line.text
    _check_characters(line)
    if _NEEDS_CARE.search(text) is None:
        found: Iterator[Token] = (
            Token(m.group(), m.start(), m.end()) for m in _PLAIN.finditer(text)
        )
    else:
        found = _split_quoted(line)
    # One more than may be: enough to refuse, whatever else there is.
    tokens = tuple(islice(found, MAX_WORDS + 1))
    if len(text) > MAX_WORDS:
        _check_lengths(line, tokens)
    return tokens


def _split_quoted(line: Line) -> Iterator[Token]:
    text = line.text
    parts: list[str] = []
    start = -1
    place = 0
    while place < len(text):
        match = _PIECE.match(text, place)
        if match is None:
            raise _open_quote(line, place)
        kind = match.lastgroup
        if kind == "blank":
            if start >= 0:
                yield Token("".join(parts), start, place)
                parts, start = [], -1
        else:
            if start < 0:
                start = place
            value = match.group(kind) if kind is not None else ""
            parts.append(_IN_DOUBLE.sub(r"\1", value) if kind == "double" else value)
        place = match.end()
    if start >= 0:
        yield Token("".join(parts), start, len(text))


def _open_quote(line: Line, place: int) -> SyntaxProblem:
    sign = line.text[place]
    if sign == "\\":
        message = "a backslash at the end of the input, expected the rest of the statement"
    else:
        message = f"unclosed quote {sign} near <{shortened(line.text[place:], 40)}>"
    return SyntaxProblem(message, line.span(place, place + 1), code="unclosed-quote")


def _check_characters(line: Line) -> None:
    if len(line.text) > MAX_LINE:
        raise SyntaxProblem(
            f"a line of {len(line.text)} characters, the limit is {MAX_LINE}",
            line.span(0, 1),
            code="line-too-long",
        )
    found = _IMPOSSIBLE.search(line.text)
    if found is None:
        return
    sign = ord(found.group())
    if 0xDC80 <= sign <= 0xDCFF:
        what = f"the byte 0x{sign - 0xDC00:02X} is not valid UTF-8"
    else:
        what = f"the character U+{sign:04X} cannot stand in a CIB"
    raise SyntaxProblem(what, line.span(found.start(), found.end()), code="bad-character")


def _check_lengths(line: Line, tokens: tuple[Token, ...]) -> None:
    if len(tokens) > MAX_WORDS:
        token = tokens[MAX_WORDS]
        raise SyntaxProblem(
            f"a statement of more than {MAX_WORDS} words",
            line.span(token.start, token.end),
            code="too-many-words",
        )
    for token in tokens:
        if len(token.text) > MAX_WORD:
            raise SyntaxProblem(
                f"a word of {len(token.text)} characters, the limit is {MAX_WORD}",
                line.span(token.start, token.start + 1),
                code="word-too-long",
            )
