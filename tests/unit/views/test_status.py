"""The status as text, as one line, as JSON and as XML, made from a CIB alone."""

from __future__ import annotations

import json

import pytest
from lxml import etree

from crmshell.views.status import Background, Parts, simple_line, status_text
from crmshell.views.status_machine import status_json, status_xml
from engine.cib.document import Cib
from engine.cib.edits import set_property

NOW = 1_700_000_000.0
CIB = """<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="7" num_updates="2"
 admin_epoch="0" have-quorum="1" dc-uuid="1" cib-last-written="Tue Nov 14 22:00:00 2023"
 update-user="alice" update-client="crm"><configuration><crm_config>
<cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" value="{fencing}"/>
</cluster_property_set></crm_config><nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/>
<primitive id="off" class="ocf" provider="heartbeat" type="Dummy"><meta_attributes id="off-m">
<nvpair id="off-m-t" name="target-role" value="Stopped"/></meta_attributes></primitive>
</resources><constraints/></configuration><status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
<transient_attributes id="1"><instance_attributes id="s"><nvpair id="s-f"
 name="fail-count-ip#monitor_10000" value="2"/></instance_attributes></transient_attributes>
<lrm id="1"><lrm_resources><lrm_resource id="ip" class="ocf" provider="heartbeat" type="IPaddr2">
<lrm_rsc_op id="ip_last_0" operation_key="ip_start_0" operation="start" call-id="5" rc-code="0"
 op-status="0" interval="0" transition-key="1:1:0:u" transition-magic="0:0;1:1:0:u"/>
<lrm_rsc_op id="ip_last_failure_0" operation_key="ip_monitor_10000" operation="monitor" call-id="6"
 rc-code="7" op-status="0" interval="10000" exit-reason="gone" last-rc-change="1699999000"
 transition-key="1:1:0:u" transition-magic="0:7;1:1:0:u"/>
</lrm_resource></lrm_resources></lrm></node_state>
<node_state id="2" uname="n2" in_ccm="{n2}" crmd="{state}" join="{join}" expected="{join}"/>
</status></cib>"""


def _cib(*, n2_online: bool = True, fencing: bool = False) -> Cib:
    text = CIB.format(
        fencing=str(fencing).lower(),
        n2=str(n2_online).lower(),
        state="online" if n2_online else "offline",
        join="member" if n2_online else "down",
    )
    return Cib.from_bytes(text.encode())


def test_the_status_names_the_dc_nodes_resources_and_failures() -> None:
    text = status_text(_cib(), NOW, Background(stack="test"), Parts())
    assert (
        "  * Stack: test\n  * Current DC: n1 (feature set 3.19.0) - partition with quorum" in text
    )
    assert "  * 2 resource instances configured (1 DISABLED)" in text
    assert "Node List:\n  * Online: [ n1 n2 ]" in text
    assert "  * off\t(ocf:heartbeat:Dummy):\t Stopped (disabled)" in text
    assert "ip_monitor_10000 on n1 'not running' (7): call=6, status='complete'" in text
    assert "exitreason='gone'" in text
    assert "Tue Nov 14 22:00:00 2023 by alice via crm" in text


def test_lost_quorum_and_a_dc_that_the_source_knows_better_are_said() -> None:
    text = status_text(_cib(), NOW, Background(dc="n2", quorate=False), Parts())
    assert "Current DC: n2 (feature set 3.19.0) - partition WITHOUT quorum" in text


def test_without_a_fencing_device_the_status_says_what_to_type() -> None:
    text = status_text(_cib(fencing=True), NOW, Background(), Parts())
    assert "No fencing device is configured" in text
    assert "property stonith-enabled=false" in text
    assert "No fencing device" not in status_text(_cib(), NOW, Background(), Parts())


def test_only_active_resources_are_shown_when_asked() -> None:
    text = status_text(_cib(), NOW, Background(), Parts(headers=False, inactive=False))
    assert text.startswith("Node List:")
    assert "Active Resources:" in text
    assert "off\t" not in text


def test_resources_are_grouped_by_node_when_asked() -> None:
    text = status_text(_cib(), NOW, Background(), Parts(by_node=True))
    assert "  * Node n1: online\n    * ip\t(ocf:heartbeat:IPaddr2):\t" in text
    assert "Inactive Resources:\n  * off" in text


def test_operations_and_fail_counts_are_shown_when_asked() -> None:
    text = status_text(_cib(), NOW, Background(), Parts(operations=True))
    assert "    * ip: migration-threshold=1000000 fail-count=2:" in text
    assert '      * (6) monitor: interval="10000ms" rc=7 (not running)' in text
    text = status_text(_cib(), NOW, Background(), Parts(fail_counts=True))
    assert "Migration Summary:\n  * Node: n1:\n    * ip: migration-threshold" in text


@pytest.mark.parametrize(
    ("online", "line", "status"),
    [
        (True, "CLUSTER OK: 2 nodes online, 2 resource instances configured", 0),
        (False, "CLUSTER WARN: offline node: n2", 1),
    ],
)
def test_one_line_tells_a_monitoring_system(online: bool, line: str, status: int) -> None:
    assert simple_line(_cib(n2_online=online), NOW, Background()) == (line, status)


def test_json_and_xml_say_the_same() -> None:
    data = json.loads(status_json(_cib(), NOW, Background()))
    root = etree.fromstring(status_xml(_cib(), NOW, Background()))
    assert [node["name"] for node in data["nodes"]] == root.xpath("nodes/node/@name")
    assert data["resources"][0]["nodes"] == root.xpath("resources/resource[@id='ip']/node/@name")
    assert data["failures"][0]["exitreason"] == root.xpath("string(failures/failure/@exitreason)")
    assert root.xpath("string(summary/current_dc/@with_quorum)") == "true"


def test_the_head_of_a_pacemaker_tells_its_membership_and_version() -> None:
    cib = _cib()
    set_property(cib, "cluster-infrastructure", "corosync")
    set_property(cib, "dc-version", "3.0.0-abc")
    background = Background(stack="pacemaker", dc="n1")
    text = status_text(cib, NOW, background, Parts())
    assert "Stack: corosync" in text
    assert "n1 (version 3.0.0-abc)" in text
    assert "Stack: crmshell" in status_text(cib, NOW, Background(stack="crmshell"), Parts())
