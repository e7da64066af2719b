"""The command `help` of every level, and what a code in a finding means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Call, Candidate, command
from crmshell.output.style import Style
from crmshell.session import Session

if TYPE_CHECKING:
    from crmshell.help.topics import Page

_WIDTH = 80


def help_words(session: Session, words: Sequence[str], current: str) -> Iterable[Candidate]:
    """Commands of this level, levels and topics; after a level its commands."""
    from crmshell.help.topics import Topics

    topics = Topics()
    level = words[0] if words else session.level
    for page in topics.commands(level):
        yield Candidate(page.name, page.summary)
    if not words:
        for name in (*topics.levels(), *topics.overviews()):
            page_of = topics.level(name) or topics.overview(name)
            yield Candidate(name, page_of.summary if page_of else "")
        yield Candidate("topics", "list of the overview topics")


@command(
    "*",
    "help",
    usage="[<topic>|<level>|<command>]",
    aliases=("?",),
    args=(0, 3),
    completers=(help_words,),
    help="a page of help",
)
def show_help(session: Session, call: Call) -> str:
    """The page that the words mean here; raises `ShellError` with the nearest names."""
    from crmshell.help.topics import Topics, overview_list, page_text

    topics = Topics()
    if [word.lower() for word in call.args] == ["topics"]:
        return overview_list(topics)
    page = topics.find(call.args, session.level)
    if page is None:
        near = topics.nearest(call.args, session.level) if call.args else ()
        hint = (
            f", did you mean {' or '.join(near)}?" if near else "; help topics lists what there is"
        )
        raise ShellError(f"no help for '{' '.join(call.args)}'{hint}", code="no-help")
    screen = session.environment.screen()
    width = min(screen[0], 100) if screen else _WIDTH
    return _painted(page, page_text(topics, page, width), session.style())


def _painted(page: Page, text: str, style: Style) -> str:
    if not style.colour:
        return text
    lines = text.split("\n")
    title, dash, summary = lines[0].partition(" - ")
    kind = "help_topic" if page.is_level else "help_keyword"
    lines[0] = style.paint(kind, title) + dash + style.paint("help_header", summary)
    return "\n".join(_painted_line(line, style) for line in lines)


def _painted_line(line: str, style: Style) -> str:
    if line.startswith("    "):
        return style.paint("help_block", line)
    head, colon, rest = line.partition(":")
    if colon and (not rest or head in ("Usage", "Also", "See also")) and not head.startswith(" "):
        return style.paint("help_header", head + colon) + rest
    return line
