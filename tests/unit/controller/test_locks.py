"""Shutdown locks: recorded with a stop, kept while the node is away, ended by whatever is done there next."""

import pytest
from lxml import etree

from engine.controller.events import FenceFinished

from .bench import Bench, crm_event, rsc_op

MOMENT = 999_000  # the bench's wall clock is 1 000 000


def options(**values: str) -> etree._Element:
    pairs = "".join(
        f'<nvpair id="o-{name}" name="{name.replace("_", "-")}" value="{value}"/>'
        for name, value in values.items()
    )
    return etree.fromstring(f'<cluster_property_set id="o">{pairs}</cluster_property_set>')


def locked(number: int, task: str, node: int = 2, **meta: str) -> str:
    return rsc_op(number, "db", task, node, **meta).replace(
        "<rsc_op ", f'<rsc_op shutdown-lock="{MOMENT}" ', 1
    )


def make(**values: str) -> Bench:
    bench = Bench()
    bench.cib.section("crm_config").append(options(shutdown_lock="true", **values))
    bench.settle(1, 2, 3)
    return bench


def run(bench: Bench, action: str, rc: int = 0) -> None:
    bench.schedule(action)
    [(node, op)] = bench.ops()
    bench.result(node, op, rc)


def lock_of(bench: Bench, node: int = 2) -> str | None:
    found = bench.find(f"node_state[@id='{node}']//lrm_resource[@id='db']")
    return found[0].get("shutdown-lock") if found else None


def test_a_stop_with_its_node_records_the_lock() -> None:
    bench = make()
    run(bench, locked(1, "stop"))
    assert lock_of(bench) == str(MOMENT)


def test_a_node_that_is_let_go_by_the_last_stop_keeps_what_that_stop_recorded() -> None:
    bench = make()
    gone = crm_event(2, "do_shutdown", "do_shutdown-n2", 2, (1,))
    bench.schedule(locked(1, "stop"), gone)
    [(node, op)] = bench.ops()
    bench.result(node, op, 0)
    assert bench.find("node_state[@id='2']")[0].get("expected") == "down"
    assert lock_of(bench) == str(MOMENT)
    [entry] = bench.find("node_state[@id='2']//lrm_rsc_op")
    assert (entry.get("operation"), entry.get("op-status")) == ("stop", "0")


def test_a_stop_that_failed_records_none() -> None:
    bench = make()
    run(bench, locked(1, "stop"), rc=1)
    assert lock_of(bench) in (None, "0")


def test_a_probe_that_finds_nothing_keeps_the_lock_and_a_start_ends_it() -> None:
    bench = make()
    run(bench, locked(1, "stop"))
    run(bench, locked(1, "monitor", op_target_rc="7"), rc=7)
    assert lock_of(bench) == str(MOMENT)
    run(bench, locked(1, "start"))
    assert lock_of(bench) == "0"
    entries = bench.find("node_state[@id='2']//lrm_resource[@id='db']/lrm_rsc_op")
    assert len({entry.get("id") for entry in entries}) == len(entries)


def leave(bench: Bench, node: int) -> None:
    """The node left in order: the DC had let it go, and has another view."""
    for state in bench.find(f"node_state[@id='{node}']"):
        state.set("expected", "down")
    bench.settle(*[number for number in (1, 2, 3) if number != node])


def test_the_lock_stays_without_its_history_while_the_node_is_away() -> None:
    bench = make()
    run(bench, locked(1, "stop"))
    leave(bench, 2)
    assert lock_of(bench) == str(MOMENT)
    assert not bench.find("node_state[@id='2']//lrm_rsc_op")


def test_the_lock_is_there_when_the_node_comes_back() -> None:
    bench = make()
    run(bench, locked(1, "stop"))
    leave(bench, 2)
    bench.settle(1, 2, 3)
    assert lock_of(bench) == str(MOMENT)


@pytest.mark.parametrize(
    ("limit", "wanted"), [("900s", None), ("1100s", str(MOMENT)), ("0", str(MOMENT))]
)
def test_a_lock_that_is_older_than_the_limit_is_not_kept(limit: str, wanted: str | None) -> None:
    bench = make(shutdown_lock_limit=limit)
    run(bench, locked(1, "stop"))
    leave(bench, 2)
    assert lock_of(bench) == wanted


def test_without_the_option_no_lock_is_kept() -> None:
    bench = make()
    run(bench, locked(1, "stop"))
    bench.cib.root.find(".//nvpair[@name='shutdown-lock']").set("value", "false")
    leave(bench, 2)
    assert lock_of(bench) is None


def test_fencing_of_the_node_ends_its_locks() -> None:
    bench = make()
    run(bench, locked(1, "stop"))
    bench.do(FenceFinished("n2", "off", True))
    assert lock_of(bench) is None


def test_what_is_not_locked_gets_no_lock() -> None:
    bench = make()
    run(bench, rsc_op(1, "db", "stop", 2))
    assert lock_of(bench) is None
