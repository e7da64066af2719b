"""The command `crm_mon`: sections, filters, formats."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from engine.tools.crm_mon import main

CIB = """\
<cib epoch="3" num_updates="1" admin_epoch="0" validate-with="pacemaker-3.9" have-quorum="1"
     dc-uuid="2" cib-last-written="Tue Nov 24 09:00:00 2026" update-user="root" update-client="crm">
 <configuration>
  <crm_config><cluster_property_set id="o">
   <nvpair id="o1" name="stonith-enabled" value="false"/>
   <nvpair id="o2" name="cluster-infrastructure" value="corosync"/>
   <nvpair id="o3" name="dc-version" value="9.9"/>
  </cluster_property_set></crm_config>
  <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
  <resources>
   <primitive id="a" class="ocf" provider="pacemaker" type="Dummy" description="the first"/>
   <primitive id="off" class="ocf" provider="pacemaker" type="Dummy"/>
   <group id="g"><primitive id="g1" class="ocf" provider="pacemaker" type="Dummy"/>
    <primitive id="g2" class="ocf" provider="pacemaker" type="Dummy"/></group>
   <clone id="c"><primitive id="p" class="ocf" provider="pacemaker" type="ping"/></clone>
  </resources>
  <constraints>
   <rsc_location id="ban-a" rsc="a" node="n2" score="-INFINITY"/>
   <rsc_location id="like-a" rsc="a" node="n1" score="5"/>
  </constraints>
  <tags><tag id="second"><obj_ref id="2"/></tag><tag id="few"><obj_ref id="a"/></tag></tags>
 </configuration>
 <status>
  <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
   <transient_attributes id="1"><instance_attributes id="t1">
     <nvpair id="t2" name="rack" value="r7"/>
     <nvpair id="t3" name="fail-count-g1#monitor_9000" value="2"/>
     <nvpair id="t4" name="last-failure-g1#monitor_9000" value="1700000000"/>
   </instance_attributes></transient_attributes>
   <lrm id="1"><lrm_resources>
    {a}{g1}{p}
   </lrm_resources></lrm></node_state>
  <node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member">
   <lrm id="2"><lrm_resources>{p}</lrm_resources></lrm></node_state>
 </status>
