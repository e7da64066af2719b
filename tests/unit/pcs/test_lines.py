"""`pcs` lines on a CIB file: what they write, what they refuse, and that nothing is half done."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from crmshell.environment import Environment
from crmshell.pcs.app import run
from crmshell.pcs.table import COMMANDS

PRIMITIVE = '<primitive id="{0}" class="ocf" provider="pacemaker" type="Dummy"/>'
CIB = (
    '<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0"'
    ' admin_epoch="0"><configuration><crm_config/><nodes><node id="1" uname="node1"/>'
    '<node id="2" uname="node2"/></nodes><resources>'
    + "".join(PRIMITIVE.format(name) for name in "ABC")
    + '<group id="shop">'
    + "".join(PRIMITIVE.format(name) for name in ("disk", "addr"))
    + "</group></resources><constraints/></configuration><status/></cib>"
)


class Desk:
    """A CIB file and a way to type `pcs` lines at it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "cib.xml"
        self.path.write_text(CIB)
        self.said = ""

    def pcs(self, line: str | list[str]) -> int:
        words = line.split() if isinstance(line, str) else line
        out, err = io.StringIO(), io.StringIO()
        environment = replace(Environment.real(), stdout=out, stderr=err)
        status = run(["-f", str(self.path), *words], environment)
        self.said = out.getvalue() + err.getvalue()
        return status

    def found(self, path: str) -> list[str]:
        return [each.get("id", "") for each in etree.parse(self.path).iterfind(f".//{path}")]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_constraints_get_the_ids_that_pcs_gives(desk: Desk) -> None:
    assert desk.pcs("constraint order start A then start B") == 0
    assert desk.pcs("constraint location A prefers node1=60") == 0
    assert desk.pcs("constraint colocation add B with A 200") == 0
    assert desk.found("rsc_order") == ["order-A-B-mandatory"]
    assert desk.found("rsc_location") == ["location-A-node1-60"]
    assert desk.found("rsc_colocation") == ["colocation-B-A-200"]


def test_a_location_that_gives_way_is_said(desk: Desk) -> None:
    desk.pcs("constraint location A prefers node1=10")
    assert desk.pcs("constraint location A prefers node1=20") == 0
    assert "was 10" in desk.said
    assert desk.found("rsc_location") == ["location-A-node1-20"]


def test_an_order_inside_a_group_is_taken_only_when_it_agrees(desk: Desk) -> None:
    assert desk.pcs("constraint order disk then addr") == 0
    assert desk.pcs("constraint order addr then disk") == 1
    assert desk.found("rsc_order") == ["order-disk-addr-mandatory"]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("constraint order A then A", "against itself"),
        ("constraint location nobody prefers node1", "nobody"),
        ("constraint location A prefers node1=much", "much"),
        ("resource op add A monitor interval=abc", "abc"),
        ("resource explain A", "explain"),
        ("property set no-quorum-policy=shrug", "shrug"),
        ("node standby node1 node7", "node7"),
        ("resource group add g A A", "A"),
        ("status --frobnicate", "--frobnicate"),
        ("cluster setup x --corosync_conf /nowhere/f", "nodes"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(desk: Desk, line: str, word: str) -> None:
    before = desk.path.read_bytes()
    assert desk.pcs(line) == 1 or desk.pcs(line) == 2
    assert word in desk.said
    assert desk.path.read_bytes() == before


def test_all_mistakes_of_a_line_are_said_at_once(desk: Desk) -> None:
    assert desk.pcs("resource disable nobody A stranger") == 1
    assert "nobody" in desk.said and "stranger" in desk.said


def test_an_old_spelling_works_and_names_the_new_one(desk: Desk) -> None:
    assert desk.pcs("cluster standby node1") == 0
    assert "pcs node standby" in desk.said
    assert desk.found("node/instance_attributes/nvpair") == ["nodes-1-standby"]


def test_deleting_takes_along_what_refers(desk: Desk) -> None:
    desk.pcs("constraint order set A B C")
    desk.pcs("constraint location A avoids node2")
    assert desk.pcs("resource delete A") == 0
    assert desk.found("rsc_location") == []
    assert desk.found("resource_ref") == ["B", "C"]


def test_a_password_is_not_repeated_in_a_message(desk: Desk) -> None:
    assert desk.pcs("resource enable nobody -u hacluster -p geheim") == 1
    assert "nobody" in desk.said and "geheim" not in desk.said


def test_every_row_of_the_table_names_a_function_that_exists() -> None:
    for command in COMMANDS.values():
        assert callable(command.function()), command.path


WORDS = (
    "resource constraint order location colocation set add delete A B nobody node1 then with start"
    " prefers avoids rule rack eq 1 meta op monitor interval=10s interval= =x a=b --force --full"
    " group clone tag acl alert property node standby INFINITY -INFINITY -5 '' ( ) and date config"
    " update create level remove ticket defaults stonith utilization cpu=x \u00e4 --output-format"
).split()


@pytest.mark.parametrize("seed", range(40))
def test_mangled_lines_end_in_lines_not_in_tracebacks(desk: Desk, seed: int) -> None:
    dice = random.Random(seed)
    paths = sorted(
        p for p in COMMANDS if not p.startswith(("cluster", "host")) and "debug" not in p
    )
    for _ in range(6):
        line = dice.choice(paths).split() + dice.choices(WORDS, k=dice.randrange(6))
        if dice.random() < 0.3:
            del line[dice.randrange(len(line))]
        before = desk.path.read_bytes()
        status = desk.pcs(line)
        if status:
            assert "Traceback" not in desk.said, line
            assert "ERROR:" in desk.said, line
            assert desk.path.read_bytes() == before, line
