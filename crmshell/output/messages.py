"""Findings as message lines: `ERROR: stdin:3:14: text`, the line of input, and a caret under it."""

from __future__ import annotations

from collections.abc import Callable

from crmshell.output.style import Style
from engine.base.reports import Report, Severity

_WORDS = {
    Severity.INFO: ("INFO", "info"),
    Severity.DEPRECATION: ("WARNING", "warn"),
    Severity.WARNING: ("WARNING", "warn"),
    Severity.ERROR: ("ERROR", "error"),
}
_MAX_SHOWN = 160


def format_report(
    report: Report, style: Style, source_line: Callable[[str, int], str | None] | None = None
) -> str:
    """The lines for one finding; `source_line(file, line)` gives the text it points into, if known."""
    word, part = _WORDS[report.severity]
    span = report.span
    place = ""
    if span is not None and span.file != "prompt":
        place = f"{span.file}:{span.line}:{span.column}: "
    hint = ""
    if report.nearest and report.nearest not in report.message:
        hint = f" (did you mean {report.nearest}?)"
    head = f"{style.paint(part, word)}: {place}{one_line(report.message)}{hint}"
    if span is None or source_line is None:
        return head
    text = source_line(span.file, span.line)
    if text is None:
        return head
    return "\n".join([head, *_marked(text, span.column, span.length)])


def one_line(text: str) -> str:
    """The text with line breaks and control characters made visible or blank."""
    return "".join(
        character if character.isprintable() else " " if character in "\n\t\r" else "?"
        for character in text
    )


def _marked(text: str, column: int, length: int) -> list[str]:
    """The line and the caret line; a long line is cut to a window around the place."""
    start = max(0, column - 1 - _MAX_SHOWN // 2) if len(text) > _MAX_SHOWN else 0
    shown = one_line(text[start : start + _MAX_SHOWN])
    place = min(max(0, column - 1 - start), len(shown))
    width = max(1, min(length, len(shown) - place))
    return [f"    {shown}", f"    {' ' * place}^{'~' * (width - 1)}"]
