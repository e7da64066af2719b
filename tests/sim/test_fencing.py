"""Fencing under trouble in virtual time: nothing runs twice, no request hangs, all comes to rest."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.sim.fenceworld import play

CHUNK = 10

# What must have happened in each chunk, else the harness is blind.
SOMETIMES = {
    "agent-killed": 15,
    "orphans": 3,
    "cut": 5,
    "fenced": 8,
    "fencing-failed": 1,
    "device-slow": 3,
    "device-hangs": 2,
    "device-fails": 2,
}


@pytest.mark.parametrize("seed", [2354])
def test_a_seed_that_once_failed_is_survived(seed: int) -> None:
    play(seed)


@pytest.mark.parametrize("first", range(0, 60, CHUNK))
def test_a_node_that_is_lost_is_off_before_its_resources_run_elsewhere(first: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(first, first + CHUNK):
        seen += Counter(play(seed).seen)
    assert {kind: seen[kind] for kind, least in SOMETIMES.items() if seen[kind] < least} == {}


def test_the_same_seed_gives_the_same_run() -> None:
    assert play(3).trace.hexdigest() == play(3).trace.hexdigest()
