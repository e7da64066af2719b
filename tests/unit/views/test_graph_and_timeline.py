"""Pictures of the configuration and of the past, as text."""

from __future__ import annotations

from lxml import etree

from crmshell.views.graph import dot_from_cib
from crmshell.views.timeline import Event, events_from_cibs, stretches, timeline_svg, timeline_text

CIB = """
<cib><configuration><nodes><node id="1" uname="n1"/></nodes><resources>
 <group id="g"><primitive id="a" provider="heartbeat" type="Dummy"/><primitive id="b" type="x"/></group>
 <primitive id='q"x' template="t"/><clone id="empty"/>
</resources><constraints>
 <rsc_location id="l" rsc="g" node="n1" score="-INFINITY"/>
 <rsc_location id="r" rsc="a"><rule id="rr" score="5"><expression attribute="#uname" operation="eq" value="n1"/></rule></rsc_location>
 <rsc_order id="o" first="g" then="q"/>
 <rsc_order id="s"><resource_set><resource_ref id="a"/><resource_ref id="b"/></resource_set></rsc_order>
 <rsc_colocation id="c" rsc="a" with-rsc="b" score="7"/>
</constraints></configuration><status><node_state uname="n1"><lrm><lrm_resources>
 <lrm_resource id="a">
  <lrm_rsc_op operation="monitor" interval="0" rc-code="7" call-id="1" last-rc-change="100"/>
  <lrm_rsc_op operation="start" interval="0" rc-code="0" call-id="2" last-rc-change="110"/>
  <lrm_rsc_op operation="monitor" interval="10000" rc-code="7" call-id="3" last-rc-change="150" exit-reason="gone &amp; lost"/>
 </lrm_resource></lrm_resources></lrm></node_state></status></cib>
"""


def root() -> etree._Element:
    return etree.fromstring(CIB)


def when(time: int) -> str:
    return f"t{time}"


def test_groups_are_boxes_with_their_members_in_order() -> None:
    text = dot_from_cib(root())
    assert 'subgraph "cluster_g" {' in text
    assert '    "a" -> "b";' in text


def test_ids_with_quotes_are_escaped() -> None:
    assert '"q\\"x" [shape=box, style=rounded, label="q\\"x\\n@t"];' in dot_from_cib(root())


def test_a_forbidden_node_is_red_and_dashed() -> None:
    line = next(line for line in dot_from_cib(root()).splitlines() if "l -INF" in line)
    assert '"a" -> "node n1"' in line
    assert "color=red" in line
    assert 'ltail="cluster_g"' in line


def test_rules_on_the_node_name_are_locations_too() -> None:
    assert 'label="r 5"' in dot_from_cib(root())


def test_sets_become_pairs_and_dangling_ends_do_no_harm() -> None:
    text = dot_from_cib(root())
    assert '"a" -> "b" [label="s"];' in text
    assert '"a" -> "q" [label="o", ltail="cluster_g"];' in text


def test_a_cib_without_anything_is_an_empty_graph() -> None:
    text = dot_from_cib(etree.fromstring("<cib/>"))
    assert text.startswith("digraph")
    assert text.endswith("}\n")


def test_events_of_several_cibs_are_merged_by_time() -> None:
    events = events_from_cibs([root(), root()])
    assert [event.time for event in events] == [100, 110, 150]
    assert [event.failed for event in events] == [False, False, True]
    assert events[0].text(when) == "t100  n1: probe of a: not running"
    assert events[2].text(when) == "t150  n1: monitor of a every 10s: FAILED, rc=7 (gone & lost)"


def test_a_stretch_ends_when_a_monitor_finds_the_resource_gone() -> None:
    (one,) = stretches(events_from_cibs([root()]))
    assert (one.resource, one.node, one.start, one.end) == ("a", "n1", 110, 150)


def test_the_timeline_has_a_row_with_bar_and_failure() -> None:
    text = timeline_text(events_from_cibs([root()]), when, 60)
    row = text.splitlines()[1]
    assert row.startswith("a n1  ")
    assert "=" in row
    assert row.endswith("x")
    assert max(len(line) for line in text.splitlines()) <= 60


def test_without_events_the_timeline_says_so() -> None:
    assert timeline_text([], when, 60) == "nothing is recorded"


def test_the_svg_is_well_formed() -> None:
    svg = timeline_svg(events_from_cibs([root()]), when)
    picture = etree.fromstring(svg.encode())
    assert len(picture.findall("{*}circle")) == 1
    assert timeline_svg([], when).startswith("<svg")


def test_a_record_with_odd_values_is_an_event_all_the_same() -> None:
    odd = etree.fromstring(
        '<cib><status><node_state id="1"><lrm><lrm_resources><lrm_resource id="a">'
        '<lrm_rsc_op operation="start" rc-code="x" last-rc-change="y"/>'
        "</lrm_resource></lrm_resources></lrm></node_state></status></cib>"
    )
    assert events_from_cibs([odd]) == [Event(0, "1", "a", "start", 0, -1)]
