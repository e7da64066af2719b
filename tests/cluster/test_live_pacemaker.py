"""The shell on a real Pacemaker, through Pacemaker's own tools: two hosts with Corosync and its daemons.

`make test-pacemaker` fetches Pacemaker for it. Each test leaves the group started, both nodes online
and no constraint of its own behind.
"""

from __future__ import annotations

import re
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
import testhosts
from harness import CRM, PROJECT
from pacemaker_hosts import (
    ENVIRONMENT,
    LiveCluster,
    is_pacemaker_here,
    needs_hosts_of_their_own,
    not_tested,
    run,
)

if not is_pacemaker_here():
    not_tested("the shell on a real Pacemaker (make test-pacemaker fetches one)")
needs_hosts_of_their_own("the shell on a real Pacemaker")

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

CONFIGURATION = """\
property stonith-enabled=false no-quorum-policy=ignore
primitive d ocf:pacemaker:Dummy op monitor interval=2s
primitive e ocf:pacemaker:Dummy params fake=1
primitive st ocf:pacemaker:Stateful \\
    op monitor interval=5s role=Promoted op monitor interval=6s role=Unpromoted
clone st-clone st meta promotable=true
group g d e
location like-h1 g 100: h1
rsc_defaults resource-stickiness=10
"""
READS = "\x1b[?2004h"
TAKEN = "\x1b[?2004l"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    folder = tmp_path_factory.mktemp("live")
    lab = testhosts.Lab(2, dir=f"{folder}/lab").up()
    try:
        made = LiveCluster(lab).start()
        made.crm("configure", "load", "update", "-", text=CONFIGURATION)
        made.settle()
        yield made
    finally:
        lab.down()


class Typed:
    """An interactive session on a host; each line gives what was printed after it."""

    def __init__(self, cluster: LiveCluster, host: int = 0, **more: str) -> None:
        argv = cluster.hosts[host].argv([CRM], PROJECT)
        self._shell = pexpect.spawn(
            argv[0],
            argv[1:],
            env={**ENVIRONMENT, "PAGER": "cat", **more},
            encoding="utf-8",
            timeout=60,
            dimensions=(500, 160),
        )
        self._shell.expect_exact(READS)

    def __call__(self, line: str) -> str:
        self._shell.send(line + "\r")
        self._shell.expect_exact(TAKEN)
        self._shell.expect_exact(READS)
        return str(self._shell.before)

    def quit(self) -> None:
        self._shell.send("quit\r")
        self._shell.expect(pexpect.EOF)
        self._shell.close(force=True)


def test_what_is_committed_is_what_pacemaker_runs(cluster: LiveCluster) -> None:
    monitored = cluster.tool("crm_mon", "-1")
    assert re.search(r"e\s+\(ocf:+pacemaker:Dummy\):\s+Started h1", monitored)
    assert "Promoted: [ h" in monitored
    shown = cluster.crm("configure", "show")
    for line in ("primitive d ocf:pacemaker:Dummy", "group g d e", "location like-h1 g 100: h1"):
        assert line in shown
    assert cluster.crm("verify") == ""


def test_the_status_says_what_pacemakers_monitor_says(cluster: LiveCluster) -> None:
    said = cluster.crm("status")
    assert "Stack: corosync" in said
    assert re.search(r"Current DC: h[12] \(version \d.*partition with quorum", said)
    assert "Online: [ h1 h2 ]" in said
    assert "Unpromoted: [ h" in said
    listed = cluster.crm("resource", "status", "g")
    assert "resource g is running on: h1" in listed


def test_the_same_resources_and_nodes_are_shown_as_by_pacemakers_monitor(
    cluster: LiveCluster,
) -> None:
    cluster.crm("resource", "unmanage", "d")
    cluster.crm("node", "standby", "h2")
    cluster.settle()
    cluster.eventually("same", lambda: shown(cluster.crm("status")) == monitored(cluster), 20)
    cluster.crm("resource", "manage", "d")
    cluster.crm("node", "online", "h2")
    cluster.settle()
    assert shown(cluster.crm("status")) == monitored(cluster)


def monitored(cluster: LiveCluster) -> list[str]:
    return shown(cluster.tool("crm_mon", "-1", "-r"))


