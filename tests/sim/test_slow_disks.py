"""Storage that stalls for all nodes at once: commits wait, but what runs is left alone."""

import pytest

from tests.sim.world import Config, World

STALL = 3.0
NORMAL = 0.004


def stall(nodes, begin, end):
    return [
        *[[begin, "slow", [node, STALL]] for node in nodes],
        *[[end, "slow", [node, NORMAL]] for node in nodes],
    ]


@pytest.mark.parametrize("stalled", [(1, 2), (2, 3), (1, 2, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_no_view_is_given_up_because_disks_are_slow_at_once(seed, stalled):
    config = Config(nodes=3, chaos=40.0, client_pause=0.1)
    world = World(seed, config, stall(stalled, 10.0, 25.0)).run()
    assert world.seen["view-without-quorum"] == 0
    assert world.oracle.acks > 50, "before and after it"


def test_a_single_slow_disk_does_not_hold_up_the_others():
    config = Config(nodes=3, chaos=40.0, client_pause=0.1)
    world = World(1, config, stall((2,), 10.0, 25.0)).run()
    assert world.seen["view-with-non-durable"] > 0
    assert world.seen["view-without-quorum"] == 0
