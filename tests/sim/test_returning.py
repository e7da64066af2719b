"""An agent that is back within the dead time does not cost its node: no view is made without it."""

from __future__ import annotations

import pytest

from tests.sim.world import Config, World


def views_after(world: World, moment: float) -> list[str]:
    """The members of each view with a log that became active later (as the trace has them)."""
    lines = [line.split(maxsplit=3) for line in world.lines if " VIEW " in line]
    return [words[3].split(" dc ")[0] for words in lines if float(words[0]) > moment]


@pytest.mark.parametrize("nodes", [2, 3, 5])
@pytest.mark.parametrize("back", [0.05, 0.2, 0.7, 1.3, 1.7])
def test_no_view_is_made_without_a_node_whose_agent_is_back_in_time(
    nodes: int, back: float
) -> None:
    everyone = str(tuple(range(1, nodes + 1)))
    schedule = [[10.0 + 5 * node, "crash", [node, back]] for node in range(1, nodes + 1)]
    world = World(nodes, Config(nodes=nodes, tie_breaker=nodes == 2), schedule).run()
    found = views_after(world, 10.0)
    assert len(found) >= nodes
    assert set(found) == {everyone}


def test_a_node_that_does_not_come_back_is_left_out_after_the_dead_time() -> None:
    world = World(1, Config(nodes=3), [[10.0, "crash", [3, 30.0]]]).run()
    first = next(line for line in world.lines if " VIEW " in line and "(1, 2)" in line)
    assert 11.6 <= float(first.split()[0]) < 13.5