def shown(text: str) -> list[str]:
    """The lines of nodes and resources; how many colons an agent has differs between versions."""
    _, _, rest = text.partition("Node List:")
    return [line.replace("::", ":").rstrip() for line in rest.splitlines() if line.strip()]


def test_the_commands_of_the_scheduler_read_pacemakers_cib(cluster: LiveCluster) -> None:
    programs = Path(CRM).parent
    said = cluster.tool(str(programs / "crm_simulate"), "-L")
    assert "Online: [ h1 h2 ]" in said
    assert cluster.tool(str(programs / "crm_verify"), "-L", "-V") == ""


def test_a_cluster_of_our_agents_is_not_made_beside_a_running_pacemaker(
    cluster: LiveCluster,
) -> None:
    for words in (("init", "--addr", "10.77.0.1"), ("join", "h2", "--addr", "10.77.0.1")):
        done = cluster.try_crm("cluster", *words)
        assert done.returncode == 1
        assert "Pacemaker runs on this machine" in done.stdout
    assert not Path(f"/proc/{cluster.hosts[0].pid}/root/etc/crmshell/node.conf").exists()


def test_the_cluster_level_tells_of_pacemaker(cluster: LiveCluster) -> None:
    said = cluster.crm("cluster", "status")
    assert re.search(r"Cluster:\s+live", said)
    assert re.search(r"Quorum:\s+yes", said)
    assert "h2: online" in said
    health = cluster.crm("cluster", "health")
    assert "ok   pacemaker" in health
    assert "ok   members" in health
    cluster.crm("cluster", "wait_for_startup", "10")
    refused = cluster.try_crm("-F", "cluster", "stop")
    assert refused.returncode == 1
    assert "systemd does not run here" in refused.stdout


def test_a_node_in_standby_gives_its_resources_away(cluster: LiveCluster) -> None:
    cluster.crm("node", "standby", "h1")
    cluster.settle()
    assert "running on: h2" in cluster.crm("resource", "locate", "g")
    assert "Node h1: standby" in cluster.crm("status")
    cluster.crm("node", "online", "h1")
    cluster.settle()
    assert "running on: h1" in cluster.crm("resource", "locate", "g")


def test_standby_until_the_next_start_is_in_the_status_alone(cluster: LiveCluster) -> None:
    before = cluster.crm("configure", "show", "h2")
    cluster.crm("node", "standby", "h2", "reboot")
    assert "standby (until reboot)=on" in cluster.crm("node", "show", "h2")
    assert cluster.crm("configure", "show", "h2") == before
    cluster.crm("node", "online", "h2")
    assert "standby (until reboot)=on" not in cluster.crm("node", "show", "h2")
    cluster.settle()


def test_maintenance_of_a_node_and_of_everything(cluster: LiveCluster) -> None:
    cluster.crm("node", "maintenance", "h2")
    assert "Node h2: maintenance" in cluster.tool("crm_mon", "-1")
    cluster.crm("node", "ready", "h2")
    cluster.crm("maintenance", "on")
    monitored = cluster.tool("crm_mon", "-1")
    cluster.crm("maintenance", "off")
    # What the monitor calls it depends on its version.
    assert re.search(r"Started h1 \((unmanaged|maintenance)\)", monitored)
    assert "Started h1 (" not in cluster.tool("crm_mon", "-1")


def test_attributes_of_nodes_lasting_and_passing(cluster: LiveCluster) -> None:
    for level, scope in (("attribute", "nodes"), ("status-attr", "status")):
        cluster.crm("node", level, "h1", "set", "rack", "a b")
        cluster.eventually(
            "shown",
            lambda level=level: (
                "value=a b" in cluster.try_crm("node", level, "h1", "show", "rack").stdout
            ),
            10,
        )
        assert f"scope={scope}" in cluster.crm("node", level, "h1", "show", "rack")
        cluster.crm("node", level, "h1", "delete", "rack")
        cluster.eventually(
            "gone",
            lambda level=level: cluster.try_crm("node", level, "h1", "show", "rack").returncode,
            10,
        )


