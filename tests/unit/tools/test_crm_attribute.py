"""The commands for attributes: crm_attribute, crm_master, crm_standby, crm_failcount, attrd_updater."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib, empty_cib
from engine.cib.edits import set_node_attribute
from engine.tools import attrd_updater, crm_attribute, crm_failcount, crm_master, crm_standby
from tests.unit.tools.stand_in import Agent

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def in_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCF_RESOURCE_INSTANCE", "db")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cib = empty_cib()
    nodes = cib.section("nodes")
    nodes.append(nodes.makeelement("node", {"id": "1", "uname": "n1"}))
    path = tmp_path / "cib.xml"
    path.write_bytes(cib.to_bytes())
    monkeypatch.setenv("CIB_file", str(path))
    monkeypatch.delenv("CIB_shadow", raising=False)
    return path


# -- in a cluster -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (crm_attribute, "--promotion -v 10"),
        (crm_attribute, "-p db --update=10"),
        (crm_attribute, "-pv10"),
        (crm_master, "-l reboot -v 10"),
        (crm_master, "-lreboot -v10 -r db"),
    ],
)
def test_a_promotion_score_is_a_transient_attribute_of_this_node(
    agent: Agent, in_agent: None, program: object, words: str
) -> None:
    if words == "-pv10":  # what follows -p at once is its value
        words = "-p -v10"
    assert program.main(words.split()) == 0  # type: ignore[attr-defined]
    asked = agent.of("attribute")[-1]
    assert (asked["node"], asked["name"], asked["value"]) == ("n1", "master-db", "10")


def test_the_promotion_score_of_crm_master_is_permanent_unless_said(
    agent: Agent, in_agent: None, capsys: Capture
) -> None:
    assert crm_master.main(["-v", "7"]) == 0
    assert not agent.of("attribute")
    assert crm_master.main(["-q", "-G"]) == 0
    assert capsys.readouterr().out == "7\n"


def test_an_agent_acts_for_the_node_in_its_environment(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCF_RESKEY_CRM_meta_on_node", "n2")
    assert crm_attribute.main(["-l", "reboot", "-n", "x", "-v", "1"]) == 0
    assert agent.of("attribute")[-1]["node"] == "n2"
    assert crm_attribute.main(["-N", "n1", "-l", "reboot", "-n", "x", "-v", "1"]) == 0
    assert agent.of("attribute")[-1]["node"] == "n1"


def test_during_an_election_it_tries_again(agent: Agent) -> None:
    agent.busy = 2
    assert attrd_updater.main(["-n", "x", "-U", "1"]) == 0
    assert len(agent.of("attribute")) == 3


def test_a_configuration_that_moved_on_is_edited_again(agent: Agent) -> None:
    agent.conflicts = 1
    assert crm_attribute.main(["-n", "batch-limit", "-v", "3"]) == 0
    assert len(agent.of("submit")) == 2
    assert b'name="batch-limit" value="3"' in agent.cib.to_bytes()


def test_a_permanent_attribute_counts_up(agent: Agent) -> None:
    set_node_attribute(agent.cib, "n1", "rack", "7")
    assert crm_attribute.main(["-N", "n1", "-n", "rack", "-v", "value+=2"]) == 0
    assert b'name="rack" value="9"' in agent.cib.to_bytes()


def test_the_updater_sets_shows_and_deletes(agent: Agent, capsys: Capture) -> None:
    assert attrd_updater.main(["-n", "a", "-U", 'x"<', "-d", "30s"]) == 0
    assert agent.of("attribute")[-1]["delay"] == 30.0
    assert attrd_updater.main(["-n", "a", "-Q", "-A"]) == 0
    assert capsys.readouterr().out == 'name="a" host="n1" value="x&quot;&lt;"\n'
    assert attrd_updater.main(["-Q", "-n", "a", "-U", "yes"]) == 0  # the last command counts
    assert attrd_updater.main(["-D", "-n", "a"]) == 0
    assert agent.of("attribute")[-1]["value"] is None
    assert attrd_updater.main(["-n", "nix", "-Q"]) == ExitStatus.CONFIG
    assert capsys.readouterr().out == ""


def test_a_pattern_means_all_that_match(agent: Agent) -> None:
    for name in ("ping-a", "ping-b", "other"):
        attrd_updater.main(["-n", name, "-U", "1"])
    agent.asked.clear()
    assert attrd_updater.main(["-P", "^ping", "-D"]) == 0
    assert [each["name"] for each in agent.of("attribute")] == ["ping-a", "ping-b"]
    assert crm_attribute.main(["-P", "^nix", "-l", "reboot", "-v", "1"]) == ExitStatus.NOSUCH
    assert crm_attribute.main(["-P", "^nix", "-l", "reboot", "-D"]) == 0


@pytest.mark.parametrize("words", ["-Y -d 5 -n a", "-n a -U 1 -s set", "-n a -U 1 -z"])
def test_what_is_not_carried_out_is_refused(agent: Agent, words: str, capsys: Capture) -> None:
    assert attrd_updater.main(words.split()) == ExitStatus.UNIMPLEMENT_FEATURE
    assert "not carried out" in capsys.readouterr().err


def test_without_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRMSHELL_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CIB_file", raising=False)
    assert crm_attribute.main(["-n", "x", "-G"]) == ExitStatus.DISCONNECT
    assert attrd_updater.main(["-n", "x", "-U", "1"]) == ExitStatus.DISCONNECT


# -- in a file ----------------------------------------------------------------------------------------


def test_a_query_shows_what_is_set(file: Path, capsys: Capture) -> None:
    assert crm_attribute.main(["-N", "n1", "-n", "rack", "-v", "7"]) == 0
    assert crm_attribute.main(["-N", "n1", "-n", "rack", "-G"]) == 0
    assert crm_attribute.main(["-N", "1", "-n", "rack", "-q"]) == 0
    assert crm_attribute.main(["-N", "n1", "-n", "nix", "-d", "0", "-q"]) == 0
    assert capsys.readouterr().out == "scope=nodes name=rack value=7\n7\n0\n"
    assert crm_attribute.main(["-N", "n1", "-n", "nix"]) == ExitStatus.NOSUCH
    assert crm_attribute.main(["-N", "n9", "-n", "nix"]) == ExitStatus.NOSUCH


def test_a_name_in_two_sets_needs_an_id(file: Path, capsys: Capture) -> None:
    assert crm_attribute.main(["-n", "a", "-v", "1"]) == 0
    assert crm_attribute.main(["-n", "a", "-v", "2", "-s", "other"]) == 0
    assert crm_attribute.main(["-n", "a", "-v", "3"]) == ExitStatus.MULTIPLE
    assert "(id=other-a)" in capsys.readouterr().out
    assert crm_attribute.main(["-n", "a", "-v", "3", "-i", "other-a"]) == 0
    assert b'id="other-a" name="a" value="3"' in file.read_bytes()
    assert crm_attribute.main(["-n", "a", "-D", "-s", "other"]) == 0
    assert crm_attribute.main(["-n", "a", "-D", "-s", "other"]) == 0  # what is gone may go
    assert capsys.readouterr().out == "Deleted crm_config option: id=other-a name=a\n"


def test_versions_say_what_was_changed(file: Path) -> None:
    crm_attribute.main(["-n", "a", "-v", "1"])
    assert Cib.from_bytes(file.read_bytes()).version == (0, 1, 0)
    crm_attribute.main(["-n", "t", "-v", "1", "-N", "n1", "-l", "reboot"])
    assert Cib.from_bytes(file.read_bytes()).version == (0, 1, 1)
    crm_attribute.main(["-n", "a", "-v", "1"])
    assert Cib.from_bytes(file.read_bytes()).version == (0, 1, 1)


def test_standby_for_ever_until_reboot_and_not_at_all(file: Path, capsys: Capture) -> None:
    assert crm_standby.main(["-N", "n1"]) == 0
    assert crm_standby.main(["-N", "n1", "-v", "on", "-l", "reboot"]) == 0
    assert crm_standby.main(["-N", "n1", "-q"]) == 0
    assert crm_standby.main(["-N", "n1", "-v", "true"]) == 0
    assert crm_standby.main(["-N", "n1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "scope=status name=standby value=off",
        "on",
        "scope=nodes name=standby value=true",
    ]
    assert crm_standby.main(["-N", "n1", "-D"]) == 0
    assert b"standby" not in file.read_bytes()


def test_failures_are_added_up(file: Path, capsys: Capture) -> None:
    for name, value in (("fail-count-r#monitor_10000", "3"), ("fail-count-r#start_0", "4")):
        crm_attribute.main(["-n", name, "-v", value, "-N", "n1", "-t", "status"])
    assert crm_failcount.main(["-r", "r", "-N", "n1"]) == 0
    assert crm_failcount.main(["-r", "r", "-N", "n1", "-n", "monitor", "-I", "10s", "-q"]) == 0
    assert crm_failcount.main(["-r", "r", "-N", "n1", "-D", "-n", "start"]) == 0
    assert crm_failcount.main(["-r", "r", "-N", "n1", "-q"]) == 0
    assert capsys.readouterr().out == "scope=status  name=fail-count-r value=7\n3\n3\n"


@pytest.mark.parametrize(
    "words",
    ["-v 1", "-D", "-n a -l soon", "--wat", "-n a -P b", "-t nix -n a", "-P [", "-n a -W x", "-n"],
)
def test_wrong_usage_is_status_64_and_one_line(file: Path, words: str, capsys: Capture) -> None:
    assert crm_attribute.main(words.split()) == ExitStatus.USAGE
    assert capsys.readouterr().err.count("\n") == 1


def test_the_options_of_a_cluster_can_be_listed(capsys: Capture) -> None:
    assert crm_attribute.main(["--list-options=cluster", "--output-as=xml"]) == 0
    text = capsys.readouterr().out
    assert '<replaced-with name="fencing-enabled"/>' in text
    assert crm_attribute.main(["-L", "cluster"]) == 0
    assert "no-quorum-policy" in capsys.readouterr().out
    assert crm_attribute.main(["-L", "nix"]) == ExitStatus.USAGE
