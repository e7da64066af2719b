"""Rules of the engine's edges and single cores, each switched off in the product's own code."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from engine.base import nodeconf, wire
from engine.controller import core, fence_watch
from engine.edges import clock, disk, keys, operations, worker
from engine.fencing import core as fencing
from engine.lrm import ops
from engine.membership import detector, views
from engine.node import agent, mail
from engine.replica import reads, requests, state, store

ROOT = Path(__file__).resolve().parents[2]


def _nothing(*_: Any, **__: Any) -> None:
    """Instead of what a rule asks for."""


def put(stack: ExitStack, owner: Any, name: str, value: Any) -> None:
    stack.enter_context(patch.object(owner, name, value))


def plant(stack: ExitStack, name: str, text: str) -> None:
    """Let a source file of the product end with this text, for whoever reads it."""
    real = Path.read_text

    def read_text(self: Path, *args: Any, **kwargs: Any) -> str:
        found = real(self, *args, **kwargs)
        return found + text if self == ROOT / name else found

    put(stack, Path, "read_text", read_text)


def fsync_does_nothing(stack: ExitStack) -> None:
    put(stack, disk.RealDisk, "fsync", _nothing)


def directory_not_synced(stack: ExitStack) -> None:
    put(stack, disk.RealDisk, "fsync_dir", _nothing)


def promise_before_disk(stack: ExitStack) -> None:
    def persist_promise(self: views.Views, frm: int, term: int) -> None:
        self._out.persist((views.WriteTerm(term),))
        self._promise(frm, term)

    put(stack, views.Views, "persist_promise", persist_promise)


def restored_store_trusted(stack: ExitStack) -> None:
    real = store.Store.raise_incarnation

    def raise_incarnation(self: store.Store, least: int) -> Any:
        state = real(self, least)
        return replace(state, standing=replace(state.standing, blank=False))

    put(stack, store.Store, "raise_incarnation", raise_incarnation)


def ended_view_comes_back(stack: ExitStack) -> None:
    def restart_of(self: views.Views, node: int) -> None:
        if self.active and self.view is not None and node in self.view.members:
            self.lose("restart")

    put(stack, views.Views, "restart_of", restart_of)


def lease_ignored_at_node(stack: ExitStack) -> None:
    put(stack, operations, "NEEDS_AUTHORITY", ())


def lease_ignored_at_dc(stack: ExitStack) -> None:
    put(stack, mail, "needs_authority", lambda message: False)


def authority_is_never_asked(stack: ExitStack) -> None:
    put(stack, agent.Node, "has_authority", lambda self: True)


def old_view_is_obeyed(stack: ExitStack) -> None:
    real = mail.Mail._order

    def order(self: mail.Mail, frm: int, message: Any) -> None:
        view = self._home.member.view
        if view is not None and isinstance(message, mail.messages.RunOp):
            message = mail.messages.RunOp(view.term, message.op)
            frm = view.dc
        real(self, frm, message)

    put(stack, mail.Mail, "_order", order)


def pause_unnoticed(stack: ExitStack) -> None:
    put(stack, agent.Node, "_notice_pause", _nothing)


def echoes_survive_a_pause(stack: ExitStack) -> None:
    put(stack, detector.Detector, "forget_echoes", _nothing)


def superseded_orders_begin(stack: ExitStack) -> None:
    put(stack, ops.LrmCore, "_drop_orders", _nothing)


def orphan_not_awaited(stack: ExitStack) -> None:
    put(stack, ops.LrmCore, "_adopt", _nothing)


def history_kept_after_an_interruption(stack: ExitStack) -> None:
    put(stack, operations.NodeHistory, "forget", _nothing)


def liar_is_believed(stack: ExitStack) -> None:
    put(stack, core.Controller, "_doubt", _nothing)


def failures_go_by_the_clock(stack: ExitStack) -> None:
    put(stack, operations.NodeHistory, "in_order", lambda self, result: result)


def fence_run_without_deadline(stack: ExitStack) -> None:
    real = fencing.FencingCore._timer

    def timer(self: Any, name: str, now: float, wall: float, effects: Any) -> None:
        if not name.startswith("run "):
            real(self, name, now, wall, effects)

    put(stack, fencing.FencingCore, "_timer", timer)


def fence_run_of_the_absent_goes_on(stack: ExitStack) -> None:
    put(stack, fencing.FencingCore, "_lose_runs_of_the_absent", _nothing)


def any_program_is_run(stack: ExitStack) -> None:
    put(stack, operations, "check_program", _nothing)


def every_life_is_another(stack: ExitStack) -> None:
    put(stack, fence_watch.FenceWatch, "met", lambda self, node, life: [])


def stale_incarnation_is_heard(stack: ExitStack) -> None:
    real = detector.Detector.meet

    def meet(self: Any, frm: int, incarnation: int, now: float) -> Any:
        found = real(self, frm, incarnation, now)
        return detector.Heard.USUAL if found is detector.Heard.STALE else found

    put(stack, detector.Detector, "meet", meet)


def wall_clock_for_timers(stack: ExitStack) -> None:
    put(stack, clock.RealClock, "now", clock.RealClock.wall)


def missing_keys_are_taken(stack: ExitStack) -> None:
    def number(header: dict[str, Any], key: str) -> int:
        value = header.get(key, 0)
        return value if isinstance(value, int) else 0

    put(stack, wire, "_number", number)


def one_way_links_count(stack: ExitStack) -> None:
    put(stack, detector.Detector, "_deaf_to", lambda self, node, alive: frozenset())


def witness_may_lead(stack: ExitStack) -> None:
    def appoint(self: Any, previous: int, since: list[int]) -> int:
        return previous if previous in since else since[0]

    put(stack, views.Views, "_appoint", appoint)


def dc_changes_with_each_view(stack: ExitStack) -> None:
    put(stack, views.Views, "_appoint", lambda self, previous, since: since[0])


def watchdog_always_fed(stack: ExitStack) -> None:
    put(stack, agent.Node, "may_feed", lambda self: True)


def read_without_a_round(stack: ExitStack) -> None:
    put(stack, reads.Reads, "is_followed", lambda self, followers: True)


def late_copy_is_taken(stack: ExitStack) -> None:
    put(stack, requests.Requests, "_is_new", lambda self, frm, message: True)


def expectation_ignored(stack: ExitStack) -> None:
    real = state.ReplicatedCib.judge

    def judge(self: Any, submission: Any) -> Any:
        return real(self, state.replace(submission, expected=()))

    put(stack, state.ReplicatedCib, "judge", judge)


def broken_stream_kills(stack: ExitStack) -> None:
    """A restarted member is not waited for, as if a broken stream were a proof."""
    put(stack, views.Views, "_waits_for_a_returned", lambda self, nodes: False)


def starts_hold_up_monitors(stack: ExitStack) -> None:
    def has_place(self: Any, op: Any) -> bool:
        return len(self._runs) < self.max_running or op.operation == "stop"

    put(stack, ops.LrmCore, "_has_place", has_place)


def worker_has_all_the_time(stack: ExitStack) -> None:
    put(stack, worker.Worker, "_too_slow", _nothing)


def no_certificate_wanted(stack: ExitStack) -> None:
    real = keys._contexts

    def contexts(path: str, certificates: Any) -> Any:
        found = real(path, certificates)
        found.server.verify_mode = found.client.verify_mode = keys.ssl.CERT_NONE
        return replace(found, accepted=_Everything())

    put(stack, keys, "_contexts", contexts)


class _Everything:
    """Holds whatever one asks for."""

    def __contains__(self, item: object) -> bool:
        return True


def node_file_unchecked(stack: ExitStack) -> None:
    put(stack, nodeconf, "check_node_config", lambda config: [])


def thread_in_a_core(stack: ExitStack) -> None:
    plant(stack, "engine/replica/member.py", "\nimport threading\n")


def fork_in_a_core(stack: ExitStack) -> None:
    plant(stack, "engine/lrm/ops.py", "\nimport os\nos.fork()\n")


def coroutine_in_a_core(stack: ExitStack) -> None:
    plant(stack, "engine/membership/views.py", "\nasync def wait() -> None: ...\n")


def unit_kills_the_services(stack: ExitStack) -> None:
    plant(stack, "crmshell/levels/units/crm-agent.service", "\nKillMode=control-group\n")


def two_dcs_in_a_term(stack: ExitStack) -> None:
    """C3: terms of different candidates are not distinct."""
    real = views.Views.propose

    def propose(self: Any, nodes: Any, **how: Any) -> None:
        slots, self._votes = self._votes, _OneSlot(self._votes)
        try:
            real(self, nodes, **how)
        finally:
            self._votes = slots

    put(stack, views.Views, "propose", propose)


class _OneSlot:
    """Votes in which every node has the same slot."""

    def __init__(self, votes: Any) -> None:
        self._votes = votes

    def slot(self, node: int) -> int:
        return 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._votes, name)
