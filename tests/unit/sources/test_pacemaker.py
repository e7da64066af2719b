"""A running Pacemaker through its tools, declared call by call: a missing or extra one fails."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lxml import etree

from crmshell.environment import Environment, Finished
from crmshell.errors import CommitConflict, ConnectionLost, ShellError
from crmshell.sources.api import Cleanup
from crmshell.sources.pacemaker import PacemakerSource
from engine.cib.document import Cib, CibVersion, empty_cib
from engine.cib.edits import set_property


@dataclass(slots=True)
class Tools(Environment):
    """An environment in which exactly the declared programs are run, in this order."""

    calls: list[tuple[str, Finished]] = field(default_factory=list)
    given: list[bytes] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float | None = 60.0,
        variables: Mapping[str, str] | None = None,
    ) -> Finished:
        assert self.calls, f"not declared: {' '.join(argv)}"
        wanted, answer = self.calls.pop(0)
        assert " ".join(argv).startswith(wanted)
        self.given.append(stdin)
        self.files += [Path(word).read_bytes() for word in argv if word.endswith(".xml")]
        return answer


def says(text: str | bytes = b"", status: int = 0, complaint: bytes = b"") -> Finished:
    return Finished(status, text.encode() if isinstance(text, str) else text, complaint)


def source(*calls: tuple[str, Finished]) -> tuple[PacemakerSource, Tools]:
    tools = Tools(io.StringIO(), io.StringIO(), io.StringIO(), {"HOME": "/"}, calls=list(calls))
    return PacemakerSource(tools), tools


def cib(*primitives: str, epoch: int = 1) -> Cib:
    made = empty_cib()
    made.version = CibVersion(0, epoch, 0)
    for name in primitives:
        etree.SubElement(made.section("resources"), "primitive", {"id": name, "type": "Dummy"})
    return made


def test_a_commit_is_a_patch_from_the_cib_as_it_is() -> None:
    base, new = cib(), cib("a")
    made, tools = source(
        ("cibadmin --query", says(base.to_bytes())),
        ("crm_diff --original", says(b"<diff/>", 1)),
        ("cibadmin --patch --xml-pipe", says()),
        ("cibadmin --query", says(cib("a", epoch=2).to_bytes())),
    )
    assert made.commit(base, new).version == CibVersion(0, 2, 0)
    assert tools.calls == []
    assert tools.given[2] == b"<diff/>"


def test_a_patch_leads_one_version_on_and_touches_no_status() -> None:
    base, new = cib(epoch=5), cib("a", epoch=5)
    now = cib(epoch=5)
    etree.SubElement(now.root.find("status"), "node_state", {"id": "1"})
    now.root.set("num_updates", "3")
    made, tools = source(
        ("cibadmin --query", says(now.to_bytes())),
        ("crm_diff --original", says(b"<diff/>", 1)),
        ("cibadmin --patch --xml-pipe", says()),
        ("cibadmin --query", says(now.to_bytes())),
    )
    made.commit(base, new)
    before, after = (Cib.from_bytes(data) for data in tools.files)
    assert (before.version, after.version) == (CibVersion(0, 5, 3), CibVersion(0, 6, 0))
    assert after.root.find("status/node_state") is not None
    assert after.root.find("configuration/resources/primitive") is not None


def test_when_the_cib_moved_on_the_patch_is_made_again() -> None:
    base, new = cib(), cib("a")
    later = cib(epoch=1)
    later.root.set("num_updates", "7")
    made, tools = source(
        ("cibadmin --query", says(base.to_bytes())),
        ("crm_diff", says(b"<diff/>", 1)),
        ("cibadmin --patch", says(status=103)),
        ("cibadmin --query", says(later.to_bytes())),
        ("cibadmin --query", says(later.to_bytes())),
        ("crm_diff", says(b"<diff n='2'/>", 1)),
        ("cibadmin --patch", says()),
        ("cibadmin --query", says(later.to_bytes())),
    )
    made.commit(base, new)
    assert tools.calls == []


def test_a_change_of_the_same_thing_by_somebody_else_is_a_conflict() -> None:
    theirs = cib("a", epoch=2)
    theirs.section("resources")[0].set("type", "Theirs")
    ours = cib("a")
    ours.section("resources")[0].set("type", "Ours")
    made, _ = source(("cibadmin --query", says(theirs.to_bytes())))
    with pytest.raises(CommitConflict):
        made.commit(cib("a"), ours)


def test_a_refusal_is_one_line_with_the_tools_own_reason() -> None:
    base = cib()
    made, _ = source(
        ("cibadmin --query", says(base.to_bytes())),
        ("crm_diff", says(b"<diff/>", 1)),
        ("cibadmin --patch", says(status=4, complaint=b"noise\nPermission denied\n")),
    )
    with pytest.raises(ShellError, match=r"^cibadmin: Permission denied$"):
        made.commit(base, cib("a"))


@pytest.mark.parametrize(
    ("complaint", "reason"),
    [
        (b"Call failed: Update does not conform to the configured schema\n", "3.9$"),
        (
            b"  1 <cib/>\nx.xml:5: element primitive: Relax-NG validity error : Invalid attribute "
            b"foo for element primitive\nx.xml:2: element cib: Relax-NG validity error : No\n",
            "3.9: Invalid attribute foo for element primitive$",
        ),
    ],
)
def test_what_the_schema_refuses_is_said_with_the_first_element(
    complaint: bytes, reason: str
) -> None:
    base = cib()
    made, _ = source(
        ("cibadmin --query", says(base.to_bytes())),
        ("crm_diff", says(b"<diff/>", 1)),
        ("cibadmin --patch", says(status=78, complaint=complaint)),
    )
    with pytest.raises(ShellError, match=r"does not conform to pacemaker-" + reason):
        made.commit(base, cib("a"))


@pytest.mark.parametrize(
    ("answer", "warnings"),
    [
        (says(status=64), ["old-pacemaker"]),
        (says('<parameter name="stonith-enabled"/>'), ["old-pacemaker"]),
        (says('<parameter name="fencing-enabled"/>'), []),
    ],
)
def test_a_property_by_a_name_that_is_too_new_for_this_pacemaker_is_warned_about(
    answer: Finished, warnings: list[str]
) -> None:
    base = cib()
    new = base.copy()
    set_property(new, "fencing-enabled", "false")
    set_property(new, "batch-limit", "3")
    made, tools = source(
        ("cibadmin --query", says(base.to_bytes())),
        ("crm_diff", says(b"<diff/>", 1)),
        ("cibadmin --patch", says()),
        ("cibadmin --query", says(new.to_bytes())),
        ("crm_attribute --list-options=cluster", answer),
    )
    reports = made.commit(base, new).reports
    assert [report.code for report in reports] == warnings
    assert all("stonith-enabled" in report.message for report in reports)
    assert tools.calls == []


def test_nothing_is_sent_when_nothing_differs() -> None:
    base = cib()
    made, _ = source(("cibadmin --query", says(base.to_bytes())), ("crm_diff", says()))
    assert made.commit(base, base.copy()).version == base.version


def test_without_a_running_pacemaker_one_line_says_what_to_do() -> None:
    made, _ = source(("cibadmin --query", says(status=102, complaint=b"Connection refused")))
    with pytest.raises(ConnectionLost, match=r"Connection refused.*CIB_file"):
        made.read()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (Cleanup(), "crm_resource --cleanup"),
        (Cleanup("a", "n1", failures_only=False), "crm_resource --refresh --resource a --node n1"),
        (
            Cleanup("a", operation="monitor", interval_ms=10000),
            "crm_resource --cleanup --resource a --operation monitor --interval 10000ms",
        ),
    ],
)
def test_cleanup_is_crm_resource(what: Cleanup, words: str) -> None:
    made, tools = source((words, says()))
    made.cleanup(what)
    assert tools.calls == []


def test_attributes_fencing_and_waiting_use_their_tools() -> None:
    made, tools = source(
        ("crm_attribute --lifetime reboot --node n1 --name standby --update on", says()),
        ("crm_attribute --lifetime reboot --node n1 --name standby --delete", says()),
        ("stonith_admin --reboot n1", says()),
        ("stonith_admin --confirm n1", says()),
        ("crm_node --force --remove n1", says()),
        ("crm_resource --wait --timeout=5s", says(status=124)),
    )
    made.set_attribute("n1", "standby", "on")
    made.set_attribute("n1", "standby", None)
    made.fence("n1", "reboot")
    made.confirm_fenced("n1")
    made.forget_node("n1")
    assert not made.wait(5)
    assert tools.calls == []


def test_the_tools_run_as_the_user_of_the_settings() -> None:
    made, tools = source(("sudo -n -u hacluster crm_node --name", says("n1\n")))
    tools.tools_as = "hacluster"
    assert made.local_node() == "n1"
