"""`crm report`: configuration, status, transitions and logs of the nodes in one archive.

Each node collects its own part (`crm report --collect` over ssh, which prints the part as base64),
secrets masked before they leave it. A node that cannot be reached is named and costs its part.
"""

from __future__ import annotations

import base64
import io
import os
import platform
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from crmshell import __version__
from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Answer, Call
from crmshell.levels.work.moments import moment_from_text
from crmshell.levels.work.node_files import all_nodes, own_config
from crmshell.levels.work.remote import check_node_name, is_here, must_run_on
from crmshell.session import Session
from crmshell.sources.transitions import PACEMAKER_FOLDER, open_store
from crmshell.views.masking import patterns_from_option
from crmshell.views.secrets import Secrets
from engine.agents.names import AgentName
from engine.base.errors import EngineError
from engine.cib.document import Cib

HOURS = 12
MAX_LOG = 64 * 1024 * 1024
MAX_INPUTS = 500
FILES = (
    "/etc/crmshell/node.conf",
    "/etc/corosync/corosync.conf",
    "/etc/crm/crm.conf",
    "/etc/default/crm-agent",
)
LOGS = (
    "/var/log/crmshell/agent.log",
    "/var/log/pacemaker/pacemaker.log",
    "/var/log/corosync/corosync.log",
    "/var/log/cluster/corosync.log",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for; times are epoch seconds."""

    first: float
    last: float
    nodes: tuple[str, ...] = ()
    folder: str = "."
    name: str = ""
    collect: bool = False
    single: bool = False


def make_report(session: Session, call: Call) -> Answer:
    """The archive of the command line's wish, or (`--collect`) this node's part as text."""
    wanted = _wanted(session, call)
    if wanted.collect:
        mine = _archive(_own_part(session, wanted), session.environment.clock())
        return Answer(data=base64.encodebytes(mine))
    name = wanted.name or _default_name(session)
    path = f"{wanted.folder}/{name}.tar.gz" if "/" not in name else f"{name}.tar.gz"
    if not session.environment.exists(os.path.dirname(path) or "."):
        raise ShellError(f"{path}: its folder does not exist", code="arguments")
    parts: dict[str, bytes] = {}
    failed: list[str] = []
    for node in _nodes(session, wanted):
        try:
            parts.update({f"{node}/{k}": v for k, v in _part(session, node, wanted).items()})
        except ShellError as problem:
            session.warn(f"{node} is left out: {problem}", "report")
            failed.append(f"{node}: {problem}")
    if failed:
        parts["left-out.txt"] = ("\n".join(failed) + "\n").encode()
    base = name.rsplit("/", 1)[-1]
    stamped = {f"{base}/{inner}": data for inner, data in parts.items()}
    session.environment.create_file(path, _archive(stamped, session.environment.clock()))
    return Answer(f"{path}: {len(parts)} files", status=int(bool(failed)))


def _wanted(session: Session, call: Call) -> Wanted:
    now = session.environment.clock()
    values: dict[str, list[str]] = {"-f": [], "-t": [], "-n": [], "-d": []}
    long = {"--from": "-f", "--to": "-t", "--nodes": "-n", "--dir": "-d"}
    words: list[str] = []
    flags: set[str] = set()
    rest = list(call.args)
    while rest:
        word = rest.pop(0)
        name = long.get(word, word)
        if name in values:
            if not rest:
                raise ShellError(f"report: {word} needs a value", code="arguments")
            values[name].append(rest.pop(0))
        elif word in ("--collect", "-S"):
            flags.add(word)
        elif word.startswith("-"):
            raise ShellError(
                f"report: no option {word}; there are -f -t -n -S -d", code="arguments"
            )
        else:
            words.append(word)
    if len(words) > 1:
        raise ShellError(f"report: expected one name, got {' '.join(words)}", code="arguments")
    return Wanted(
        first=moment_from_text(values["-f"][-1], now) if values["-f"] else now - HOURS * 3600,
        last=moment_from_text(values["-t"][-1], now) if values["-t"] else now,
        nodes=tuple(node for text in values["-n"] for node in text.split()),
        folder=values["-d"][-1] if values["-d"] else ".",
        name=words[0] if words else "",
        collect="--collect" in flags,
        single="-S" in flags,
    )


def _nodes(session: Session, wanted: Wanted) -> list[str]:
    if wanted.single:
        return [_own_name(session)]
    if wanted.nodes:
        for node in wanted.nodes:
            check_node_name(node)
        return list(wanted.nodes)
    try:
        return all_nodes(session)
    except (ShellError, EngineError):
        return [_own_name(session)]


def _own_name(session: Session) -> str:
    try:
        return own_config(session).name
    except ShellError:
        return session.environment.hostname


def _default_name(session: Session) -> str:
    from datetime import datetime

    moment = datetime.fromtimestamp(session.environment.clock())
    unguessable = session.environment.random_word()
    return f"crm-report-{moment:%Y%m%d-%H%M%S}-{unguessable}"


def _part(session: Session, node: str, wanted: Wanted) -> dict[str, bytes]:
    """The files of one node."""
    if is_here(session, node) or node == _own_name(session):
        return _own_part(session, wanted)
    times = ["-f", _iso(wanted.first), "-t", _iso(wanted.last)]
    text = must_run_on(session, node, ["crm", "report", "--collect", *times], timeout=300.0)
    try:
        return _unpacked(base64.b64decode(text))
    except (ValueError, OSError, EOFError, tarfile.TarError) as problem:
        raise ShellError(f"its part is not readable: {problem}", code="report") from None


def _iso(time: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")


# -- what one node has --------------------------------------------------------------------------------


def _own_part(session: Session, wanted: Wanted) -> dict[str, bytes]:
    secret = _secrets(session)
    files = dict(_texts(session, secret))
    files.update(_inputs(session, wanted, secret))
    environment = session.environment
    for path in FILES:
        place = environment.under_root(path)
        if environment.is_file(place):
            files[place.rsplit("/", 1)[-1]] = _masked(environment.read_file(place), secret)
    for path in LOGS:
        place = environment.under_root(path)
        if environment.is_file(place):
            tail = environment.read_file(place)[-MAX_LOG:]
            files[place.rsplit("/", 1)[-1]] = _masked(_within(tail, wanted), secret)
    journal = _journal(session, wanted)
    if journal:
        files["journal.log"] = _masked(journal, secret)
    return files


def _secrets(session: Session) -> Secrets:
    """What is secret by name, by option, or by what the agents of this machine say of it."""

    def private_names(standard: str, provider: str, kind: str) -> frozenset[str]:
        try:
            name = session.agents.resolve(str(AgentName(standard, provider, kind)))
            parameters = session.agents.metadata(name).parameters
        except EngineError:
            return frozenset()
        return frozenset(each.name for each in parameters if each.private)

    patterns = patterns_from_option(session.options.text("core.obscure_pattern"))
    return Secrets(patterns, private_names)


def _texts(session: Session, secret: Secrets) -> Iterator[tuple[str, bytes]]:
    """What the commands say: versions, configuration, status, findings."""
    system = f"crm {__version__}\nPython {platform.python_version()}\n{platform.platform()}\n"
    yield "versions.txt", system.encode()
    try:
        cib = session.cib()
    except (ShellError, EngineError) as problem:
        yield "no-cib.txt", f"{problem}\n".encode()
        return
    secret.hide_in_tree(cib.root)
    yield "cib.xml", cib.to_bytes()
    from crmshell.pending.changes import PendingCib
    from crmshell.pending.listing import configuration_text, select

    pending = PendingCib(cib)
    yield "configuration.txt", (configuration_text(pending, select(pending, ())) + "\n").encode()
    from engine.cib.schema import validate

    found = [f"{item.severity.name}: {item.message}" for item in validate(cib.root)]
    yield "status.txt", (_status(session, cib) + "\n").encode()
    yield "findings.txt", ("\n".join(found) + "\n").encode()


def _status(session: Session, cib: Cib) -> str:
    """What `crm status` says, with attributes, operations and failures."""
    from crmshell.views.background import background_of
    from crmshell.views.status import Parts, status_text

    parts = Parts(operations=True, timing=True, attributes=True, bans=True, tickets=True)
    try:
        return status_text(cib, session.environment.clock(), background_of(session.source), parts)
    except (ShellError, EngineError) as problem:
        return str(problem)


def _masked(data: bytes, secret: Secrets) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    return secret.hide_in_text(text).encode("utf-8", "surrogateescape")


def _within(data: bytes, wanted: Wanted) -> bytes:
    """Lines of the wanted time; a line without a time belongs to the one before it."""
    from datetime import datetime

    kept: list[bytes] = []
    inside = True
    for line in data.splitlines(keepends=True):
        try:
            time = datetime.fromisoformat(line[:19].decode("ascii")).timestamp()
            inside = wanted.first <= time <= wanted.last
        except ValueError:
            pass  # No time that we can read: it stays with its neighbours.
        if inside:
            kept.append(line)
    return b"".join(kept)


def _journal(session: Session, wanted: Wanted) -> bytes:
    environment = session.environment
    if environment.root != "/" or not environment.find_program("journalctl"):
        return b""
    argv = ["journalctl", "--no-pager", "-q", "-o", "short-iso"]
    argv += ["--since", f"@{int(wanted.first)}", "--until", f"@{int(wanted.last)}"]
    for unit in ("crm-agent", "corosync", "pacemaker"):
        argv += ["-u", unit]
    try:
        return environment.run(argv, timeout=60).stdout[-MAX_LOG:]
    except ShellError:
        return b""


def _inputs(session: Session, wanted: Wanted, secret: Secrets) -> Iterator[tuple[str, bytes]]:
    """The scheduler's inputs of that time, masked."""
    environment = session.environment
    try:
        store = open_store(environment)
        chosen = [one for one in store.inputs() if wanted.first <= one.time <= wanted.last]
        for stored in chosen[-MAX_INPUTS:]:
            cib = store.load(stored)
            secret.hide_in_tree(cib.root)
            yield f"{stored.name.partition('.')[0]}.xml", cib.to_bytes()
    except ShellError as problem:
        if environment.exists(environment.under_root(PACEMAKER_FOLDER)):
            yield "no-transitions.txt", f"{problem}\n".encode()


def _archive(files: dict[str, bytes], now: float) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            member.mtime = int(now)
            member.mode = 0o600
            archive.addfile(member, io.BytesIO(files[name]))
    return out.getvalue()


def _unpacked(data: bytes) -> dict[str, bytes]:
    """The plain files of a part; names that lead elsewhere are dropped."""
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive.getmembers():
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is not None and ".." not in member.name and not member.name.startswith("/"):
                files[member.name] = stream.read(MAX_LOG * 2)
    return files
