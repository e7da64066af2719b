"""Level cib: shadow CIBs, named copies of the configuration to try changes on (shell 6)."""

from __future__ import annotations

import difflib
import os

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Answer, Call, command
from crmshell.output.tables import aligned, in_columns
from crmshell.session import Session
from crmshell.sources.find import open_live
from crmshell.sources.shadow import (
    open_shadow,
    require_shadow,
    shadow_folder,
    shadow_names,
    shadow_path,
)
from engine.base.digits import is_digits
from engine.base.errors import EngineError
from engine.cib.document import Cib, empty_cib

TEMPORARY = "@tmp@"


@command(
    "cib",
    "new",
    usage="[<shadow>] [withstatus] [force] [empty]",
    args=(0, 4),
    help="make a shadow CIB and use it",
)
def new(session: Session, call: Call) -> None:
    """A copy of the live CIB, or an empty one; without a name one that goes at the end."""
    words = [word for word in call.args if word not in {"withstatus", "force", "empty"}]
    if len(words) > 1:
        raise ShellError(f"cib.new: '{words[1]}' is unknown, expected withstatus, force or empty")
    name = words[0] if words else TEMPORARY
    path = shadow_path(session.environment, name)
    taken = session.environment.exists(path) and name != TEMPORARY
    if taken and "force" not in call.args and not session.force:
        raise ShellError(f"cib.new: {name} shadow CIB already exists, force overwrites it")
    _leave_pending(session, call)
    if "empty" in call.args:
        cib = empty_cib()
    else:
        cib = _copy_of_live(session, with_status="withstatus" in call.args)
    _store(session, name, cib)
    if name == TEMPORARY:
        session.temporary = path
    session.use_shadow(name)
    session.info(f"cib.new: {name} shadow CIB created")


@command(
    "cib",
    "create",
    usage="<file> [force]",
    args=(1, 2),
    help="make a file with an empty configuration, for CIB_file",
)
def create(session: Session, call: Call) -> None:
    path, *words = call.args
    if words not in ([], ["force"]):
        raise ShellError(f"cib.create: '{words[0]}' is unknown, expected force", code="arguments")
    if session.environment.exists(path) and not words and not session.force:
        raise ShellError(f"cib.create: {path} exists already, force overwrites it")
    session.environment.write_file(path, empty_cib().to_bytes())
    session.info(f"cib.create: {path} made; work on it with CIB_file={path}")


@command(
    "cib",
    "use",
    usage="[<shadow>] [withstatus]",
    args=(0, 2),
    help="work on a shadow CIB, or on the live CIB again",
)
def use(session: Session, call: Call) -> None:
    words = [word for word in call.args if word not in {"withstatus", "live"}]
    name = words[0] if words else ""
    if name:
        require_shadow(session.environment, name)
    _leave_pending(session, call)
    session.use_shadow(name)
    if name and "withstatus" in call.args:
        source = open_shadow(session.environment, name)
        cib = source.read()
        _put_section(cib, "status", open_live(session.environment).read())
        _store(session, name, cib)


@command(
    "cib",
    "reset",
    usage="<shadow>",
    args=(1, 1),
    drops=True,
    help="copy the live CIB into a shadow CIB again",
)
def reset(session: Session, call: Call) -> None:
    name = call.args[0]
    require_shadow(session.environment, name)
    _store(session, name, _copy_of_live(session, with_status=False))
    session.info(f"cib.reset: copied live CIB to {name}")


@command(
    "cib",
    "commit",
    usage="[<shadow>]",
    args=(0, 1),
    changes=True,
    help="make a shadow CIB the live configuration",
)
def commit(session: Session, call: Call) -> None:
    name = call.args[0] if call.args else session.shadow_name
    if not name:
        raise ShellError("cib.commit: no shadow CIB is in use, name one")
    source = open_shadow(session.environment, name)
    _leave_pending(session, call)
    live = open_live(session.environment)
    base = live.read(sync=True)
    new_cib = base.copy()
    _put_section(new_cib, "configuration", source.read())
    done = live.commit(base, new_cib, replace=True, force=session.force)
    session.report(*done.reports)
    session.info(f"cib.commit: committed '{name}' shadow CIB to the cluster")
    if name == TEMPORARY:
        session.environment.remove_file(source.path)
        session.use_shadow("")


@command("cib", "delete", usage="<shadow>", args=(1, 1), drops=True, help="remove a shadow CIB")
def delete(session: Session, call: Call) -> None:
    name = call.args[0]
    path = require_shadow(session.environment, name)
    if name == session.shadow_name:
        raise ShellError(f"cib.delete: {name} shadow CIB is in use")
    if not session.environment.remove_file(path):
        raise ShellError(f"cib.delete: {path} cannot be removed")
    session.info(f"cib.delete: {name} shadow CIB deleted")


@command("cib", "list", args=(0, 0), help="the shadow CIBs")
def list_shadows(session: Session, call: Call) -> str:
    del call
    screen = session.environment.screen()
    return in_columns(shadow_names(session.environment), screen[0] if screen else 80)


@command("cib", "diff", args=(0, 0), help="what differs between the shadow CIB and the live one")
def diff(session: Session, call: Call) -> Answer:
    del call
    name = session.shadow_name
    if not name:
        raise ShellError("cib.diff: no shadow CIB is in use")
    live = _lines(session, open_live(session.environment).read())
    shadow = _lines(session, session.cib())
    text = "\n".join(difflib.unified_diff(live, shadow, "live", name, lineterm=""))
    return Answer(text)