def test_resources_stop_start_and_restart(cluster: LiveCluster) -> None:
    cluster.crm("-w", "resource", "stop", "g")
    assert "NOT running" in cluster.crm("resource", "status", "g")
    cluster.crm("-w", "resource", "start", "g")
    assert "running on: h1" in cluster.crm("resource", "status", "g")
    before = cluster.crm("resource", "operations", "e")
    configured = cluster.crm("configure", "show", "e")
    cluster.crm("resource", "restart", "e")
    assert cluster.crm("configure", "show", "e") == configured
    assert "running on: h1" in cluster.crm("resource", "status", "e")
    assert cluster.crm("resource", "operations", "e") != before


def test_moving_banning_and_clearing(cluster: LiveCluster) -> None:
    cluster.crm("resource", "move", "g", "h2")
    cluster.settle()
    assert "running on: h2" in cluster.crm("resource", "locate", "g")
    assert "cli-prefer-g" in cluster.tool("cibadmin", "--query", "--scope", "constraints")
    cluster.crm("resource", "clear", "g")
    cluster.crm("resource", "ban", "g", "h2", "PT1H")
    cluster.settle()
    assert "running on: h1" in cluster.crm("resource", "locate", "g")
    cluster.crm("resource", "clear", "g")
    assert "cli-" not in cluster.crm("configure", "show", "type:location")
    cluster.settle()


def test_a_failure_is_counted_shown_and_cleaned(cluster: LiveCluster) -> None:
    run(cluster.hosts[0], "rm /run/Dummy-d.state || rm /run/resource-agents/Dummy-d.state")
    cluster.eventually("counted", lambda: "value=1" in fail_count(cluster), 20)
    assert "Failed Resource Actions" in cluster.crm("status")
    cluster.crm("resource", "cleanup", "d")
    cluster.eventually("forgotten", lambda: "value=0" in fail_count(cluster), 20)
    cluster.settle()
    assert "Failed Resource Actions" not in cluster.crm("status")
    cluster.crm("resource", "failcount", "d", "set", "h1", "3")
    cluster.eventually("set", lambda: "value=3" in fail_count(cluster), 10)
    cluster.crm("resource", "failcount", "d", "delete", "h1")
    cluster.eventually("deleted", lambda: "value=0" in fail_count(cluster), 10)
    cluster.crm("resource", "refresh")
    cluster.settle()
    assert "running on: h1" in cluster.crm("resource", "locate", "g")


def fail_count(cluster: LiveCluster) -> str:
    return cluster.crm("resource", "failcount", "d", "show", "h1")


def test_parameters_meta_attributes_and_tracing(cluster: LiveCluster) -> None:
    cluster.crm("resource", "param", "e", "set", "fake", "changed")
    assert "fake=changed" in cluster.crm("configure", "show", "e")
    cluster.crm("resource", "meta", "e", "set", "priority", "7")
    assert cluster.crm("resource", "meta", "e", "show", "priority").strip() == "7"
    cluster.crm("resource", "meta", "e", "delete", "priority")
    cluster.crm("resource", "trace", "d", "monitor")
    assert "trace_ra=1" in cluster.crm("configure", "show", "d")
    cluster.crm("resource", "untrace", "d")
    assert "trace_ra" not in cluster.crm("configure", "show", "d")
    cluster.settle()


def test_promotion_goes_to_where_the_role_is_wanted(cluster: LiveCluster) -> None:
    cluster.crm("-w", "resource", "demote", "st-clone")
    assert "Promoted: [ h" not in cluster.crm("status").replace("Unpromoted", "")
    cluster.crm("-w", "resource", "promote", "st-clone")
    assert "Promoted: [ h" in cluster.crm("status").replace("Unpromoted", "")


def test_an_edit_keeps_what_somebody_else_changed_elsewhere(
    cluster: LiveCluster, tmp_path: Path
) -> None:
    typed = Typed(cluster, EDITOR=editor(tmp_path, "s/fake=[a-z0-9]*/fake=mine/"))
    typed("configure")
    typed("edit e")
    cluster.tool("crm_resource", "-r", "d", "--set-parameter", "fake", "-v", "theirs")
    assert "ERROR" not in typed("commit")
    typed.quit()
    shown = cluster.crm("configure", "show", "d", "e")
    assert "fake=mine" in shown
    assert "fake=theirs" in shown


