"""The shell on real agents of its own: a cluster made, joined, configured, shrunk and stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import AGENT, ROOT, Terminal

SSH = """#!/bin/sh
node=$1
line=$(printf '%s' "$2" | sed "s#{folder}/n[0-9]/#{folder}/$node/#g; s#^crm #{python} -m crmshell #")
CRMSHELL_ROOT={folder}/$node exec sh -c "$line"
"""


class Cluster:
    """Machines that are folders; ssh is a script that goes to the folder of the node."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ssh = folder / "ssh"
        ssh.write_text(SSH.format(folder=folder, python=sys.executable))
        ssh.chmod(0o755)
        for name in ("n1", "n2"):
            (folder / name).mkdir()

    def variables(self, node: str) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin:/usr/sbin:/sbin",
            "PYTHONPATH": str(ROOT),
            "CRMSHELL_ROOT": str(self.folder / node),
            "CRM_SSH": str(self.folder / "ssh"),
        }

    def crm(self, node: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "crmshell", *words],
            env=self.variables(node),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def must(self, node: str, *words: str) -> str:
        done = self.crm(node, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    for name in ("n1", "n2"):
        made.crm(name, "-F", "cluster", "stop")


def init(cluster: Cluster) -> None:
    words = ("--addr", "127.0.0.1", "--port", free_port(), "--node", "n1", "--name", "demo")
    cluster.must("n1", "cluster", "init", *words)
    cluster.must("n1", "cluster", "wait_for_startup")
    cluster.must("n1", "configure", "property", "stonith-enabled=false")


@pytest.mark.slow
def test_a_cluster_is_made_joined_and_shrunk(cluster: Cluster) -> None:
    init(cluster)
    words = ("--addr", "127.0.0.1", "--port", free_port(), "--node", "n2")
    cluster.must("n2", "cluster", "join", "n1", *words)
    cluster.must("n2", "cluster", "wait_for_startup")
    status = cluster.must("n2", "cluster", "status")
    assert "n1: online" in status
    assert "n2: online" in status
    assert "stonith-enabled=false" in cluster.must("n2", "configure", "show")
    cluster.must("n1", "-F", "cluster", "remove", "n2")
    assert "n2" not in cluster.must("n1", "configure", "show")


@pytest.mark.slow
def test_history_tells_the_transitions_of_the_running_agent(cluster: Cluster) -> None:
    init(cluster)
    listed = cluster.must("n1", "history", "transitions").splitlines()
    assert listed[0].split()[0] == "1"
    assert "pe-input-1" in listed[0]
    assert "nothing is to be done" in cluster.must("n1", "history", "latest")


@pytest.mark.slow
def test_health_says_what_is_wrong_and_what_to_do(cluster: Cluster) -> None:
    init(cluster)
    os.chmod(cluster.folder / "n1/etc/crmshell/cluster.key", 0o644)
    done = cluster.crm("n1", "cluster", "health")
    assert done.returncode == 1
    assert "FAIL key" in done.stdout
    assert "chmod 600" in done.stderr
    assert "ok   quorum" in done.stdout


@pytest.mark.slow
def test_what_is_typed_at_the_prompt_is_committed_to_the_agent(
    cluster: Cluster, tmp_path: Path
) -> None:
    init(cluster)
    agent = tmp_path / "ocf/resource.d/heartbeat/Dummy"
    agent.parent.mkdir(parents=True)
    agent.write_text(AGENT.format(name="Dummy"))
    crm = Terminal(tmp_path, "configure", CIB_file="", CRMSHELL_ROOT=str(tmp_path / "n1"))
    crm.prompt("configure")
    crm.keys("primitive a Dummy params i\t1 meta target-role=Stopped\r")
    assert "ERROR" not in crm.output()
    assert "ERROR" not in crm.type("commit force")
    crm.keys("quit\r")
    crm.sees("bye")
    assert "primitive a Dummy" in cluster.must("n1", "configure", "show")


@pytest.mark.slow
def test_pending_changes_survive_the_loss_of_the_agent(cluster: Cluster, tmp_path: Path) -> None:
    init(cluster)
    crm = Terminal(tmp_path, "configure", CIB_file="", CRMSHELL_ROOT=str(tmp_path / "n1"))
    crm.prompt("configure")
    crm.type("property no-quorum-policy=freeze")
    cluster.must("n1", "-F", "cluster", "stop")
    assert "ERROR" in crm.type("commit force")
    assert "no-quorum-policy=freeze" in crm.type("show")
    cluster.must("n1", "cluster", "start")
    cluster.must("n1", "cluster", "wait_for_startup")
    assert "ERROR" not in crm.type("commit force")
    assert "no-quorum-policy=freeze" in cluster.must("n1", "configure", "show")


@pytest.mark.slow
def test_pending_changes_survive_the_loss_of_the_terminal(cluster: Cluster, tmp_path: Path) -> None:
    init(cluster)
    where = {"CIB_file": "", "CRMSHELL_ROOT": str(tmp_path / "n1")}
    crm = Terminal(tmp_path, "configure", **where)
    crm.prompt("configure")
    crm.type("property no-quorum-policy=freeze")
    crm.child.kill(signal.SIGHUP)
    assert crm.ends() == 129
    again = Terminal(tmp_path, "configure", **where)
    again.sees("Go on with them")
    again.keys("y\r")
    again.prompt("configure")
    assert "no-quorum-policy=freeze" in again.type("show")
    assert "freeze" not in cluster.must("n1", "configure", "show")
