"""Rows and columns of plain text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest


def in_columns(words: Sequence[str], width: int | None) -> str:
    """Words read downwards in as many columns as fit into `width`; None: one word a line."""
    if not words:
        return ""
    if width is None:
        return "\n".join(words)
    cell = max(len(word) for word in words) + 2
    columns = max(1, min(len(words), (width + 2) // cell))
    rows = -(-len(words) // columns)
    slices = [words[start : start + rows] for start in range(0, len(words), rows)]
    lines = zip_longest(*slices, fillvalue="")
    return "\n".join("".join(word.ljust(cell) for word in line).rstrip() for line in lines)


def aligned(rows: Sequence[Sequence[str]], *, gap: int = 2) -> str:
    """Rows with their columns aligned to the left."""
    widths: list[int] = []
    for row in rows:
        for place, cell in enumerate(row):
            if place == len(widths):
                widths.append(0)
            widths[place] = max(widths[place], len(cell))
    return "\n".join(
        "".join(cell.ljust(widths[place] + gap) for place, cell in enumerate(row)).rstrip()
        for row in rows
    )
