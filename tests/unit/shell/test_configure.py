"""Level configure through the command line: scripts, files, filters, commits."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from lxml import etree
from shell_runner import Said, Shell

ALONE = ("-o", "core.ignore_missing_metadata=yes")


@pytest.fixture
def crm(shell: Shell, tmp_path: Path) -> Shell:
    """The shell on a machine without agents, where none are missed."""

    def call(*argv: str, stdin: str | bytes = "", **variables: str) -> Said:
        return shell(*ALONE, *argv, stdin=stdin, OCF_ROOT=str(tmp_path / "ocf"), **variables)

    return call


def ids(said: Said) -> list[str]:
    root = etree.fromstring(said.cib.encode())
    return [element.get("id", "") for element in root.find("configuration/resources") or root]


GOOD = "primitive a Dummy\nprimitive b Dummy\ngroup g a b\nlocation l g 5: n1\n"


def test_a_script_is_committed_at_its_end(crm: Shell) -> None:
    said = crm("configure", stdin=GOOD)
    assert said.status == 0
    assert "group g" not in said.out
    assert '<group id="g">' in said.cib
    assert 'rsc="g"' in said.cib


def test_a_script_with_an_error_changes_nothing_and_tells_every_error(crm: Shell) -> None:
    before = crm("configure", "show").cib
    said = crm(
        "configure", stdin=GOOD + "primitve c Dummy\norder o a\nlocation m a rule x like y\n"
    )
    assert said.status == 1
    assert said.cib == before
    for place in ("stdin:5:1:", "stdin:6:10:", "stdin:7:21:"):
        assert place in said.err
    assert "did you mean primitive" in said.err
    assert "3 lines of the script failed, nothing was committed" in said.err


def test_force_commits_the_good_lines(crm: Shell) -> None:
    said = crm("-F", "configure", stdin=GOOD + "order o a\n")
    assert said.status == 1
    assert '<group id="g">' in said.cib


def test_checks_of_the_good_lines_are_told_with_the_errors(crm: Shell) -> None:
    said = crm("configure", stdin="primitive a Dummy meta target-rol=Started\norder o a\n")
    assert "stdin:1:24: a: unknown attribute 'target-rol' (did you mean 'target-role'?)" in said.err


def test_what_was_committed_before_an_error_stays(crm: Shell) -> None:
    said = crm("configure", stdin="primitive a Dummy\ncommit\nprimitive b Dummy\nprimitive\n")
    assert 'id="a"' in said.cib
    assert 'id="b"' not in said.cib


def test_one_statement_on_the_command_line_takes_effect_at_once(crm: Shell) -> None:
    said = crm("configure", "primitive", "a", "Dummy", "params", "fake=two words")
    assert said.status == 0
    assert 'value="two words"' in said.cib


def test_save_and_load_keep_ids_and_order(crm: Shell, tmp_path: Path) -> None:
    path = str(tmp_path / "saved.crm")
    crm("configure", stdin=GOOD + "primitive z Dummy params $id=odd x=1\n")
    before = crm("configure", "save", path).cib
    said = crm("-F", "configure", stdin=f"erase\nload replace {path}\n")
    assert said.status == 0
    old, new = (
        etree.fromstring(text.encode()).find("configuration") for text in (before, said.cib)
    )
    assert etree.tostring(old) == etree.tostring(new)


def test_saving_into_a_pipe_writes_into_it_and_leaves_it_a_pipe(crm: Shell, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        said = crm("configure", "save", "ip", str(pipe))
        assert (said.status, os.read(reader, 1000)) == (0, b"primitive ip IPaddr2\n")
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_wrong_file_is_refused_with_its_lines(crm: Shell, tmp_path: Path) -> None:
    path = tmp_path / "bad.crm"
    path.write_text("primitive a Dummy\n\ngroup g a nosuch\nprimitive a Dummy\n")
    said = crm("-F", "configure", "load", "update", str(path))
    assert said.status == 1
    assert f"{path}:4:11: a is defined twice" in said.err
    assert 'id="a"' not in said.cib


@pytest.mark.parametrize("words", [("xml",), ("push",), ("swap", "f"), ("update", "/nosuch")])
def test_load_says_what_it_wants(crm: Shell, words: tuple[str, ...]) -> None:
    said = crm("configure", "load", *words)
    assert said.status == 1
    assert said.err.startswith("ERROR: ")


def test_a_filter_edits_what_it_is_given(crm: Shell) -> None:
    crm("configure", stdin=GOOD)
    said = crm("configure", stdin="filter \"sed 's/g a b/g b a/'\" g\nshow g\n")
    assert said.out == "group g b a\n"
    failed = crm("configure", stdin="filter false g\n")
    assert failed.status == 1
    assert "status 1" in failed.err


def test_edit_is_not_for_scripts(crm: Shell) -> None:
    said = crm("configure", "edit", "ip")
    assert said.status == 1
    assert "edit not allowed in batch mode" in said.err


def test_show_changed_is_the_difference(crm: Shell) -> None:
    said = crm("configure", stdin="primitive a Dummy\nshow changed\nundo\nshow changed\nrefresh\n")
    assert "+primitive a Dummy" in said.out
    assert "undone: primitive a Dummy" in said.err
    assert said.out.count("@@") == 2


def test_show_selects_by_kind_glob_and_relation(crm: Shell) -> None:
    crm("configure", stdin=GOOD)
    assert crm("configure", "show", "type:location").out == "location l g 5: n1\n"
    assert crm("configure", "show", "[ab]").out == "primitive a Dummy\nprimitive b Dummy\n"
    assert crm("configure", "show", "related:g", "and", "type:group").out == "group g a b\n"
    assert "primitive" not in crm("configure", "show", "related:g").out
    missing = crm("configure", "show", "nosuch")
    assert (missing.status, missing.out) == (1, "")
    assert "object nosuch does not exist" in missing.err


def test_hidden_values_only_where_asked_for(crm: Shell) -> None:
    crm("configure", "primitive", "a", "Dummy", "params", "passwd=secret")
    assert "passwd=secret" in crm("configure", "show", "a").out
    assert 'passwd="******"' in crm("configure", "show", "obscure:pass*", "a").out
    said = crm("configure", "primitive", "b", "Dummy", "params", "passwd=******")
    assert said.status == 1


def test_a_delete_tells_what_went_with_it(crm: Shell) -> None:
    crm("configure", stdin=GOOD)
    said = crm("configure", "delete", "a", "b")
    assert "hanging location:l deleted" in said.err
    assert "rsc_location" not in said.cib
    assert crm("configure", "delete", "nosuch").status == 1
    assert crm("-F", "configure", "delete", "nosuch").status == 0


def test_errors_of_verify_stand_against_a_commit_unless_forced(shell: Shell, crm: Shell) -> None:
    script = "primitive a ocf:nobody:Nosuch\n"
    refused = shell("configure", stdin=script)
    assert refused.status == 1
    assert "got no meta-data" in refused.err
    assert 'id="a"' not in refused.cib
    assert 'id="a"' in shell("configure", stdin=script + "commit force\n").cib


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("location l nosuch 5: n1", "does not exist"),
        ("location l ip foo=bar 5: n1", "attribute foo is not accepted"),
        ("location l ip resource-discovery=perhaps 5: n1", "resource-discovery='perhaps'"),
        ("location l ip infinty: n1", "'infinty' is no score"),
        ("colocation c high: ip web", "'high' is no score"),
        ("tag t ip nosuch", "obj_ref names 'nosuch'"),
        ("role r read ref:nosuch", "reference names 'nosuch'"),
        ("acl_target joe nosuch", "role names 'nosuch'"),
        ("primitive a @nosuch", "template names 'nosuch'"),
        ("primitive a Dummy params $id-ref=nosuch", "id-ref names 'nosuch'"),
    ],
)
def test_no_force_commits_what_no_cluster_takes(crm: Shell, statement: str, words: str) -> None:
    before = crm("configure", "show").cib
    for said in (
        crm("-F", "configure", stdin=statement + "\n"),
        crm("configure", stdin=statement + "\ncommit force\n"),
        crm("-F", "configure", stdin=statement + "\ncommit\n"),
    ):
        assert said.status == 1
        assert words in said.err
        assert said.err.count("not committed") <= 1
        assert said.cib == before


def test_a_cib_of_bad_form_can_be_edited_under_force(crm: Shell, tmp_path: Path) -> None:
    crm("configure", "location", "l", "ip", "5:", "n1")
    path = tmp_path / "cib.xml"
    path.write_text(path.read_text().replace('score="5"', 'score="5" colour="red"'))
    assert crm("configure", "primitive", "a", "Dummy").status == 1
    said = crm("-F", "configure", "primitive", "a", "Dummy")
    assert said.status == 0
    assert 'id="a"' in said.cib


def test_a_dry_run_says_what_would_happen(crm: Shell) -> None:
    before = crm("configure", "show").cib
    said = crm("configure", stdin="primitive a Dummy\ncommit --dry-run\nrefresh\n")
    assert "+primitive a Dummy" in said.out
    assert said.cib == before


def test_get_property_knows_defaults(crm: Shell) -> None:
    crm("configure", "property", "batch-limit=7")
    assert crm("configure", "get_property", "batch-limit").out == "7\n"
    assert crm("configure", "get_property", "no-quorum-policy").out == "stop\n"
    assert crm("configure", "get_property", "-t", "maintenance-mode").out == "false\n"
    assert crm("configure", "get_property", "nosuch").status == 1


def test_a_loaded_node_replaces_the_one_of_its_name(crm: Shell, tmp_path: Path) -> None:
    crm("configure", "node", "n1", "attributes", "rack=1")
    crm("configure", "node", "n1", "attributes", "zone=2")
    assert "attributes rack=1 zone=2" in crm("configure", "show", "n1").out
    text = tmp_path / "node.crm"
    text.write_text("node n1 attributes zone=3\n")
    assert crm("configure", "load", "update", str(text)).status == 0
    assert "attributes zone=3" in crm("configure", "show", "n1").out


def test_a_lifetime_in_raw_xml_gets_no_id(crm: Shell) -> None:
    rule = '<rule id="r" score="INFINITY"><expression id="e" attribute="x" operation="defined"/>'
    statement = (
        '<rsc_location id="l" rsc="ip" node="n1" score="5">'
        f"<lifetime>{rule}</rule></lifetime></rsc_location>"
    )
    said = crm("configure", stdin=f"xml '{statement}'\n")
    assert said.status == 0
    assert "<lifetime>" in said.cib


def test_findings_come_in_the_order_of_lines_and_those_of_the_cluster_have_none(
    shell: Shell,
) -> None:
    script = (
        "property expected-quorum-votes=2\n"
        "order o nox web-clone\n"
        "primitive b ocf:heartbeat:Dummy op monitor interval=abc\n"
        "property batch-limit=x\n"
    )
    said = shell("configure", stdin=script)
    places = re.findall(r"^(?:ERROR|WARNING): (?:stdin:(\d+):\d+: )?", said.err, re.M)
    told_at_commit = places[1:]  # the first was told when the statement was read
    numbers = [int(place) for place in told_at_commit if place]
    assert numbers == sorted(numbers)
    assert {1, 2, 3, 4} <= set(numbers)
    assert "" not in told_at_commit[: len(numbers)]
    assert re.search(r"^WARNING: stonith-enabled=true", said.err, re.M)


def test_what_is_there_is_not_typed_again_and_the_way_to_change_it_is_said(shell: Shell) -> None:
    said = shell("configure", "primitive", "ip", "ocf:heartbeat:Dummy")
    assert said.status == 1
    assert "id is already in use by primitive ip (edit ip changes it)" in said.err
    shell("-F", "configure", "monitor", "ip", "10s")
    again = shell("-F", "configure", "monitor", "ip", "10s")
    assert "set ip.monitor.10s.timeout" in again.err
