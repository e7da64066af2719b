"""Fixed seeds: a red result is the change's, never chance. New seeds are `python -m tests.sim soak`."""

from collections import Counter

import pytest

from tests.sim.nemesis import KINDS, WITH_BUGS, WITH_LARGE
from tests.sim.runs import run_seed

CHUNK = 25

# What must have happened in each chunk, else the harness is blind.
SOMETIMES = {
    "dc-crash": 5,
    "wiped": 2,
    "view-with-non-durable": 4,
    "view-without-quorum": 15,
    "store-failed": 2,
    "compacted": 100,
    "attempt-failed": 10,
    "repeated": 50,
    "paused": 4,
}


@pytest.mark.parametrize("first", range(0, 475, CHUNK))
def test_no_schedule_of_faults_breaks_an_invariant(first):
    seen = Counter()
    acknowledged = 0
    for seed in range(first, first + CHUNK):
        world = run_seed(seed)
        seen += world.seen
        acknowledged += world.oracle.acks
    assert acknowledged > 100 * CHUNK
    assert {kind: seen[kind] for kind, least in SOMETIMES.items() if seen[kind] < least} == {}
    assert [kind for kind in KINDS if not seen[f"fault:{kind}"]] == []


@pytest.mark.parametrize("first", range(WITH_BUGS, WITH_BUGS + 40, 20))
def test_a_process_that_ends_in_the_middle_of_any_event_breaks_no_invariant(first):
    seen = Counter()
    acknowledged = 0
    for seed in range(first, first + 20):
        world = run_seed(seed)
        seen += world.seen
        acknowledged += world.oracle.acks
    assert seen["bug"] > 50
    assert acknowledged > 50 * 20


@pytest.mark.parametrize("first", range(WITH_LARGE, WITH_LARGE + 60, 20))
def test_changes_that_others_judge_and_prepare_break_no_invariant(first):
    seen = Counter()
    acknowledged = 0
    for seed in range(first, first + 20):
        world = run_seed(seed)
        seen += world.seen
        acknowledged += world.oracle.acks
    assert seen["judged"] > 200
    assert seen["prepared"] > 500
    assert acknowledged > 20 * 20
