"""Restarting agents one after the other while what they run keeps running.

The cluster is in maintenance meanwhile: an agent that leaves then leaves its resources running, and
finds them again when it is back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from crmshell.errors import ShellError
from crmshell.levels.work.remote import is_here, must_run_on
from crmshell.session import Session

STARTUP_SECONDS = 60
_YES = frozenset(("true", "yes", "on", "1", "y"))


@contextmanager
def undisturbed(session: Session, place: str) -> Iterator[None]:
    """Inside, the cluster of the node `place` leaves its resources alone; afterwards it is as before.

    Where no cluster with quorum runs nothing is changed, and that is said.
    """
    ours = _put_in_maintenance(session, place)
    try:
        yield
    finally:
        if ours:
            _end_maintenance(session, place)


def _put_in_maintenance(session: Session, place: str) -> bool:
    """Whether it is in maintenance through us."""
    try:
        before = _crm(session, place, "configure", "get_property", "maintenance-mode")
        if before.strip().lower() in _YES:
            return False
        _crm(session, place, "maintenance", "on")
        _crm(session, place, "cluster", "wait", str(STARTUP_SECONDS))
    except ShellError as problem:
        session.info(f"resources are not kept from moving, for there is no cluster: {problem}")
        return False
    return True


def _end_maintenance(session: Session, place: str) -> None:
    try:
        _crm(session, place, "cluster", "wait_for_startup", str(STARTUP_SECONDS))
        _crm(session, place, "maintenance", "off")
    except ShellError as problem:
        session.warn(
            f"the cluster is still in maintenance ({problem}): crm maintenance off", "maintenance"
        )


def _crm(session: Session, place: str, *words: str) -> str:
    program = session.environment.own_program("crm") if is_here(session, place) else ""
    return must_run_on(session, place, [program or "crm", *words], timeout=2.0 * STARTUP_SECONDS)
