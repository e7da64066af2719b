"""Edits of a CIB tree: by meaning, in place, with ids that are legal and unique."""

from __future__ import annotations

import pytest

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib, empty_cib
from engine.cib.edits import (
    ban,
    clear,
    contradicting_members,
    delete_node,
    find_resource,
    forget_history,
    meta_owner,
    prefer,
    property_value,
    set_meta,
    set_node_attribute,
    set_property,
    set_transient_attribute,
    topmost,
    transient_attributes,
    value_of,
)
from engine.cib.ids import free_id, legal_id
from engine.cib.schema import validate

TEXT = """<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="1" num_updates="0"
 admin_epoch="0"><configuration>
<crm_config><cluster_property_set id="o" score="1"><nvpair id="o-a" name="batch-limit" value="1"/>
</cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"><instance_attributes id="pcs"><nvpair id="pcs-x" name="x" value="1"/>
</instance_attributes></node><node id="2" uname="n2"/></nodes>
<resources><primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/>
<clone id="c"><group id="g"><primitive id="a" class="ocf" provider="heartbeat" type="Dummy">
<meta_attributes id="a-meta"><nvpair id="a-meta-t" name="target-role" value="Stopped"/>
</meta_attributes></primitive></group></clone></resources>
<constraints><rsc_location id="own" rsc="ip" node="n2" score="5"/></constraints>
</configuration><status><node_state id="1" uname="n1"><lrm id="1"><lrm_resources>
<lrm_resource id="ip" class="ocf" provider="heartbeat" type="IPaddr2">
<lrm_rsc_op id="ip_last_0" operation="start" rc-code="0" interval="0"/>
<lrm_rsc_op id="ip_last_failure_0" operation="monitor" rc-code="1" interval="10000"/>
</lrm_resource>
<lrm_resource id="a:0" class="ocf" provider="heartbeat" type="Dummy">
<lrm_rsc_op id="a_last_0" operation="monitor" rc-code="7" interval="0"/></lrm_resource>
</lrm_resources></lrm><transient_attributes id="1"><instance_attributes id="status-1">
<nvpair id="f1" name="fail-count-ip#monitor_10000" value="3"/>
<nvpair id="f2" name="last-failure-ip#monitor_10000" value="99"/>
<nvpair id="f3" name="fail-count-a#start_0" value="1"/></instance_attributes>
</transient_attributes></node_state></status></cib>"""


@pytest.fixture
def cib() -> Cib:
    return Cib.from_bytes(TEXT.encode())


def test_a_value_is_changed_in_the_set_where_another_tool_put_it(cib: Cib) -> None:
    set_node_attribute(cib, "n1", "x", "2")
    set_node_attribute(cib, "n1", "y", "3")
    node = cib.section("nodes")[0]
    assert [pair.get("id") for pair in node.iter("nvpair")] == ["pcs-x", "pcs-y"]
    assert node[0][0].get("value") == "2"


def test_a_new_set_of_a_node_is_named_as_pacemaker_does(cib: Cib) -> None:
    set_node_attribute(cib, "n2", "standby", "on")
    assert cib.section("nodes")[1][0].get("id") == "nodes-2"


def test_an_edited_cib_is_still_valid(cib: Cib) -> None:
    set_node_attribute(cib, "n2", "a b:c", "1")
    set_node_attribute(cib, "n2", "cpu", "4", "utilization")
    set_meta(cib, "ip", "target-role", "Started")
    set_property(cib, "maintenance-mode", "true")
    prefer(cib, "ip", "n1", until="2030-01-01")
    ban(cib, "ip", "n2")
    assert [report.message for report in validate(cib.root)] == []


def test_properties_are_found_in_any_set_and_new_ones_go_to_the_first(cib: Cib) -> None:
    set_property(cib, "batch-limit", "9")
    set_property(cib, "maintenance-mode", "true")
    sets = cib.section("crm_config")
    assert len(sets) == 1
    assert property_value(cib, "batch-limit") == "9"
    set_property(cib, "batch-limit", None)
    assert property_value(cib, "batch-limit") is None


def test_the_first_property_makes_the_default_set() -> None:
    cib = empty_cib()
    set_property(cib, "maintenance-mode", "true")
    assert cib.section("crm_config")[0].get("id") == "cib-bootstrap-options"


