"""What the replica core replicates, as an interface: judged at the DC, applied everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from engine.base.events import (
    Entry,
    Outcome,
    Question,
    Snapshot,
    StatusChange,
    Submission,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying an entry did: the request it answers, and the version that it made."""

    request_id: str
    version: tuple[int, int, int]
    wall: float = 0.0


class Machine(Protocol):
    """The replicated state. Every method is deterministic; `index` is the last applied entry."""

    index: int

    @property
    def version(self) -> tuple[int, int, int]: ...

    def judge(self, submission: Submission) -> bytes | Outcome | Question:
        """At the DC: the payload of the log entry, or the refusal. Changes nothing.

        A question is for somebody else to judge; `conclude` makes the rest of the verdict.
        """
        ...

    def conclude(self, submission: Submission, verdict: Verdict) -> bytes | Outcome:
        """What `judge` would have said; the state is still the one that it asked about."""
        ...

    def is_ready(self, entry: Entry) -> bool:
        """Whether applying the entry takes a moment only, because it is small or was prepared."""
        ...

    def take_prepared(self, digest: bytes, content: Any) -> None:
        """An entry was prepared."""
        ...

    def apply(self, entry: Entry) -> Applied: ...

    def outcome(self, request_id: str) -> Outcome | None:
        """The result of a request that is in the log, for one of the last 1024."""
        ...

    def digest(self) -> bytes:
        """16 bytes over the replicated state; equal on all nodes at equal index (I-6)."""
        ...

    def state(self) -> tuple[bytes, bytes]:
        """The contents of a snapshot: state and side."""
        ...

    def restore(self, snapshot: Snapshot) -> None: ...

    def change_status(self, changes: tuple[StatusChange, ...], updates: int | None) -> int:
        """Apply volatile changes; `updates` sets num_updates, None counts it up. Returns it."""
        ...

    def status(self) -> bytes:
        """The whole status section."""
        ...
