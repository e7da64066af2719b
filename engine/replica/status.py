"""The volatile stream: changes of the status section from the DC to every member (engine 6.1).

Not logged and not acknowledged. A member that missed a record gets the whole section.
"""

from __future__ import annotations

from engine.base.events import StatusApplied, StatusChange, View
from engine.base.outbox import Outbox
from engine.membership.view import Timing
from engine.replica.machine import Machine
from engine.replica.messages import StatusFetch, StatusUpdate


class StatusStream:
    """Numbered changes within a view."""

    def __init__(self, me: int, timing: Timing, machine: Machine, outbox: Outbox) -> None:
        self._me = me
        self._timing = timing
        self._machine = machine
        self._out = outbox
        self._view: View | None = None
        self._asked_at = float("-inf")
        self.number = 0

    def view_began(self, view: View) -> None:
        self._view = view
        self.number = 0

    def view_ended(self) -> None:
        self._view = None

    def submit(self, changes: tuple[StatusChange, ...]) -> None:
        """At the DC: apply and send on. Without an active view the changes are dropped."""
        view = self._view
        if view is None or view.dc != self._me or not changes:
            return
        self.number += 1
        updates = self._machine.change_status(changes, None)
        self._out.add(StatusApplied(changes))
        for node in view.members:
            if node != self._me:
                self._out.send(node, StatusUpdate(view.term, self.number, updates, changes))

    def on_update(self, frm: int, message: StatusUpdate) -> None:
        view = self._view
        if view is None or view.term != message.term or view.dc != frm:
            return
        whole = bool(message.changes) and not message.changes[0].path
        if message.number <= self.number and not (whole and message.number == self.number):
            return
        if message.number != self.number + 1 and not whole:
            self.expect(message.number)
            return
        self.number = message.number
        self._machine.change_status(message.changes, message.updates)
        self._out.add(StatusApplied(message.changes))

    def expect(self, number: int) -> None:
        """The DC is at that number: ask for the section when this node is behind."""
        view = self._view
        if view is None or view.dc == self._me or number <= self.number:
            return
        if self._out.now - self._asked_at > self._timing.resend:
            self._asked_at = self._out.now
            self._out.send(view.dc, StatusFetch(view.term))

    def on_fetch(self, frm: int, message: StatusFetch) -> None:
        view = self._view
        if view is None or view.term != message.term or view.dc != self._me:
            return
        whole = (StatusChange((), self._machine.status()),)
        updates = self._machine.version[2]
        self._out.send(frm, StatusUpdate(view.term, self.number, updates, whole))