def test_a_direct_member_of_a_clone_speaks_for_the_clone_unless_it_has_the_attribute(
    cib: Cib,
) -> None:
    group, member = find_resource(cib, "g"), find_resource(cib, "a")
    assert meta_owner(group).get("id") == "c"
    assert meta_owner(member).get("id") == "a"
    assert topmost(member).get("id") == "c"
    assert contradicting_members(cib, "c", "target-role", "Started") == ["a"]
    assert contradicting_members(cib, "c", "target-role", "Stopped") == []


def test_a_second_move_replaces_the_first(cib: Cib) -> None:
    prefer(cib, "ip", "n1")
    prefer(cib, "ip", "n2")
    made = [each for each in cib.section("constraints") if each.get("id") == "cli-prefer-ip"]
    assert [each.get("node") for each in made] == ["n2"]


def test_clear_removes_what_was_made_by_command_and_nothing_else(cib: Cib) -> None:
    prefer(cib, "ip", "n1")
    ban(cib, "ip", "n2", until="2030-01-01")
    assert clear(cib, "ip", "n2") == ["cli-ban-ip-on-n2"]
    assert clear(cib, "ip") == ["cli-prefer-ip"]
    assert [each.get("id") for each in cib.section("constraints")] == ["own"]


def test_failures_are_forgotten_with_their_counts(cib: Cib) -> None:
    assert forget_history(cib, resource="ip") == 3
    assert transient_attributes(cib, "n1") == {"fail-count-a#start_0": "1"}
    assert not cib.root.xpath("//lrm_resource[@id='ip']")
    assert cib.root.xpath("//lrm_resource[@id='a:0']")


def test_a_resource_that_did_not_fail_is_left_alone(cib: Cib) -> None:
    forget_history(cib, resource="g")
    assert cib.root.xpath("//lrm_resource[@id='a:0']")
    assert "fail-count-a#start_0" not in transient_attributes(cib, "n1")


def test_a_refresh_forgets_everything_of_a_resource_on_a_node(cib: Cib) -> None:
    forget_history(cib, node="n2", failures_only=False)
    assert len(cib.root.xpath("//lrm_resource")) == 2
    forget_history(cib, resource="c", failures_only=False)
    assert cib.root.xpath("//lrm_resource/@id") == ["ip"]


def test_one_operation_can_be_forgotten_by_its_interval(cib: Cib) -> None:
    forget_history(cib, resource="ip", operation="monitor", interval_ms=5000)
    assert transient_attributes(cib, "n1")["fail-count-ip#monitor_10000"] == "3"
    forget_history(cib, resource="ip", operation="monitor", interval_ms=10000)
    assert cib.root.xpath("//lrm_resource[@id='ip']/lrm_rsc_op/@operation") == ["start"]


def test_transient_attributes_make_their_place_in_an_empty_status(cib: Cib) -> None:
    assert set_transient_attribute(cib, "n2", "standby", "on")
    assert transient_attributes(cib, "n2") == {"standby": "on"}
    assert set_transient_attribute(cib, "n2", "standby", None)
    assert not set_transient_attribute(cib, "n2", "standby", None)


def test_a_deleted_node_takes_its_state_and_its_constraints_along(cib: Cib) -> None:
    assert delete_node(cib, "n2") == ["own"]
    assert delete_node(cib, "n1") == []
    assert not cib.root.xpath("//node_state")


def test_what_does_not_exist_is_refused_with_the_nearest_name(cib: Cib) -> None:
    with pytest.raises(EngineError, match="did you mean ip") as refusal:
        find_resource(cib, "ipp")
    assert refusal.value.status is ExitStatus.NOSUCH
    assert value_of(find_resource(cib, "ip"), "meta_attributes", "target-role") is None


@pytest.mark.parametrize(
    ("text", "id_"),
    [("a:0", "a.0"), ("18node", "num-18node"), (".x", "_.x"), ("", "_"), ("ä b", "_..b")],
)
def test_ids_are_made_legal(text: str, id_: str) -> None:
    assert legal_id(text) == id_
    assert legal_id(legal_id(text)) == legal_id(text)


def test_ids_that_are_taken_get_a_number(cib: Cib) -> None:
    assert free_id(cib.root, "ip") == "ip-0"
    assert free_id(cib.root, "new") == "new"
