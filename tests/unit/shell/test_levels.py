"""Levels node, resource, maintenance and cib on a CIB file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from shell_runner import Shell


def test_standby_and_online_set_the_attribute_of_the_node(shell: Shell) -> None:
    assert shell("node", "standby", "n1", "n2").cib.count('value="on"') == 2
    said = shell("node", "online", "--all")
    assert said.cib.count('name="standby" value="off"') == 2
    assert "INFO: online node n2" in said.err


def test_standby_until_reboot_goes_to_the_status_section(shell: Shell) -> None:
    said = shell("node", "standby", "n1", "reboot")
    status = said.cib[said.cib.index("<status") :]
    assert 'name="standby" value="on"' in status
    assert 'epoch="1" num_updates="1"' in said.cib


def test_online_takes_a_standby_until_reboot_away(shell: Shell) -> None:
    shell("node", "standby", "n1", "reboot")
    said = shell("node", "online", "n1")
    status = said.cib[said.cib.index("<status") :]
    assert "standby" not in status


def test_an_unknown_node_is_refused_with_the_nearest_name(shell: Shell) -> None:
    said = shell("node", "standby", "n11")
    assert said.status == 1
    assert "did you mean n1?" in said.err
    assert 'epoch="1"' in said.cib


def test_attributes_are_set_shown_and_deleted(shell: Shell) -> None:
    shell("node", "attribute", "n1", "set", "rack", "r 1")
    assert "value=r 1" in shell("node", "attribute", "n1", "show", "rack").out
    assert shell("node", "attribute", "n1", "delete", "rack").status == 0
    assert shell("node", "attribute", "n1", "delete", "rack").status == 1


def test_deleting_a_node_takes_its_constraints_along(shell: Shell) -> None:
    shell("resource", "ban", "ip", "n2")
    said = shell("node", "delete", "n2")
    assert "n2" not in said.cib
    assert "cli-ban-ip-on-n2 deleted" in said.err


def test_fencing_without_a_cluster_is_refused(shell: Shell) -> None:
    said = shell("-F", "node", "fence", "n1")
    assert said.status == 1
    assert "no cluster" in said.err


def test_a_question_that_nobody_can_answer_is_answered_no(shell: Shell) -> None:
    said = shell("node", "fence", "n1")
    assert said.status == 1
    assert "-F says yes" in said.err


def test_stop_and_start_set_the_target_role(shell: Shell) -> None:
    assert 'name="target-role" value="Stopped"' in shell("resource", "stop", "ip").cib
    said = shell("resource", "start", "ip")
    assert said.cib.count("target-role") == 2
    assert 'name="target-role" value="Started"' in said.cib


def test_a_member_of_a_clone_speaks_for_the_clone(shell: Shell) -> None:
    said = shell("resource", "unmanage", "web")
    clone = said.cib[said.cib.index("<clone") : said.cib.index('<primitive id="web"')]
    assert "is-managed" in clone


def test_only_promotable_clones_are_promoted(shell: Shell) -> None:
    assert shell("resource", "promote", "ip").status == 1
    assert 'value="Promoted"' in shell("resource", "promote", "web-clone").cib


def test_contradicting_attributes_of_members_go_under_force(shell: Shell) -> None:
    said = shell("-F", "resource", "maintenance", "ip", "on")
    assert 'name="maintenance" value="true"' in said.cib
    said = shell("-F", "resource", "manage", "ip")
    assert "maintenance" not in said.cib


def test_move_ban_and_clear_make_and_remove_constraints(shell: Shell) -> None:
    assert (
        'id="cli-prefer-ip" rsc="ip" role="Started" node="n1"'
        in shell("resource", "move", "ip", "n1").cib
    )
    assert "cli-ban-ip-on-n2" in shell("resource", "ban", "ip", "n2").cib
    assert "cli-prefer" in shell("resource", "clear", "ip", "n2").cib
    assert "cli-" not in shell("resource", "unmove", "ip").cib


def test_a_lifetime_becomes_a_date_rule(shell: Shell) -> None:
    said = shell("resource", "ban", "ip", "n1", "PT1H")
    assert re.search(r'<date_expression [^>]*operation="lt" end="2023-11-14 23:13:20Z"', said.cib)
    assert 'score="-INFINITY" boolean-op="and"' in said.cib


@pytest.mark.parametrize(
    "words",
    [
        ("move", "ip"),
        ("move", "ip", "n1", "soon"),
        ("ban", "nix", "n1"),
        ("ban", "ip", "n1", "PT99999999999999999H"),
    ],
)
def test_a_move_that_makes_no_sense_changes_nothing(shell: Shell, words: tuple[str, ...]) -> None:
    said = shell("resource", *words)
    assert said.status == 1
    assert 'epoch="1"' in said.cib


def test_parameters_meta_attributes_and_utilization_are_set(shell: Shell) -> None:
    shell("resource", "param", "ip", "set", "ip", "192.0.2.1")
    shell("resource", "meta", "ip", "set", "priority", "5")
    said = shell("resource", "utilization", "ip", "set", "cpu", "2")
    assert 'id="ip-instance_attributes-ip" name="ip"' in said.cib.replace(
        'name="ip" value="192.0.2.1" id="ip-instance_attributes-ip"',
        'id="ip-instance_attributes-ip" name="ip"',
    )
    assert shell("resource", "param", "ip", "show", "ip").out == "192.0.2.1\n"
    assert shell("resource", "meta", "ip", "show", "priority").out == "5\n"
    assert shell("resource", "utilization", "web-clone", "set", "cpu", "2").status == 1


def test_a_trace_that_made_an_operation_takes_it_away_again(shell: Shell) -> None:
    before = shell("node", "show").cib
    said = shell("resource", "trace", "ip", "start")
    assert 'name="trace_ra" value="1"' in said.cib
    after = shell("resource", "untrace", "ip", "start").cib
    assert "<operations" not in after
    assert before.count("<op ") == after.count("<op ")


def test_a_trace_of_everything_adds_start_and_stop_and_promote_where_needed(shell: Shell) -> None:
    assert shell("resource", "trace", "ip").cib.count('name="trace_ra"') == 2
    assert shell("resource", "trace", "web").cib.count('name="trace_ra"') == 6
    assert shell("resource", "untrace", "web").cib.count('name="trace_ra"') == 2


def test_a_trace_of_an_interval_that_is_not_configured_is_refused(shell: Shell) -> None:
    said = shell("resource", "trace", "ip", "monitor", "10s")
    assert said.status == 1
    assert 'epoch="1"' in said.cib
    assert shell("resource", "trace", "ip", "probe").status == 0


def test_fail_counts_are_set_shown_and_deleted(shell: Shell) -> None:
    shell("resource", "failcount", "ip", "set", "n1", "3")
    assert "value=3" in shell("resource", "failcount", "ip", "show", "n1").out
    assert shell("resource", "failcount", "ip", "delete", "n1").status == 0
    assert "value=0" in shell("resource", "failcount", "ip", "show", "n1").out


def test_maintenance_of_the_cluster_is_a_property(shell: Shell) -> None:
    said = shell("maintenance", "on")
    assert 'id="cib-bootstrap-options-maintenance-mode" name="maintenance-mode" value="true"' in (
        said.cib
    )
    assert 'name="maintenance-mode" value="false"' in shell("maintenance", "off").cib


def test_a_shadow_is_made_changed_compared_committed_and_deleted(shell: Shell) -> None:
    assert shell("cib", "new", "test").status == 0
    assert shell("cib", "list").out == "test\n"
    live = shell("-c", "test", "node", "standby", "n1").cib
    assert "standby" not in live
    assert "+\tattributes standby=on" in shell("-c", "test", "cib", "diff").out
    assert 'value="on"' in shell("cib", "commit", "test").cib
    assert shell("cib", "delete", "test").status == 0
    assert shell("cib", "delete", "test").status == 1


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x" * 65])
def test_a_shadow_name_never_leaves_the_folder(shell: Shell, name: str) -> None:
    assert shell("cib", "new", name).status == 1


def test_a_shadow_in_use_is_not_deleted_and_a_missing_one_not_used(shell: Shell) -> None:
    shell("cib", "new", "one")
    assert shell("-c", "one", "cib", "delete", "one").status == 1
    said = shell("-c", "nosuch", "node", "show")
    assert said.status == 1
    assert "no such shadow CIB" in said.err


def test_a_temporary_shadow_goes_at_the_end(shell: Shell) -> None:
    said = shell(stdin="cib new\nnode standby n1\n")
    assert said.status == 0
    assert "standby" not in said.cib
    assert shell("cib", "list").out == ""


def test_status_is_text_or_for_programs_xml_and_json(shell: Shell) -> None:
    assert "Node List:" in shell("status").out
    assert shell("status", "xml").out.startswith("<pacemaker-result")
    assert shell("--output-as", "json", "status").out.startswith("{")
    assert shell("status", "simple").status == 1
    assert "did you mean bynode?" in shell("status", "bynod").err
    assert "* ip\t" in shell("resource", "status").out


def test_verify_finds_references_to_nothing(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    bad = '<constraints><rsc_location id="l" rsc="nix" node="n1" score="1"/></constraints>'
    path.write_text(path.read_text().replace("<constraints/>", bad))
    said = shell("verify")
    assert said.status == 1
    assert "nix" in said.err


def test_the_configuration_is_text_or_for_programs_xml_and_json(shell: Shell) -> None:
    assert shell("configure", "show", "ip").out == "primitive ip IPaddr2\n"
    assert "<primitive" in shell("--output-as", "xml", "configure", "show", "ip").out
    assert "<primitive" in shell("configure", "show", "ip", "--output-as=xml").out
    assert shell("status", "--output-as", "json").out.startswith("{")
    assert "expected text, json or xml" in shell("configure", "show", "--output-as", "yaml").err
    data = json.loads(shell("--output-as", "json", "configure", "show", "ip").out)
    assert data["tag"] == "cib"
    assert '"id": "ip"' in json.dumps(data)


def test_an_earlier_configuration_is_listed_and_brought_back(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "root/var/lib/pacemaker/pengine"
    folder.mkdir(parents=True)
    old = (tmp_path / "cib.xml").read_text().replace('epoch="1"', 'epoch="7"', 1)
    (folder / "pe-input-3.xml").write_text(old)
    (folder / "pe-input-4.xml").write_text(old)
    root = str(tmp_path / "root")
    shell("node", "standby", "n1")
    listed = shell("cib", "history", CRMSHELL_ROOT=root).out
    assert listed.splitlines()[1].split()[:2] == ["4", "0.7"]
    assert len(listed.splitlines()) == 2
    assert shell("cib", "rollback", "3", CRMSHELL_ROOT=root).status == 1
    assert shell("cib", "rollback", "9", CRMSHELL_ROOT=root).status == 1
    said = shell("-F", "cib", "rollback", "3", CRMSHELL_ROOT=root)
    assert said.status == 0
    assert "standby" not in said.cib
    assert 'epoch="3"' in said.cib


def test_a_word_of_another_level_is_pointed_to(shell: Shell) -> None:
    assert "did you mean configure primitive?" in shell("primitive", "p", "Dummy").err
    assert "did you mean /configure primitive?" in shell("node", "primitive", "p").err
    assert "did you mean /options?" in shell("configure", "options", "show").err


def test_changes_that_lead_back_to_where_they_began_are_nothing_to_commit(shell: Shell) -> None:
    script = "property batch-limit=5\nundo\ncommit\nfilter cat\ncommit\ncommit --dry-run\n"
    said = shell("configure", stdin=script)
    assert said.status == 0
    assert said.err.count("nothing to commit") == 3
