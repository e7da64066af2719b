"""Why a resource is where it is: what decided, and what would have it otherwise."""

from __future__ import annotations

import json

import pytest

from crmshell.views.why import node_json, node_text, why_json, why_text
from engine.cib.document import Cib
from engine.reasons.explain import explain
from engine.reasons.node import explain_node

NOW = 1_700_000_000.0
CIB = """<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="7" num_updates="2" admin_epoch="0"
 have-quorum="{quorum}" dc-uuid="1"><configuration><crm_config><cluster_property_set id="o">
<nvpair id="o-s" name="stonith-enabled" value="false"/>{options}</cluster_property_set></crm_config>
<nodes><node id="1" uname="n1">{node1}</node><node id="2" uname="n2">{node2}</node></nodes>
<resources><primitive id="db" class="ocf" provider="heartbeat" type="Dummy">{meta}</primitive>
<primitive id="ip" class="ocf" provider="heartbeat" type="Dummy"/></resources>
<constraints>{constraints}</constraints></configuration><status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">{status1}{runs}</node_state>
<node_state id="2" uname="n2" in_ccm="{there}" crmd="{crmd}" join="{join}" expected="{join}">{status2}</node_state>
</status></cib>"""
RUNS = (
    '<lrm id="1"><lrm_resources><lrm_resource id="db" class="ocf" provider="heartbeat" type="Dummy">'
    '<lrm_rsc_op id="db_last_0" operation_key="db_start_0" operation="start" interval="0" rc-code="0" op-status="0"'
    ' call-id="3" transition-magic="0:0;1:1:0:a" transition-key="1:1:0:a" last-rc-change="1699990000"/>'
    "</lrm_resource></lrm_resources></lrm>"
)
PREFERS_N1 = '<rsc_location id="l1" rsc="db" node="n1" score="100"/>'
PREFERS_N2 = '<rsc_location id="l2" rsc="db" node="n2" score="50"/>'
BAN_N2 = '<rsc_location id="ban" rsc="db" node="n2" score="-INFINITY"/>'
AWAY = {"there": "false", "crmd": "offline", "join": "down"}


def made(**parts: str) -> Cib:
    fields = {
        "quorum": "1",
        "there": "true",
        "crmd": "online",
        "join": "member",
        **dict.fromkeys(
            ("options", "node1", "node2", "meta", "constraints", "status1", "status2", "runs"), ""
        ),
        **parts,
    }
    return Cib.from_bytes(CIB.format(**fields).encode())


def meta(name: str, value: str) -> str:
    return f'<meta_attributes id="m"><nvpair id="m-1" name="{name}" value="{value}"/></meta_attributes>'


def standby(number: int) -> str:
    return f'<instance_attributes id="na{number}"><nvpair id="nv{number}" name="standby" value="on"/></instance_attributes>'


def counted(number: int, name: str = "fail-count-db#start_0", value: str = "INFINITY") -> str:
    return (
        f'<transient_attributes id="{number}"><instance_attributes id="ta{number}">'
        f'<nvpair id="tv{number}" name="{name}" value="{value}"/></instance_attributes></transient_attributes>'
    )


def text(cib: Cib, name: str = "db", node: str = "") -> str:
    return why_text(explain(cib, NOW, name, node))


def test_the_location_that_decides_is_named_with_what_would_be_without_it() -> None:
    found = text(made(constraints=PREFERS_N1 + PREFERS_N2))
    assert found.startswith("db is stopped and is about to start on n1.\n")
    assert "location l1: db prefers by 100 n1\n      otherwise it would run on n2" in found
    assert "l2" not in found


def test_for_another_node_the_smallest_score_is_told_that_brings_it_there() -> None:
    found = text(made(constraints=PREFERS_N1 + PREFERS_N2), node="n2")
    assert "It is not on n2 because:\n  * location l1" in found
    assert "crm configure delete l1\n      then it would run on n2" in found
    assert "crm configure location db-on-n2 db 51: n2" in found


def test_what_runs_and_is_asked_for_by_nothing_stays_where_it_is() -> None:
    assert "db runs on n1 and stays there." in text(made(runs=RUNS))


