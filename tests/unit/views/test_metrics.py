"""The state of a cluster as numbers, read by Prometheus' own parser."""

from __future__ import annotations

from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from crmshell.views.status import read_model
from engine.base.exposition import metrics_text
from engine.cib.document import Cib
from engine.scheduler.views.metrics import cluster_metrics
from tests.scheduler.random_clusters import random_cib

NOW = 1_700_000_000.0
CIB = """<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="7" num_updates="2" admin_epoch="0"
 have-quorum="1" dc-uuid="1" cib-last-written="Tue Nov 14 22:13:20 2023"><configuration><crm_config>
<cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes><resources><group id="g">
<primitive id="db" class="ocf" provider="heartbeat" type="Dummy"><meta_attributes id="m">
<nvpair id="m-t" name="migration-threshold" value="3"/></meta_attributes></primitive></group>
<clone id="c"><primitive id="p" class="ocf" provider="heartbeat" type="Dummy"/></clone></resources>
<constraints><rsc_location id="l" rsc="g" node="n1" score="INFINITY"/></constraints></configuration><status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><transient_attributes id="1">
<instance_attributes id="s1"><nvpair id="s1-f" name="fail-count-db#monitor_10000" value="2"/>
<nvpair id="s1-p" name="ping&quot;d" value="a\\b"/></instance_attributes></transient_attributes>
<lrm id="1"><lrm_resources><lrm_resource id="db" class="ocf" provider="heartbeat" type="Dummy"><lrm_rsc_op id="db_last_0"
 operation_key="db_start_0" operation="start" interval="0" rc-code="0" op-status="0" call-id="3"
 transition-magic="0:0;1:1:0:a" transition-key="1:1:0:a" last-rc-change="1699990000"/></lrm_resource></lrm_resources></lrm>
</node_state><node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/>
</status></cib>"""


def series(cib: Cib) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by name and labels; fails where two have the same."""
    text = metrics_text(cluster_metrics(read_model(cib, NOW), cib))
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    found = {(s.name, frozenset(s.labels.items())): s.value for s in samples}
    doubled = Counter((s.name, frozenset(s.labels.items())) for s in samples)
    assert [key for key, count in doubled.items() if count > 1] == []
    return found


def one(
    found: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, /, **labels: str
) -> float:
    [value] = [
        value
        for (known, pairs), value in found.items()
        if known == f"ha_cluster_pacemaker_{name}" and set(labels.items()) <= pairs
    ]
    return value


def test_nodes_resources_failures_and_locations_are_told() -> None:
    found = series(Cib.from_bytes(CIB.encode()))
    assert one(found, "stonith_enabled") == 0
    assert one(found, "config_last_change") > 1_699_000_000
    assert one(found, "nodes", node="n1", status="online", type="member") == 1
    assert one(found, "nodes", node="n1", status="dc") == 1
    assert one(found, "nodes", node="n2", status="dc") == 0
    assert (
        one(
            found, "resources", resource="db", status="active", node="n1", group="g", role="started"
        )
        == 1
    )
    assert one(found, "resources", resource="db", status="failed") == 0
    assert one(found, "resources", resource="p", status="active", node="", clone="c") == 0
    assert one(found, "fail_count", resource="db", node="n1") == 2
    assert one(found, "migration_threshold", resource="db", node="n1") == 3
    assert one(found, "location_constraints", constraint="l", node="n1", resource="g") == float(
        "inf"
    )
    assert one(found, "node_attributes", node="n1", name='ping"d') == 1


@pytest.mark.parametrize("seed", range(20))
def test_no_number_is_told_twice(seed: int) -> None:
    assert series(Cib.from_bytes(random_cib(seed).encode()))
