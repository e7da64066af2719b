"""The oracle sees each known error of the protocol: a test of the harness, and of the rules' need."""

import json
from pathlib import Path

import pytest

from tests.sim.mutants import MUTANTS, mutant
from tests.sim.runs import run_artefact, run_seed
from tests.sim.world import Violation

REGRESS = Path(__file__).parent / "regress"

# What shows each error: names of artefacts, or seeds. A change of the protocol may move the seeds;
# `python -m tests.sim mutants NAME` finds others.
SHOWN_BY: dict[str, list[str | int]] = {
    "ack_before_fsync": ["power-loss-with-slow-disks-0", "power-loss-with-slow-disks-1"],
    "promise_not_persisted": [28, 38, 47, 52],
    "blank_votes": ["stale-and-blank-alone-0", "stale-and-blank-alone-1"],
    "longest_log": ["equal-length-other-history-0", "equal-length-other-history-9"],
    "no_fence_old_term": [0, 97, 380],
    "half_is_quorum": ["split-in-halves-0", "split-in-halves-1"],
    "restart_unnoticed": ["wiped-with-high-terms-0", 116],
    "bootstrap_all_blank": ["power-loss-in-first-start-3-17", "power-loss-in-first-start-3-11"],
    "resend_timer_shared": ["appends-lost-under-load-0", "appends-lost-under-load-1"],
    "lonely_view_takes_the_log": [16, 17, 23],
    "disk_error_ignored": ["disk-error-then-power-loss-1", "disk-error-then-power-loss-2"],
    "authority_without_a_round": [0],
    "entry_taken_twice": [0, 1, 2],
    "adopted_log_not_written": [0, 1, 2],
    "commit_before_fencing": ["two-nodes-cut-0", "two-nodes-cut-1"],
    "refused_after_it_was_sent": [1, 2, 6, 12],
}


def artefacts() -> list[Path]:
    return sorted(REGRESS.glob("*.json"))


def run(name: str | int) -> None:
    if isinstance(name, int):
        run_seed(name)
    else:
        run_artefact(json.loads((REGRESS / f"{name}.json").read_text()))


def is_seen(name: str) -> bool:
    """Whether the oracle objects to some run while the rule is switched off.

    Any other exception is a mutant that breaks, which shows nothing: it fails the test.
    """
    with mutant(name):
        for shown_by in SHOWN_BY[name]:
            try:
                run(shown_by)
            except Violation:
                return True
    return False


@pytest.mark.parametrize("name", MUTANTS)
def test_a_switched_off_rule_is_seen(name):
    assert is_seen(name)


@pytest.mark.parametrize("path", artefacts(), ids=lambda path: path.stem)
def test_a_schedule_that_once_failed_is_survived(path):
    world = run_artefact(json.loads(path.read_text()))
    assert world.oracle.acks > 10
