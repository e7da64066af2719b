"""Which node comes first."""

from __future__ import annotations

import pytest

from engine.base.values import name_key
from engine.scheduler.model.model import INFINITY, Node, Strategy
from engine.scheduler.placement.placement import scaled, single
from engine.scheduler.placement.ranking import (
    NodeRanking,
    compare_capacity,
    hash_order,
    is_usable,
    merge_sorted,
)


def nodes(*names: str) -> list[Node]:
    made = [Node(index, name, name) for index, name in enumerate(names)]
    for node in made:
        node.online = True
    return made


def ranked(strategy: Strategy, entries: list[tuple[Node, int]], current: Node | None = None) -> str:
    best = NodeRanking(strategy).best_first(entries, current)
    return " ".join(node.name for node, _ in best)


def test_a_higher_score_comes_first_and_then_the_emptier_node() -> None:
    a, b, c = nodes("a", "b", "c")
    a.assigned_count = 2

    assert ranked(Strategy.DEFAULT, [(a, 0), (b, 0), (c, 5)]) == "c b a"


def test_an_unusable_node_comes_last_whatever_its_score() -> None:
    a, b = nodes("a", "b")
    a.standby = True

    assert ranked(Strategy.DEFAULT, [(a, INFINITY), (b, -5)]) == "b a"


def test_the_current_node_wins_only_among_equally_loaded_ones() -> None:
    a, b = nodes("a", "b")

    assert ranked(Strategy.DEFAULT, [(a, 0), (b, 0)], current=b) == "b a"
    b.assigned_count = 1
    assert ranked(Strategy.DEFAULT, [(a, 0), (b, 0)], current=b) == "a b"


def test_minimal_placement_looks_at_score_and_name_only() -> None:
    a, b = nodes("a", "b")
    a.assigned_count = 7

    assert ranked(Strategy.MINIMAL, [(b, 0), (a, 0)], current=b) == "a b"


def test_balanced_placement_prefers_free_capacity() -> None:
    a, b = nodes("a", "b")
    a.capacity, b.capacity = {"cpu": 2}, {"cpu": 3}
    b.assigned_count = 9

    assert ranked(Strategy.BALANCED, [(a, 0), (b, 0)]) == "b a"


def test_names_are_compared_by_bytes_when_choosing_and_by_number_when_showing() -> None:
    n2, n10, upper = nodes("n2", "n10", "B")

    assert ranked(Strategy.DEFAULT, [(n2, 0), (n10, 0), (upper, 0)]) == "B n10 n2"
    assert sorted(["n10", "n2", "B"], key=name_key) == ["B", "n2", "n10"]


@pytest.mark.parametrize(
    "change",
    [
        {"online": False},
        {"unclean": True},
        {"standby": True},
        {"maintenance": True},
        {"shutdown": True},
    ],
)
def test_a_node_is_usable_only_if_nothing_is_wrong(change: dict[str, bool]) -> None:
    (node,) = nodes("a")
    assert is_usable(node)

    for name, value in change.items():
        setattr(node, name, value)

    assert not is_usable(node)


def test_capacities_are_compared_by_majority() -> None:
    assert compare_capacity({"cpu": 4, "ram": 1}, {"cpu": 2, "ram": 1}) < 0
    assert compare_capacity({"cpu": 4, "ram": 1}, {"cpu": 2, "ram": 3}) == 0
    assert compare_capacity({}, {"cpu": 1}) > 0


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (("n1", "n2", "n3", "n4", "n5"), "n2"),
        (("alpha", "beta", "gamma"), "alpha"),
        (("beta", "kilo", "mike", "zeta"), "zeta"),
    ],
)
def test_ties_of_capacity_are_broken_as_a_hash_table_orders(
    names: tuple[str, ...], first: str
) -> None:
    assert hash_order(nodes(*names))[0].name == first


def test_hash_order_holds_every_node_once_at_any_size() -> None:
    for count in (0, 1, 7, 8, 15, 16, 31, 40, 100):
        members = nodes(*[f"node{n}" for n in range(count)])
        assert sorted(n.index for n in hash_order(members)) == list(range(count))


def test_the_merge_sort_is_stable() -> None:
    pairs = [(2, "a"), (1, "b"), (2, "c"), (1, "d")]

    ordered = merge_sorted(pairs, lambda x, y: x[0] - y[0])

    assert ordered == [(1, "b"), (1, "d"), (2, "a"), (2, "c")]


@pytest.mark.parametrize(
    ("factor", "score", "expected"),
    [
        (0.0005, -3, 1),  # the sign of the factor decides what a vanishing share becomes
        (-0.0003, 100, -1),
        (0.0005, 50, 1),
        (0.0, 100, 0),
        (0.5, 5, 3),
        (0.5, -5, -3),
        (-1.0, -INFINITY, INFINITY),
        (1.0, 17, 17),
    ],
)
def test_a_share_of_a_score_is_rounded_away_from_zero(
    factor: float, score: int, expected: int
) -> None:
    assert scaled(single(factor), score) == expected


def test_the_list_of_nodes_is_sorted_as_it_is_where_votes_go_round_in_a_circle() -> None:
    a, b, c = nodes("a", "b", "c")
    for node, sizes in ((a, (1, 2, 3)), (b, (2, 3, 1)), (c, (3, 1, 2))):
        node.capacity = dict(zip(("cpu", "disk", "mem"), sizes, strict=True))
    ranking = NodeRanking(Strategy.BALANCED)

    def order(*given: Node, hashed: bool) -> str:
        best = ranking.best_first([(node, 0) for node in given], hashed=hashed)
        return "".join(node.name for node, _ in best)

    turned = ((a, b, c), (b, c, a), (c, a, b))
    assert [order(*given, hashed=False) for given in turned] == ["acb", "bac", "cba"]
    assert len({order(*given, hashed=True) for given in turned}) == 1