@pytest.mark.parametrize(
    ("parts", "fact", "command"),
    [
        ({"meta": meta("target-role", "Stopped")}, "target-role=Stopped", "crm resource start db"),
        ({"meta": meta("maintenance", "true")}, "db is in maintenance", "crm resource maintenance db off"),
        ({"meta": meta("is-managed", "false")}, "db is not managed", "crm resource manage db"),
        (
            {"options": '<nvpair id="o-m" name="maintenance-mode" value="true"/>'},
            "the whole cluster is in maintenance",
            "crm configure property maintenance-mode=false",
        ),
        (
            {"options": '<nvpair id="o-m" name="stop-all-resources" value="true"/>'},
            "all resources are stopped on purpose",
            "crm configure property stop-all-resources=false",
        ),
        (
            {"options": '<nvpair id="o-m" name="symmetric-cluster" value="false"/>'},
            "resources run only where a location allows it",
            "crm configure property symmetric-cluster=true",
        ),
        ({"quorum": "0"}, "no quorum", "bring more nodes back"),
        ({"constraints": BAN_N2, "node1": standby(1)}, "node n1 is in standby", "crm node online n1"),
        ({"constraints": BAN_N2, "status1": counted(1)}, "db failed on n1", "crm resource cleanup db n1"),
        ({"node1": standby(1), **AWAY}, "node n2 is not there", "crm cluster start n2"),
        (
            {"constraints": '<rsc_ticket id="t" rsc="db" ticket="A"/>'},
            "ticket A is not granted",
            "crm_ticket --ticket A --grant --force",
        ),
        (
            {
                "constraints": BAN_N2 + '<rsc_colocation id="c" rsc="db" with-rsc="ip" score="INFINITY"/>'
                '<rsc_location id="l" rsc="ip" node="n1" score="-INFINITY"/>'
            },
            "colocation c: db runs only with ip",
            "crm configure delete c",
        ),
    ],
)  # fmt: skip
def test_what_keeps_it_stopped_is_named_with_the_command_that_ends_it(
    parts: dict[str, str], fact: str, command: str
) -> None:
    found = text(made(**parts))
    assert found.startswith("db is stopped and stays so.\n")
    assert fact in found
    assert command in found


def test_two_reasons_of_which_each_suffices_are_told_together() -> None:
    cib = made(
        options='<nvpair id="o-m" name="stop-all-resources" value="true"/>',
        meta=meta("target-role", "Stopped"),
    )
    found = explain(cib, NOW, "db")
    assert any(len(cause.changes) == 2 for cause in found.causes)
    assert ", together with: " in why_text(found)


def test_an_order_that_is_not_fulfilled_says_what_the_start_waits_for() -> None:
    cib = made(
        constraints='<rsc_order id="o1" first="ip" then="db"/>'
        '<rsc_location id="b1" rsc="ip" node="n1" score="-INFINITY"/>'
        '<rsc_location id="b2" rsc="ip" node="n2" score="-INFINITY"/>'
    )
    found = text(cib)
    assert "order o1: ip before db" in found
    assert "crm configure delete o1" in found


def test_stickiness_is_named_when_it_keeps_a_resource_from_its_location() -> None:
    cib = made(runs=RUNS, constraints=PREFERS_N2, meta=meta("resource-stickiness", "100"))
    assert "db prefers to stay where it is by 100" in text(cib)
    assert "crm configure location db-on-n2 db 51: n2" in text(cib, node="n2")


def test_the_search_ends_when_it_is_told_to_and_says_so() -> None:
    found = explain(made(constraints=PREFERS_N1), NOW, "db", may_go_on=lambda: False)
    assert not found.is_complete
    assert "Time ran out" in why_text(found)


def test_the_question_changes_nothing() -> None:
    cib = made(constraints=PREFERS_N1 + PREFERS_N2, runs=RUNS)
    before = cib.to_bytes()
    explain(cib, NOW, "db", "n2")
    assert cib.to_bytes() == before


def test_programs_get_the_same_as_an_object() -> None:
    found = json.loads(
        why_json(explain(made(constraints=PREFERS_N1 + PREFERS_N2), NOW, "db", "n2"))
    )
    assert found["next"] == [{"node": "n1"}]
    assert found["preference"] == "51"
    [way] = found["ways"]
    assert way["commands"] == ["crm configure delete l1"]
    assert way["then"] == [{"node": "n2"}]
    assert found["complete"] is True


def test_a_node_in_standby_is_told_what_it_would_run() -> None:
    cib = made(node2=standby(2), constraints=PREFERS_N2, status2=counted(2, value="1"))
    found = node_text(explain_node(cib, NOW, "n2"))
    assert found.startswith(
        "n2 is to run nothing.\n  * node n2 is in standby\n      crm node online n2\n"
    )
    assert "then it would also run db" in found
    assert "Of no consequence at present:" in found
    assert "db failed on n2 once" in found


def test_a_node_that_nothing_keeps_anything_from_says_so() -> None:
    assert "Nothing about the node itself" in node_text(explain_node(made(), NOW, "n1"))


def test_a_location_on_a_node_is_a_reason_for_what_it_runs() -> None:
    fields = json.loads(node_json(explain_node(made(constraints=PREFERS_N2), NOW, "n2")))
    assert fields["runs"] == ["db"]
    assert fields["facts"][0]["fact"] == "location l2: db prefers by 50 n2"
