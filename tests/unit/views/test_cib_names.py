"""The names in a CIB: every kind is found, whatever is missing."""

from __future__ import annotations

from lxml import etree

from crmshell.views.names import Names, names_from_cib

CIB = b"""
<cib><configuration>
 <crm_config><cluster_property_set id="cib-bootstrap-options"/></crm_config>
 <nodes><node id="1" uname="n1"><instance_attributes id="n1-a">
   <nvpair id="n1-rack" name="rack" value="r1"/></instance_attributes></node>
   <node id="2" uname="n2"/></nodes>
 <resources>
  <template id="web" class="ocf" provider="heartbeat" type="nginx"/>
  <primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/>
  <primitive id="w" template="web"/>
  <clone id="c"><group id="g"><primitive id="m" class="systemd" type="x"/></group></clone>
 </resources>
 <constraints><rsc_location id="l" rsc="a" node="n1" score="1"/>
  <rsc_ticket id="t" rsc="a" ticket="T"/></constraints>
 <tags><tag id="tg"/></tags><acls><acl_role id="ro"/></acls>
</configuration><status><node_state uname="n1"><lrm><lrm_resources>
 <lrm_resource id="a"><lrm_rsc_op operation="start" rc-code="0" call-id="2"/>
   <lrm_rsc_op operation="monitor" rc-code="7" call-id="1"/></lrm_resource>
 <lrm_resource id="m:0"><lrm_rsc_op operation="stop" rc-code="0" call-id="9"/>
   <lrm_rsc_op operation="start" rc-code="0" call-id="8"/></lrm_resource>
</lrm_resources></lrm></node_state></status></cib>
"""


def names() -> Names:
    return names_from_cib(etree.fromstring(CIB))


def test_resources_come_with_container_and_agent() -> None:
    found = {one.id: one for one in names().resources}
    assert list(found) == ["a", "w", "c", "g", "m"]
    assert found["m"].parent == "g"
    assert found["m"].agent == "systemd:x"
    assert found["a"].agent == "ocf:heartbeat:Dummy"


def test_a_primitive_of_a_template_has_the_templates_agent() -> None:
    assert names().agent_of("w") == "ocf:heartbeat:nginx"
    assert names().agent_of("nosuch") == ""


def test_nodes_attributes_tickets_and_objects_are_found() -> None:
    made = names()
    assert made.nodes == ("n1", "n2")
    assert made.node_attributes == {"rack": ("r1",)}
    assert made.tickets == ("T",)
    assert {"l", "tg", "ro", "web", "cib-bootstrap-options"} <= set(made.objects())


def test_the_last_operation_says_whether_a_resource_runs() -> None:
    made = names()
    assert made.is_active("a")
    assert not made.is_active("m")
    assert not made.is_active("c")


def test_a_cib_without_sections_has_no_names() -> None:
    assert names_from_cib(etree.fromstring(b"<cib/>")) == Names()