def test_two_edits_of_the_same_value_are_a_conflict_and_none_is_lost(
    cluster: LiveCluster, tmp_path: Path
) -> None:
    typed = Typed(cluster, EDITOR=editor(tmp_path, "s/fake=[a-z0-9]*/fake=mine/"))
    cluster.crm("resource", "param", "e", "set", "fake", "first")
    typed("configure")
    typed("edit e")
    cluster.tool("crm_resource", "-r", "e", "--set-parameter", "fake", "-v", "theirs")
    said = typed("commit")
    assert "conflict: primitive e" in said
    assert "'theirs'" in said
    assert "root" in said
    assert "fake=theirs" in cluster.crm("configure", "show", "e")
    assert "fake=mine" in typed("show e")
    assert "ERROR" not in typed("commit replace")
    typed.quit()
    assert "fake=mine" in cluster.crm("configure", "show", "e")


def test_a_pacemaker_that_stops_before_the_commit_costs_no_edit(cluster: LiveCluster) -> None:
    typed = Typed(cluster, host=1)
    typed("configure")
    typed("set e.fake kept")
    cluster.stop_pacemaker(cluster.hosts[1])
    said = typed("commit")
    assert "Pacemaker does not run here" in said
    assert "Traceback" not in said
    cluster.start_pacemaker(cluster.hosts[1])
    cluster.eventually("both nodes online", cluster.is_whole, 90)
    assert "ERROR" not in typed("commit")
    typed.quit()
    assert "fake=kept" in cluster.crm("configure", "show", "e")
    cluster.settle()


def test_a_report_has_what_pacemaker_wrote_and_no_password(cluster: LiveCluster) -> None:
    cluster.crm("resource", "param", "e", "set", "password", "geheim")
    try:
        cluster.crm("report", "-S", "-d", "/root", "said")
    finally:
        cluster.crm("resource", "param", "e", "delete", "password")
    path = Path(f"/proc/{cluster.hosts[0].pid}/root/root/said.tar.gz")
    with tarfile.open(path) as archive:
        texts = {
            member.name.rpartition("/")[2]: stream.read()
            for member in archive.getmembers()
            if (stream := archive.extractfile(member)) is not None
        }
    for name in ("cib.xml", "configuration.txt", "status.txt", "corosync.conf", "pacemaker.log"):
        assert texts[name].strip(), name
    assert b"Online: [ h1 h2 ]" in texts["status.txt"]
    assert not [name for name, text in texts.items() if b"geheim" in text]


def test_refresh_drops_what_is_pending_and_reads_again(cluster: LiveCluster) -> None:
    typed = Typed(cluster)
    typed("configure")
    typed("set e.fake pending")
    cluster.tool("crm_resource", "-r", "e", "--set-parameter", "fake", "-v", "newer")
    typed("refresh")
    typed("y")
    shown = typed("show e")
    typed.quit()
    assert "fake=newer" in shown


def editor(folder: Path, expression: str) -> str:
    """An editor that makes one substitution."""
    path = folder / "editor"
    path.write_text(f"#!/bin/sh\nexec sed -i '{expression}' \"$1\"\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("force", "text", "reason"),
    [
        ((), "acl_target bob nobody-has-this-role", "names 'nobody-has-this-role'"),
        (("-F",), 'xml <primitive id="x" class="ocf" type="Dummy" a="1"/>', "no cluster takes"),
    ],
)
def test_what_pacemaker_would_refuse_is_one_refusal_and_changes_nothing(
    cluster: LiveCluster, force: tuple[str, ...], text: str, reason: str
) -> None:
    before = cluster.version()
    done = cluster.try_crm(*force, "configure", "load", "update", "-", text=text + "\n")
    assert done.returncode == 1
    assert done.stdout.count(reason) == 1
    assert "Traceback" not in done.stdout
    assert cluster.version() == before


