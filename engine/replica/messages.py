"""The messages of log, requests and status stream (engine 3.3), by kind."""

from __future__ import annotations

from dataclasses import dataclass

from engine.base.events import Entry, Outcome, Snapshot, StatusChange, Submission


@dataclass(frozen=True, slots=True)
class Append:
    """The DC's records for the log, consecutive; everything up to `commit` is committed."""

    term: int
    entries: tuple[Entry, ...]
    commit: int


@dataclass(frozen=True, slots=True)
class Ack:
    """The sender has everything up to `last` on stable storage."""

    term: int
    last: int


@dataclass(frozen=True, slots=True)
class Commit:
    """Entries up to `index` are committed; `digest` is that of the configuration after it."""

    term: int
    index: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Resync:
    """A member that cannot go on with its log asks the DC for a snapshot."""

    term: int


@dataclass(frozen=True, slots=True)
class Replacement:
    """The answer: the whole state, and the entries after it."""

    term: int
    snapshot: Snapshot
    entries: tuple[Entry, ...]
    commit: int


@dataclass(frozen=True, slots=True)
class Ask:
    """`SUBMIT`: a client of the sender wants a change.

    Only the DC of view `term` may take it, so that a late copy is never carried out (0: any DC, from
    a version without this field). `serial` counts what this life of the sender asked: the DC takes
    only what is newer than all it had from that node.
    """

    submission: Submission
    term: int = 0
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """`RESULT` of a submission, decided in view `term` (0: by a version without this field).

    It answers the copy with this `serial`.
    """

    outcome: Outcome
    term: int = 0
    serial: int = 0


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """Volatile record number `number` of the view: changes of the status section.

    `updates` is the `num_updates` of the CIB after it.
    """

    term: int
    number: int
    updates: int
    changes: tuple[StatusChange, ...]


@dataclass(frozen=True, slots=True)
class StatusFetch:
    """The sender missed a volatile record."""

    term: int


@dataclass(frozen=True, slots=True)
class Follow:
    """The DC of view `term` asks whether the receiver obeys it still."""

    term: int
    serial: int


@dataclass(frozen=True, slots=True)
class Following:
    """It does: the sender promised nothing newer."""

    term: int
    serial: int


MESSAGES: dict[int, type] = {
    16: Append,
    17: Ack,
    18: Commit,
    19: Resync,
    20: Replacement,
    21: Ask,
    22: Told,
    23: StatusUpdate,
    24: StatusFetch,
    25: Follow,
    26: Following,
}
