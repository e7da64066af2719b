"""How much a node may do at a time: by option, and by how busy it says it is."""

import pytest
from lxml import etree

from engine.controller.events import FromNode
from engine.controller.messages import NodeLoad
from engine.controller.options import controller_options
from engine.controller.throttle import LoadMode, batch_limit, job_limit, load_mode, mode_of_number

from .bench import Bench, rsc_op


def option(name: str, value: str) -> etree._Element:
    return etree.fromstring(
        f'<cluster_property_set id="t"><nvpair id="t-1" name="{name}" value="{value}"/></cluster_property_set>'
    )


@pytest.mark.parametrize(
    ("load", "cores", "threshold", "wanted"),
    [
        (100.0, 4, 0.0, LoadMode.NONE),
        (3.8, 4, 0.8, LoadMode.NONE),
        (3.9, 4, 0.8, LoadMode.LOW),
        (5.2, 4, 0.8, LoadMode.MEDIUM),
        (6.5, 4, 0.8, LoadMode.HIGH),
        (0.5, 1, 0.8, LoadMode.NONE),
        (0.6, 1, 0.8, LoadMode.LOW),
    ],
)
def test_a_node_is_as_busy_as_its_load_is_above_the_threshold(
    load: float, cores: int, threshold: float, wanted: LoadMode
) -> None:
    assert load_mode(load, cores, threshold) is wanted


def test_each_step_lets_a_node_do_less_and_never_nothing() -> None:
    assert [job_limit(mode, 8) for mode in LoadMode] == [8, 4, 2, 1]
    assert [job_limit(mode, 1) for mode in LoadMode] == [1, 1, 1, 1]


def test_one_very_busy_node_slows_the_whole_cluster_down() -> None:
    assert batch_limit(0, 48, 3, LoadMode.MEDIUM) == 48
    assert batch_limit(0, 48, 6, LoadMode.HIGH) == 3
    assert batch_limit(2, 48, 6, LoadMode.HIGH) == 2
    assert batch_limit(20, 48, 2, LoadMode.HIGH) == 1


@pytest.mark.parametrize(
    ("number", "wanted"), [(-1, LoadMode.NONE), (2, LoadMode.MEDIUM), (9, LoadMode.HIGH)]
)
def test_a_mode_of_another_release_counts_as_the_nearest(number: int, wanted: LoadMode) -> None:
    assert mode_of_number(number) is wanted


@pytest.mark.parametrize(
    ("text", "wanted"), [(None, 0.0), ("50%", 0.5), ("100000%", 1000.0), ("much", 0.8), ("0", 0.0)]
)
def test_load_counts_where_a_threshold_is_set(text: str | None, wanted: float) -> None:
    bench = Bench()
    if text is not None:
        bench.cib.section("crm_config").append(option("load-threshold", text))
    assert controller_options(bench.cib.root, 0.0).load_threshold == wanted


def starts(bench: Bench) -> list[int]:
    return [node for node, _ in bench.ops()]


def three_on(node: int) -> list[str]:
    return [rsc_op(number, f"r{number}", "start", node) for number in (1, 2, 3)]


def test_node_action_limit_holds_actions_back_until_one_has_ended() -> None:
    bench = Bench()
    bench.cib.section("crm_config").append(option("node-action-limit", "2"))
    bench.settle(1, 2, 3)
    bench.schedule(*three_on(2), rsc_op(4, "other", "start", 3))
    first = bench.ops()
    assert [node for node, _ in first] == [2, 2, 3]
    bench.result(2, first[0][1], 0)
    assert starts(bench) == [2]


def test_a_node_that_says_it_is_busy_gets_less_and_more_when_it_is_not_any_more() -> None:
    bench = Bench()
    bench.cib.section("crm_config").append(option("load-threshold", "50%"))
    bench.settle(1, 2, 3)
    bench.do(FromNode(2, NodeLoad(bench.term, LoadMode.HIGH, 4)))
    bench.cib.section("crm_config").append(
        etree.fromstring(
            '<cluster_property_set id="b"><nvpair id="b-1" name="batch-limit" value="0"/></cluster_property_set>'
        )
    )
    bench.schedule(*three_on(2))
    assert starts(bench) == [2]
    bench.do(FromNode(2, NodeLoad(bench.term, LoadMode.NONE, 4)))
    assert starts(bench) == [2, 2]


def test_without_a_threshold_nobody_is_slowed_down() -> None:
    bench = Bench()
    bench.settle(1, 2, 3)
    bench.do(FromNode(2, NodeLoad(bench.term, LoadMode.NONE, 1)))
    bench.schedule(*three_on(2))
    assert starts(bench) == [2, 2, 2]


def test_what_was_said_in_an_old_view_does_not_count() -> None:
    bench = Bench()
    bench.cib.section("crm_config").append(option("load-threshold", "50%"))
    bench.settle(1, 2, 3)
    bench.do(FromNode(2, NodeLoad(bench.term, LoadMode.HIGH, 4)))
    bench.settle(1, 2, 3)
    bench.schedule(*three_on(2))
    assert starts(bench) == [2, 2, 2]
