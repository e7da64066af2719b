"""The interactive prompt: the only importer of prompt_toolkit.

Line editing, history, suggestions, completion and colour are adapters between prompt_toolkit and
the rest of the shell; what a line means is the dispatcher's business. What completion needs to know
is read in threads, so that no key waits longer than `PATIENCE` (shell 1.2, 1.8, 1.9).
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.completion import (
    CompleteEvent,
    Completer,
    Completion,
    get_common_complete_suffix,
)
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from crmshell.dispatch import Dispatcher
from crmshell.errors import ShellError
from crmshell.grammar.expect import agent_in
from crmshell.grammar.tokens import join_lines
from crmshell.levels.frame.completion import complete
from crmshell.levels.frame.highlight import classify
from crmshell.levels.frame.lookups import load_metadata
from crmshell.levels.frame.registry import change_levels
from crmshell.ra.meta import AgentShelf
from crmshell.sources.find import open_source
from crmshell.views.names import Names, names_from_cib
from engine.base.errors import EngineError

if TYPE_CHECKING:
    from crmshell.session import Session
    from engine.agents.catalog import Catalog
    from engine.agents.metadata import AgentMetadata

CONTINUATION = "   > "
PATIENCE = 0.15
HUNG_UP = 129
T = TypeVar("T")
HISTORY_LINES = 1000
_STYLE_WORDS = {"bold": "bold", "underline": "underline", "dim": "", "normal": ""}


class _HungUp(BaseException):
    """The terminal went away, or somebody ended us; no command may take this for its own failure."""


class _HangUps:
    """What SIGHUP and SIGTERM do: they end the command that runs, or the reading of a line.

    Raised in the middle of the event loop's work an exception would become a message, or end the loop
    and leave its tasks behind; so a line editor is asked to leave, from within its loop.
    """

    def __init__(self) -> None:
        self._reading: PromptSession[str] | None = None
        self._came = False

    def watch(self) -> None:
        """From now on the signals come here."""
        for number in (signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, self.handle)

    def ignore(self) -> None:
        """We are ending: another signal changes nothing, and must not break off what is left to do."""
        for number in (signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)

    def handle(self, number: int, frame: object) -> None:
        """The handler of the signals, in the main thread."""
        self._came = True
        if self._reading is None:
            raise _HungUp
        loop = self._reading.app.loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # closed already: the reading is about to end
                loop.call_soon_threadsafe(self._leave)

    def read(
        self, editor: PromptSession[str], prompt: str, pre_run: Callable[[], None] | None = None
    ) -> str:
        """A line of the editor; raises `_HungUp` for a signal that came meanwhile."""

        def begin() -> None:
            if pre_run is not None:
                pre_run()
            if self._came:
                self._leave()

        if self._came:
            raise _HungUp  # what is raised in a callback of the collector, say, gets lost
        self._reading = editor
        try:
            return editor.prompt(prompt, pre_run=begin, set_exception_handler=False)
        finally:
            self._reading = None
            if self._came:
                raise _HungUp

    def _leave(self) -> None:
        app = self._reading.app if self._reading is not None else None
        if app is not None and app.is_running and not app.is_done:
            app.exit(exception=_HungUp())


def run_interactive(dispatcher: Dispatcher) -> int:
    """Prompt and run lines until the user leaves; the exit status is 0 (shell 1.7).

    When the terminal goes away the pending changes are kept for the next start; the status is 129.
    """
    session = dispatcher.session
    hang_ups = _HangUps()
    hang_ups.watch()
    try:
        return _talk(dispatcher, hang_ups)
    except (_HungUp, OSError):
        _keep(session, hang_ups)
        return HUNG_UP


def _keep(session: Session, hang_ups: _HangUps) -> None:
    with contextlib.suppress(_HungUp):
        hang_ups.ignore()
    hang_ups.ignore()  # Again, for a signal that came meanwhile.
    with contextlib.suppress(OSError):
        session.keep_pending()


def _talk(dispatcher: Dispatcher, hang_ups: _HangUps) -> int:
    session = dispatcher.session
    lookups = BackgroundLookups(session)
    session.lookups = lookups
    prompt = _Prompt(dispatcher, lookups, hang_ups)
    session.environment.asker = prompt.ask
    if not session.levels or session.level == "configure":
        dispatcher.guarded(lambda: _offer_kept(session))
    while not session.leaving:
        text = prompt.read()
        if text is None:
            if not session.levels:
                break
            dispatcher.guarded(lambda: _go_up(dispatcher))
            continue
        _run_text(dispatcher, text)
        lookups.refresh()
    session.environment.write("bye")
    return 0


def _offer_kept(session: Session) -> int:
    """Changes that an earlier run could not hand over are worked on in level configure."""
    if session.offer_kept() and not session.levels:
        session.levels.append("configure")
    return 0


def _go_up(dispatcher: Dispatcher) -> int:
    session = dispatcher.session
    return 0 if change_levels(session, dispatcher.registry, session.levels[:-1]) else 1


def _run_text(dispatcher: Dispatcher, text: str) -> None:
    """Run what was typed or pasted: one logical line, or several."""
    session = dispatcher.session
    for line in join_lines(text.split("\n"), "prompt"):
        if line.is_blank or line.is_comment:
            continue
        physical = text.split("\n")
        session.source_line = lambda file, number, known=physical: (
            known[number - 1] if file == "prompt" and 0 < number <= len(known) else None
        )
        dispatcher.run_line(line)
        if session.leaving:
            return


class _Prompt:
    """The line editor of one session."""

    def __init__(
        self, dispatcher: Dispatcher, lookups: BackgroundLookups, hang_ups: _HangUps
    ) -> None:
        self._hang_ups = hang_ups
        self._session = dispatcher.session
        self._lookups = lookups
        environment = dispatcher.session.environment
        output = _terminal(dispatcher.session)
        completer = _Completions(dispatcher)
        self._editor: PromptSession[str] = PromptSession(
            output=output,
            history=LineHistory(environment.state_folder, environment.cache_folder),
            auto_suggest=AutoSuggestFromHistory(),
            completer=completer,
            key_bindings=_keys(completer),
            complete_while_typing=False,
            lexer=_Colours(dispatcher),
            style=Style(list(_style_rules(dispatcher.session))),
            color_depth=_colour_depth(dispatcher.session),
            multiline=Condition(self._is_continued),
            prompt_continuation=_continuation,
        )
        self._editor.default_buffer.on_text_changed += self._foresee
        self._question: PromptSession[str] = PromptSession(output=output)

    def read(self) -> str | None:
        """One input; "" after Ctrl-C, None for Ctrl-D on an empty line."""
        try:
            return self._hang_ups.read(self._editor, self._session.prompt, self._lookups.start)
        except KeyboardInterrupt:
            return ""
        except EOFError:
            return None

    def ask(self, question: str) -> str | None:
        """The answer to a question of a command; None for Ctrl-C and Ctrl-D."""
        try:
            return self._hang_ups.read(self._question, question)
        except (KeyboardInterrupt, EOFError):
            return None

    def _foresee(self, buffer: Buffer) -> None:
        """Fetch what the next TAB will want: the meta-data of an agent that was typed."""
        text = logical_text(buffer.document.text_before_cursor)
        if text.endswith(" "):
            agent = agent_in(text.split())
            if agent:
                self._lookups.foresee(agent)

    def _is_continued(self) -> bool:
        """Enter begins another line when this one ends with a backslash."""
        text = self._editor.default_buffer.document.text
        last = text.rsplit("\n", 1)[-1].rstrip()
        return last.endswith("\\") and not last.lstrip().startswith("#")


def _terminal(session: Session) -> Output:
    """The terminal, never asked where its cursor is: an answer that comes late would be typed text."""
    environment = session.environment

    def size() -> Size:
        columns, rows = environment.screen() or (80, 24)
        return Size(rows=rows, columns=columns)

    return Vt100_Output(
        environment.stdout, size, term=environment.variables.get("TERM", ""), enable_cpr=False
    )


def _continuation(width: int, line_number: int, wrap_count: int) -> StyleAndTextTuples:
    del width, line_number, wrap_count
    return [("", CONTINUATION)]


def _keys(completer: Completer) -> KeyBindings:
    """TAB answers before the next key is read, so that typing on at once is safe."""
    bindings = KeyBindings()

    @bindings.add("tab")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state:
            buffer.complete_next()
            return
        document = buffer.document
        found = list(completer.get_completions(document, CompleteEvent(completion_requested=True)))
        if len(found) == 1 and not document.text_before_cursor.endswith(found[0].text):
            buffer.apply_completion(found[0])
        elif found:
            # The menu; with one entry that is typed already it shows what is remarked about it.
            buffer.insert_text(get_common_complete_suffix(document, found))
            again = CompleteEvent(completion_requested=True)
            left = list(completer.get_completions(buffer.document, again))
            buffer.complete_state = CompletionState(buffer.document, left)

    return bindings


class LineHistory(History):
    """Typed lines in one private text file, a line each; begun once with crmsh's own."""

    def __init__(self, folder: str, old_folder: str) -> None:
        super().__init__()
        self._path = os.path.join(folder, "history")
        self._old_path = os.path.join(old_folder, "history")

    def load_history_strings(self) -> Iterator[str]:
        """Newest first, as prompt_toolkit wants it."""
        lines = _read_lines(self._path)
        if lines is None:
            lines = _read_lines(self._old_path) or []
            self._append(lines)
        elif len(lines) > 2 * HISTORY_LINES:
            lines = lines[-HISTORY_LINES:]
            self._replace(lines)
        yield from reversed(lines[-HISTORY_LINES:])

    def store_string(self, string: str) -> None:
        joined = " ".join(line.text.strip() for line in join_lines(string.split("\n"), "prompt"))
        if joined.strip():
            self._append([joined])

    def _append(self, lines: Iterable[str]) -> None:
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            with os.fdopen(os.open(self._path, flags, 0o600), "ab") as stream:
                text = "".join(f"{line}\n" for line in lines)
                stream.write(text.encode("utf-8", "surrogateescape"))
        except OSError:
            return  # A home that cannot be written to costs the history, nothing else.

    def _replace(self, lines: list[str]) -> None:
        part = f"{self._path}.{os.getpid()}"
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
                new.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
            os.replace(part, self._path)
        except OSError:
            return


