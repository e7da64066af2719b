"""A run is its seed, configuration and schedule, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.mutants import mutant
from tests.sim.nemesis import draw_config, draw_schedule
from tests.sim.runs import run_artefact, run_seed
from tests.sim.shrink import shrink
from tests.sim.world import Violation, World

ROOT = Path(__file__).resolve().parents[2]


def digests(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sim", "digest", "0", "12"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    return done.stdout


def test_the_trace_is_the_same_under_any_hash_seed():
    first, second = digests("0"), digests("77")
    assert len(first.splitlines()) == 12
    assert first == second


def test_an_artefact_replays_the_run_of_its_seed():
    seed = 30
    config = draw_config(seed)
    artefact = World(seed, config, draw_schedule(seed, config)).artefact()
    again = run_artefact(json.loads(json.dumps(artefact)))
    assert again.digest == run_seed(seed).digest


def test_taking_one_fault_out_leaves_what_was_before_it_as_it_was():
    seed = 30
    config = draw_config(seed)
    schedule = draw_schedule(seed, config)
    moment = schedule[-1][0]
    whole = World(seed, config, schedule).run().lines
    less = World(seed, config, schedule[:-1]).run().lines
    before = [line for line in whole if float(line.split()[0]) < moment]
    assert before
    assert less[: len(before)] == before


def test_a_failing_schedule_is_made_smaller_and_still_fails():
    with mutant("half_is_quorum"):
        seed = 7
        config = draw_config(seed)
        artefact = World(seed, config, draw_schedule(seed, config)).artefact()
        smallest = shrink(artefact, 5.0)
        assert len(smallest["schedule"]) < len(artefact["schedule"])
        with pytest.raises(Violation):
            run_artefact(smallest)