</cib>
"""


def _started(name: str, agent: str = "Dummy") -> str:
    return (
        f'<lrm_resource id="{name}" class="ocf" provider="pacemaker" type="{agent}">'
        f'<lrm_rsc_op id="{name}_last_0" operation="start" call-id="4" rc-code="0" op-status="0"'
        f' interval="0" exec-time="12" queue-time="0" last-rc-change="1700000000"'
        f' operation_key="{name}_start_0" transition-key="1:1:0:u" transition-magic="0:0;1:1:0:u"'
        "/></lrm_resource>"
    )


@pytest.fixture(autouse=True)
def cib_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cib.xml"
    path.write_text(CIB.format(a=_started("a"), g1=_started("g1"), p=_started("p", "ping")))
    monkeypatch.setenv("CIB_file", str(path))
    monkeypatch.delenv("CIB_shadow", raising=False)
    return path


def _text(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(list(words)) == 0
    return capsys.readouterr().out.splitlines()


def _section(lines: list[str], title: str) -> list[str]:
    rest = lines[lines.index(f"{title}:") + 1 :]
    return rest[: rest.index("")] if "" in rest else rest


def _document(capsys: pytest.CaptureFixture[str], *words: str) -> etree._Element:
    assert main(["--output-as=xml", *words]) == 0
    return etree.fromstring(capsys.readouterr().out)


def test_the_default_shows_what_runs(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _text(capsys, "-1")
    assert lines[0] == "Cluster Summary:"
    assert "  * Current DC: n2 (version 9.9) - partition with quorum" in lines
    assert "  * Last change:  Tue Nov 24 09:00:00 2026 by root via crm" in lines
    assert _section(lines, "Node List") == ["  * Online: [ n1 n2 ]"]
    assert _section(lines, "Active Resources") == [
        "  * a\t(ocf:pacemaker:Dummy):\t Started n1",
        "  * Resource Group: g (1 member inactive):",
        "    * g1\t(ocf:pacemaker:Dummy):\t Started n1",
        "  * Clone Set: c [p]:",
        "    * Started: [ n1 n2 ]",
    ]


def test_inactive_resources_are_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    found = _section(_text(capsys, "-1r"), "Full List of Resources")
    assert "  * off\t(ocf:pacemaker:Dummy):\t Stopped" in found
    assert "    * g2\t(ocf:pacemaker:Dummy):\t Stopped" in found
    assert "  * Resource Group: g:" in found


def test_only_the_sections_that_are_included_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _text(capsys, "-1", "--exclude=all", "--include=nodes,bans:ban")
    assert lines == [
        "Node List:",
        "  * Online: [ n1 n2 ]",
        "",
        "Negative Location Constraints:",
        "  * ban-a\tprevents a from running on n2",
    ]
    assert _text(capsys, "-1", "--exclude=all", "-Lother") == []


def test_an_unknown_section_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-1", "--include=nods"]) == 64
    assert "'nods'" in capsys.readouterr().err


def test_a_node_or_a_tag_of_nodes_filters(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("n2", "second"):
        lines = _text(capsys, "-1", f"--node={name}")
        assert _section(lines, "Node List") == ["  * Online: [ n2 ]"]
        assert _section(lines, "Active Resources") == [
            "  * Clone Set: c [p]:",
            "    * Started: [ n2 ]",
        ]


def test_a_resource_or_a_tag_filters(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "few"):
        found = _section(_text(capsys, "-1", "--resource", name), "Active Resources")
        assert found == ["  * a\t(ocf:pacemaker:Dummy):\t Started n1"]
    found = _section(_text(capsys, "-1", "--resource=nothing"), "Active Resources")
    assert found == ["  * No active resources"]


def test_resources_stand_below_their_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _text(capsys, "-1nr")
    assert _section(lines, "Node List")[:3] == [
        "  * Node n1: online:",
        "    * Resources:",
        "      * a\t(ocf:pacemaker:Dummy):\t Started (the first)",
    ]
    assert "  * off\t(ocf:pacemaker:Dummy):\t Stopped" in _section(lines, "Inactive Resources")


def test_brief_counts_by_agent(capsys: pytest.CaptureFixture[str]) -> None:
    found = _section(_text(capsys, "-1br"), "Full List of Resources")
    assert found[:3] == [
        "  * 1/2\t(ocf:pacemaker:Dummy):\tActive n1",
        "  * Resource Group: g:",
        "    * 1/2\t(ocf:pacemaker:Dummy):\tActive n1",
    ]


def test_fail_counts_and_operations(capsys: pytest.CaptureFixture[str]) -> None:
    failed = _section(_text(capsys, "-1f"), "Migration Summary")
    assert failed[0] == "  * Node: n1:"
    assert failed[1].startswith("    * g1: migration-threshold=1000000 fail-count=2 last-failure='")
    done = _section(_text(capsys, "-1o", "--resource=a"), "Operations")
    assert done == ["  * Node: n1:", "    * a: migration-threshold=1000000:", "      * (4) start"]
    assert 'exec-time="12ms"' in "".join(_section(_text(capsys, "-1t"), "Operations"))


def test_xml_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    root = _document(capsys, "-1")
    assert root.get("request") == "crm_mon --output-as=xml -1"
    assert [child.tag for child in root] == [
        "summary",
        "nodes",
        "resources",
        "node_attributes",
        "node_history",
        "bans",
        "status",
    ]
    assert root.find("bans/ban").get("weight") == "-1000000"
    assert root.find("resources/resource[@id='off']").get("active") == "false"
    assert root.find(".//resource_history[@id='g1']").get("fail-count") == "2"


def test_xml_by_node_shows_what_is_active_once(capsys: pytest.CaptureFixture[str]) -> None:
    root = _document(capsys, "-n")
    assert root.find("nodes/node[@name='n1']/resource[@id='a']") is not None
    assert root.find("resources/resource[@id='a']") is None


def test_one_line_for_monitoring(capsys: pytest.CaptureFixture[str]) -> None:
    assert _text(capsys, "-s") == ["CLUSTER OK: 2 nodes online, 6 resource instances configured"]


def test_an_offline_node_is_a_warning(cib_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = cib_file.read_text().replace('uname="n1" in_ccm="true"', 'uname="n1" in_ccm="false"')
    cib_file.write_text(text)
    assert main(["-s"]) == 1
    assert capsys.readouterr().out == "CLUSTER WARN: offline node: n1\n"


def test_a_web_page_is_written_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "status.html"
    words = ["-1", "--output-as=html", f"--output-to={target}", "--html-title=Our <cluster>"]
    assert main(words) == 0
    page = target.read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "<h1>Our &lt;cluster&gt;</h1>" in page
    assert "<li>Online: [ n1 n2 ]" in page
