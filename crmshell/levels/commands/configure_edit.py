"""Level configure: loading text or XML, editing it, passing it through a filter."""

from __future__ import annotations

from collections.abc import Sequence

from crmshell.environment import BYTE_ORDER_MARK
from crmshell.errors import ShellError
from crmshell.grammar.errors import nearest_word
from crmshell.levels.frame.registry import Answer, Call, command
from crmshell.pending import references
from crmshell.pending.commit import find_problems, tell
from crmshell.pending.listing import Listing, configuration_text, configuration_xml, select
from crmshell.pending.problems import Refused
from crmshell.pending.textedit import METHODS, apply_edited, load_text, load_xml, renames_in
from crmshell.pending.tree import Element
from crmshell.session import Session
from engine.base.reports import Severity


@command(
    "configure",
    "load",
    usage="[xml] replace|update|push <file>|<url>|-",
    args=(2, 3),
    help="read a configuration, or a part of it, from a file",
)
def load(session: Session, call: Call) -> Answer:
    words = list(call.args)
    xml = words[0] == "xml"
    if xml:
        words = words[1:]
    if len(words) != 2 or words[0] not in METHODS:
        nearest = nearest_word(words[0], METHODS)
        hint = f" (did you mean '{nearest}'?)" if nearest else ""
        raise ShellError(
            f"load: expected {'|'.join(METHODS)} and a file, not '{' '.join(words)}'{hint}",
            code="arguments",
        )
    method, path = words
    data = _read(session, path).removeprefix(BYTE_ORDER_MARK)
    pending = session.pending
    pending.begin(call.line.text.strip())
    file = "stdin" if path == "-" else path
    if xml or data.lstrip()[:1] == b"<":
        load_xml(pending, data, file, method)
        return Answer()
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    with _Lines(session, file, lines):
        for note in load_text(pending, lines, file, method):
            if session.interactive or note.severity > Severity.INFO:
                session.report(note)
    return Answer()


def _read(session: Session, path: str) -> bytes:
    environment = session.environment
    if path == "-":
        return environment.read_stdin()
    if path.startswith(("http://", "https://", "ftp://")):
        done = environment.run(["curl", "-fsSL", "--max-time", "60", path])
        if done.status:
            reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise ShellError(f"{path}: {reason[-1] if reason else 'cannot be read'}")
        return done.stdout
    return environment.read_file(path)


class _Lines:
    """While a text is read, the lines under messages come from it."""

    def __init__(self, session: Session, file: str, lines: Sequence[str]) -> None:
        self._session = session
        self._file = file
        self._lines = lines
        self._before = session.source_line

    def __enter__(self) -> None:
        self._session.source_line = self._line

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        # A refusal is shown after this text has been left: its lines must still be found then.
        if kind is None:
            self._session.source_line = self._before

    def _line(self, file: str, number: int) -> str | None:
        if file == self._file and 0 < number <= len(self._lines):
            return self._lines[number - 1]
        return self._before(file, number) if self._before is not None else None


def _selected(session: Session, call: Call, words: Sequence[str]) -> list[Element]:
    try:
        return select(session.pending, words)
    except Refused as refusal:
        raise refusal.at(call.line, call.tokens) from None


@command(
    "configure",
    "filter",
    usage="<program> [xml] [<id>|<selector> …]",
    args=(1, -1),
    help="pass the configuration, or a part of it, through a program",
)
def filter_(session: Session, call: Call) -> Answer:
    program, *words = call.args
    xml = bool(words) and words[0] == "xml"
    elements = _selected(session, call, words[1:] if xml else words)
    pending = session.pending
    if xml:
        text = configuration_xml(pending, elements)
    else:
        text = configuration_text(pending, elements, Listing("cib", one_line=True))
    done = session.environment.run(["sh", "-c", program], stdin=f"{text}\n".encode())
    if done.status:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ShellError(
            f"filter: the program ended with status {done.status}"
            + (f": {reason[-1]}" if reason else ""),
            code="filter-failed",
        )
    pending.begin(call.line.text.strip())
    output = done.stdout.removeprefix(BYTE_ORDER_MARK)
    if xml:
        load_xml(pending, output, "filter", "update")
        return Answer()
    lines = output.decode("utf-8", "surrogateescape").split("\n")
    with _Lines(session, "filter", lines):
        apply_edited(pending, lines, "filter", elements)
    return Answer()


_SUFFIX = {False: ".crm", True: ".xml"}


@command(
    "configure",
    "edit",
    usage="[xml] [<id>|<selector> …]",
    help="edit the configuration, or a part of it, in your editor",
)
def edit(session: Session, call: Call) -> Answer:
    from crmshell.levels.frame.editor import edit_bytes, require_terminal

    require_terminal(session)

    words = list(call.args)
    xml = bool(words) and words[0] == "xml"
    elements = _selected(session, call, words[1:] if xml else words)
    pending = session.pending
    if xml:
        text = configuration_xml(pending, elements)
    else:
        text = configuration_text(pending, elements, Listing("cib")) + "\n"
    pending.begin(call.line.text.strip())
    before = text
    while True:
        data = edit_bytes(session, text.encode("utf-8", "surrogateescape"), _SUFFIX[xml])
        data = data.removeprefix(BYTE_ORDER_MARK)
        # What is no UTF-8 is told like every other mistake, so that it can be edited again.
        text = data.decode("utf-8", "surrogateescape")
        if text == before:
            return Answer()
        lines = text.split("\n")
        try:
            with _Lines(session, "edit", lines):
                if xml:
                    load_xml(pending, data, "edit", "update")
                else:
                    _offer_renames(session, lines, elements)
                    session.report(*apply_edited(pending, lines, "edit", elements))
                _tell_findings(session)
            return Answer()
        except ShellError as problem:
            session.report(*problem.reports)
            question = "Edit or discard changes (yes to edit, no to discard)"
            if not session.confirm(question, default=False):
                return Answer(status=1)


def _tell_findings(session: Session) -> None:
    """What is wrong with what was edited is seen at once, as for a typed statement."""
    if session.options.text("core.check_frequency") == "always":
        tell(session, find_problems(session, everything=False))


def _offer_renames(session: Session, lines: Sequence[str], elements: Sequence[Element]) -> None:
    """An object that is there under another id only: perhaps it was renamed, with its references."""
    pending = session.pending
    for old, new in renames_in(pending, lines, elements):
        if session.confirm(f"Is {new} a new name of {old}, with everything that refers to it"):
            references.rename(pending, old, new)
