"""The replicated log in memory: entries after a snapshot, chained by digest."""

from __future__ import annotations

from hashlib import sha256

from engine.base.events import Entry, Snapshot

DIGEST_SIZE = 16
GENESIS = Snapshot(0, bytes(DIGEST_SIZE), b"", b"")


def chained(previous: bytes, index: int, term: int, payload: bytes) -> Entry:
    """The entry that follows the one whose digest is `previous`."""
    head = previous + index.to_bytes(8, "little") + term.to_bytes(8, "little")
    return Entry(index, term, payload, sha256(head + payload).digest()[:DIGEST_SIZE])


class Log:
    """Snapshot plus entries; positions are indexes, the first entry ever is 1."""

    __slots__ = ("entries", "size", "start")

    def __init__(self, start: Snapshot = GENESIS, entries: tuple[Entry, ...] = ()) -> None:
        self.start = start
        self.entries: list[Entry] = list(entries)
        self.size = sum(len(entry.payload) for entry in entries)

    @property
    def base(self) -> int:
        return self.start.index

    @property
    def last(self) -> int:
        return self.start.index + len(self.entries)

    def digest_at(self, index: int) -> bytes | None:
        place = index - self.start.index
        if place == 0:
            return self.start.digest
        return self.entries[place - 1].digest if 0 < place <= len(self.entries) else None

    def entry(self, index: int) -> Entry:
        return self.entries[index - self.start.index - 1]

    def tail(self, after: int, limit: int | None = None) -> tuple[Entry, ...]:
        first = max(0, after - self.start.index)
        return tuple(self.entries[first : None if limit is None else first + limit])

    def append(self, term: int, payload: bytes) -> Entry:
        entry = chained(self.digest_at(self.last) or b"", self.last + 1, term, payload)
        self.add(entry)
        return entry

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.size += len(entry.payload)

    def replace_after(self, base: int, entries: tuple[Entry, ...]) -> None:
        """Drop what is after `base` and put these there."""
        del self.entries[base - self.start.index :]
        self.entries.extend(entries)
        self.size = sum(len(entry.payload) for entry in self.entries)

    def rebase(self, start: Snapshot) -> None:
        """Forget the entries that the snapshot covers."""
        self.entries = list(self.tail(start.index))
        self.start = start
        self.size = sum(len(entry.payload) for entry in self.entries)
