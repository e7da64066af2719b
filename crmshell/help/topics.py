"""The help pages: found by name, read on demand, turned into plain text.

`topics/LEVEL.rst` holds one level: its title, a summary line, text, and one section for each of its
commands. `topics/about/NAME.rst` are overview pages. The same files make `doc/reference` and crm(8).
Nothing here needs a cluster, and nothing but the pages asked for is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ROOT = "root"
ABOUT = "about"
MOVEMENT = ("help", "ls", "cd", "up", "quit")
_FIELD = re.compile(r":(usage|alias|see):\s*(.*)$")
_LITERAL = re.compile(r"``(.+?)``")
_EMPHASIS = re.compile(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: of a level, a command, or an overview (`level` is then `about`)."""

    name: str
    level: str
    summary: str
    usage: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
    body: tuple[str, ...] = ()

    @property
    def is_level(self) -> bool:
        return self.name == self.level


class Topics:
    """The pages below one folder; a file is read when one of its pages is first asked for."""

    def __init__(self, folder: str = "") -> None:
        self._folder = folder or os.path.join(os.path.dirname(__file__), "topics")
        self._files: dict[str, tuple[Page, ...]] = {}

    def levels(self) -> tuple[str, ...]:
        """Names of the levels that have a page, sorted, without the root."""
        return tuple(name for name in self._names("") if name != ROOT)

    def overviews(self) -> tuple[str, ...]:
        """Names of the overview pages, sorted."""
        return self._names(ABOUT)

    def level(self, name: str) -> Page | None:
        pages = self._read(name)
        return pages[0] if pages else None

    def commands(self, level: str) -> tuple[Page, ...]:
        """The commands of a level in the order of its page."""
        return self._read(level)[1:]

    def overview(self, name: str) -> Page | None:
        pages = self._read(name, ABOUT)
        return pages[0] if pages else None

    def command(self, level: str, name: str) -> Page | None:
        """The page of a command by its name or alias; movement commands are known everywhere."""
        found = _named(self.commands(level), name)
        if found is None and level != ROOT:
            found = _named((p for p in self.commands(ROOT) if p.name in MOVEMENT), name)
        return found

    def find(self, words: Sequence[str], level: str = ROOT) -> Page | None:
        """The page that `help WORDS` means when typed in `level`; None when there is none.

        One word is a command of the level, else a level, an overview, a command of the root, a
        beginning of one of these that is the only one, and at last a command that only one level has.
        """
        names = [word.lower() for word in words if word]
        if not names:
            return self.level(level)
        if len(names) > 1:
            inner = self._level_named(names[0])
            return self.find(names[1:], inner) if inner else None
        word = names[0]
        exact = (
            self.command(level, word)
            or self.level(word)
            or self.overview(word)
            or self.command(ROOT, word)
        )
        return exact or self._by_beginning(word, level) or self._anywhere(word)

    def nearest(self, words: Sequence[str], level: str = ROOT) -> tuple[str, ...]:
        """Names for the last of the words, which was not found: those that begin with it, else the
        closest ones, at most three."""
        import difflib

        *before, word = (each.lower() for each in words)
        inner = self._level_named(before[0]) if before else ""
        names = dict.fromkeys(
            self._known(inner)
            if inner
            else [*self._known(level), *self._known(ROOT), *self.overviews(), "topics"]
        )
        begin = [name for name in names if name.startswith(word)]
        return tuple(begin[:3] or difflib.get_close_matches(word, names, n=3, cutoff=0.6))

    def _known(self, level: str) -> list[str]:
        names = [page.name for page in self.commands(level)]
        return [*names, *self.levels()] if level == ROOT else names

    def _level_named(self, word: str) -> str:
        hits = [name for name in (ROOT, *self.levels()) if name.startswith(word)]
        return word if word in hits else hits[0] if len(hits) == 1 else ""

    def _by_beginning(self, word: str, level: str) -> Page | None:
        hits = [page for page in self.commands(level) if page.name.startswith(word)]
        if len(hits) == 1:
            return hits[0]
        names = [name for name in self.levels() if name.startswith(word)]
        return self.level(names[0]) if len(names) == 1 and not hits else None

    def _anywhere(self, word: str) -> Page | None:
        hits = [page for page in (_named(self.commands(n), word) for n in self.levels()) if page]
        return hits[0] if len(hits) == 1 else None

    def _names(self, folder: str) -> tuple[str, ...]:
        try:
            names = os.listdir(os.path.join(self._folder, folder))
        except OSError:
            return ()
        return tuple(sorted(name[:-4] for name in names if name.endswith(".rst")))

    def _read(self, name: str, folder: str = "") -> tuple[Page, ...]:
        key = f"{folder}/{name}"
        if key not in self._files:
            self._files[key] = ()
            if re.fullmatch(r"[a-z][a-z0-9_-]*", name):
                path = os.path.join(self._folder, folder, name + ".rst")
                try:
                    with open(path, encoding="utf-8") as file:
                        self._files[key] = pages_from_rst(name, file.read(), folder or name)
                except OSError:
                    pass
        return self._files[key]