def _read_lines(path: str) -> list[str] | None:
    try:
        with open(path, "rb") as stream:
            text = stream.read(4 * 1024 * 1024).decode("utf-8", "replace")
    except OSError:
        return None
    return [line for line in text.split("\n") if line.strip()]


class _Completions(Completer):
    """prompt_toolkit's view of `levels.complete`."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        del complete_event
        text = logical_text(document.text_before_cursor)
        found = complete(self._dispatcher.session, self._dispatcher.registry, text)
        back = found.start - len(text)
        for one in found.candidates:
            open_end = one.text[-1:] in ("=", ":", "/", ".", ",")
            end = "" if open_end or document.text_after_cursor else " "
            yield Completion(
                one.text + end, start_position=back, display=one.text, display_meta=one.remark
            )


def logical_text(text: str) -> str:
    """The logical line that ends at the cursor: continued lines joined to one of the same length."""
    lines = text.split("\n")
    joined = lines[-1]
    for line in reversed(lines[:-1]):
        stripped = line.rstrip()
        if not stripped.endswith("\\"):
            break
        joined = stripped[:-1] + " " + joined
    return joined


class _Colours(Lexer):
    """prompt_toolkit's view of `levels.highlight`."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        lines = document.lines
        session, registry = self._dispatcher.session, self._dispatcher.registry

        def line_at(number: int) -> StyleAndTextTuples:
            before = [line.rstrip().removesuffix("\\") for line in lines[:number]]
            text = lines[number] if number < len(lines) else ""
            parts = classify(session.level, registry, " ".join(before), text)
            return [(f"class:{kind}" if kind else "", part) for kind, part in parts]

        return line_at


