"""Absurd numbers and shapes cost what can run, not what is written."""

from __future__ import annotations

import pytest

from engine.base.isodate import Zone
from engine.cib.document import Cib
from engine.scheduler.api import schedule
from tests.calls import calls_in

NOW = 1_700_000_000.0
ONLINE = 'in_ccm="true" crmd="online" join="member" expected="member"'


def cluster(resources: str, constraints: str = "", history: str = "") -> bytes:
    return f"""<cib crm_feature_set="3.20.0" validate-with="pacemaker-3.9" admin_epoch="0" epoch="1"
        num_updates="1" have-quorum="1" dc-uuid="1"><configuration><crm_config><cluster_property_set id="o">
        <nvpair id="o1" name="fencing-enabled" value="false"/></cluster_property_set></crm_config>
        <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes><resources>{resources}</resources>
        <constraints>{constraints}<rsc_location id="l" rsc="r0" node="n2" score="100"/></constraints>
        </configuration><status><node_state id="1" uname="n1" {ONLINE}><lrm id="1"><lrm_resources>{history}
        </lrm_resources></lrm></node_state><node_state id="2" uname="n2" {ONLINE}/></status></cib>""".encode()


def calls(data: bytes) -> int:
    cib = Cib.from_bytes(data)
    return calls_in(lambda: schedule(cib, NOW, zone=Zone()))


def ring(count: int, score: str) -> bytes:
    resources = "".join(
        f'<primitive id="r{n}" class="ocf" provider="pacemaker" type="Dummy"/>'
        for n in range(count)
    )
    constraints = "".join(
        f'<rsc_colocation id="c{n}" rsc="r{n}" with-rsc="r{(n + 1) % count}" score="{score}"/>'
        for n in range(count)
    )
    return cluster(resources, constraints)


@pytest.mark.parametrize("score", ["INFINITY", "10"])
def test_a_loop_of_colocations_costs_in_proportion_to_its_length(score: str) -> None:
    assert calls(ring(600, score)) < 6 * calls(ring(150, score))


def active_clone(node_max: int) -> bytes:
    """Forty instances run on n1, and all of them prefer n2."""
    history = "".join(
        f'<lrm_resource id="p:{n}" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op '
        f'id="p:{n}_last_0" operation_key="p:{n}_start_0" operation="start" rc-code="0" '
        f'transition-key="1:1:0:a" transition-magic="0:0;1:1:0:a" call-id="{n + 1}" op-status="0" '
        'interval="0" on_node="n1"/></lrm_resource>'
        for n in range(40)
    )
    clone = (
        '<clone id="r0"><meta_attributes id="m"><nvpair id="m1" name="globally-unique" value="true"/>'
        f'<nvpair id="m2" name="clone-node-max" value="{node_max}"/><nvpair id="m3" name="clone-max" '
        'value="400"/></meta_attributes><primitive id="p" class="ocf" provider="pacemaker" '
        'type="Dummy"/></clone>'
    )
    return cluster(clone, history=history)


def test_instances_that_a_node_may_hold_are_not_tried_one_by_one() -> None:
    assert calls(active_clone(1_000_000)) < 2 * calls(active_clone(200))
