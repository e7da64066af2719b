"""Remote nodes at the DC: their state, orders through whoever is connected, losses, fencing."""

from lxml import etree

from engine.controller.events import ConfirmFenced, FenceFinished, FromNode, Tell
from engine.controller.fsm import DcState
from engine.controller.messages import (
    Ask,
    ForgetResource,
    OpReport,
    RemoteState,
    RunOp,
    Told,
)
from engine.lrm.api import LrmResult

from .bench import Bench, rsc_op, synapse

REMOTE = '<primitive id="r1" class="ocf" provider="pacemaker" type="remote"/>'
LRM = (
    b'<lrm><lrm_resources><lrm_resource id="db" class="ocf" provider="heartbeat" type="Dummy">'
    b'<lrm_rsc_op id="db_last_0" operation="start" operation_key="db_start_0" op-status="0"/>'
    b"</lrm_resource></lrm_resources></lrm>"
)


def far_op(number: int, rsc: str, task: str, router: int, inputs: tuple[int, ...] = ()) -> str:
    """An action on r1 through a member."""
    text = rsc_op(number, rsc, task, router, inputs)
    return text.replace(
        f'on_node="n{router}" on_node_uuid="{router}"',
        f'on_node="r1" on_node_uuid="r1" router_node="n{router}"',
    )


def connected(by: int = 2, life: str = "life", lrm: bytes = LRM) -> Bench:
    bench = Bench()
    bench.cib.section("resources").append(etree.fromstring(REMOTE))
    bench.settle(1, 2, 3)
    bench.do(FromNode(by, RemoteState(bench.term, "r1", True, life, lrm)))
    return bench


def test_a_connected_remote_node_has_its_state_and_its_history() -> None:
    bench = connected()
    [state] = bench.find("node_state[@id='r1']")
    assert (state.get("remote_node"), state.get("in_ccm")) == ("true", "1000000")
    assert state.get("node_fenced") == "0"
    assert bench.find("node_state[@id='r1']//lrm_rsc_op[@id='db_last_0']")


def test_orders_go_to_the_member_that_is_connected_and_results_come_back_for_the_remote_node() -> (
    None
):
    bench = connected()
    bench.schedule(far_op(1, "ip", "start", 2))
    [(to, order)] = [(to, m) for to, m in bench.told if isinstance(m, RunOp)]
    assert (to, order.remote) == (2, "r1")
    bench.do(FromNode(2, OpReport(bench.term, LrmResult(order.op, 5, 0, 0), "r1")))
    assert bench.find("node_state[@id='r1']//lrm_rsc_op[@id='ip_last_0'][@rc-code='0']")
    assert not bench.find("node_state[@id='2']//lrm_rsc_op[@id='ip_last_0']")
    assert bench.core.is_idle


def test_a_lost_connection_ends_what_was_under_way_there_and_nothing_else() -> None:
    bench = connected()
    bench.schedule(far_op(1, "ip", "start", 2), rsc_op(2, "fs", "start", 3))
    bench.do(FromNode(2, RemoteState(bench.term, "r1", False)))
    assert bench.core.state is DcState.TRANSITION
    [op] = [op for _, op in bench.ops() if op.resource == "fs"]
    bench.result(3, op, 0)
    assert bench.core.state is DcState.IDLE
    assert not bench.core.is_idle
    assert bench.find("node_state[@id='r1'][@in_ccm='0']//lrm_rsc_op[@id='db_last_0']")


def test_the_farewell_of_a_member_that_another_took_over_from_is_no_loss() -> None:
    bench = connected()
    bench.do(FromNode(3, RemoteState(bench.term, "r1", True, "life", LRM)))
    bench.do(FromNode(2, RemoteState(bench.term, "r1", False)))
    assert bench.find("node_state[@id='r1'][@in_ccm='1000000']")


def test_attributes_outlive_a_connection_but_not_the_machine() -> None:
    bench = connected()
    bench.do(FromNode(2, Ask(1, "attribute", {"node": "r1", "name": "colour", "value": "blue"})))
    path = "node_state[@id='r1']//nvpair[@name='colour']"
    assert bench.find(path)
    bench.do(FromNode(3, RemoteState(bench.term, "r1", True, "life", LRM)))
    assert bench.find(path)
    bench.do(FromNode(3, RemoteState(bench.term, "r1", True, "another life", LRM)))
    assert not bench.find(path)


def test_a_new_view_keeps_what_is_known_of_remote_nodes() -> None:
    bench = connected()
    bench.settle(1, 2)
    assert bench.find("node_state[@id='r1']//lrm_rsc_op[@id='db_last_0']")


def test_a_fenced_remote_node_runs_nothing() -> None:
    bench = connected()
    bench.do(FenceFinished("r1", "reboot", True))
    [state] = bench.find("node_state[@id='r1']")
    assert state.get("node_fenced") == "1000000"
    assert not state.findall(".//lrm_rsc_op")


def test_it_is_cleaned_up_through_the_member_that_is_connected() -> None:
    bench = connected()
    bench.told.clear()
    fields = {"resource": "db", "node": "r1", "failures_only": False}
    cib = bench.cib.section("resources")
    cib.append(
        etree.fromstring('<primitive id="db" class="ocf" provider="heartbeat" type="Dummy"/>')
    )
    bench.do(FromNode(1, Ask(1, "cleanup", fields)))
    orders = [(to, m.remote) for to, m in bench.told if isinstance(m, ForgetResource)]
    assert orders == [(2, "r1")]
    assert not bench.find("node_state[@id='r1']//lrm_resource[@id='db']")


def test_a_connected_remote_node_is_not_taken_for_down() -> None:
    bench = connected()
    bench.told.clear()
    bench.do(FromNode(1, Ask(1, "confirm-fenced", {"node": "r1"}, "root")))
    [told] = [m for _, m in bench.told if isinstance(m, Told)]
    assert "connection to r1 is up" in str(told.fields["error"])
    bench.do(FromNode(2, RemoteState(bench.term, "r1", False)))
    effects = bench.do(FromNode(1, Ask(2, "confirm-fenced", {"node": "r1"}, "root")))
    assert [e for e in effects if isinstance(e, ConfirmFenced)]
    assert [e for e in effects if isinstance(e, Tell)]


def test_a_guest_goes_down_with_its_container() -> None:
    bench = connected()
    body = (
        '<pseudo_event id="1" operation="stonith" operation_key="stonith-r1-off">'
        '<attributes/><downed><node id="r1"/></downed></pseudo_event>'
    )
    bench.schedule(synapse(1, body, ()), rsc_op(2, "vm", "start", 2, (1,)))
    assert bench.find("node_state[@id='r1'][@node_fenced='1000000']")
    assert [op.key for _, op in bench.ops()] == ["vm_start_0"]
