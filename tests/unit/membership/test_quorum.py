from itertools import combinations

from engine.membership.quorum import quorum
from engine.membership.view import Votes


def votes(*counts: int, **more) -> Votes:
    return Votes(tuple((node, count) for node, count in enumerate(counts, 1)), **more)


def test_more_than_half_of_the_votes_is_quorate():
    assert quorum(votes(1, 1, 1), {1, 3}).quorate


def test_half_is_not_quorate():
    assert not quorum(votes(1, 1, 1, 1), {1, 2}).quorate


def test_half_with_the_tie_breaker_is_quorate_and_the_reason_names_it():
    four = votes(1, 1, 1, 1, tie_breaker=1, names=((1, "alpha"),))
    verdict = quorum(four, {1, 2})
    assert verdict.quorate
    assert "alpha breaks the tie" in verdict.reason
    assert not quorum(four, {3, 4}).quorate


def test_votes_count_not_nodes():
    assert quorum(votes(3, 1, 1), {1}).quorate
    assert not quorum(votes(3, 1, 1), {2, 3}).quorate


def test_two_node_goes_on_alone_only_after_both_were_seen():
    two = votes(1, 1, two_node=True)
    assert not quorum(two, {1}, all_seen=False).quorate
    assert quorum(two, {1}, all_seen=True).quorate


def test_wait_for_all_waits_even_with_a_majority():
    assert not quorum(votes(1, 1, 1, wait_for_all=True), {1, 2}, all_seen=False).quorate
    assert quorum(votes(1, 1, 1, wait_for_all=True), {1, 2, 3}, all_seen=False).quorate


def test_the_reason_counts_votes():
    assert quorum(votes(1, 1, 1), {2}).reason == "1 of 3 votes"


def test_any_two_quorate_sets_intersect_unless_two_node():
    for config in (votes(1, 1, 1), votes(1, 1, 1, 1, tie_breaker=2), votes(2, 1, 1, 3, 1)):
        sets = [
            set(some)
            for size in range(1, len(config.nodes) + 1)
            for some in combinations(config.nodes, size)
            if quorum(config, some).quorate
        ]
        assert sets
        assert all(a & b for a in sets for b in sets)
