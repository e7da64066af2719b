"""Which log a view starts with, and what each member has to be sent of it (engine 4.5, rule R4). Pure."""

from __future__ import annotations

from engine.base.events import Entry, Snapshot, View
from engine.membership.api import LogHolder
from engine.membership.messages import Install, Promise


def best_log(got: dict[int, Promise], among: list[int], me: int) -> int:
    """Rule R4: the highest (accepted, last index), never the longest; of equals this node's own."""
    return max(among, key=lambda node: (got[node].accepted, got[node].last, node == me, -node))


class Draft:
    """The log that a view shall start with: this node's log up to `base`, then entries."""

    def __init__(
        self, log: LogHolder, base: int, entries: tuple[Entry, ...], snapshot: Snapshot | None
    ) -> None:
        self._log = log
        self._base = base
        self._entries = entries
        self._snapshot = snapshot
        self.last = entries[-1].index if entries else base
        self.last_digest = self.digest_at(self.last) or b""

    def digest_at(self, index: int) -> bytes | None:
        if index > self.last:
            return None
        if index > self._base:
            return self._entries[index - self._base - 1].digest
        if self._snapshot is None:
            return self._log.digest_at(index)
        return self._snapshot.digest if index == self._snapshot.index else None

    def install_for(self, view: View, promise: Promise) -> Install:
        """The `INSTALL` for a member whose log stands where its promise says."""
        for index, digest in (
            (promise.last, promise.last_digest),
            (promise.safe, promise.safe_digest),
        ):
            if digest and self.digest_at(index) == digest:
                return Install(view, index, digest, self._after(index), self.last, self.last_digest)
        snapshot = self._snapshot or self._log.snapshot()
        return Install(
            view,
            snapshot.index,
            snapshot.digest,
            self._after(snapshot.index),
            self.last,
            self.last_digest,
            snapshot,
        )

    def _after(self, index: int) -> tuple[Entry, ...]:
        if index >= self._base:
            return self._entries[index - self._base :]
        own = self._log.tail(index)
        return own[: self._base - index] + self._entries