def pages_from_rst(name: str, text: str, level: str) -> tuple[Page, ...]:
    """The pages of one file: the first is the level (or overview) itself."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        lines = sections[-1][1]
        if lines and line and line in ("=" * len(lines[-1]), "-" * len(lines[-1])):
            sections.append((lines.pop(), []))
        else:
            lines.append(line)
    return tuple(_page(title, lines, level) for title, lines in sections if title)


def _page(title: str, lines: list[str], level: str) -> Page:
    fields: dict[str, list[str]] = {"usage": [], "alias": [], "see": []}
    body: list[str] = []
    summary = ""
    for line in lines:
        field = _FIELD.match(line)
        if field:
            fields[field.group(1)].append(field.group(2))
        elif not summary and line.strip():
            summary = line.strip()
        elif line.strip() or (body and body[-1]):
            body.append(line.rstrip())
    while body and not body[-1]:
        body.pop()
    return Page(
        name=title,
        level=level,
        summary=summary,
        usage=tuple(fields["usage"]),
        aliases=tuple(" ".join(fields["alias"]).split()),
        see=tuple(" ".join(fields["see"]).split()),
        body=tuple(body),
    )


def _named(pages: Iterable[Page], name: str) -> Page | None:
    for page in pages:
        if page.name == name or name in page.aliases:
            return page
    return None


def page_text(topics: Topics, page: Page, width: int = 80) -> str:
    """A page as text for a terminal of `width` columns; levels end with the list of their commands."""
    lines = [f"{_heading(page)} - {page.summary}", ""]
    for usage in page.usage:
        lines += [*_wrap("Usage: " + usage, width, "           "), ""]
    if page.aliases:
        lines += ["Also: " + ", ".join(page.aliases), ""]
    lines += _body(page.body, width)
    if page.is_level:
        lines += ["", *_level_contents(topics, page, width)]
    if page.see:
        lines += ["", "See also: " + ", ".join(f"help {name}" for name in page.see)]
    return "\n".join(_squeeze(lines)) + "\n"


def overview_list(topics: Topics) -> str:
    """What `help topics` prints."""
    rows = [(name, page.summary) for name in topics.overviews() if (page := topics.overview(name))]
    return "Overview topics (help TOPIC):\n\n" + "\n".join(_rows(rows)) + "\n"


def _heading(page: Page) -> str:
    if page.is_level or page.level in (ROOT, ABOUT):
        return page.name if page.name != ROOT else "crm"
    return f"{page.level} {page.name}"


def _level_contents(topics: Topics, page: Page, width: int) -> list[str]:
    commands = [(p.name, p.summary) for p in topics.commands(page.level)]
    if page.level != ROOT:
        here = {name for name, _ in commands}
        moves = [p for p in topics.commands(ROOT) if p.name in MOVEMENT and p.name not in here]
        everywhere = _rows((p.name, p.summary) for p in moves)
        return ["Commands:", *_rows(commands), "", "Everywhere:", *everywhere]
    levels = [(name, p.summary) for name in topics.levels() if (p := topics.level(name))]
    return [
        "Levels:",
        *_rows(levels),
        "",
        "Commands:",
        *_rows(commands),
        "",
        "Overview topics (help TOPIC):",
        *_wrap("  " + " ".join(topics.overviews()), width, "  "),
        "",
        "help LEVEL lists the commands of a level, help LEVEL COMMAND explains one.",
    ]


def _rows(rows: Iterable[tuple[str, str]]) -> list[str]:
    listed = list(rows)
    wide = max((len(name) for name, _ in listed), default=0)
    return [f"  {name.ljust(wide)}  {summary}" for name, summary in listed]


def _body(body: Sequence[str], width: int) -> list[str]:
    """Paragraphs are filled, indented text stays; `::` becomes a colon."""
    lines: list[str] = []
    paragraph: list[str] = []
    for line in [*body, ""]:
        if line and not line.startswith(" "):
            paragraph.append(line)
            continue
        if paragraph:
            lines += _paragraph(paragraph, width)
            paragraph = []
        lines.append(_plain(line) if line.startswith("    ``") else _literal(line))
    return lines


def _paragraph(paragraph: list[str], width: int) -> list[str]:
    text = " ".join(paragraph)
    if text.endswith(" ::") or text == "::":
        text = text[:-2].rstrip()
    elif text.endswith("::"):
        text = text[:-1]
    return _wrap(_plain(text), width, "") if text else []


def _literal(line: str) -> str:
    return line if not line.startswith("    ") else _plain(line)


def _plain(text: str) -> str:
    return _EMPHASIS.sub(r"\1", _LITERAL.sub(r"\1", text))


def _wrap(text: str, width: int, indent: str) -> list[str]:
    """Text broken at blanks; `textwrap` would cost its import and splits at hyphens."""
    limit = max(width, 40)
    lines: list[str] = []
    line = ""
    first = len(text) - len(text.lstrip())
    for word in text.split():
        if line and len(line) + 1 + len(word) > limit:
            lines.append(line)
            line = indent + word
        elif line:
            line += " " + word
        else:
            line = " " * first + word
    return [*lines, line] if line else lines


def _squeeze(lines: Iterable[str]) -> list[str]:
    """Without runs of empty lines and without empty lines at the end."""
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return kept
