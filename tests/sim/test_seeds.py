"""Fixed seeds: a red result is the change's, never chance. New seeds are `python -m tests.sim soak`."""

from collections import Counter

import pytest

from tests.sim.nemesis import KINDS
from tests.sim.runs import run_seed

CHUNK = 50

# What must have happened in each chunk, else the harness is blind.
SOMETIMES = {
    "dc-crash": 10,
    "wiped": 5,
    "view-with-non-durable": 10,
    "view-without-quorum": 30,
    "store-failed": 5,
    "compacted": 200,
    "attempt-failed": 30,
    "repeated": 100,
    "paused": 10,
}


@pytest.mark.parametrize("first", range(0, 300, CHUNK))
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
