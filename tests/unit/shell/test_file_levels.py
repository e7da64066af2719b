"""Levels that work on files: history, corosync, options, graph; and help in every level."""

from __future__ import annotations

import bz2
import os
import tarfile
from pathlib import Path

import pytest
from shell_runner import Shell

from crmshell.help.topics import Topics
from crmshell.levels.frame.registry import LEVELS, Registry

STORED = """<cib validate-with="pacemaker-3.9" epoch="{n}" have-quorum="1" num_updates="0" admin_epoch="0"
 execution-date="{time}"><configuration><crm_config><cluster_property_set id="o">
<nvpair id="o-s" name="fencing-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/></nodes><resources>
<primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/></resources><constraints/>
</configuration><status><node_state id="1" uname="n1" crmd="online" in_ccm="true" join="member"
 expected="member"><lrm id="1"><lrm_resources><lrm_resource id="a" class="ocf" provider="pacemaker"
 type="Dummy"><lrm_rsc_op id="a_last_0" operation_key="a_{op}_0" operation="{op}" call-id="{n}"
 rc-code="{rc}" op-status="0" interval="0" last-rc-change="{time}" on_node="n1"
 transition-key="1:1:0:x" transition-magic="0:{rc};1:1:0:x" crm_feature_set="3.19.0"
 op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8" exit-reason="" exec-time="1" queue-time="0"/></lrm_resource></lrm_resources></lrm></node_state>
</status></cib>"""
COROSYNC = """totem {
	version: 2
	cluster_name: web
	crypto_cipher: aes256
	crypto_hash: sha256
}
nodelist {
	node {
		ring0_addr: 10.0.0.1
		name: n1
		nodeid: 1
	}
}
quorum {
	provider: corosync_votequorum
}
"""


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Two stored inputs: the resource is found stopped, then it was started."""
    folder = tmp_path / "inputs"
    folder.mkdir()
    first = STORED.format(n=1, time=1000, op="monitor", rc=7)
    second = STORED.format(n=2, time=2000, op="start", rc=0)
    (folder / "pe-input-7.bz2").write_bytes(bz2.compress(first.encode()))
    (folder / "pe-input-8.xml").write_text(second)
    for number, name in enumerate(("pe-input-7.bz2", "pe-input-8.xml")):
        os.utime(folder / name, (5000 + number, 5000 + number))
    return folder


def test_stored_transitions_are_listed_oldest_first(shell: Shell, inputs: Path) -> None:
    said = shell("-H", str(inputs), "history", "transitions")
    assert [line.split()[0] for line in said.out.splitlines()] == ["7", "8"]


def test_a_transition_is_scheduled_again_and_told(shell: Shell, inputs: Path) -> None:
    said = shell("-H", str(inputs), "history", "transition", "7")
    assert said.status == 0
    assert "Start" in said.out
    assert "start a on n1" in said.out


def test_latest_and_counts_from_the_end_choose_a_transition(shell: Shell, inputs: Path) -> None:
    assert "nothing is to be done" in shell("-H", str(inputs), "history", "latest").out
    assert "start a on n1" in shell("-H", str(inputs), "history", "transition", "-1").out


def test_scores_and_graph_of_a_transition(shell: Shell, inputs: Path) -> None:
    scores = shell("-H", str(inputs), "history", "transition", "7", "scores").out
    assert "a allocation score on n1: 0" in scores
    assert "digraph" in shell("-H", str(inputs), "history", "transition", "7", "graph").out


def test_an_unknown_transition_is_refused_with_what_there_is(shell: Shell, inputs: Path) -> None:
    said = shell("-H", str(inputs), "history", "transition", "99")
    assert said.status == 1
    assert "there are 2, 7 to 8" in said.err


def test_events_of_all_inputs_are_told_once_by_time(shell: Shell, inputs: Path) -> None:
    said = shell(stdin=f"history\nsource {inputs}\nevents\n")
    assert said.out.splitlines()[-1].endswith("n1: start of a: ok")
    assert said.out.count("start of a") == 1


def test_a_missing_record_has_the_nearest_name(shell: Shell, inputs: Path) -> None:
    said = shell("-F", stdin=f"history\nsource {inputs}\nnode n11\n")
    assert "did you mean n1" in said.err


def test_the_limit_hides_what_is_older(shell: Shell, inputs: Path) -> None:
    limits = f"history\nsource {inputs}\nlimit 1970-01-01T01:23:21\ntransitions\n"
    assert "pe-input-7" not in shell(stdin=limits, TZ="UTC").out
    assert "expected 2026-05-01T10:00" in shell("history", "limit", "soon").err


def test_an_archive_is_a_source_too(shell: Shell, inputs: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "report.tar.gz", "w:gz") as archive:
        archive.add(inputs, "report/n1")
    said = shell("-H", str(tmp_path / "report.tar.gz"), "history", "transition", "7")
    assert "start a on n1" in said.out


def test_a_damaged_input_is_one_line(shell: Shell, inputs: Path) -> None:
    (inputs / "pe-input-9.bz2").write_bytes(bz2.compress(b"<cib/>")[:-4])
    said = shell("-H", str(inputs), "history", "latest")
    assert said.status == 1
    assert said.err.count("\n") == 1


def test_without_an_agent_history_says_what_to_name(shell: Shell, tmp_path: Path) -> None:
    said = shell("history", "transitions", CRMSHELL_ROOT=str(tmp_path))
    assert said.status == 1
    assert "history source PATH" in said.err


def test_corosync_conf_is_shown_changed_and_checked(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "corosync.conf"
    path.write_text(COROSYNC)
    where = {"COROSYNC_MAIN_CONFIG_FILE": str(path)}
    assert shell("corosync", "show", **where).out == COROSYNC
    assert shell("corosync", "get", "totem.cluster_name", **where).out == "web\n"
    assert shell("corosync", "set", "totem.token", "5000", **where).status == 0
    said = shell("corosync", "add-node", "10.0.0.2", "n2", **where)
    assert said.status == 0
    assert "number 2" in said.err
    assert "two_node: 1" in path.read_text()
    assert "nothing to complain" in shell("corosync", "check", **where).out
    assert shell("corosync", "del-node", "n2", **where).status == 0
    assert path.read_text() == COROSYNC.replace("sha256\n", "sha256\n\ttoken: 5000\n")


def test_a_value_that_breaks_corosync_conf_is_not_written(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "corosync.conf"
    path.write_text(COROSYNC)
    said = shell("corosync", "set", "totem.token", "soon", "--file", str(path))
    assert said.status == 1
    assert "expected a whole number" in said.err
    assert path.read_text() == COROSYNC


def test_a_path_that_is_not_there_has_the_nearest(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "corosync.conf"
    path.write_text(COROSYNC)
    said = shell("corosync", "get", "totem.tokn", "--file", str(path))
    assert "did you mean totem.token?" in said.err


def test_differences_between_two_files_are_shown(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(COROSYNC)
    (tmp_path / "b").write_text(COROSYNC.replace("web", "db"))
    said = shell("corosync", "diff", str(tmp_path / "b"), "--file", str(tmp_path / "a"))
    assert "-\tcluster_name: web" in said.out
    assert "+\tcluster_name: db" in said.out


def test_a_setting_is_stored_shown_and_reset(shell: Shell, tmp_path: Path) -> None:
    stored = tmp_path / "home/.config/crm/crm.conf"
    assert shell("options", "set", "core.check_mode", "relaxed").status == 0
    assert stored.read_text() == "[core]\ncheck_mode = relaxed\n"
    assert shell("options", "show").out == "core.check_mode = relaxed\n"
    assert shell("options", "check-mode", "strict").status == 0
    assert shell("options", "show", "check_mode").out == "core.check_mode = strict\n"
    assert shell("options", "reset").status == 0
    assert "check_mode" not in stored.read_text()


@pytest.mark.parametrize(
    ("words", "say"),
    [
        (("set", "core.chek_mode", "strict"), "did you mean core.check_mode"),
        (("set", "core.check_mode", "hard"), "strict, relaxed"),
        (("set", "editor", "nosuchprogram"), "there is no program"),
        (("colorscheme", "keyword=loud"), "colour words"),
        (("colorscheme", "nosuch=red"), "expected NAME=COLOUR"),
    ],
)
def test_a_bad_setting_is_refused(shell: Shell, words: tuple[str, ...], say: str) -> None:
    said = shell("options", *words)
    assert said.status == 1
    assert say in said.err


def test_the_configuration_is_drawn_as_text(shell: Shell, tmp_path: Path) -> None:
    said = shell("configure", "graph")
    assert said.out.startswith("digraph configuration {")
    assert shell("configure", "graph", "dot", str(tmp_path / "g.dot")).status == 0
    assert (tmp_path / "g.dot").read_text().startswith("digraph")
    assert "not one of" in shell("configure", "graph", "dot", "x", "exe").err


@pytest.mark.parametrize("level", sorted(set(LEVELS) - {"root"}))
def test_every_level_has_help_for_every_command(level: str) -> None:
    topics = Topics()
    names = [made.name for made in Registry().commands(level).values() if not made.hidden]
    missing = [name for name in names if topics.command(level, name) is None]
    assert missing == []


@pytest.mark.parametrize("level", sorted(LEVELS))
def test_help_names_no_command_that_is_not_there(level: str) -> None:
    registry = Registry()
    known = {*registry.commands(level), *registry.sublevels(level)}
    assert [page.name for page in Topics().commands(level) if page.name not in known] == []


def test_help_names_no_level_that_is_not_there() -> None:
    assert set(Topics().levels()) == set(LEVELS) - {"root"}


def test_help_is_found_by_word_level_and_option(shell: Shell) -> None:
    assert shell("help", "configure", "primitive").out.startswith("configure primitive - ")
    assert shell("configure", "primitive", "--help").out.startswith("configure primitive - ")
    assert shell("help", "topics").out.startswith("Overview topics")
    said = shell("help", "primitve")
    assert said.status == 1
    assert "no help for 'primitve'" in said.err
