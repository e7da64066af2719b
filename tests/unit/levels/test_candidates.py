"""Candidates for each kind of thing; arguments of commands; half-typed lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmshell.grammar import expect as e
from crmshell.grammar.expect import Want, expect
from crmshell.levels.frame.candidates import candidates
from crmshell.levels.frame.completion import read_typed
from crmshell.views.names import NamedResource, Names
from engine.agents.catalog import AgentFolders, Catalog
from engine.agents.metadata import AgentMetadata, metadata_from_xml
from engine.agents.names import AgentName

METADATA = metadata_from_xml(
    b"""<resource-agent name="IP"><parameters>
 <parameter name="nic"><shortdesc>interface</shortdesc><content type="string" default="eth0"/></parameter>
 <parameter name="ip" required="1"><shortdesc>address</shortdesc><content type="string"/></parameter>
 <parameter name="old" deprecated="1"><content type="string"/></parameter>
 <parameter name="lvs"><content type="boolean"/></parameter>
 <parameter name="mode"><content type="select"><option value="a"/><option value="b"/></content></parameter>
</parameters><actions><action name="start" timeout="20s"/>
 <action name="monitor" timeout="20" interval="10s"/><action name="meta-data" timeout="5"/></actions>
</resource-agent>""",
    AgentName("ocf", "heartbeat", "IP"),
)


class Known:
    """What the world would answer."""

    def __init__(self, folder: Path) -> None:
        for name in ("heartbeat/IP", "heartbeat/Dummy", "pacemaker/Dummy"):
            path = folder / "resource.d" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("#!/bin/sh\n")
            path.chmod(0o755)
        self._catalog = Catalog(AgentFolders(str(folder), (), (), ()))

    def names(self) -> Names:
        return Names(
            resources=(
                NamedResource("vip", "primitive", "", "ocf:heartbeat:IP"),
                NamedResource("g", "group"),
                NamedResource("web", "primitive", "g", "@tmpl"),
                NamedResource("ipmi", "primitive", "", "stonith:fence_x"),
            ),
            templates={"tmpl": "ocf:heartbeat:IP"},
            nodes=("n1", "n2"),
            tickets=("T",),
            roles=("ops",),
            node_attributes={"rack": ("r1", "r2")},
        )

    def catalog(self) -> Catalog:
        return self._catalog

    def metadata(self, agent: str) -> AgentMetadata | None:
        return METADATA if agent in ("IP", "ocf:heartbeat:IP") else None


@pytest.fixture
def known(tmp_path: Path) -> Known:
    return Known(tmp_path)


def offered(known: Known, line: str) -> list[str]:
    """Candidates at the end of a configure statement that begin with what is typed."""
    typed = read_typed(line)
    found = [
        one.text
        for want in expect(typed.words, typed.current)
        for one in candidates(want, typed.current, known)
    ]
    return [text for text in dict.fromkeys(found) if text.startswith(typed.current)]


def test_parameters_required_first_deprecated_last_given_left_out(known: Known) -> None:
    found = offered(known, "primitive x IP params mode=a ")
    assert [text for text in found if text.endswith("=")][:4] == ["ip=", "lvs=", "nic=", "old="]


def test_a_parameter_comes_with_type_default_and_meaning(known: Known) -> None:
    (want,) = (w for w in expect(["primitive", "x", "IP"], "nic") if w.kind == e.PARAM)
    (one,) = (c for c in candidates(want, "nic", known) if c.text == "nic=")
    assert one.remark == "string [eth0]: interface"


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("primitive x IP mode=", ["mode=a", "mode=b"]),
        ("primitive x IP lvs=", ["lvs=true", "lvs=false"]),
        ("primitive x IP params nic=", ["nic=eth0"]),
        ("primitive x @tmpl params nic=", ["nic=eth0"]),
        ("primitive x IP op monitor interval=1", ["interval=10s"]),
        ("primitive x IP op monitor on-fail=st", ["on-fail=stop", "on-fail=standby"]),
        ("primitive x IP meta is-managed=", ["is-managed=true", "is-managed=false"]),
        ("property no-quorum-policy=fr", ["no-quorum-policy=freeze"]),
        ("property stonith-en", ["stonith-enabled="]),
        ("property stonith-enabled=", ["stonith-enabled=true", "stonith-enabled=false"]),
        ("primitive x ocf:", ["ocf:heartbeat:", "ocf:pacemaker:"]),
        ("primitive x ocf:heartbeat:D", ["ocf:heartbeat:Dummy"]),
        ("primitive x D", ["Dummy"]),
        ("primitive x @", ["@tmpl"]),
        ("primitive x IP op ", ["start", "monitor"]),
        ("group h ", ["vip", "ipmi"]),
        ("group h vip i", ["ipmi"]),
        ("clone c ", ["vip", "g", "ipmi"]),
        ("location l vip inf: ", ["n1", "n2"]),
        ("location l vip rule #uname eq ", ["n1", "n2"]),
        ("location l vip rule rack eq ", ["r1", "r2"]),
        ("location l vip rule ra", ["rack"]),
        ("fencing_topology n1: ", ["ipmi"]),
        ("rsc_ticket t ", ["T:"]),
        ("acl_target u ", ["ops"]),
        ("colocation c inf: web:P", ["web:Promoted"]),
        ("rsc_ticket x T: vip loss-policy=fr", ["loss-policy=freeze"]),
    ],
)
def test_candidates(known: Known, line: str, values: list[str]) -> None:
    assert offered(known, line) == values


def test_an_agent_nobody_knows_offers_clauses_only(known: Known) -> None:
    assert offered(known, "primitive x nosuch ") == [
        *("rule", "$id=", "$id-ref=", "params", "meta", "utilization", "operations", "op"),
    ]


def test_meta_of_a_primitive_leaves_the_clones_own_out(known: Known) -> None:
    assert "clone-max=" in offered(known, "clone c vip meta ")
    assert "clone-max=" not in offered(known, "primitive x IP meta ")


def test_a_fixed_value_keeps_the_name_before_it(known: Known) -> None:
    assert [one.text for one in candidates(Want(e.KEYWORD, ("true",)), "symmetrical=t", known)] == [
        "symmetrical=true"
    ]


@pytest.mark.parametrize(
    ("text", "words", "current", "start"),
    [
        ("", (), "", 0),
        ("a", (), "a", 0),
        ("a ", ("a",), "", 2),
        ('a "b c" d', ("a", "b c"), "d", 8),
        ('a "b c', ("a",), "b c", 2),
        ("a 'b", ("a",), "b", 2),
        ("a b\\ c", ("a",), "b c", 2),
        ('a x="1 2', ("a",), "x=1 2", 2),
    ],
)
def test_half_typed_lines(text: str, words: tuple[str, ...], current: str, start: int) -> None:
    typed = read_typed(text)
    assert (typed.words, typed.current, typed.start) == (words, current, start)
