"""The command `crm_resource` on a CIB file."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from engine.tools.crm_resource import main

CIB = """\
<cib epoch="3" num_updates="1" admin_epoch="0" validate-with="pacemaker-3.9" have-quorum="1">
 <configuration>
  <crm_config><cluster_property_set id="o">
   <nvpair id="o1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
  <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
  <resources>
   <primitive id="a" class="ocf" provider="pacemaker" type="Dummy">
    <instance_attributes id="a-i"><nvpair id="a-i-d" name="delay" value="7"/></instance_attributes>
   </primitive>
   <primitive id="b" class="ocf" provider="pacemaker" type="Dummy"/>
   <clone id="c"><primitive id="p" class="ocf" provider="pacemaker" type="Dummy"/></clone>
  </resources>
  <constraints>
   <rsc_location id="l" rsc="a" node="n1" score="5"/>
   <rsc_colocation id="ab" rsc="b" with-rsc="a" score="INFINITY"/>
   <rsc_colocation id="ba" rsc="a" with-rsc="b" score="10"/>
  </constraints>
 </configuration>
 <status>
  <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
   <lrm id="1"><lrm_resources><lrm_resource id="a" class="ocf" provider="pacemaker" type="Dummy">
    <lrm_rsc_op id="a_last_0" operation="start" call-id="4" rc-code="0" op-status="0" interval="0"
     operation_key="a_start_0" transition-key="1:1:0:u" transition-magic="0:0;1:1:0:u"/>
   </lrm_resource></lrm_resources></lrm></node_state>
 </status>
</cib>
"""


@pytest.fixture(autouse=True)
def cib_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cib.xml"
    path.write_text(CIB)
    monkeypatch.setenv("CIB_file", str(path))
    monkeypatch.delenv("CIB_shadow", raising=False)
    return path


def _lines(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(list(words)) == 0
    return capsys.readouterr().out.splitlines()


def _constraints(path: Path) -> list[tuple[str | None, str | None, str | None]]:
    found = etree.parse(path).iterfind(".//constraints/rsc_location")
    return [(each.get("id"), each.get("node"), each.get("score")) for each in found]


def test_it_says_where_a_resource_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert _lines(capsys, "-W", "-r", "a") == ["resource a is running on: n1 "]
    assert _lines(capsys, "-QWr", "a") == ["n1"]
    assert _lines(capsys, "--locate", "--resource=b") == ["resource b is NOT running"]


def test_an_unknown_resource_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-W", "-r", "zz"]) == 105
    assert "'zz'" in capsys.readouterr().err


def test_values_are_shown_set_and_deleted(
    cib_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _lines(capsys, "-r", "a", "-g", "delay") == ["7"]
    assert _lines(capsys, "-r", "a", "-p", "delay", "-v", "9") == [
        "Set 'a' option: id=a-i-d name=delay value=9"
    ]
    assert etree.parse(cib_file).find(".//nvpair[@id='a-i-d']").get("value") == "9"
    assert _lines(capsys, "-r", "a", "-d", "delay") == ["Deleted 'a' option: id=a-i-d name=delay"]
    assert main(["-r", "a", "-g", "delay"]) == 0
    assert "not found" in capsys.readouterr().err


def test_a_clone_speaks_for_its_member(cib_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _lines(capsys, "-r", "p", "-m", "-p", "is-managed", "-v", "false")
    assert said[0] == "Performing update of 'is-managed' on 'c', the parent of 'p'"
    assert etree.parse(cib_file).find(".//clone/meta_attributes/nvpair").get("value") == "false"
    _lines(capsys, "-r", "p", "-m", "-p", "is-managed", "-v", "true", "--force")
    assert etree.parse(cib_file).find(".//primitive[@id='p']//nvpair").get("value") == "true"


def test_a_move_is_one_constraint_that_replaces_an_earlier_one(
    cib_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _lines(capsys, "-B", "-r", "a")
    assert ("cli-ban-a-on-n1", "n1", "-INFINITY") in _constraints(cib_file)
    _lines(capsys, "-M", "-r", "a", "-N", "n1")
    assert _constraints(cib_file)[1:] == [("cli-prefer-a", "n1", "INFINITY")]
    assert _lines(capsys, "-U", "-r", "a") == ["Removing constraint: cli-prefer-a"]
    assert [row[0] for row in _constraints(cib_file)] == ["l"]


def test_a_move_needs_one_place_to_leave(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-M", "-r", "b"]) == 64
    assert "active in 0 locations" in capsys.readouterr().err


def test_one_instance_of_a_clone_cannot_be_moved(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-M", "-r", "p:0", "-N", "n1"]) == 2


def test_a_lifetime_is_a_rule_and_ends(cib_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _lines(capsys, "-M", "-r", "a", "-N", "n2", "-u", "PT1H")
    assert said[0].startswith("Migration will take effect until: 2")
    assert etree.parse(cib_file).find(".//date_expression").get("operation") == "lt"
    assert _lines(capsys, "--clear", "--expired") == []
    text = cib_file.read_text()
    end = etree.parse(cib_file).find(".//date_expression").get("end")
    cib_file.write_text(text.replace(end, "2001-01-01 00:00:00Z"))
    assert _lines(capsys, "--clear", "--expired") == ["Removing constraint: cli-prefer-a"]


def test_the_stack_stops_where_it_goes_round(capsys: pytest.CaptureFixture[str]) -> None:
    assert _lines(capsys, "-A", "-r", "a") == [
        "Locations:",
        "  * Node n1 (score=5, id=l, rsc=a)",
        "Resources colocated with a:",
        "  * b (score=INFINITY, id=ab)",
        "    * Resources colocated with b:",
        "      * a (id=ba - loop)",
        "Resources a is colocated with:",
        "  * b (score=10, id=ba)",
        "    * Resources b is colocated with:",
        "      * a (id=ab - loop)",
    ]


def test_reasons_name_what_the_configuration_wants(capsys: pytest.CaptureFixture[str]) -> None:
    _lines(capsys, "-r", "b", "-m", "-p", "target-role", "-v", "Stopped")
    assert _lines(capsys, "-Y", "-r", "b")[:2] == [
        "Resource b is not running",
        "  * Configuration specifies 'b' should remain stopped",
    ]


def test_operations_that_count_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = _lines(capsys, "-O")
    assert line == "a\t(ocf:pacemaker:Dummy):\t Started: a_start_0 (node=n1, call=4, rc=0): Done"


def test_words_that_mean_nothing_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["foo", "bar"]) == 64
    assert "[1 of 2] foo" in capsys.readouterr().err
