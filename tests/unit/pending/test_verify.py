"""Checks: what is found, about which object, and how it is told."""

from __future__ import annotations

import pytest

from crmshell.pending.checks import Facts
from crmshell.pending.verify import verify
from engine.agents.metadata import AgentAction, AgentMetadata, Parameter
from engine.agents.names import AgentName
from engine.base.errors import EngineError
from engine.base.reports import Report, Severity
from tests.unit.pending.pending_builder import pending

QUIET = ("node n", "property stonith-enabled=false")
ACTIONS = tuple(
    AgentAction(name, timeout="20s") for name in ("start", "stop", "monitor", "promote", "demote")
)


def metadata(name: AgentName) -> AgentMetadata:
    if name.type == "Missing":
        raise EngineError("not installed")
    parameters = (
        Parameter("ip", required=name.type == "IPaddr2", unique_group="ip"),
        Parameter("count", type="integer"),
        Parameter("mode", type="select", values=("fast", "safe")),
        Parameter("cidr_netmask"),
    )
    slow = (AgentAction("start", timeout="90s"), *ACTIONS[1:])
    return AgentMetadata(
        name, parameters=parameters, actions=slow if name.type == "Slow" else ACTIONS
    )


def findings(*statements: str, strict: bool = True) -> list[Report]:
    tree = pending(*QUIET, *statements)
    return verify(tree, Facts(metadata, strict=strict))


def messages(*statements: str) -> list[str]:
    return [report.message for report in findings(*statements)]


def test_a_good_configuration_has_no_findings() -> None:
    assert messages("primitive a Dummy params count=3 op monitor interval=10s timeout=20s") == []


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("primitive a IPaddr2", 'a: required parameter "ip" not defined'),
        ("primitive a Dummy params cuont=1", "'count'"),
        ("primitive a Dummy params count=x", "is not a whole number"),
        ("primitive a Dummy params mode=slow", "is not one of fast, safe"),
        ("primitive a Missing", "got no meta-data, does this RA exist?"),
        ("primitive a Dummy op fly interval=0s", "Action 'fly' not found"),
        ("primitive a Dummy op start interval=9s timeout=20s", "it must be 0"),
        ("primitive a Dummy op monitor interval=0 timeout=20s", "larger than 0"),
        ("primitive a Dummy op monitor interval=9x", "is not a time"),
        (
            "primitive a Dummy op monitor interval=9s on_fail=stop",
            "'on_fail' of op monitor is handed",
        ),
        ("primitive a Dummy op monitor interval=9s timeout=5s", "5s for monitor is smaller"),
        ("primitive a Slow", "default timeout 20s for start is smaller than the advised 90s"),
        ("primitive a Dummy meta target-rol=Started", "'target-role'"),
        ("primitive a ocf:heartbeat:IPaddr params ip=1.2.3.4", "cidr_netmask"),
        ("primitive a @nosuch", "nosuch: no such resource template"),
        ("location l nosuch 1: n", "nosuch"),
        ("location l /a[/ 1: n", "may not be a valid regular expression"),
        ("location l /a/ 1: nn", "referenced node nn does not exist (did you mean 'n'?)"),
        ("property no-quorum-polcy=stop", "'no-quorum-policy'"),
        ("property no-quorum-policy=maybe", "is not one of"),
        ("fencing_topology m: f", "target m not a node"),
    ],
)
def test_each_kind_of_fault_is_found(statement: str, what: str) -> None:
    assert any(what in message for message in messages(statement))


def test_strict_findings_are_warnings_in_relaxed_mode() -> None:
    found = findings("primitive a IPaddr2", strict=False)
    assert {report.severity for report in found} == {Severity.WARNING}


def test_equal_findings_about_many_objects_are_told_once() -> None:
    found = messages(*(f"primitive p{i} Slow" for i in range(9)))
    assert found == [
        "p0, p1, p2 and 6 others: default timeout 20s for start is smaller than the advised 90s"
    ]


def test_unique_parameters_given_twice_are_told_with_their_resources() -> None:
    found = messages(
        "primitive a IPaddr2 params ip=1.1.1.1", "primitive b IPaddr2 params ip=1.1.1.1"
    )
    assert 'Resources a,b violate uniqueness for parameter "ip": "1.1.1.1"' in found


def test_missing_fencing_is_one_line_that_says_what_to_type() -> None:
    tree = pending("node n", "primitive a Dummy")
    (report,) = verify(tree, Facts(metadata))
    assert report.code == "no-fencing"
    assert "property stonith-enabled=false" in report.message
    assert report.severity is Severity.WARNING


def test_remote_resources_do_not_belong_in_groups_and_orders() -> None:
    found = messages(
        "primitive r ocf:pacemaker:remote",
        "primitive a Dummy",
        "primitive b Dummy",
        "group g r b",
        "order o r a",
    )
    assert "Cannot put remote resource 'r' in a group" in found


def test_only_the_named_objects_are_checked_at_a_commit() -> None:
    tree = pending(*QUIET, "primitive a IPaddr2", "primitive b IPaddr2")
    found = verify(tree, Facts(metadata), ["b"])
    assert [report.subject for report in found] == ["b"]
