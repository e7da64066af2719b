"""Which rule is kept by which judge: for each rule the product with it switched off, and who sees that.

A judge is a test by its node id, or a run of the simulation: `seed N` or `run NAME` (an artefact of
`tests/sim/regress`) for the log, `fence N` for the controllers with fencing. It sees a mutant when it fails by an assertion of its own; a mutant that merely
breaks something is not seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.mutants import switches
from tests.sim.controlworld import Violation as ControlViolation
from tests.sim.fenceworld import play
from tests.sim.mutants import MUTANTS as PROTOCOL
from tests.sim.runs import run_artefact, run_seed
from tests.sim.world import Violation

REGRESS = Path(__file__).resolve().parents[1] / "sim" / "regress"


@dataclass(frozen=True)
class Mutant:
    """The product with something switched off; `rules` are the ones that this breaks."""

    name: str
    rules: tuple[str, ...]
    switch: Callable[[ExitStack], None]
    judges: tuple[str, ...]


def _protocol(name: str, rules: str, *judges: str) -> Mutant:
    return Mutant(name, tuple(rules.split()), PROTOCOL[name], judges)


def _edge(switch: Callable[[ExitStack], None], rules: str, *judges: str) -> Mutant:
    return Mutant(switch.__name__, tuple(rules.split()), switch, judges)


UNIT, CLUSTER = "tests/unit/", "tests/cluster/"
PROGRAMS = CLUSTER + "test_programs.py::test_"
AUTHORITY = UNIT + "node/test_authority.py::test_"
SEAMS = UNIT + "test_seams_are_kept.py::test_"
VIEWS = UNIT + "membership/test_views.py::test_"
DETECTOR = UNIT + "membership/test_detector.py::test_"
QUEUES = UNIT + "lrm/test_ops.py::test_"

# A change of the protocol may move the seeds: `python -m tests.sim mutants NAME` finds others.
MUTANTS: tuple[Mutant, ...] = (
    _protocol(
        "ack_before_fsync",
        "R1 C1",
        "run power-loss-with-slow-disks-0",
        "run power-loss-with-slow-disks-1",
    ),
    _protocol("promise_not_persisted", "R2", "seed 28", "seed 38", "seed 47", "seed 52"),
    _protocol("blank_votes", "R3", "run stale-and-blank-alone-0", "run stale-and-blank-alone-1"),
    _protocol(
        "longest_log", "R4", "run equal-length-other-history-0", "run equal-length-other-history-9"
    ),
    _protocol("no_fence_old_term", "R5", "seed 0", "seed 97", "seed 380"),
    _protocol("half_is_quorum", "R6", "run split-in-halves-0", "run split-in-halves-1"),
    _protocol("restart_unnoticed", "R10 D-9", "run wiped-with-high-terms-0", "seed 116"),
    _protocol(
        "bootstrap_all_blank",
        "R11",
        "run power-loss-in-first-start-3-17",
        "run power-loss-in-first-start-3-11",
    ),
    _protocol(
        "resend_timer_shared",
        "R12",
        "run appends-lost-under-load-0",
        "run appends-lost-under-load-1",
    ),
    _protocol("lonely_view_takes_the_log", "R8", "seed 16", "seed 17", "seed 23"),
    _protocol(
        "disk_error_ignored",
        "R9",
        "run disk-error-then-power-loss-1",
        "run disk-error-then-power-loss-2",
    ),
    _protocol("authority_without_a_round", "R13 D-16", "seed 0"),
    _protocol("entry_taken_twice", "C1", "seed 0", "seed 1", "seed 2"),
    _protocol("adopted_log_not_written", "C1", "seed 0", "seed 1", "seed 2"),
    _protocol("commit_before_fencing", "D-19", "run two-nodes-cut-0", "run two-nodes-cut-1"),
    _protocol("refused_after_it_was_sent", "C1", "seed 1", "seed 2", "seed 6", "seed 12"),
    _edge(switches.two_dcs_in_a_term, "C3", *[f"seed {n}" for n in range(8)]),
    _edge(switches.read_without_a_round, "R13", *[f"seed {n}" for n in range(12)]),
    _edge(
        switches.fsync_does_nothing,
        "R1 C1",
        UNIT + "edges/test_disk.py::test_a_file_is_synced_when_the_store_says_so",
    ),
    _edge(
        switches.directory_not_synced,
        "C1",
        UNIT + "edges/test_disk.py::test_a_directory_is_synced_so_that_a_new_name_stays",
    ),
    _edge(
        switches.promise_before_disk,
        "R2",
        VIEWS + "a_promise_is_given_when_it_is_on_the_disk_and_not_before",
    ),
    _edge(
        switches.restored_store_trusted,
        "R7",
        UNIT
        + "replica/test_store.py::test_an_old_copy_of_a_store_is_put_aside_and_the_incarnation_raised",
    ),
    _edge(
        switches.ended_view_comes_back,
        "R10",
        VIEWS + "a_view_that_a_restart_has_ended_never_becomes_active_again",
    ),
    _edge(
        switches.stale_incarnation_is_heard,
        "D-9",
        DETECTOR + "incarnations_end_each_other",
    ),
    _edge(
        switches.lease_ignored_at_node,
        "D-16 C6",
        AUTHORITY + "without_authority_a_node_starts_nothing",
    ),
    _edge(
        switches.lease_ignored_at_dc, "R13 C6", AUTHORITY + "without_authority_a_dc_orders_nothing"
    ),
    _edge(
        switches.authority_is_never_asked,
        "C6 D-16",
        AUTHORITY + "without_authority_a_node_starts_nothing",
    ),
    _edge(
        switches.watchdog_always_fed,
        "C6",
        AUTHORITY + "the_watchdog_is_fed_with_authority_or_with_nothing_to_lose_and_never_else",
    ),
    _edge(
        switches.old_view_is_obeyed, "C3 R5", AUTHORITY + "an_order_of_an_old_view_is_not_obeyed"
    ),
    _edge(
        switches.pause_unnoticed,
        "D-11",
        AUTHORITY + "a_pause_is_told_before_anything_that_came_meanwhile",
    ),
    _edge(
        switches.echoes_survive_a_pause,
        "D-11 D-16",
        DETECTOR + "after_a_pause_nothing_is_confirmed",
    ),
    _edge(
        switches.superseded_orders_begin,
        "C4",
        QUEUES + "orders_of_another_dc_are_not_begun_and_repeated_ones_go_on",
    ),
    _edge(
        switches.orphan_not_awaited,
        "C2",
        "fence 4",
        "fence 6",
        "fence 7",
        QUEUES + "nothing_of_a_resource_begins_while_a_program_of_an_earlier_life_has_it",
    ),
    _edge(
        switches.history_kept_after_an_interruption,
        "C2",
        PROGRAMS + "nothing_is_done_to_a_resource_before_the_program_of_an_earlier_life_is_gone",
    ),
    _edge(
        switches.fence_run_without_deadline,
        "C5",
        "fence 5",
        "fence 6",
        "fence 11",
        UNIT + "fencing/test_core.py::test_a_result_that_got_lost_ends_the_run_at_its_deadline",
    ),
    _edge(
        switches.fence_run_of_the_absent_goes_on,
        "C5",
        UNIT
        + "fencing/test_core.py::test_a_run_ends_when_its_node_leaves_and_another_node_takes_over",
    ),
    _edge(switches.liar_is_believed, "C2 D-8", "fence 2354"),
    _edge(
        switches.failures_go_by_the_clock,
        "D-10 C5",
        *[f"fence {n}" for n in (24, 30, 36, 142)],
    ),
    _edge(
        switches.starts_hold_up_monitors,
        "C5",
        QUEUES + "starts_that_take_their_time_keep_no_monitor_waiting",
    ),
    _edge(
        switches.any_program_is_run,
        "C7",
        PROGRAMS + "an_agent_that_others_may_write_is_never_run",
    ),
    _edge(
        switches.every_life_is_another,
        "D-8",
        UNIT
        + "controller/test_core.py::test_a_fence_agent_that_lied_is_named_when_the_node_comes_back_as_it_was",
    ),
    _edge(
        switches.wall_clock_for_timers,
        "D-10",
        UNIT + "edges/test_clock.py::test_a_jump_of_the_wall_clock_moves_no_timer",
    ),
    _edge(
        switches.missing_keys_are_taken,
        "D-13 C7",
        UNIT + "base/test_wire.py::test_what_is_no_message_is_bad_input",
    ),
    _edge(
        switches.one_way_links_count,
        "D-15",
        DETECTOR + "members_must_hear_each_other_in_both_directions",
    ),
    _edge(
        switches.witness_may_lead,
        "D-18",
        VIEWS + "the_dc_stays_else_who_is_longest_there_and_a_witness_comes_last",
    ),
    _edge(
        switches.dc_changes_with_each_view,
        "D-20",
        VIEWS + "the_dc_stays_else_who_is_longest_there_and_a_witness_comes_last",
    ),
    _edge(
        switches.late_copy_is_taken,
        "C1",
        UNIT + "replica/test_requests.py::test_the_dc_takes_no_copy_that_is_late_or_for_another_dc",
    ),
    _edge(
        switches.expectation_ignored,
        "C1",
        UNIT
        + "replica/test_replicated_cib.py::test_of_two_changes_for_one_version_the_second_is_refused_even_if_it_changes_nothing",
    ),
    _edge(
        switches.broken_stream_kills,
        "R10",
        "tests/sim/test_returning.py::test_no_view_is_made_without_a_node_whose_agent_is_back_in_time",
    ),
    _edge(
        switches.worker_has_all_the_time,
        "D-3",
        UNIT + "edges/test_guard.py::test_a_change_that_takes_too_long_is_refused_in_words",
    ),
    _edge(
        switches.no_certificate_wanted,
        "D-22 C7",
        UNIT + "membership/test_embedded.py::test_a_peer_without_the_key_changes_nothing",
    ),
    _edge(
        switches.node_file_unchecked,
        "D-23",
        UNIT + "base/test_nodeconf.py::test_a_mistake_is_told_with_file_and_line",
    ),
    _edge(switches.thread_in_a_core, "D-1 D-2", SEAMS + "only_the_edges_touch_the_world"),
    _edge(switches.fork_in_a_core, "D-6", SEAMS + "only_the_edges_touch_the_world"),
    _edge(
        switches.coroutine_in_a_core,
        "D-7",
        SEAMS + "pure_modules_have_no_coroutines_and_no_logging",
    ),
    _edge(
        switches.unit_kills_the_services,
        "D-5",
        UNIT + "node/test_unit_file.py::test_a_crash_of_the_agent_leaves_the_services_alone",
    ),
)

# Rules that no line of code carries alone, and what holds them instead.
WITHOUT = {
    "D-4": "asked of the kernel at start, which may refuse: looked at on real hosts",
    "D-12": "only shown; changes no decision",
    "D-14": "import contracts in setup.cfg: the replica knows no backend",
    "D-17": "there is no such option: the watchdog's time is made from the dead time",
    "D-21": "nothing asks for it: what is not written has no mutant",
}


class _Verdict:
    """A plugin that keeps by what the tests failed."""

    def __init__(self) -> None:
        self.by_assertion = False
        self.otherwise = ""

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        if call.excinfo is None:
            return
        if call.excinfo.errisinstance((AssertionError, Violation, pytest.fail.Exception)):
            self.by_assertion = True
        else:
            self.otherwise = f"{call.excinfo.typename} in {call.when}"


def judged(judge: str) -> str:
    """What a judge says now: how it failed by an assertion of its own, else an empty text.

    Raises whatever else went wrong, as `RuntimeError` when a test did.
    """
    kind, _, name = judge.partition(" ")
    try:
        if kind == "seed":
            run_seed(int(name))
        elif kind == "run":
            run_artefact(json.loads((REGRESS / f"{name}.json").read_text()))
        elif kind == "fence":
            play(int(name))
        else:
            return _tested(judge)
    except (Violation, ControlViolation) as violation:
        return str(violation)
    return ""


def _tested(node: str) -> str:
    verdict = _Verdict()
    options = [
        "-q",
        "-x",
        "--no-header",
        "--no-summary",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    ]
    status = pytest.main([*options, node], plugins=[verdict])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"{node} could not be run: {status!r}")
    if verdict.by_assertion:
        return node.rpartition("::")[2]
    if verdict.otherwise:
        raise RuntimeError(f"{node} does not judge, it breaks: {verdict.otherwise}")
    return ""


def seen_by(mutant: Mutant) -> tuple[str, str]:
    """The first judge that sees it and its words; two empty texts when none does."""
    for judge in mutant.judges:
        with ExitStack() as stack:
            mutant.switch(stack)
            words = judged(judge)
        if words:
            return judge, words
    return "", ""
