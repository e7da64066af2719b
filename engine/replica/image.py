"""What a store's records add up to: the state that a node starts from after a crash.

Pure: the same folding is done by the store when it reads its files and by the simulated disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.base.events import (
    Entry,
    Snapshot,
    View,
    Write,
    WriteCommit,
    WriteEntry,
    WriteTerm,
    WriteView,
)
from engine.membership.attempt import Standing
from engine.replica.entries import GENESIS, Log


@dataclass(frozen=True, slots=True)
class StoreState:
    """What a store holds when a node starts.

    `incarnation` is already this life's. Entries up to `commit` are known to be committed. `problems` are findings about damaged files, for people.
    """

    store_id: bytes = b""
    incarnation: int = 1
    standing: Standing = field(default_factory=Standing)
    log: Log = field(default_factory=Log)
    commit: int = 0
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class StoreImage:
    """Folded records; `entries` follow `start` without a gap."""

    promised: int = 0
    accepted: int = 0
    blank: bool = True
    view: View | None = None
    start: Snapshot = GENESIS
    entries: list[Entry] = field(default_factory=list)
    commit: int = 0

    def apply(self, write: Write) -> None:
        """Fold one record in; `ValueError` when it does not fit what is before it."""
        if isinstance(write, WriteEntry):
            self._append(write.entry)
        elif isinstance(write, WriteTerm):
            self.promised = max(self.promised, write.term)
        elif isinstance(write, WriteCommit):
            self.commit = max(self.commit, write.index)
        else:
            self._adopt(write)

    def compact(self, start: Snapshot) -> None:
        """The log rests on a newer snapshot now."""
        place = start.index - self.start.index
        if not 0 <= place <= len(self.entries):
            raise ValueError(f"a snapshot at {start.index} does not fit the log")
        del self.entries[:place]
        self.start = start
        self.commit = max(self.commit, start.index)

    def state(
        self, store_id: bytes, incarnation: int, problems: tuple[str, ...] = ()
    ) -> StoreState:
        standing = Standing(self.promised, self.accepted, self.blank, self.view)
        log = Log(self.start, tuple(self.entries))
        return StoreState(store_id, incarnation, standing, log, self.commit, problems)

    @property
    def last(self) -> int:
        return self.start.index + len(self.entries)

    def _append(self, entry: Entry) -> None:
        if entry.index != self.last + 1:
            raise ValueError(f"entry {entry.index} follows entry {self.last}")
        self.entries.append(entry)

    def _adopt(self, write: WriteView) -> None:
        if write.snapshot is not None:
            self.start, self.entries = write.snapshot, list(write.entries)
        else:
            place = write.base - self.start.index
            if not 0 <= place <= len(self.entries):
                raise ValueError(f"view {write.view.term} starts at {write.base}, outside the log")
            self.entries[place:] = write.entries
        self.promised = max(self.promised, write.view.term)
        self.accepted = write.view.term
        self.blank = False
        self.view = write.view
