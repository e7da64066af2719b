"""The level `history`: stored transitions, what they did, and what the operations' records tell.

An input is scheduled again when it is looked at, so the answer is that of this scheduler.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Answer, Call, command
from crmshell.levels.work.moments import moment_from_text
from crmshell.output.tables import aligned
from crmshell.session import Session
from crmshell.sources.transitions import StoredInput, TransitionStore, choose, open_store
from crmshell.views.timeline import (
    Event,
    events_from_cibs,
    timeline_svg,
    timeline_text,
)
from engine.base.digits import is_digits
from engine.cib.document import Cib

SOURCE, FROM, TO = "history.source", "history.from", "history.to"
MAX_INPUTS_READ = 200


def _store(session: Session) -> TransitionStore:
    wanted = session.remembered.get(SOURCE) or session.switches.history_source
    return open_store(session.environment, wanted)


def _inputs(session: Session, store: TransitionStore) -> list[StoredInput]:
    """The inputs within the span of `limit`."""
    first, last = _limits(session)
    return [one for one in store.inputs() if first <= one.time <= last]


def _limits(session: Session) -> tuple[float, float]:
    first, last = session.remembered.get(FROM), session.remembered.get(TO)
    return float(first) if first else 0.0, float(last) if last else float("inf")


def when(time: float) -> str:
    """Local time to the second."""
    return datetime.fromtimestamp(time).strftime("%Y-%m-%d %H:%M:%S") if time else "-"


@command("history", "source", usage="[live|<folder>|<archive>]", args=(0, 1), help="choose or show")
def source(session: Session, call: Call) -> str:
    if call.args:
        open_store(session.environment, call.args[0])
        session.remembered[SOURCE] = call.args[0]
    return _store(session).place


@command("history", "info", args=(0, 0), help="source, number of transitions, time span")
def info(session: Session, call: Call) -> str:
    del call
    return _overview(session)


def _overview(session: Session) -> str:
    store = _store(session)
    inputs = _inputs(session, store)
    rows = [("Source:", store.place), ("Transitions:", str(len(inputs)))]
    if inputs:
        rows += [("First:", _label(inputs[0])), ("Last:", _label(inputs[-1]))]
    return aligned(rows)


def _label(one: StoredInput) -> str:
    return f"{one.name} {when(one.time)}"


@command("history", "transitions", usage="[<count>]", args=(0, 1), help="list stored transitions")
def transitions(session: Session, call: Call) -> str:
    store = _store(session)
    inputs = _inputs(session, store)
    if call.args:
        if not is_digits(call.args[0]):
            raise ShellError(f"'{call.args[0]}' is no number of transitions", code="arguments")
        inputs = inputs[-int(call.args[0]) :]
    return aligned([(str(one.number), when(one.time), one.name, one.note) for one in inputs])


@command("history", "peinputs", usage="[<number>...]", help="names of the stored inputs")
def peinputs(session: Session, call: Call) -> str:
    inputs = _inputs(session, _store(session))
    chosen = [choose(inputs, word) for word in call.args] if call.args else inputs
    return "\n".join(one.name for one in chosen)


@command("history", "latest", args=(0, 0), help="what the latest transition does")
def latest(session: Session, call: Call) -> Answer:
    del call
    return _explained(session, "", "actions", "")


@command(
    "history",
    "transition",
    usage="[<number>] [actions|scores|graph|save <file>|nograph]",
    args=(0, 3),
    help="show one transition",
)
def transition(session: Session, call: Call) -> Answer:
    words = list(call.args)
    number = words.pop(0) if words and words[0] not in _WAYS else ""
    way = words.pop(0) if words else "actions"
    if way not in _WAYS:
        known = ", ".join(_WAYS)
        raise ShellError(f"history.transition: '{way}' is not one of {known}", code="arguments")
    if (way == "save") != bool(words):
        raise ShellError("history.transition: expected save FILE", code="arguments")
    return _explained(session, number, way, words[0] if words else "")


_WAYS = ("actions", "scores", "graph", "save", "nograph")


def _explained(session: Session, number: str, way: str, file: str) -> Answer:
    """Run the scheduler on a stored input and say what comes out, in the wanted way."""
    store = _store(session)
    stored = choose(_inputs(session, store), number)
    cib = store.load(stored)
    if way == "save":
        session.environment.write_file(file, cib.to_bytes())
        return Answer(f"{stored.name} is in {file}")
    from crmshell.levels.work.simulation import actions_text, dot_text, run_scheduler, scores_text

    moment = _moment(cib, stored)
    done = run_scheduler(cib, moment)
    if way == "scores":
        return Answer(scores_text(cib, moment), done.reports)
    if way == "graph":
        return Answer(dot_text(done))
    heading = f"{_label(stored)}:\n"
    return Answer(heading + actions_text(done), done.reports)


def _moment(cib: Cib, stored: StoredInput) -> float:
    """The time for which the input was scheduled: what it says itself, else when it was stored."""
    text = cib.root.get("execution-date", "")
    return float(text) if is_digits(text) else stored.time


@command(
    "history",
    "diff",
    usage="<a> <b> [status]",
    args=(2, 3),
    help="what changed between transitions",
)
def diff(session: Session, call: Call) -> str:
    """A unified diff of the configurations as statements, or of the status as XML."""
    store = _store(session)
    inputs = _inputs(session, store)
    ends = [choose(inputs, word) for word in call.args[:2]]
    if call.args[2:] not in ([], ["status"]):
        raise ShellError(f"history.diff: '{call.args[2]}', expected status", code="arguments")
    texts = [_text(store.load(end), status=len(call.args) == 3).splitlines() for end in ends]
    found = difflib.unified_diff(texts[0], texts[1], ends[0].name, ends[1].name, lineterm="")
    return "\n".join(found)


@command(
    "history", "show", usage="<number> [status]", args=(1, 2), help="show a stored configuration"
)
def show(session: Session, call: Call) -> str:
    store = _store(session)
    if call.args[1:] not in ([], ["status"]):
        raise ShellError(f"history.show: '{call.args[1]}', expected status", code="arguments")
    stored = choose(_inputs(session, store), call.args[0])
    return _text(store.load(stored), status=len(call.args) == 2)


def _text(cib: Cib, *, status: bool) -> str:
    if status:
        from lxml import etree

        found = cib.root.find("status")
        return "" if found is None else etree.tostring(found, encoding="unicode", pretty_print=True)
    from crmshell.pending.changes import PendingCib
    from crmshell.pending.listing import configuration_text, select

    pending = PendingCib(cib)
    return configuration_text(pending, select(pending, ()))


# -- events -------------------------------------------------------------------------------------------


def _events(session: Session, fits: Callable[[Event], bool] = lambda _: True) -> list[Event]:
    """Events of the stored inputs (the newest ones) and of the CIB in use, within the limits."""
    roots = []
    try:
        store = _store(session)
        roots = [store.load(one).root for one in _inputs(session, store)[-MAX_INPUTS_READ:]]
    except ShellError:
        if session.remembered.get(SOURCE):
            raise
    if not session.remembered.get(SOURCE):
        roots.append(session.cib().root)
    first, last = _limits(session)
    return [e for e in events_from_cibs(roots) if first <= e.time <= last and fits(e)]


def _listed(events: Iterable[Event]) -> str:
    return "\n".join(event.text(when) for event in events if not event.is_probe or event.failed)


@command("history", "events", usage="[<rsc>|<node>]...", help="starts, stops and failures")
def events(session: Session, call: Call) -> str:
    names = set(call.args)
    return _listed(_events(session, lambda e: not names or bool({e.resource, e.node} & names)))


@command("history", "resource", usage="<rsc>...", args=(1, -1), help="the events of resources")
def resource(session: Session, call: Call) -> str:
    names = _known(session, call.args, "resource")
    return _listed(_events(session, lambda e: e.resource.partition(":")[0] in names))


@command("history", "node", usage="<node>...", args=(1, -1), help="the events of nodes")
def node(session: Session, call: Call) -> str:
    names = _known(session, call.args, "node")
    return _listed(_events(session, lambda e: e.node in names))


def _known(session: Session, words: Sequence[str], kind: str) -> set[str]:
    """The words, after a look that events name each of them; members of a container count for it."""
    from crmshell.views.names import names_from_cib

    found = _events(session)
    seen = {e.node if kind == "node" else e.resource.partition(":")[0] for e in found}
    names = set(words)
    if kind == "resource" and not session.remembered.get(SOURCE):
        named = names_from_cib(session.cib().root)
        grown = True
        while grown:
            inner = {one.id for one in named.resources if one.parent in names}
            grown = not inner <= names
            names |= inner
        seen |= {one.id for one in named.resources}
    missing = [word for word in words if word not in seen]
    if missing:
        near = difflib.get_close_matches(missing[0], sorted(seen), 1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise ShellError(f"there are no records of {kind} '{missing[0]}'{hint}", code="no-records")
    return names


@command("history", "timeline", usage="[<file.svg>]", args=(0, 1), help="what ran where over time")
def timeline(session: Session, call: Call) -> str:
    found = _events(session)
    if call.args:
        svg = timeline_svg(found, when)
        session.environment.write_file(call.args[0], svg.encode())
        return ""
    screen = session.environment.screen()
    encoding = (session.environment.stdout.encoding or "").lower()
    return timeline_text(found, when, screen[0] if screen else 100, "utf" not in encoding)


@command(
    "history", "limit", usage="[<from> [<to>]]", args=(0, 2), help="look at a span of time only"
)
def limit(session: Session, call: Call) -> str:
    """Without arguments the limits are lifted."""
    now = session.environment.clock()
    for name, word in zip((FROM, TO), (*call.args, "", ""), strict=False):
        session.remembered.pop(name, None)
        if word:
            session.remembered[name] = str(moment_from_text(word, now))
    first, last = _limits(session)
    return f"from {when(first)} to {when(last) if last != float('inf') else 'now'}" if first else ""


@command("history", "refresh", args=(0, 0), help="read the source again")
def refresh(session: Session, call: Call) -> str:
    """Every command reads anew; this says what is there now."""
    del call
    return _overview(session)
