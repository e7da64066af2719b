"""The status as a web page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from engine.scheduler.views.node_text import Item
from engine.tools.monitor.text import Section

_STYLE = """\
body { font-family: sans-serif; margin: 1.5em; }
h1 { font-size: 1.4em; }
h2 { font-size: 1.1em; border-bottom: 1px solid #999; }
ul { list-style: none; padding-left: 1.2em; }
pre { font-weight: bold; }
"""


def page_lines(
    sections: Sequence[Section], title: str, *, refresh: int = 0, stylesheet: str = ""
) -> list[str]:
    """The page; `refresh`: seconds after which a browser asks again, 0 for never."""
    return [
        "<!DOCTYPE html>",
        "<html>",
        "<head>",
        '<meta charset="utf-8">',
        f"<title>{escape(title)}</title>",
        *([f'<meta http-equiv="refresh" content="{refresh}">'] if refresh else []),
        "<style>",
        _STYLE + "</style>",
        *([f'<link rel="stylesheet" href="{escape(stylesheet)}">'] if stylesheet else []),
        "</head>",
        "<body>",
        f"<h1>{escape(title)}</h1>",
        *[line for section in sections for line in _section(section)],
        "</body>",
        "</html>",
    ]


def _section(section: Section) -> Iterator[str]:
    yield f"<h2>{escape(section.title)}</h2>"
    if section.lines:
        yield f"<pre>{escape(chr(10).join(section.lines))}</pre>"
    yield from _list(section.items)


def _list(items: Sequence[Item]) -> Iterator[str]:
    if not items:
        return
    yield "<ul>"
    for item in items:
        yield f"<li>{escape(item.text)}"
        yield from _list(item.items)
        yield "</li>"
    yield "</ul>"
