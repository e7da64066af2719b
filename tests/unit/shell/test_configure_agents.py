"""Commands of level configure that ask or run agents, and the simulation."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell_runner import Shell

AGENT = """#!/bin/sh
state={folder}/$OCF_RESOURCE_INSTANCE
case $1 in
start) touch $state;;
stop) rm -f $state;;
monitor) [ -e $state ] || exit 7;;
validate-all) [ "$OCF_RESKEY_good" = yes ] || {{ echo bad; exit 6; }};;
meta-data) cat <<END
<resource-agent name="T" version="1"><version>1.1</version><longdesc/><shortdesc/><parameters>
<parameter name="good"><content type="string"/></parameter></parameters><actions>
<action name="start" timeout="33"/><action name="stop" timeout="44s"/>
<action name="monitor" timeout="55s" interval="10s"/><action name="meta-data" timeout="5s"/>
<action name="validate-all" timeout="5s"/></actions></resource-agent>
END
;; esac
"""


@pytest.fixture
def ocf(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "ocf/resource.d/heartbeat/T"
    path.parent.mkdir(parents=True)
    path.write_text(AGENT.format(folder=tmp_path))
    path.chmod(0o755)
    return {"OCF_ROOT": str(tmp_path / "ocf")}


MADE = "primitive t T params good={good} op monitor interval=10s timeout=1s\n"


def test_timeouts_are_set_to_what_the_agent_advises(shell: Shell, ocf: dict[str, str]) -> None:
    script = MADE.format(good="yes") + "default-timeouts t\nshow t\nundo\nshow t\nrefresh\n"
    out = shell("-F", "configure", stdin=script, **ocf).out
    assert "op monitor interval=10s timeout=55s" in out
    assert "op start timeout=33s" in out
    assert "op stop timeout=44s" in out
    assert out.rstrip().endswith("op monitor interval=10s timeout=1s")


def test_an_agent_judges_its_parameters(shell: Shell, ocf: dict[str, str]) -> None:
    good = MADE.format(good="yes") + "validate-all t\nrefresh\n"
    assert "nothing wrong" in shell("-F", "configure", stdin=good, **ocf).out
    bad = MADE.format(good="no") + "validate-all t\nrefresh\n"
    said = shell("-F", "configure", stdin=bad, **ocf)
    assert said.status == 1
    assert "bad" in said.out


def test_a_resource_is_tried_and_left_stopped(
    shell: Shell, ocf: dict[str, str], tmp_path: Path
) -> None:
    script = MADE.format(good="yes") + "rsctest t\nrefresh\n"
    said = shell("-F", "configure", stdin=script, **ocf)
    steps = [line.split(": ")[1:] for line in said.out.splitlines()]
    assert steps == [[f"{step} of t", "ok"] for step in ("probe", "start", "monitor", "stop")]
    assert not (tmp_path / "t").exists()


def test_a_resource_that_runs_already_fails_its_trial(
    shell: Shell, ocf: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "t").touch()
    said = shell("-F", "configure", stdin=MADE.format(good="yes") + "rsctest t\nrefresh\n", **ocf)
    assert said.status == 1
    assert "probe of t: FAILED, rc=0" in said.out


def test_an_unknown_resource_is_refused_with_its_place(shell: Shell) -> None:
    said = shell("configure", stdin="default-timeouts nosuch\n")
    assert said.status == 1
    assert "stdin:1:18: " in said.err


def test_the_schema_is_brought_up_to_date(shell: Shell) -> None:
    said = shell("configure", stdin="schema pacemaker-3.0\ncommit\nupgrade\ncommit\n")
    assert said.status == 0
    assert "is pacemaker-3.9 when this is committed" in said.out
    assert 'validate-with="pacemaker-3.9"' in said.cib


def test_a_simulation_tells_what_would_happen(shell: Shell) -> None:
    script = "property stonith-enabled=false no-quorum-policy=ignore\nsimulate {}\nrefresh\n"
    assert "Transition Summary:" in shell("configure", stdin=script.format("nograph")).out
    said = shell("configure", stdin=script.format("scores actions"))
    assert "allocation score" in said.out
    assert "digraph" in shell("configure", stdin=script.format("graph")).out
    assert "is not one of" in shell("configure", "simulate", "loud").err


def test_ptest_is_the_old_name(shell: Shell) -> None:
    assert shell("configure", "ptest").out.startswith("Transition Summary:")


def test_an_upgrade_brings_old_forms_up_to_date_and_can_be_undone(shell: Shell) -> None:
    script = "schema pacemaker-1.2\nuser bob read cib\nupgrade\n"
    said = shell("configure", stdin=f"{script}show\nundo\nshow\nrefresh\n")
    assert "user bob is acl_target bob" in said.out
    new, _, undone = said.out.partition("when this is committed")[2].partition("bob-rights\nnode")
    assert "acl_target bob" in new
    assert "user bob" in undone
