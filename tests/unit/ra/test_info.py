"""The description of an agent: what an administrator needs, in crmsh's form."""

from __future__ import annotations

from crmshell.ra.info import describe_agent
from engine.agents.metadata import AgentAction, AgentMetadata, Parameter
from engine.agents.names import AgentName

DATA = AgentMetadata(
    name=AgentName("ocf", "heartbeat", "Thing"),
    shortdesc="Manages a thing",
    longdesc="This agent manages\na thing.",
    parameters=(
        Parameter("old", deprecated=True, replaced_with=("ip",), shortdesc="gone"),
        Parameter("mode", type="select", default="a", values=("a", "b"), shortdesc="the mode"),
        Parameter(
            "ip", required=True, unique_group="_ip", shortdesc="address", longdesc="The address"
        ),
    ),
    actions=(
        AgentAction("start", timeout="20s"),
        AgentAction("monitor", timeout="20s", interval="10s", role="Promoted", depth="0"),
        AgentAction("meta-data", timeout="5s"),
    ),
)


def test_the_head_names_agent_and_purpose() -> None:
    assert describe_agent(DATA).startswith("Manages a thing (ocf:heartbeat:Thing)\n\nThis agent")


def test_required_parameters_come_first_and_deprecated_ones_last() -> None:
    text = describe_agent(DATA)
    assert text.index("ip* (unique, string): address") < text.index("mode (select, [a])")
    assert text.index("mode (select") < text.index("old (string): (deprecated) gone")


def test_legal_values_and_successors_are_named() -> None:
    text = describe_agent(DATA)
    assert "    Allowed values: a, b\n" in text
    assert "    Use instead: ip\n" in text


def test_operations_show_what_is_advised_and_no_internal_ones() -> None:
    text = describe_agent(DATA)
    assert "    start         timeout=20s\n" in text
    assert "    monitor       timeout=20s interval=10s role=Promoted\n" in text
    assert "meta-data" not in text


def test_a_long_line_is_folded_and_keeps_its_indentation() -> None:
    data = AgentMetadata(DATA.name, longdesc="x\n  " + "word " * 60)
    lines = describe_agent(data, 80).splitlines()
    assert max(len(line) for line in lines) <= 80
    assert sum(line.startswith("  word") for line in lines) > 3


def test_a_fence_agent_has_the_parameters_of_every_fencing_resource() -> None:
    text = describe_agent(AgentMetadata(AgentName("stonith", "", "fence_x"), shortdesc="x"))
    assert "pcmk_host_list" in text
