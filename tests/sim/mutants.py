"""Known errors of the protocol, each a rule of engine 4.6 switched off in the product's code.

The oracle must see each of them: `python -m tests.sim mutants` searches, `tests/mutants/table.py` keeps the
runs that show them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from engine.base.outbox import Outbox
from engine.membership import views as views_module
from engine.membership.detector import Detector
from engine.membership.quorum import Verdict
from engine.membership.views import Views
from engine.replica import member as member_module
from engine.replica import requests as requests_module
from engine.replica.core import Replica
from engine.replica.image import StoreImage
from engine.replica.member import Member

Patches = Callable[[ExitStack], None]


def _ack_before_fsync(stack: ExitStack) -> None:
    """R1: what waits for the disk goes on at once."""
    real = Outbox.persist

    def persist(self: Outbox, writes: Any, then: Any = None) -> None:
        real(self, writes)
        if then is not None and not self.failure:
            then()

    stack.enter_context(patch.object(Outbox, "persist", persist))


def _promise_not_persisted(stack: ExitStack) -> None:
    """R2: the promise is given, but not written."""

    def persist_promise(self: Views, frm: int, term: int) -> None:
        self._promise(frm, term)

    stack.enter_context(patch.object(Views, "persist_promise", persist_promise))


def _blank_votes(stack: ExitStack) -> None:
    """R3: blank stores take part in choosing the log."""

    def electors(self: Views, got: Any) -> list[int]:
        return sorted(node for node, item in got.items() if item.durable)

    def has_vote(self: Views, node: int) -> bool:
        return not self._is_stuck(node)

    stack.enter_context(patch.object(Views, "electors", electors))
    stack.enter_context(patch.object(Views, "_has_vote", has_vote))


def _longest_log(stack: ExitStack) -> None:
    """R4: the longest log wins, whatever view it is of."""

    def longest(got: Any, among: list[int], me: int) -> int:
        return max(among, key=lambda node: (got[node].last, node == me, -node))

    stack.enter_context(patch.object(views_module, "best_log", longest))


def _no_fence_old_term(stack: ExitStack) -> None:
    """R5: what is older than the promise is obeyed."""
    stack.enter_context(patch.object(Views, "obeys", lambda self, term: True))
    stack.enter_context(patch.object(Views, "is_over", lambda self, term: False))


def _half_is_quorum(stack: ExitStack) -> None:
    """R6: half of the votes is enough."""

    def half(votes: Any, present: Any, all_seen: bool = True) -> Verdict:
        here = sum(count for node, count in votes.votes if node in present)
        total = sum(count for _, count in votes.votes)
        return Verdict(2 * here >= total, "half")

    for module in (views_module, member_module):
        stack.enter_context(patch.object(module, "quorum", half))


def _restart_unnoticed(stack: ExitStack) -> None:
    """R10: a new incarnation changes nothing, and nobody learns of the terms of others."""
    stack.enter_context(patch.object(Views, "restart_of", lambda self, node: None))
    stack.enter_context(patch.object(Detector, "highest_promise", lambda self: 0))
    stack.enter_context(patch.object(Views, "on_refuse", lambda self, frm, message: None))


def _bootstrap_all_blank(stack: ExitStack) -> None:
    """R11: a first start wants all stores blank, not all logs empty."""

    def first(self: Views, got: Any) -> bool:
        return len(got) == len(self._votes.nodes) and all(item.blank for item in got.values())

    stack.enter_context(patch.object(Views, "is_first_start", first))


def _resend_timer_shared(stack: ExitStack) -> None:
    """R12: one timer for all peers, set back by each new submission."""
    real_ask = requests_module.Requests.on_ask

    def on_ask(self: Any, frm: int, message: Any) -> None:
        self._out.last_submission = self._out.now
        real_ask(self, frm, message)

    def is_due(self: Replica, node: int) -> bool:
        last = getattr(self._out, "last_submission", 0.0)
        behind = self._acks.get(node, 0) < self.last
        return behind and self._out.now - max(last, self._progress.get(node, 0.0)) > (
            self._timing.resend
        )

    class OpenOutbox(Outbox):
        """With room for the shared timer."""

    stack.enter_context(patch.object(member_module, "Outbox", OpenOutbox))
    stack.enter_context(patch.object(requests_module.Requests, "on_ask", on_ask))
    stack.enter_context(patch.object(Replica, "is_due", is_due))


def _lonely_view_takes_the_log(stack: ExitStack) -> None:
    """R8: a view without quorum sets `accepted`, as if it had the right log."""
    real = Views.on_install

    def on_install(self: Views, frm: int, message: Any) -> None:
        real(self, frm, message)
        if not message.view.quorate and self.view is message.view:
            self.accepted = message.view.term

    stack.enter_context(patch.object(Views, "on_install", on_install))


def _disk_error_ignored(stack: ExitStack) -> None:
    """R9: after a failed write the node goes on as if it had been written."""

    def fail(self: Outbox, reason: str) -> None:
        self.persisted(self._token)

    stack.enter_context(patch.object(Outbox, "fail", fail))


def _authority_without_a_round(stack: ExitStack) -> None:
    """R13: a DC acts because its view became active, not because a quorum still follows."""

    def has_authority(self: Member, now: float) -> bool:
        return self.view is not None

    stack.enter_context(patch.object(Member, "has_authority", has_authority))


def _entry_taken_twice(stack: ExitStack) -> None:
    """Exactly once: the ids of requests in the log are forgotten."""
    from tests.sim.listmachine import ListMachine

    def outcome(self: ListMachine, request_id: str) -> None:
        return None

    stack.enter_context(patch.object(ListMachine, "outcome", outcome))


def _adopted_log_not_written(stack: ExitStack) -> None:
    """The log of a view is adopted in memory, and only its term on disk."""
    real = StoreImage._adopt

    def adopt(self: StoreImage, write: Any) -> None:
        kept = list(self.entries)
        real(self, write)
        if write.snapshot is None:
            self.entries = kept

    stack.enter_context(patch.object(StoreImage, "_adopt", adopt))


def _commit_before_fencing(stack: ExitStack) -> None:
    """D-19: with two_node both halves commit as soon as they are alone."""
    stack.enter_context(patch.object(Views, "unsafe", lambda self, nodes: ()))


def _refused_after_it_was_sent(stack: ExitStack) -> None:
    """I-5: what a DC had already is refused for certain when quorum is lost."""
    real = requests_module.Requests._route

    def route(self: Any, pending: Any) -> None:
        pending.dc = 0
        real(self, pending)

    stack.enter_context(patch.object(requests_module.Requests, "_route", route))


MUTANTS: dict[str, Patches] = {
    "ack_before_fsync": _ack_before_fsync,
    "promise_not_persisted": _promise_not_persisted,
    "blank_votes": _blank_votes,
    "longest_log": _longest_log,
    "no_fence_old_term": _no_fence_old_term,
    "half_is_quorum": _half_is_quorum,
    "restart_unnoticed": _restart_unnoticed,
    "bootstrap_all_blank": _bootstrap_all_blank,
    "resend_timer_shared": _resend_timer_shared,
    "lonely_view_takes_the_log": _lonely_view_takes_the_log,
    "disk_error_ignored": _disk_error_ignored,
    "authority_without_a_round": _authority_without_a_round,
    "entry_taken_twice": _entry_taken_twice,
    "adopted_log_not_written": _adopted_log_not_written,
    "commit_before_fencing": _commit_before_fencing,
    "refused_after_it_was_sent": _refused_after_it_was_sent,
}


@contextmanager
def mutant(name: str) -> Iterator[None]:
    """The product with one rule switched off."""
    with ExitStack() as stack:
        MUTANTS[name](stack)
        yield