def test_a_property_that_this_pacemaker_knows_by_another_name_is_warned_about(
    cluster: LiveCluster,
) -> None:
    known = cluster.hosts[0].run(
        ["crm_attribute", "--list-options=cluster", "--all", "--output-as=xml"],
        env=ENVIRONMENT,
        wd="/",
    )
    said = cluster.crm("configure", "property", "fencing-enabled=false")
    cluster.tool("crm_attribute", "--delete", "--name", "fencing-enabled")
    assert ("it goes by stonith-enabled" in said) == ('"fencing-enabled"' not in known.stdout)


def test_a_shadow_cib_is_tried_and_committed(cluster: LiveCluster) -> None:
    cluster.crm("cib", "new", "trial", "withstatus")
    cluster.crm("-c", "trial", "configure", "primitive", "extra", "ocf:pacemaker:Dummy")
    assert "extra" not in cluster.crm("configure", "show")
    assert "+primitive extra" in cluster.crm("-c", "trial", "cib", "diff")
    assert "Start      extra" in cluster.crm("-c", "trial", "configure", "simulate")
    cluster.crm("cib", "commit", "trial")
    cluster.crm("cib", "delete", "trial")
    cluster.settle()
    assert "running on" in cluster.crm("resource", "status", "extra")
    cluster.crm("-w", "resource", "stop", "extra")
    cluster.crm("configure", "delete", "extra")
    assert "extra" not in cluster.tool("cibadmin", "--query", "--scope", "configuration")
    cluster.settle()


def test_the_history_is_pacemakers(cluster: LiveCluster) -> None:
    info = cluster.crm("history", "info")
    assert "/var/lib/pacemaker/pengine" in info
    cluster.crm("-w", "resource", "stop", "d")
    said = cluster.crm("history", "latest")
    cluster.crm("-w", "resource", "start", "d")
    assert re.search(r"stop d on h1|Stop +d", said), said


def test_agents_are_told_of_and_what_corosync_says(cluster: LiveCluster) -> None:
    assert "Dummy" in cluster.crm("ra", "list", "ocf", "pacemaker")
    assert "state" in cluster.crm("ra", "info", "ocf:pacemaker:Dummy")
    assert "10.77.0.2" in cluster.crm("corosync", "status")
    assert re.search(r"Quorate:\s+Yes", cluster.crm("corosync", "status", "quorum"))
    assert cluster.crm("corosync", "get", "totem.cluster_name").strip() == "live"


def test_a_user_of_pacemakers_group_may_and_another_is_told(cluster: LiveCluster) -> None:
    host = cluster.hosts[0]
    run(host, "useradd -M -d /tmp joe; useradd -M -d /tmp -G haclient ann")
    for user, status, said in (("ann", 0, "Online: [ h1 h2 ]"), ("joe", 1, "group haclient")):
        command = f"HOME=/run/{user} {CRM} status"
        run(host, f"mkdir -p /run/{user}; chown {user} /run/{user}")
        done = host.run(["su", user, "-s", "/bin/sh", "-c", command], env=ENVIRONMENT, wd="/")
        if "Permission denied" in done.stdout:
            pytest.skip("NOT TESTED: other users of this machine may not read the project's folder")
        assert done.returncode == status, done.stdout
        assert said in done.stdout
        assert "Traceback" not in done.stdout


def test_a_stopped_node_is_deleted_for_good_and_may_come_back(cluster: LiveCluster) -> None:
    second = cluster.hosts[1]
    refused = cluster.try_crm("-n", "node", "delete", "h2")
    assert refused.returncode == 1
    assert "in the cluster" in refused.stdout
    cluster.stop_pacemaker(second)
    stopped = cluster.try_crm("status", host=1)
    assert stopped.returncode == 1
    assert stopped.stdout.count("\n") == 1
    assert "Pacemaker does not run here" in stopped.stdout
    run(second, "corosync-cfgtool -H; while pgrep -x corosync; do sleep 0.1; done")
    cluster.eventually("offline", lambda: "OFFLINE: [ h2 ]" in cluster.crm("status"), 30)
    cluster.crm("node", "delete", "h2")
    time.sleep(2)  # for as long as a controller takes that still remembers it
    assert 'uname="h2"' not in cluster.tool("cibadmin", "--query")
    run(second, "corosync")
    cluster.start_pacemaker(second)
    cluster.eventually("both nodes online", cluster.is_whole, 90)
    cluster.settle()
