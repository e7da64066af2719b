"""What single failures lead to."""

from __future__ import annotations

import json

import pytest
from lxml import etree

from crmshell.levels.work.trials import all_single_failures
from engine.cib.document import Cib
from engine.reasons.failures import Failure, single_failures

NOW = 1_700_000_000.0
HEAD = (
    '<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="7" num_updates="2" admin_epoch="0"'
    ' have-quorum="1" dc-uuid="1"><configuration><crm_config><cluster_property_set id="o">'
    '<nvpair id="o-s" name="stonith-enabled" value="false"/>{options}</cluster_property_set></crm_config>'
)


def primitive(name: str, inside: str = "") -> str:
    return (
        f'<primitive id="{name}" class="ocf" provider="heartbeat" type="Dummy">{inside}</primitive>'
    )


def running(name: str) -> str:
    return (
        f'<lrm_resource id="{name}" class="ocf" provider="heartbeat" type="Dummy"><lrm_rsc_op id="{name}_last_0"'
        f' operation_key="{name}_start_0" operation="start" interval="0" rc-code="0" op-status="0" call-id="3"'
        ' transition-magic="0:0;1:1:0:a" transition-key="1:1:0:a" last-rc-change="1699990000"/></lrm_resource>'
    )


def made(
    runs: dict[int, list[str]],
    resources: str,
    constraints: str = "",
    options: str = "",
    nodes: int = 3,
) -> Cib:
    numbers = range(1, nodes + 1)
    text = HEAD.format(options=options) + "<nodes>"
    text += "".join(f'<node id="{n}" uname="n{n}"/>' for n in numbers)
    text += f"</nodes><resources>{resources}</resources><constraints>{constraints}</constraints></configuration><status>"
    for number in numbers:
        history = "".join(running(name) for name in runs.get(number, []))
        text += (
            f'<node_state id="{number}" uname="n{number}" in_ccm="true" crmd="online" join="member" expected="member">'
            f'<lrm id="{number}"><lrm_resources>{history}</lrm_resources></lrm></node_state>'
        )
    return Cib.from_bytes(f"{text}</status></cib>".encode())


def found(cib: Cib) -> dict[str, Failure]:
    return {f"{each.kind} {each.name}": each for each in single_failures(cib, NOW)}


def test_what_can_run_elsewhere_survives_the_loss_of_its_node_and_its_own_failure() -> None:
    failures = found(made({1: ["a"], 2: ["b"]}, primitive("a") + primitive("b")))
    assert set(failures) == {"node n1", "node n2", "node n3", "resource a", "resource b"}
    assert all(failure.is_survived for failure in failures.values())
    assert "a" in failures["node n1"].moved
    assert failures["node n3"].moved == ()


def test_what_is_tied_to_one_node_does_not() -> None:
    only = '<rsc_location id="x{0}" rsc="a" node="n{0}" score="-INFINITY"/>'
    cib = made({1: ["a"]}, primitive("a"), only.format(2) + only.format(3))
    failures = found(cib)
    assert failures["node n1"].down == ("a",)
    assert failures["resource a"].down == ("a",)
    assert failures["node n2"].is_survived


def test_capacity_that_is_short_is_found() -> None:
    need = '<utilization id="u{0}"><nvpair id="un{0}" name="memory" value="60"/></utilization>'
    room = '<utilization id="c{0}"><nvpair id="cn{0}" name="memory" value="100"/></utilization>'
    cib = made(
        {1: ["a"], 2: ["b"], 3: ["c"]},
        "".join(primitive(name, need.format(name)) for name in "abc"),
        options='<nvpair id="o-p" name="placement-strategy" value="utilization"/>',
    )
    for node in cib.root.iterfind("configuration/nodes/node"):
        node.append(etree.fromstring(room.format(node.get("id"))))
    failures = found(cib)
    assert len(failures["node n1"].down) == 1
    text, status = all_single_failures(cib, lambda: NOW, "text")
    assert status == 1
    assert "needs memory=60" in text


def test_the_loss_of_one_of_two_nodes_of_three_costs_the_quorum() -> None:
    cib = made({1: ["a"]}, primitive("a"))
    third = cib.root.find("status/node_state[@id='3']")
    assert third is not None
    for name, value in (
        ("in_ccm", "false"),
        ("crmd", "offline"),
        ("join", "down"),
        ("expected", "down"),
    ):
        third.set(name, value)
    lost = found(cib)["node n1"]
    assert not lost.has_quorum
    assert lost.down == ("a",)


def test_two_nodes_survive_each_other() -> None:
    failures = found(made({1: ["a"]}, primitive("a"), nodes=2))
    assert failures["node n1"].is_survived


def test_an_instance_of_a_clone_may_be_lost_with_its_node() -> None:
    cib = made({n: ["p"] for n in (1, 2, 3)}, f'<clone id="c">{primitive("p")}</clone>')
    assert all(failure.is_survived for failure in single_failures(cib, NOW))


def test_the_state_that_is_asked_about_stays_as_it_is() -> None:
    cib = made({1: ["a"]}, primitive("a"))
    before = cib.to_bytes()
    list(single_failures(cib, NOW))
    assert cib.to_bytes() == before


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_exit_status_tells_whether_all_is_survived(form: str) -> None:
    text, status = all_single_failures(made({1: ["a"]}, primitive("a")), lambda: NOW, form)
    assert status == 0
    if form == "json":
        assert json.loads(text)["survived"] is True
    else:
        assert text.endswith("Every single failure is survived.")
