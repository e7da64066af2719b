"""Laws on wide random clusters, also while their state and configuration are disturbed."""

from __future__ import annotations

import random

import pytest

from engine.base.isodate import Zone
from engine.base.reports import Severity
from engine.cib.document import Cib
from engine.cib.schema import validate
from engine.scheduler.api import schedule
from engine.simulator.player import Player
from tests.scheduler.random_states import disturb
from tests.scheduler.random_wide import NOW, wide_cib

ROUNDS = 4


@pytest.mark.parametrize("seed", range(20))
def test_a_wide_cluster_has_a_plan_that_completes_in_every_state(seed: int) -> None:
    cib = Cib.from_bytes(wide_cib(seed).encode())
    for number in range(ROUNDS):
        assert [r for r in validate(cib.root) if r.severity >= Severity.ERROR] == []
        decided = schedule(cib, NOW, zone=Zone())
        player = Player(cib, NOW, lambda name, at=decided: at.model.find(name) is not None)
        assert player.play(decided.transition) or decided.plan.loops
        disturb(cib.root, random.Random(f"disturb {seed} {number}"))


def test_the_wide_clusters_hold_every_construct() -> None:
    text = "".join(wide_cib(seed) for seed in range(200))
    wanted = (
        "<group ",
        "<clone ",
        "<bundle ",
        "<template ",
        "<tags>",
        "<rsc_location ",
        "<rsc_colocation ",
        "<rsc_order ",
        "<rsc_ticket ",
        "<resource_set ",
        "<date_expression ",
        "<utilization ",
        'name="promotable"',
        'name="remote-node"',
        'type="remote"',
        'name="provides"',
    )
    assert [word for word in wanted if word not in text] == []
