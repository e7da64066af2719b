"""Old constructs in today's form."""

from __future__ import annotations

import pytest
from lxml import etree

from engine.cib.upgrade import Upgrade, upgraded

MODERN = "pacemaker-3.9"


def configuration(
    options: str = "", nodes: str = "", resources: str = "", constraints: str = ""
) -> etree._Element:
    return etree.fromstring(
        f"<configuration><crm_config><cluster_property_set id='b'>{options}</cluster_property_set>"
        f"</crm_config><nodes>{nodes}</nodes><resources>{resources}</resources>"
        f"<constraints>{constraints}</constraints></configuration>"
    )


def change(schema: str = MODERN, **sections: str) -> Upgrade:
    given = configuration(**sections)
    before = etree.tostring(given)
    result = upgraded(given, schema)
    assert etree.tostring(given) == before
    assert (result.configuration is given) == (not result.changes)
    return result


def test_a_modern_configuration_is_left_alone() -> None:
    assert change(resources='<primitive id="a" class="ocf" type="x"/>').changes == []


def test_a_master_is_a_promotable_clone() -> None:
    result = change(resources='<master id="m"><primitive id="a" class="ocf" type="x"/></master>')
    clone = result.configuration.find("resources/clone")
    assert clone is not None
    block = clone.find("meta_attributes[@score='INFINITY']/nvpair")
    assert block is not None
    assert (block.get("name"), block.get("value")) == ("promotable", "true")


def test_each_rule_of_a_location_is_a_constraint() -> None:
    rules = '<rule id="r1" score="1"/><rule id="r2" score="2"/>'
    result = change(constraints=f'<rsc_location id="l" rsc="a">{rules}</rsc_location>')
    found = result.configuration.findall("constraints/rsc_location")
    assert [[rule.get("id") for rule in location] for location in found] == [["r1"], ["r2"]]
    assert len({location.get("id") for location in found}) == 2


def test_a_lifetime_limits_a_location_and_is_dropped_elsewhere() -> None:
    life = '<lifetime><rule id="x"><date_expression id="d" operation="lt" end="2030-01-01"/></rule></lifetime>'
    result = change(
        constraints=f'<rsc_location id="l" rsc="a" node="n1" score="5">{life}</rsc_location>'
        f'<rsc_order id="o" first="a" then="b">{life}</rsc_order>'
    )
    assert result.configuration.find(".//lifetime") is None
    rule = result.configuration.find("constraints/rsc_location/rule")
    assert rule is not None
    assert rule.get("score") == "5"
    assert [part.tag for part in rule] == ["rule", "rule"]
    assert rule[0][0].get("value") == "n1"


def test_a_ping_node_is_a_member_that_runs_nothing() -> None:
    result = change(nodes='<node id="1" uname="n1" type="ping"/>')
    location = result.configuration.find("constraints/rsc_location")
    assert location is not None
    assert (location.get("node"), location.get("score")) == ("n1", "-INFINITY")


def test_agents_that_are_gone_take_their_constraints_along() -> None:
    result = change(
        resources='<group id="g"><primitive id="a" class="upstart" type="x"/></group>'
        '<primitive id="b" class="ocf" type="x"/>',
        constraints='<rsc_order id="o" first="g" then="b"/><rsc_colocation id="c">'
        '<resource_set id="s"><resource_ref id="a"/><resource_ref id="b"/></resource_set></rsc_colocation>',
    )
    assert [e.get("id") for e in result.configuration.iterfind("resources/*")] == ["b"]
    assert [e.get("id") for e in result.configuration.iterfind("constraints/*")] == ["c"]
    assert result.configuration.find(".//resource_ref[@id='a']") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name="no_quorum_policy" value="stop"', "no-quorum-policy"),
        ('name="crmd-transition-delay" value="1s"', "transition-delay"),
    ],
)
def test_options_have_new_names(old: str, new: str) -> None:
    result = change("pacemaker-2.10", options=f'<nvpair id="p" {old}/>')
    pair = result.configuration.find("crm_config/cluster_property_set/nvpair")
    assert pair is not None
    assert pair.get("name") == new


def test_underscores_mean_nothing_in_newer_schemas() -> None:
    assert change(options='<nvpair id="p" name="no_quorum_policy" value="stop"/>').changes == []


def test_old_defaults_give_way_to_what_is_configured() -> None:
    option = '<nvpair id="p" name="default-resource-stickiness" value="7"/>'
    result = change("pacemaker-2.5", options=option)
    block = result.configuration.find("rsc_defaults/meta_attributes")
    assert block is not None
    assert block.get("score") == "-INFINITY"
    assert block[0].get("name") == "resource-stickiness"
    assert result.configuration.find("crm_config//nvpair") is None


def test_fence_devices_have_actions_instead_of_commands() -> None:
    device = (
        '<primitive id="f" class="stonith" type="x"><instance_attributes id="i">'
        '<nvpair id="1" name="pcmk_reboot_cmd" value="off"/>'
        '<nvpair id="2" name="pcmk_arg_map" value="a:b,port:vm"/></instance_attributes></primitive>'
    )
    result = change("pacemaker-2.3", resources=device)
    pairs = [(p.get("name"), p.get("value")) for p in result.configuration.iter("nvpair")]
    assert pairs == [("pcmk_reboot_action", "off"), ("pcmk_host_argument", "vm")]
