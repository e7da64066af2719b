"""Append, acknowledge, commit: the log of one node within a view (engine 6.1).

A commit waits for all durable members of the view. Pure: messages and time in, effects in the
outbox. Also the log that view changes read and replace (`engine.membership.api.LogHolder`).
"""

from __future__ import annotations

from collections.abc import Callable

from engine.base.events import (
    Committed,
    Compact,
    Entry,
    Prepare,
    Reloaded,
    Snapshot,
    View,
    WriteCommit,
    WriteEntry,
    WriteView,
)
from engine.base.outbox import Outbox
from engine.membership.view import Timing
from engine.replica.entries import Log
from engine.replica.machine import Applied, Machine
from engine.replica.messages import Ack, Append, Commit, Replacement, Resync

RESEND_ENTRIES = 64
# Bytes per second that a large entry takes at least to a member and its disk: repeated before that,
# it would only be in its own way.
SLOW_LINK = 2_000_000
COMPACT_ENTRIES = 500
COMPACT_BYTES = 4 * 1024 * 1024


class Replica:
    """Log, commit index and state of one node."""

    def __init__(
        self,
        me: int,
        timing: Timing,
        log: Log,
        machine: Machine,
        outbox: Outbox,
        on_applied: Callable[[Applied], None],
        compact_after: int = COMPACT_ENTRIES,
        commit: int = 0,
    ) -> None:
        self._me = me
        self._timing = timing
        self._log = log
        self._machine = machine
        self._out = outbox
        self._on_applied = on_applied
        self._compact_after = compact_after
        self._view: View | None = None
        self._acks: dict[int, int] = {}
        self._progress: dict[int, float] = {}
        self._stuck_since = 0.0
        self._asked_at = float("-inf")
        self._known = 0
        self.commit = log.base
        machine.restore(log.start)
        while self.commit < min(commit, log.last):
            self.commit += 1
            machine.apply(log.entry(self.commit))
        self._written = self.commit

    # ---- the log, for view changes

    @property
    def base(self) -> int:
        return self._log.base

    @property
    def last(self) -> int:
        return self._log.last

    @property
    def known(self) -> int:
        """Up to where entries are known to be committed; the last may still wait to be applied."""
        return max(self.commit, self._known)

    def digest_at(self, index: int) -> bytes | None:
        return self._log.digest_at(index)

    def tail(self, after: int) -> tuple[Entry, ...]:
        return self._log.tail(after)

    def snapshot(self) -> Snapshot:
        return self._log.start

    def adopt(self, base: int, entries: tuple[Entry, ...], snapshot: Snapshot | None) -> None:
        """The log is now: the snapshot or what was up to `base`, then the entries.

        What was applied here was committed, so it is part of any log that a view adopts; only a
        snapshot can be ahead of it.
        """
        self._view = None
        self._known = 0
        if snapshot is not None:
            self._log = Log(snapshot, entries)
            self._restore(snapshot)
        else:
            self._log.replace_after(base, entries)

    def _restore(self, snapshot: Snapshot) -> None:
        self._machine.restore(snapshot)
        self.commit = snapshot.index
        self._out.add(Reloaded(snapshot.index))

    # ---- a view begins

    def activate(self, view: View, acks: dict[int, int]) -> None:
        """The view is active. At its DC everything in the log is now committed."""
        self._view = view
        now = self._out.now
        if view.dc != self._me:
            return
        self._acks = {node: acks.get(node, 0) for node in view.members}
        self._progress = dict.fromkeys(view.members, now)
        self._stuck_since = now
        if view.durable:
            self._advance()

    def append(self, payload: bytes) -> int:
        """At the DC of an active view with a log: sequence a record. Returns its index."""
        view = self._view
        if view is None:
            raise RuntimeError("append outside of an active view")
        if self.commit == self.last:
            self._stuck_since = self._out.now
        entry = self._log.append(view.term, payload)
        index = entry.index
        self._prepare(entry)
        self._out.persist((WriteEntry(entry),), lambda: self._own_ack(view, index))
        for node in view.members:
            if node != self._me:
                self._out.send(node, Append(view.term, (entry,), self.commit))
        return index

    def _own_ack(self, view: View, index: int) -> None:
        if self._view is view:
            self._out.local.append(Ack(view.term, index))

    def on_ack(self, frm: int, message: Ack, current: View | None) -> None:
        view = self._view
        if view is None or view is not current or view.term != message.term:
            return
        if view.dc != self._me:
            return
        if message.last > self._acks.get(frm, 0):
            self._acks[frm] = message.last
            self._progress[frm] = self._out.now
        self._advance()

    def _advance(self) -> None:
        view = self._view
        if view is None or not view.durable:
            return
        ready = min(self.last, *[self._acks.get(node, 0) for node in view.durable])
        if ready <= self.commit:
            return
        if self._apply_up_to(ready):
            self._tell_commit(view)

    def _tell_commit(self, view: View) -> None:
        digest = self._machine.digest()
        for node in view.members:
            if node != self._me:
                self._out.send(node, Commit(view.term, self.commit, digest))

    # ---- a member

    def on_append(
        self, frm: int, message: Append, installed: View | None, current: View | None
    ) -> None:
        """Take records from the DC of the installed view; others are not obeyed (R5)."""
        if installed is None or installed.term != message.term or installed.dc != frm:
            return
        fresh = []
        for entry in message.entries:
            if entry.index == self.last + 1:
                self._log.add(entry)
                self._prepare(entry)
                fresh.append(entry)
        if message.entries and message.entries[-1].index <= self.last:
            self._store(installed, tuple(fresh), message.entries[-1])
        if current is not None:
            self.learn(message.commit)

    def _store(self, view: View, fresh: tuple[Entry, ...], last: Entry) -> None:
        """Rule R1: acknowledge when it is on stable storage.

        With nothing fresh (a repetition) the write is empty: it ends after all before it. For a
        member that is not durable no commit waits: it acknowledges at once, to be left in peace.
        """

        def acknowledge() -> None:
            if self.digest_at(last.index) == last.digest:
                self._out.send(view.dc, Ack(view.term, last.index))

        writes = tuple([WriteEntry(entry) for entry in fresh])
        if self._me in view.durable:
            self._out.persist(writes, acknowledge)
        else:
            self._out.persist(writes)
            acknowledge()

    def on_commit(self, frm: int, message: Commit, current: View | None) -> None:
        view = self._view
        if view is None or view is not current or view.term != message.term or view.dc != frm:
            return
        self.learn(message.index)
        if self._machine.index == message.index and self._machine.digest() != message.digest:
            self._out.note("replica-diverged", index=message.index)
            self._ask_for_snapshot(view)

    def learn(self, index: int) -> None:
        """Entries up to `index` are committed, the DC of the active view says."""
        if self._view is not None and self._view.durable:
            self._apply_up_to(min(index, self.last))

    def _apply_up_to(self, index: int) -> bool:
        """Apply what is committed; whether anything was.

        It stops before a large entry that is not prepared yet; `go_on` continues from there.
        """
        self._known = max(self._known, index)
        done = []
        while self.commit < index:
            entry = self._log.entry(self.commit + 1)
            if not self._machine.is_ready(entry):
                self._prepare(entry)
                break
            self.commit += 1
            done.append(self._machine.apply(entry))
        if not done:
            return False
        self._stuck_since = self._out.now
        self._out.add(Committed(self.commit, self._machine.version, done[-1].wall))
        for applied in done:
            self._on_applied(applied)
        self._compact()
        return True

    def _prepare(self, entry: Entry) -> None:
        if not self._machine.is_ready(entry):
            self._out.add(Prepare(entry))

    def go_on(self, current: View | None) -> None:
        """An entry was prepared: apply what was known to be committed."""
        view = self._view
        if view is None or view is not current or not view.durable:
            return
        if view.dc == self._me:
            self._advance()
        else:
            self._apply_up_to(min(self._known, self.last))

    def _compact(self) -> None:
        """Rest the log on a new snapshot when it has grown."""
        if self.commit - self.base < self._compact_after and self._log.size < COMPACT_BYTES:
            return
        state, side = self._machine.state()
        snapshot = Snapshot(self.commit, self.digest_at(self.commit) or b"", state, side)
        self._log.rebase(snapshot)
        self._out.add(Compact(snapshot))

    # ---- time

    def tick(self, current: View | None) -> bool:
        """Repeat what was not acknowledged; True when a commit waits longer than it should."""
        if self.commit > self._written:
            self._written = self.commit
            self._out.persist((WriteCommit(self.commit),))
        view = self._view
        if view is None or view is not current or view.dc != self._me or not view.durable:
            return False
        for node in view.members:
            if node != self._me and self.is_due(node):
                self._progress[node] = self._out.now
                self._resend(view, node)
        return self.commit < self.last and self._out.now - self._stuck_since > self._timing.sync

    def is_due(self, node: int) -> bool:
        """Rule R12: the time for repeating runs per peer from its last progress."""
        have = self._acks.get(node, 0)
        if have >= self.last:
            return False
        size = len(self._log.entry(have + 1).payload) if have >= self.base else 0
        patience = self._timing.resend + size / SLOW_LINK
        return self._out.now - self._progress.get(node, 0.0) > patience

    def _resend(self, view: View, node: int) -> None:
        have = self._acks.get(node, 0)
        if have < self.base:
            self._send_replacement(view, node)
            return
        entries = self._log.tail(have, RESEND_ENTRIES)
        self._out.send(node, Append(view.term, entries, self.commit))

    def laggards(self) -> tuple[int, ...]:
        """Members whose acknowledgement is missing."""
        view = self._view
        if view is None:
            return ()
        return tuple(node for node in view.members if self._acks.get(node, 0) < self.last)

    # ---- the whole state, for a member that cannot go on with its log

    def _ask_for_snapshot(self, view: View) -> None:
        if self._out.now - self._asked_at > self._timing.resend:
            self._asked_at = self._out.now
            self._out.send(view.dc, Resync(view.term))

    def on_resync(self, frm: int, message: Resync, current: View | None) -> None:
        view = self._view
        if view is not None and view is current and view.term == message.term:
            self._send_replacement(view, frm)

    def _send_replacement(self, view: View, node: int) -> None:
        state, side = self._machine.state()
        snapshot = Snapshot(self.commit, self.digest_at(self.commit) or b"", state, side)
        rest = self._log.tail(self.commit)
        self._out.send(node, Replacement(view.term, snapshot, rest, self.commit))

    def on_replacement(self, frm: int, message: Replacement, current: View | None) -> None:
        view = self._view
        if view is None or view is not current or view.term != message.term or view.dc != frm:
            return
        if message.snapshot.index < self.commit:
            return
        self._log = Log(message.snapshot, message.entries)
        self._restore(message.snapshot)
        last = self.last
        write = WriteView(view, message.snapshot.index, message.entries, message.snapshot)
        self._out.persist((write,), lambda: self._out.send(frm, Ack(view.term, last)))
