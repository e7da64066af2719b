import pytest

from engine.base.events import View
from engine.membership.detector import Detector, Heard
from engine.membership.messages import Heartbeat
from engine.membership.view import Timing, Votes

TIMING = Timing(dead_time=2.0, heartbeat=0.25)


def detector(nodes=5, me=1) -> Detector:
    return Detector(me, Votes(tuple((n, 1) for n in range(1, nodes + 1))), TIMING)


def hear(found: Detector, hears: dict[int, set[int]], now=1.0, **fields) -> None:
    """One heartbeat of each node, saying whom it hears."""
    for node, others in hears.items():
        found.meet(node, 1, 1.0)
        found.beat(node, Heartbeat(tuple(sorted(others)), 64, int(now * 1000), **fields), now)


def everybody_hears(nodes, *broken):
    """Whom each node hears; `broken` pairs (a, b): b does not hear a."""
    hears = {node: set(nodes) for node in nodes if node != 1}
    for a, b in broken:
        hears[b].discard(a)
    return hears


def test_nobody_is_heard_at_the_start():
    assert detector().heard(0.0) == (1,)
    assert detector().clique(0.0, None) == (1,)


def test_a_silent_node_is_lost_after_the_dead_time():
    found = detector(2)
    hear(found, {2: {1, 2}}, now=1.0)
    assert found.heard(2.9) == (1, 2)
    assert found.heard(3.1) == (1,)


def test_a_node_that_restarted_is_back_for_as_long_as_it_gives_signs_of_life():
    found = detector(2)
    hear(found, {2: {1, 2}}, now=1.0)
    assert found.returned(1.0) == frozenset()
    assert found.meet(2, 2, 1.5) is Heard.RESTARTED
    assert found.heard(1.5) == (1,)
    assert found.returned(1.6) == {2}
    assert found.returned(3.6) == frozenset()


def test_a_node_that_does_not_hear_this_one_is_not_in_the_clique():
    found = detector(3)
    hear(found, {2: {2, 3}, 3: {1, 2, 3}})
    assert found.clique(1.0, None) == (1, 3)


def test_members_must_hear_each_other_in_both_directions():
    found = detector(3)
    hear(found, everybody_hears([1, 2, 3], (2, 3)))
    assert found.clique(1.0, None) == (1, 2)


@pytest.mark.parametrize(("dc", "side"), [(2, (1, 2)), (3, (1, 3))])
def test_in_a_partial_partition_the_side_of_the_dc_stays(dc, side):
    found = detector(3)
    hear(found, everybody_hears([1, 2, 3], (2, 3), (3, 2)))
    assert found.clique(1.0, View(64, (1, 2, 3), (1, 2, 3), dc, True)) == side


@pytest.mark.parametrize("dc", [1, 2])
def test_a_node_that_restarted_does_not_push_out_one_that_stayed(dc):
    found = detector(3)
    view = View(64, (1, 2, 3), (1, 2, 3), dc, True)
    hear(found, everybody_hears([1, 2, 3]))
    assert found.clique(1.0, view) == (1, 2, 3)
    found.meet(2, 2, 1.0)
    found.beat(2, Heartbeat((1, 2), 64, 1100), 1.1)
    hear(found, {3: {1, 3}}, now=1.1)
    assert found.clique(1.1, view) == (1, 3)


def test_the_largest_clique_by_votes_wins():
    votes = Votes(((1, 1), (2, 1), (3, 1), (4, 5)))
    found = Detector(1, votes, TIMING)
    hear(found, everybody_hears([1, 2, 3, 4], (2, 4), (3, 4)))
    assert found.clique(1.0, None) == (1, 4)


def test_with_very_many_broken_pairs_the_worst_nodes_go_first():
    nodes = list(range(1, 21))
    broken = [(a, a + 1) for a in range(2, 20)]
    found = detector(20)
    hear(found, everybody_hears(nodes, *broken))
    clique = found.clique(1.0, None)
    assert 1 in clique
    assert len(clique) >= 8
    assert not any((a, a + 1) in broken and a in clique and a + 1 in clique for a in clique)


def test_incarnations_end_each_other():
    found = detector(2)
    assert found.meet(2, 5, 1.0) is Heard.NEW
    assert found.meet(2, 5, 1.0) is Heard.USUAL
    assert found.meet(2, 4, 1.0) is Heard.STALE
    assert found.meet(2, 6, 1.0) is Heard.RESTARTED
    assert found.meet(7, 1, 1.0) is Heard.STALE


def test_a_node_that_left_is_heard_again_only_in_another_life():
    found = detector(2)
    hear(found, {2: {1, 2}})
    found.has_left(2)
    assert found.heard(1.1) == (1,)
    assert found.meet(2, 1, 1.0) is Heard.STALE
    assert found.meet(2, 2, 1.0) is Heard.RESTARTED


def confirmed(found: Detector, now: float) -> tuple[int, ...]:
    return found.confirmed(View(64, (1, 2, 3), (1, 2, 3), 1, True), now)


def test_the_lease_rests_on_stamps_that_came_back():
    found = detector(3)
    hear(found, {2: {1, 2, 3}, 3: {1, 2, 3}}, now=10.0)
    assert confirmed(found, 10.0) == (1,)
    hear(found, {2: {1, 2, 3}}, now=10.5, echoes=((1, 10_000),))
    assert confirmed(found, 10.5) == (1, 2)
    assert confirmed(found, 12.1) == (1,)


def test_a_node_that_promised_something_newer_confirms_nothing():
    found = detector(3)
    found.meet(2, 1, 1.0)
    found.beat(2, Heartbeat((1, 2), 128, 10_000, ((1, 10_000),)), 10.0)
    assert confirmed(found, 10.0) == (1,)


def test_after_a_pause_nothing_is_confirmed():
    found = detector(3)
    hear(found, {2: {1, 2, 3}}, now=10.5, echoes=((1, 10_400),))
    found.forget_echoes()
    assert confirmed(found, 10.5) == (1,)
