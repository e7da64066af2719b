"""Real agents run real alert scripts: who is told of what, with which environment, and as whom."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import testhosts
from conftest import needs_namespaces
from harness import Cluster, add_primitive, set_property
from lxml import etree
from power import PowerSwitch

from engine.cib.document import Cib

pytestmark = [needs_namespaces, pytest.mark.cluster, pytest.mark.timeout(600)]

SCRIPT = """\
#!/bin/sh
# One line for each run: the variables of the alert, and who this is.
line=$(env | grep -E '^(CRM_alert_|extra=)' | sort | tr '\\n' ';')
echo "${line}host=$(hostname);uid=$(id -u);" >> "$CRM_alert_recipient"
"""
HANGING = '#!/bin/sh\necho begun >> "$CRM_alert_recipient"\nsleep 600\n'
ALERTS = """\
<alerts>
  <alert id="usual" path="{folder}/told">
    <instance_attributes id="usual-i"><nvpair id="usual-e" name="extra" value="more words"/></instance_attributes>
    <meta_attributes id="usual-m"><nvpair id="usual-f" name="timestamp-format" value="%Y-%m-%d"/></meta_attributes>
    <recipient id="usual-1" value="{folder}/usual.log"/>
    <recipient id="usual-2" value="{folder}/off.log">
      <meta_attributes id="usual-2m"><nvpair id="usual-2e" name="enabled" value="false"/></meta_attributes>
    </recipient>
  </alert>
  <alert id="chosen" path="{folder}/told">
    <select><select_attributes><attribute id="chosen-a" name="colour"/></select_attributes></select>
    <recipient id="chosen-1" value="{folder}/chosen.log"/>
  </alert>
  <alert id="hanging" path="{folder}/hanging">
    <meta_attributes id="hanging-m"><nvpair id="hanging-t" name="timeout" value="1s"/></meta_attributes>
    <recipient id="hanging-1" value="{folder}/hanging.log"/>
  </alert>
</alerts>
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("alerts")
    told = made / "open"
    told.mkdir()
    # The scripts run as an ordinary user: every folder on the way is theirs to enter.
    for place in (told, *told.parents[:-1]):
        if place.stat().st_uid == os.geteuid():
            place.chmod(place.stat().st_mode | stat.S_IXOTH | stat.S_IXGRP)
    told.chmod(0o1777)
    for name, text in (("told", SCRIPT), ("hanging", HANGING)):
        (told / name).write_text(text)
        (told / name).chmod(0o755)
    return made


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[Cluster]:
    lab = testhosts.Lab(3, dir=f"{folder}/lab", private=["/var/lib", "/srv"]).up()
    os.makedirs(f"{folder}/agents")
    shutil.copy(Path(__file__).with_name("fence_lab"), f"{folder}/agents")
    try:
        cluster = Cluster(lab, options=("--fence-dir", f"{folder}/agents")).start()
        switch = PowerSwitch(f"{folder}/switch", cluster.hosts)
        try:
            cluster.configure(cluster.hosts[0], lambda cib: configure(cib, folder))
            yield cluster
        finally:
            switch.close()
    finally:
        lab.down()


def configure(cib: Cib, folder: Path) -> None:
    set_property(cib, "stonith-enabled", "true")
    add_primitive(
        cib, "power", "stonith:fence_lab", switch=f"{folder}/switch", pcmk_host_check="dynamic-list"
    )
    add_primitive(cib, "db", "ocf:heartbeat:Dummy")
    alerts = etree.fromstring(ALERTS.format(folder=folder / "open"))
    cib.section("alerts").extend(list(alerts))


def told(folder: Path, name: str = "usual", **wanted: str) -> list[dict[str, str]]:
    """The runs with these variables, each as its variables without `CRM_alert_`."""
    found = []
    path = folder / "open" / f"{name}.log"
    for line in path.read_text().splitlines() if path.exists() else ():
        pairs = (part.partition("=") for part in line.split(";") if part)
        run = {key.removeprefix("CRM_alert_"): value for key, _, value in pairs}
        if all(run.get(key) == value for key, value in wanted.items()):
            found.append(run)
    return found


def test_the_node_that_ran_an_operation_tells_of_it(cluster: Cluster, folder: Path) -> None:
    def started() -> list[dict[str, str]]:
        return told(folder, kind="resource", rsc="db", task="start")

    cluster.eventually("told", started, 20)
    [run] = started()
    [host] = cluster.runners("db")
    assert (run["node"], run["host"]) == (host, host)
    assert (run["rc"], run["target_rc"], run["status"], run["desc"]) == ("0", "0", "0", "ok")
    assert run["extra"] == "more words"
    assert len(run["timestamp"]) == len("2026-01-01")
    assert int(run["timestamp_epoch"]) > 1_700_000_000
    assert len(run["timestamp_usec"]) == 6
    assert run["uid"] != "0" or os.geteuid() != 0
    assert not told(folder, kind="resource", rsc="db", task="monitor", rc="7")
    assert not (folder / "open" / "off.log").exists()


def test_attributes_are_told_by_the_dc_where_they_are_asked_for(
    cluster: Cluster, folder: Path
) -> None:
    for name in ("colour", "size"):
        cluster.ask(cluster.hosts[0], "attribute", node="h2", name=name, value="red")
    cluster.eventually("told", lambda: told(folder, "chosen", attribute_name="colour"), 20)
    [run] = told(folder, "chosen")
    assert (run["kind"], run["node"], run["nodeid"]) == ("attribute", "h2", "2")
    assert (run["attribute_value"], run["host"]) == ("red", cluster.dc().name)
    assert not told(folder, kind="attribute")


def test_a_script_that_hangs_is_ended_and_holds_up_nobody(cluster: Cluster, folder: Path) -> None:
    assert "begun" in (folder / "open" / "hanging.log").read_text()
    cluster.eventually(
        "all are ended", lambda: not any(cluster.running(name) for name in ("hanging", "sleep")), 30
    )


def test_every_survivor_tells_of_a_lost_node_and_of_its_fencing(
    cluster: Cluster, folder: Path
) -> None:
    [victim] = cluster.runners("db")
    host: Any = next(host for host in cluster.hosts if host.name == victim)
    host.kill()
    others = {host.name for host in cluster.alive()}

    def tellers(**wanted: str) -> set[str]:
        return {run["host"] for run in told(folder, node=victim, **wanted)}

    cluster.eventually("lost", lambda: tellers(kind="node", desc="lost") == others, 40)
    cluster.eventually("fenced", lambda: tellers(kind="fencing", rc="0") == others, 40)
    [fenced, *_] = told(folder, kind="fencing")
    assert f"of {victim} by " in fenced["desc"]
    assert fenced["desc"].endswith(": OK")
    cluster.boot(host)
    cluster.eventually("back", lambda: tellers(kind="node", desc="member") >= others, 40)
    numbers = [int(run["node_sequence"]) for run in told(folder, host=cluster.dc().name)]
    assert len(set(numbers)) == len(numbers)
