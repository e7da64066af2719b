"""Laws that hold for every valid CIB, tried on random ones.

The scheduler never fails, its graph has no loop, and playing it completes; the same input gives the
same bytes in every process.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.base.isodate import Zone
from engine.cib.document import Cib
from engine.cib.schema import validate
from engine.scheduler.api import Schedule, schedule
from engine.scheduler.model.model import leaves
from engine.scheduler.model.transition import transition_from_xml
from engine.scheduler.placement.scores import Allocation, ScoreRecord
from engine.simulator.inject import Injections, OpSpec, inject
from engine.simulator.player import Player
from tests.scheduler.random_extras import extended_cib

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_700_000_000.0
ROUNDS = 3
LAWS = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
seeds = st.integers(min_value=0, max_value=10**6)


def decide(cib: Cib) -> Schedule:
    return schedule(cib, NOW, zone=Zone())


def play(cib: Cib, decided: Schedule) -> bool:
    player = Player(cib, NOW, lambda name: decided.model.find(name) is not None)
    return player.play(decided.transition)


def fail_something(cib: Cib, draw: st.DataObject) -> None:
    """One node lost, or one operation failed."""
    nodes = [node.get("uname") for node in cib.root.iterfind("configuration/nodes/node")]
    names = [p.get("id") for p in cib.root.iterfind("configuration/resources//primitive")]
    node = draw.draw(st.sampled_from(nodes))
    wanted = Injections()
    if draw.draw(st.booleans()):
        wanted.nodes_fail.append(node)
    else:
        name = draw.draw(st.sampled_from(names))
        rc = draw.draw(st.sampled_from((1, 5, 7, 8)))
        wanted.operations.append(OpSpec(name, "monitor", 10000, node, rc))
    inject(cib, wanted, NOW)


def test_the_random_clusters_are_valid() -> None:
    for seed in range(60):
        assert validate(Cib.from_bytes(extended_cib(seed).encode()).root) == []


@LAWS
@given(seed=seeds, draw=st.data())
def test_a_plan_has_no_loop_and_can_be_played_to_its_end(seed: int, draw: st.DataObject) -> None:
    cib = Cib.from_bytes(extended_cib(seed).encode())
    for _ in range(ROUNDS):
        before = cib.to_bytes()
        decided = decide(cib)

        assert cib.to_bytes() == before, "the input was changed"
        assert decided.transition.problem() == ""
        assert play(cib, decided)
        fail_something(cib, draw)


@LAWS
@given(seed=seeds)
def test_the_graph_text_says_what_the_transition_says(seed: int) -> None:
    decided = decide(Cib.from_bytes(extended_cib(seed).encode()))

    read = transition_from_xml(decided.graph_xml())

    assert read.synapses == decided.transition.synapses


@LAWS
@given(seed=seeds)
def test_a_stopped_clusters_first_plan_starts_nothing_twice(seed: int) -> None:
    decided = decide(Cib.from_bytes(extended_cib(seed).encode()))

    starts = Counter(
        (synapse.action.internal_key or synapse.action.key)
        for synapse in decided.transition.synapses
        if synapse.action.operation == "start" and synapse.action.tag == "rsc_op"
    )
    assert [key for key, count in starts.items() if count > 1] == []


@LAWS
@given(seed=seeds)
def test_scores_stay_within_infinity_and_do_not_change_the_plan(seed: int) -> None:
    cib = Cib.from_bytes(extended_cib(seed).encode())
    record = ScoreRecord(contributions=[])

    watched = schedule(cib, NOW, scores=record, zone=Zone())

    assert watched.graph_xml() == decide(cib).graph_xml()
    assert all(
        -1_000_000 <= line.score <= 1_000_000
        for line in record.lines
        if isinstance(line, Allocation)
    )


@LAWS
@given(seed=seeds, draw=st.data())
def test_every_score_is_accounted_for(seed: int, draw: st.DataObject) -> None:
    """What `resource why` tells is the whole story: the last reason given leads to the final score."""
    cib = Cib.from_bytes(extended_cib(seed).encode())
    for _ in range(ROUNDS):
        record = ScoreRecord(contributions=[])
        decided = schedule(cib, NOW, scores=record, zone=Zone())
        said = {(c.resource, c.node): c.score for c in record.contributions or ()}
        for resource in (leaf for top in decided.model.resources for leaf in leaves(top)):
            for index, score in resource.allowed.items():
                node = decided.model.node_table[index]
                assert said.get((resource.id, node.name), 0) == score
        play(cib, decided)
        fail_something(cib, draw)


PROGRAM = """
import hashlib, sys
sys.path.insert(0, {root!r})
from engine.base.isodate import Zone
from engine.cib.document import Cib
from engine.scheduler.api import schedule
from engine.scheduler.graph.dot import dot_text
from engine.scheduler.placement.scores import ScoreRecord
from tests.scheduler.random_extras import extended_cib
digest = hashlib.sha256()
for seed in range(25):
    record = ScoreRecord(utilizations=True)
    cib = Cib.from_bytes(extended_cib(seed).encode())
    decided = schedule(cib, 1.7e9, scores=record, zone=Zone())
    digest.update(decided.graph_xml())
    digest.update(dot_text(decided.plan, all_actions=True).encode())
    digest.update("".join(line.text for line in record.lines).encode())
print(digest.hexdigest())
"""


def _digest(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(root=str(ROOT))],
        env=dict(os.environ, PYTHONHASHSEED=hash_seed),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_same_input_gives_the_same_bytes_under_every_hash_seed(hash_seed: str) -> None:
    assert _digest(hash_seed) == _digest("0")
    assert len(_digest("0")) == len(hashlib.sha256().hexdigest())