def _style_rules(session: Session) -> Iterator[tuple[str, str]]:
    """The user's colours in prompt_toolkit's words."""
    names = ("keyword", "identifier", "attr_name", "attr_value", "resource_reference", "score")
    for name in names:
        words = session.options.text(f"color.{name}").split()
        yield name, " ".join(_STYLE_WORDS.get(word, f"ansi{word}") for word in words)
    yield "error", "ansired"
    yield "auto-suggestion", "ansibrightblack"


def _colour_depth(session: Session) -> ColorDepth | None:
    return None if session.style().colour else ColorDepth.DEPTH_1_BIT


class BackgroundLookups:
    """What completion wants to know, read in threads; an answer waits at most `PATIENCE` seconds."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shelf = AgentShelf(session.environment)
        self._names = _Fetched[Names](self._read_names, Names())
        self._metadata: dict[str, _Fetched[AgentMetadata | None]] = {}
        self._pending_names: Names | None = None

    def start(self) -> None:
        """Begin to read the CIB; called while the prompt is being shown."""
        self._names.fetch()

    def refresh(self) -> None:
        """A command was run: what was read may be old."""
        self._names.renew()
        self._pending_names = None

    def names(self) -> Names:
        if self._session.has_pending_changes:
            if self._pending_names is None:
                self._pending_names = names_from_cib(self._session.pending.cib.root)
            return self._pending_names
        return self._names.value(PATIENCE)

    def catalog(self) -> Catalog:
        return self._shelf.catalog

    def metadata(self, agent: str) -> AgentMetadata | None:
        return self._fetched(agent).value(PATIENCE)

    def foresee(self, agent: str) -> None:
        """Begin to read meta-data, without waiting for it."""
        self._fetched(agent).fetch()

    def _fetched(self, agent: str) -> _Fetched[AgentMetadata | None]:
        known = self._metadata.get(agent)
        if known is None:
            known = _Fetched(lambda: load_metadata(self._shelf, agent), None)
            self._metadata[agent] = known
        return known

    def _read_names(self) -> Names:
        """Through a connection of its own: the session's belongs to the main thread."""
        source = open_source(self._session.environment, self._session.shadow_name)
        return names_from_cib(source.read().root)


class _Fetched(Generic[T]):
    """A value that a thread reads; asked for it, one waits a little and takes what there is."""

    def __init__(self, read: Callable[[], T], empty: T) -> None:
        self._read = read
        self._value = empty
        self._stale = True
        self._done = threading.Event()

    def fetch(self) -> None:
        """Begin to read, unless that is going on or the value is fresh."""
        if self._stale:
            self._stale = False
            self._done.clear()
            threading.Thread(target=self._work, args=(self._done,), daemon=True).start()

    def renew(self) -> None:
        """Read again the next time; until then the old value serves."""
        self._stale = True
        self._done = threading.Event()

    def value(self, patience: float) -> T:
        self.fetch()
        self._done.wait(patience)
        return self._value

    def _work(self, done: threading.Event) -> None:
        try:
            self._value = self._read()
        except (ShellError, EngineError, OSError, ValueError):
            pass  # Completion offers less; the command itself will say what is wrong.
        finally:
            done.set()
