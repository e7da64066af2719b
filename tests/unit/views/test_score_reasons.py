"""The scores of a resource and their reasons."""

from __future__ import annotations

import pytest

from crmshell.errors import ShellError
from crmshell.views.score_reasons import scores_behind
from engine.cib.document import Cib

NOW = 1_700_000_000.0
CIB = """<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="7" num_updates="2"
 admin_epoch="0" have-quorum="{quorum}" dc-uuid="1"><configuration><crm_config>
<cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" value="{fencing}"/>
</cluster_property_set></crm_config><nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2">{meta}</primitive>
</resources><constraints><rsc_location id="cli-ban-ip-on-n1" rsc="ip" node="n1" score="-INFINITY"/>
</constraints></configuration><status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"/>
<node_state id="2" uname="n2" in_ccm="false" crmd="offline" join="down" expected="down"/>
</status></cib>"""
STOPPED = '<meta_attributes id="m"><nvpair id="m-t" name="target-role" value="Stopped"/></meta_attributes>'


def _cib(meta: str = "", *, quorum: int = 1, fencing: str = "false") -> Cib:
    return Cib.from_bytes(CIB.format(meta=meta, quorum=quorum, fencing=fencing).encode())


def test_a_ban_and_an_offline_node_are_named_with_their_scores() -> None:
    text = scores_behind(_cib(), NOW, "ip")
    assert text.startswith("* ip is stopped\n")
    assert "  * n1: -INFINITY\n    * location cli-ban-ip-on-n1: -INFINITY" in text
    assert "the node is OFFLINE" in text


def test_a_resource_that_is_stopped_on_purpose_says_what_to_type() -> None:
    assert "target-role=Stopped" in scores_behind(_cib(STOPPED), NOW, "ip")


def test_what_stops_the_whole_cluster_comes_first() -> None:
    text = scores_behind(_cib(quorum=0, fencing="true"), NOW, "ip")
    assert "no fencing device is configured" in text.splitlines()[0]
    assert "no quorum (no-quorum-policy=stop)" in text.splitlines()[1]


def test_one_node_can_be_asked_about() -> None:
    text = scores_behind(_cib(), NOW, "ip", "n1")
    assert "n1" in text
    assert "n2" not in text


@pytest.mark.parametrize(("name", "node"), [("nix", ""), ("ip", "n9")])
def test_what_is_not_there_is_refused(name: str, node: str) -> None:
    with pytest.raises(ShellError, match="does not exist"):
        scores_behind(_cib(), NOW, name, node)


CLONE = """<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="7" num_updates="2"
 admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration><crm_config>
<cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" value="false"/>
</cluster_property_set></crm_config><nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><clone id="c"><meta_attributes id="c-m"><nvpair id="c-max" name="clone-max" value="1"/>
</meta_attributes><primitive id="d" class="ocf" provider="pacemaker" type="Dummy"/></clone>
<primitive id="after" class="ocf" provider="pacemaker" type="Dummy"/>
</resources><constraints><rsc_order id="o1" first="c" then="after"/></constraints></configuration>
<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"/>
<node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/>
</status></cib>"""


def test_the_primitive_of_a_clone_is_explained_for_each_instance() -> None:
    text = scores_behind(Cib.from_bytes(CLONE.encode()), NOW, "d")
    assert text.startswith("* d is stopped, it is to start on n1\n")
    assert "d:0_start_0 on n1: planned, after c_start_0" in text


def test_nodes_about_which_nothing_was_said_share_a_line() -> None:
    text = scores_behind(Cib.from_bytes(CLONE.encode()), NOW, "after")
    assert "  * n1 n2: 0\n" in text


def test_what_is_planned_names_what_it_waits_for() -> None:
    text = scores_behind(Cib.from_bytes(CLONE.encode()), NOW, "after")
    assert "  * after_start_0 on n" in text
    assert "c_running_0" in text.splitlines()[-1]
