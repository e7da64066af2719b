"""Clients' changes on their way to the DC and back, each with an id that makes it happen once.

A node keeps the requests of its own clients until it has the result, and sends them again to a new
DC; the log remembers the ids (engine 6.6, step 4). A request has one of three ends: applied, refused
and never applied, or unknown. Refused is what no DC has had, or what a DC refused that had all
entries of former views before it (I-5), in answer to the last copy that was sent: an earlier one may
still be under way. Whatever was sent and got no answer is unknown.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from engine.base.events import Answer, Judge, Outcome, Question, Submission, Verdict, View
from engine.base.exitcodes import ExitStatus
from engine.base.outbox import Outbox
from engine.membership.view import Timing, Votes
from engine.replica.core import SLOW_LINK, Replica
from engine.replica.machine import Applied, Machine
from engine.replica.messages import Ask, Told

MAX_PENDING = 256
PATIENCE = 25.0
MOST_LOST = 2
"""A request that so many DCs did not survive is not sent to another one."""
LARGE = 256 * 1024
"""Bytes of a change from which on one lost DC is enough."""


@dataclass(slots=True)
class Pending:
    """A request of a client of this node.

    `dc` is the DC that it was sent to last (0: none), `lost` how many of those it was sent to were
    gone in the view after. `serial` is that of its last copy, `copies` how many this view had.
    """

    submission: Submission
    since: float
    sent_at: float
    dc: int = 0
    lost: int = 0
    serial: int = 0
    copies: int = 0

    @property
    def may_go_on(self) -> bool:
        """Whether a DC may get it, again or for the first time."""
        return self.lost < (1 if self.size >= LARGE else MOST_LOST)

    @property
    def size(self) -> int:
        """Bytes of the change."""
        return max(len(self.submission.patch), len(self.submission.replace))


class Requests:
    """Both sides: the clients of this node, and, while it is DC, the queue of all."""

    def __init__(
        self,
        me: int,
        votes: Votes,
        timing: Timing,
        machine: Machine,
        outbox: Outbox,
    ) -> None:
        self._me = me
        self._votes = votes
        self._timing = timing
        self._machine = machine
        self._out = outbox
        self._view: View | None = None
        self._pending: dict[str, Pending] = {}
        self._held: dict[str, Outcome] = {}
        self._queue: deque[Submission] = deque()
        self._askers: dict[str, dict[int, int]] = {}
        self._newest: dict[int, int] = {}
        self._serial = 0
        self._in_log: set[str] = set()
        self._questions = 0
        self._judging: tuple[int, Submission] | None = None

    # ---- clients of this node

    def submit(self, submission: Submission) -> None:
        """Take a request; its `Answer` comes now or later."""
        request = submission.request_id
        known = self._machine.outcome(request)
        if known is not None:
            self._out.add(Answer(known))
        elif request in self._pending:
            self._pending[request].since = self._out.now
        elif len(self._pending) >= MAX_PENDING:
            self._refuse(request, "busy: too many requests wait", ExitStatus.UNAVAILABLE)
        else:
            now = self._out.now
            self._pending[request] = Pending(submission, now, now)
            self._route(self._pending[request])

    def _route(self, pending: Pending) -> None:
        view = self._view
        if view is None:
            return
        pending.sent_at = self._out.now
        why = self._obstacle(view)
        if why and not pending.dc:
            request = pending.submission.request_id
            del self._pending[request]
            self._refuse(request, why, ExitStatus.QUORUM)
        elif not why and pending.may_go_on:
            self._serial += 1
            pending.dc, pending.serial = view.dc, self._serial
            pending.copies += 1
            self._out.send(view.dc, Ask(pending.submission, view.term, self._serial))

    def _obstacle(self, view: View) -> str:
        """Why this view cannot take changes; empty when it can."""
        if not view.quorate:
            return f"no quorum: {view.reason}"
        if not view.durable:
            absent = [node for node in self._votes.nodes if node not in view.members]
            names = ", ".join(self._votes.name(node) for node in absent)
            return f"no change before {names} is fenced (two_node)"
        return ""

    def _refuse(self, request: str, error: str, status: ExitStatus) -> None:
        self._out.add(Answer(Outcome(request, ok=False, error=error, status=status)))

    def on_told(self, message: Told) -> None:
        """A result; it is held until this node has applied it, so that a client reads what it wrote."""
        outcome = message.outcome
        if not outcome.ok and not self._is_of_now(message):
            return  # another DC has it by now, and may decide otherwise
        pending = self._pending.get(outcome.request_id)
        if pending is None:
            return
        if not outcome.ok and message.serial not in (0, pending.serial):
            pending.sent_at = self._out.now
            return  # the DC may take a later copy, which is under way
        del self._pending[outcome.request_id]
        if outcome.ok and outcome.index > self._machine.index:
            self._held[outcome.request_id] = outcome
        else:
            self._out.add(Answer(outcome))

    def _is_of_now(self, message: Told) -> bool:
        view = self._view
        return view is not None and message.term in (0, view.term)

    def tick(self) -> None:
        """Send again what has no result yet, and give up what waited too long."""
        now = self._out.now
        for request, pending in list(self._pending.items()):
            if now - pending.since > PATIENCE:
                del self._pending[request]
                self._give_up(pending)
            elif now - pending.sent_at > self._patience_with(pending):
                self._route(pending)
        for request, outcome in list(self._held.items()):
            if outcome.index <= self._machine.index:
                del self._held[request]
                self._out.add(Answer(outcome))

    def _patience_with(self, pending: Pending) -> float:
        """Each copy waits longer than the one before, and a large one for its time on the way."""
        pause = 4 * self._timing.resend * max(1, pending.copies)
        return pause + pending.size / SLOW_LINK

    def _give_up(self, pending: Pending) -> None:
        request = pending.submission.request_id
        if pending.dc:
            text = "outcome unknown: the cluster did not answer in time"
            self._refuse(request, text, ExitStatus.TIMEOUT)
        else:
            text = f"this node was in no active view for {PATIENCE:g} s, nothing was changed"
            self._refuse(request, text, ExitStatus.QUORUM)

    # ---- views

    def view_began(self, view: View) -> None:
        self.view_ended()
        self._view = view
        for pending in list(self._pending.values()):
            pending.copies = 0
            pending.lost += pending.dc != 0 and pending.dc not in view.members
            self._route(pending)

    def view_ended(self) -> None:
        self._view = None
        self._queue.clear()
        self._askers.clear()
        self._newest.clear()
        self._in_log.clear()
        self._judging = None

    # ---- the DC

    @property
    def waiting(self) -> tuple[str, ...]:
        """The requests that the DC has not judged yet, in their order."""
        return tuple(submission.request_id for submission in self._queue)

    def on_ask(self, frm: int, message: Ask) -> None:
        view = self._view
        if view is None or view.dc != self._me or not view.durable:
            return
        if message.term not in (0, view.term) or not self._is_new(frm, message):
            return
        submission = message.submission
        request = submission.request_id
        known = self._machine.outcome(request)
        if known is not None:
            self._out.send(frm, Told(self._complete(known, view), view.term, message.serial))
            return
        is_judged = self._judging is not None and self._judging[1].request_id == request
        is_new = not (is_judged or request in self._askers or request in self._in_log)
        self._askers.setdefault(request, {})[frm] = message.serial
        if is_new:
            if len(self._queue) >= MAX_PENDING:
                self._askers.pop(request)  # no answer: an older copy may still be in the log
                return
            self._queue.append(submission)

    def _is_new(self, frm: int, message: Ask) -> bool:
        """Whether a copy is newer than all that came from its sender in this view."""
        if message.serial and message.serial <= self._newest.get(frm, 0):
            return False
        self._newest[frm] = message.serial
        return True

    def pump(self, replica: Replica) -> None:
        """Judge the next request against the committed state and put it into the log.

        One at a time: what is judged is then what will be changed. Called after each event, when
        it is known whether the view still stands.
        """
        view = self._view
        if view is None or view.dc != self._me or not view.durable:
            return
        while self._queue and self._judging is None and replica.commit == replica.last:
            submission = self._queue.popleft()
            known = self._machine.outcome(submission.request_id)
            if known is not None:  # it was in the log of a former view
                self._tell(self._complete(known, view))
                continue
            judged = self._machine.judge(submission)
            if isinstance(judged, Question):
                self._questions += 1
                self._judging = (self._questions, submission)
                self._out.add(Judge(self._questions, judged))
            else:
                self._carry_out(submission, judged, view, replica)

    def on_judged(self, number: int, verdict: Verdict, replica: Replica) -> None:
        """The guard's answer about the request at hand; an answer for an earlier view is dropped."""
        view, judging = self._view, self._judging
        if view is None or judging is None or judging[0] != number:
            return
        self._judging = None
        self._carry_out(judging[1], self._machine.conclude(judging[1], verdict), view, replica)

    def _carry_out(
        self, submission: Submission, judged: bytes | Outcome, view: View, replica: Replica
    ) -> None:
        if isinstance(judged, Outcome):
            self._tell(self._complete(judged, view) if judged.ok else judged)
        else:
            self._in_log.add(submission.request_id)
            replica.append(judged)

    def on_applied(self, applied: Applied) -> None:
        """An entry was committed and applied here."""
        request = applied.request_id
        self._in_log.discard(request)
        view = self._view
        known = self._machine.outcome(request)
        if known is None:
            return
        if view is not None and view.dc == self._me:
            self._tell(self._complete(known, view))
        held = self._held.pop(request, None)
        if held is not None:
            self._out.add(Answer(held))
        elif self._pending.pop(request, None) is not None:
            self._out.add(Answer(known if view is None else self._complete(known, view)))

    def _complete(self, outcome: Outcome, view: View) -> Outcome:
        """With how many nodes have it on stable storage."""
        of = len(self._votes.nodes)
        warnings = outcome.warnings
        if 2 * len(view.durable) <= of:
            warnings = (*warnings, f"committed on {len(view.durable)} of {of} nodes")
        return replace(outcome, durable=view.durable, of=of, warnings=warnings)

    def _tell(self, outcome: Outcome) -> None:
        term = 0 if self._view is None else self._view.term
        for node, serial in self._askers.pop(outcome.request_id, {}).items():
            self._out.send(node, Told(outcome, term, serial))