@command(
    "cib",
    "import",
    usage="<file>|<number> [<shadow>]",
    args=(1, 2),
    help="make a shadow CIB of a file or of a stored scheduler input, and use it",
)
def import_file(session: Session, call: Call) -> None:
    given = call.args[0]
    cib = _read_input(session, given)
    stem = os.path.basename(given).split(".")[0] or "import"
    name = call.args[1] if len(call.args) > 1 else stem
    path = shadow_path(session.environment, name)
    if session.environment.exists(path) and not session.force:
        session.require(f"cib.import: {name} shadow CIB already exists; overwrite it")
    _leave_pending(session, call)
    _store(session, name, cib)
    session.use_shadow(name)
    session.info(f"cib.import: {given} imported as {name}")


@command(
    "cib",
    "history",
    usage="[<count>]",
    args=(0, 1),
    help="earlier versions of the configuration",
)
def history(session: Session, call: Call) -> str:
    """The last versions that the scheduler was given, the newest first."""
    wanted = call.args[0] if call.args else "10"
    if not is_digits(wanted):
        raise ShellError(f"cib.history: '{wanted}' is no number of versions")
    from crmshell.sources.transitions import open_store

    store = open_store(session.environment)
    rows: list[tuple[str, ...]] = []
    seen: set[tuple[int, int]] = set()
    for stored in reversed(store.inputs()):
        if len(rows) == int(wanted):
            break
        cib = store.load(stored)
        version = cib.version[:2]
        if version in seen:
            continue
        seen.add(version)
        who = cib.root.get("update-user", "")
        when = cib.root.get("cib-last-written", "")
        number = ".".join(str(part) for part in version)
        rows.append((str(stored.number), number, when, f"by {who}" if who else ""))
    return aligned([("Number", "Version", "Written", ""), *rows]) if rows else "none is stored"


@command(
    "cib",
    "rollback",
    usage="<number>",
    args=(1, 1),
    changes=True,
    drops=True,
    help="go back to an earlier version of the configuration",
)
def rollback(session: Session, call: Call) -> None:
    """The whole configuration of a stored scheduler input replaces the present one."""
    number = call.args[0]
    from crmshell.sources.transitions import open_store

    store = open_store(session.environment)
    found = [stored for stored in store.inputs() if str(stored.number) == number]
    if not found:
        raise ShellError(f"cib.rollback: no version {number} is stored, cib history lists them")
    old = store.load(found[0])
    live = open_live(session.environment)
    base = live.read(sync=True)
    written = old.root.get("cib-last-written", "")
    session.require(f"The configuration of {written or number} replaces the present one; do it")
    new_cib = base.copy()
    _put_section(new_cib, "configuration", old)
    done = live.commit(base, new_cib, replace=True, force=session.force)
    session.report(*done.reports)
    session.info(f"cib.rollback: the configuration of {written or number} is back")


def _read_input(session: Session, given: str) -> Cib:
    if is_digits(given):
        from crmshell.sources.agent import AgentSource

        source = session.source
        if not isinstance(source, AgentSource):
            raise ShellError(
                "cib.import: stored inputs need a running cluster, there is only a file"
            )
        reply = source.ask("transition", number=int(given))
        data = bytes(reply["input"])
    else:
        data = session.environment.read_file(given)
    try:
        return Cib.from_bytes(data, given)
    except EngineError as problem:
        raise ShellError(str(problem)) from None


def _copy_of_live(session: Session, *, with_status: bool) -> Cib:
    cib = open_live(session.environment).read()
    status = cib.root.find("status")
    if status is not None and not with_status:
        for child in list(status):
            status.remove(child)
    return cib


def _put_section(cib: Cib, tag: str, source: Cib) -> None:
    """Replace a child of the document element by that of another CIB."""
    mine = cib.root.find(tag)
    theirs = source.copy().root.find(tag)
    if theirs is None:
        return
    if mine is None:
        cib.root.append(theirs)
    else:
        cib.root.replace(mine, theirs)


def _store(session: Session, name: str, cib: Cib) -> None:
    environment = session.environment
    folder = shadow_folder(environment)
    if not environment.make_folder(folder):
        raise ShellError(f"{folder} cannot be made, CIB_shadow_dir names another folder")
    environment.write_file(shadow_path(environment, name), cib.to_bytes(), private=True)


def _leave_pending(session: Session, call: Call) -> None:
    """Pending changes belong to the CIB that is left: they are committed, or asked about, first."""
    leaver = call.registry.leaver("configure") if "configure" in session.levels else None
    if leaver is not None and not leaver(session):
        raise ShellError(f"cib.{call.name}: there are pending changes", code="pending")


def _lines(session: Session, cib: Cib) -> list[str]:
    """The configuration as statements, in the order that `show` has."""
    from crmshell.levels.commands.configure_show import hider
    from crmshell.pending.changes import PendingCib
    from crmshell.pending.listing import Listing, configuration_text

    pending = PendingCib(cib)
    listing = Listing(hides=hider(session, ()))
    return configuration_text(pending, pending.everything(), listing).splitlines()
