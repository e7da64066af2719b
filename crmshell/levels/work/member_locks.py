"""One change of who is a node at a time: a lock on every member, held while nodes join or leave.

A lock is a process on the member that has locked a file beside the node file. It ends with the
connection that started it, so whoever breaks off leaves none. All take the locks in the order of
the nodes' ids, so two that begin at once at different members wait for each other only one way.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from crmshell.errors import ShellError
from crmshell.levels.work.node_files import node_file
from crmshell.levels.work.remote import command_on
from crmshell.session import Session

WAIT_SECONDS = 600
HOLD_SECONDS = 1800
"""A member whose peer vanished without a word holds the lock no longer."""

_BUSY = "busy"
_LOCKED = "locked"
_SCRIPT = """[ -d {folder} ] && exec 9>>{path} || exit 1
flock -n 9 || {{ echo busy; flock -w {wait} 9 || exit 75; }}
echo locked
exec timeout {hold} cat >/dev/null"""


@contextmanager
def members_locked(
    session: Session, places: Callable[[], Sequence[str]], may_lack: str = ""
) -> Iterator[None]:
    """Inside, nobody else makes nodes join or leave; raises `ShellError` if that cannot be had.

    `places` tells the members as they are, by id; asked again under the lock, for they may have
    changed while it was waited for. `may_lack`: the member that need not be reachable.
    """
    wanted = list(places())
    while True:
        with ExitStack() as stack:
            for place in wanted:
                try:
                    stack.enter_context(_locked(session, place))
                except ShellError:
                    if place != may_lack:
                        raise
            now = list(places())
            if now == wanted:
                yield
                return
        wanted = now


@contextmanager
def _locked(session: Session, place: str) -> Iterator[None]:
    path = f"{node_file(session)}.lock"
    script = _SCRIPT.format(
        folder=shlex.quote(os.path.dirname(path)),
        path=shlex.quote(path),
        wait=WAIT_SECONDS,
        hold=HOLD_SECONDS,
    )
    with session.environment.held_program(command_on(session, place, ["sh", "-c", script])) as held:
        said = held.read_line(60.0)
        if said == _BUSY:
            session.info(f"another node joins or leaves ({place} says so): waiting for it")
            said = held.read_line(WAIT_SECONDS + 60.0)
        if said != _LOCKED:
            reason = held.complaint() or f"another node joins or leaves for {WAIT_SECONDS} s now"
            raise ShellError(f"{place}: not locked: {reason}", code="remote")
        yield
