"""Linearizable reads: the DC shows that it is still followed before it says how far a reader must be.

Whatever was acknowledged before a read was asked for is in the answer (I-5). A lease is not enough for
that: for the length of it, a newer view may commit already. So the DC asks the members, after the read
came, whether they obey its term; a quorum of them that does rules out a newer view (engine 6.8). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.base.events import ReadPoint, View
from engine.base.exitcodes import ExitStatus
from engine.base.outbox import Outbox
from engine.membership.quorum import quorum
from engine.membership.view import Timing, Votes
from engine.replica.messages import Follow, Following

PATIENCE = 4.0
MAX_WAITING = 1024


@dataclass(slots=True)
class _Round:
    """The readers that came since the round before, and the members that obeyed the term after them."""

    since: float
    sent_at: float
    waiting: dict[int, int] = field(default_factory=dict)
    followers: set[int] = field(default_factory=set)


class Reads:
    """Both sides: the DC's rounds, and the members' word that they follow it."""

    def __init__(self, me: int, votes: Votes, timing: Timing, outbox: Outbox) -> None:
        self._me = me
        self._votes = votes
        self._timing = timing
        self._out = outbox
        self._view: View | None = None
        self._rounds: dict[int, _Round] = {}
        self._last = 0

    def view_began(self, view: View) -> None:
        self._view = view

    def view_ended(self) -> None:
        """Who waits is told to ask the next DC."""
        self._view = None
        rounds, self._rounds = self._rounds, {}
        for one in rounds.values():
            for number in one.waiting:
                self._refuse(number, "the view of the cluster changed", ExitStatus.TEMPFAIL)

    def ask(self, number: int, commit: int) -> None:
        """At the DC: answer reader `number` once a quorum has shown that `commit` is the newest."""
        view = self._view
        if view is None or view.dc != self._me:
            self._refuse(number, "this node is not the DC", ExitStatus.TEMPFAIL)
        elif not view.quorate:
            self._refuse(number, f"no quorum: {view.reason}", ExitStatus.QUORUM)
        elif not view.durable:
            text = "the other node is not fenced: it may have changed the configuration"
            self._refuse(number, text, ExitStatus.QUORUM)
        elif sum(len(one.waiting) for one in self._rounds.values()) >= MAX_WAITING:
            self._refuse(number, "busy: too many readers wait", ExitStatus.UNAVAILABLE)
        else:
            self._begin(view, number, commit)

    def _begin(self, view: View, number: int, commit: int) -> None:
        now = self._out.now
        self._last += 1
        one = self._rounds[self._last] = _Round(now, now)
        one.waiting[number] = commit
        one.followers.add(self._me)
        self._send(view, self._last)
        self._settle()

    def _send(self, view: View, serial: int) -> None:
        for node in view.members:
            if node != self._me:
                self._out.send(node, Follow(view.term, serial))

    def on_follow(self, frm: int, message: Follow, current: View | None) -> None:
        """At a member: say so if the asking DC is that of the view it obeys."""
        if current is not None and current.term == message.term and current.dc == frm:
            self._out.send(frm, Following(message.term, message.serial))

    def on_following(self, frm: int, message: Following) -> None:
        """At the DC: who obeyed after a later reader came did so after the earlier ones as well."""
        view = self._view
        if view is None or message.term != view.term or frm not in view.members:
            return
        for serial, one in self._rounds.items():
            if serial <= message.serial:
                one.followers.add(frm)
        self._settle()

    def _settle(self) -> None:
        for serial, one in list(self._rounds.items()):
            if self.is_followed(one.followers):
                del self._rounds[serial]
                for number, index in one.waiting.items():
                    self._out.add(ReadPoint(number, index))

    def is_followed(self, followers: set[int]) -> bool:
        """Whether no newer view can have a quorum that has heard of no term above this one."""
        return quorum(self._votes, sorted(followers)).quorate

    def tick(self) -> None:
        """Ask again, and give up what waited too long."""
        now, view = self._out.now, self._view
        for serial, one in list(self._rounds.items()):
            if now - one.since > PATIENCE:
                del self._rounds[serial]
                for number in one.waiting:
                    text = "the designated controller is not sure of its quorum at present"
                    self._refuse(number, text, ExitStatus.QUORUM)
            elif view is not None and now - one.sent_at > self._timing.resend:
                one.sent_at = now
                self._send(view, serial)

    def _refuse(self, number: int, error: str, status: ExitStatus) -> None:
        self._out.add(ReadPoint(number, 0, error, status))
