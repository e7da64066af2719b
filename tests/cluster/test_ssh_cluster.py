"""A cluster made over real ssh: init, join, status, stop and start everywhere, files, report, remove.

Three hosts with an ssh daemon each; the first makes the cluster, the others join, as the guide says.
Each test leaves three nodes that are up.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator

import pytest
import testhosts
from pacemaker_hosts import needs_hosts_of_their_own, not_tested, run
from ssh_hosts import SSHD, SshHosts

from engine.base.nodeconf import load_node_config

NODE_FILE = "/etc/crmshell/node.conf"

if not SSHD:
    not_tested("a cluster made over ssh: Debian's openssh-server is not installed")
needs_hosts_of_their_own("a cluster made over ssh")

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    folder = tmp_path_factory.mktemp("ssh")
    lab = testhosts.Lab(3, dir=f"{folder}/lab").up()
    try:
        hosts = SshHosts(lab).start()
        hosts.crm(1, "cluster", "init", "--name", "web")
        join(hosts, 2, "h1")
        join(hosts, 3, "h2")
        hosts.crm(1, "configure", "property", "fencing-enabled=false")
        hosts.crm(
            1, "configure", "primitive", "d", "ocf:pacemaker:Dummy", "params", "passwd=geheim"
        )
        hosts.crm(1, "configure", "location", "home", "d", "inf:", "h1")
        yield hosts
    finally:
        lab.down()


@pytest.fixture
def cluster(made: SshHosts) -> SshHosts:
    """Three nodes that are up and have nothing to do."""
    if made.agents() != ["h1", "h2", "h3"]:
        made.crm(1, "cluster", "start", "--all")
    made.eventually("three members", lambda: members(made) == ["h1", "h2", "h3"], 30)
    made.crm(1, "cluster", "wait", "60")
    return made


def join(hosts: SshHosts, number: int, seed: str) -> None:
    said = hosts.crm(number, "cluster", "join", seed)
    assert f"knows h{number}" in said
    hosts.crm(number, "cluster", "wait_for_startup", "60")


def members(hosts: SshHosts) -> list[str]:
    """The nodes that the first one sees online."""
    return re.findall(r"^  (\S+): online", hosts.try_crm(1, "cluster", "status").stdout, re.M)


def test_all_have_the_same_key_and_know_the_same_nodes(cluster: SshHosts) -> None:
    keys = {cluster.reads(number, "/etc/crmshell/cluster.key") for number in (1, 2, 3)}
    assert len(keys) == 1
    for number in (1, 2, 3):
        config = load_node_config(cluster.reads(number, NODE_FILE))
        assert (config.name, config.id, config.cluster) == (f"h{number}", number, "web")
        assert [node.name for node in sorted(config.everyone(), key=lambda n: n.id)] == [
            "h1",
            "h2",
            "h3",
        ]
        mode = cluster.file(number, "/etc/crmshell/cluster.key").stat().st_mode
        assert mode & 0o077 == 0


def test_status_and_health_are_the_same_everywhere(cluster: SshHosts) -> None:
    for number in (1, 2, 3):
        said = cluster.crm(number, "cluster", "status")
        assert re.search(rf"This node:\s+h{number}", said)
        assert re.search(r"Quorum:\s+yes \(3 of 3 votes\)", said)
        health = cluster.crm(number, "cluster", "health")
        for line in ("ok   key", "ok   agent", "ok   members", "WARN fencing is switched off"):
            assert line in health


def test_all_agents_are_stopped_and_started_from_one_node(cluster: SshHosts) -> None:
    assert cluster.agents() == ["h1", "h2", "h3"]
    said = cluster.crm(2, "cluster", "stop", "--all")
    assert "h1: stop done" in said
    cluster.eventually("all stopped", lambda: not cluster.agents(), 5)
    refused = cluster.try_crm(2, "cluster", "status")
    assert refused.returncode == 1
    assert "the agent of h2 does not run here: crm cluster start" in refused.stdout
    cluster.crm(3, "cluster", "start", "--all")
    assert cluster.agents() == ["h1", "h2", "h3"]


def test_one_agent_elsewhere_is_restarted(cluster: SshHosts) -> None:
    log = "/var/log/crmshell/agent.log"
    before = cluster.reads(3, log).count("node starts")
    cluster.crm(1, "cluster", "restart", "h3")
    assert cluster.reads(3, log).count("node starts") == before + 1


def test_a_command_runs_everywhere_and_its_failure_is_told(cluster: SshHosts) -> None:
    said = cluster.crm(1, "cluster", "run", 'hostname; echo "it\'s $((1+1))"')
    assert [line for line in said.splitlines() if line.strip().startswith("h")] == [
        *("h1:", "  h1", "h2:", "  h2", "h3:", "  h3")
    ]
    assert said.count("it's 2") == 3
    failed = cluster.try_crm(1, "cluster", "run", "exit 3", "h2")
    assert failed.returncode == 1
    assert "h2 (status 3)" in failed.stdout


def test_a_file_is_copied_with_its_mode_and_compared(cluster: SshHosts) -> None:
    run(cluster.hosts[0], "echo one > '/etc/a file'; chmod 640 '/etc/a file'")
    cluster.crm(1, "cluster", "copy", "/etc/a file")
    for number in (2, 3):
        assert cluster.reads(number, "/etc/a file") == "one\n"
        assert cluster.file(number, "/etc/a file").stat().st_mode & 0o777 == 0o640
    assert "no differences" in cluster.crm(1, "cluster", "diff", "/etc/a file")
    run(cluster.hosts[2], "echo two >> '/etc/a file'")
    said = cluster.crm(1, "cluster", "diff", "/etc/a file")
    assert "h3:/etc/a file" in said
    assert "+two" in said
    assert "h2:" not in said


def test_the_report_is_one_archive_of_all_nodes_without_passwords(cluster: SshHosts) -> None:
    run(cluster.hosts[0], "mkdir -p /root/reports")
    cluster.crm(1, "report", "-d", "/root/reports", "all")
    path = cluster.file(1, "/root/reports/all.tar.gz")
    assert path.stat().st_size < 2_000_000
    assert path.stat().st_mode & 0o077 == 0
    with tarfile.open(path) as archive:
        names = set(archive.getnames())
        texts = {
            member.name: stream.read()
            for member in archive.getmembers()
            if (stream := archive.extractfile(member)) is not None
        }
    key = cluster.file(1, "/etc/crmshell/cluster.key").read_bytes()
    for node in ("h1", "h2", "h3"):
        for name in ("agent.log", "cib.xml", "configuration.txt", "node.conf", "status.txt"):
            assert f"all/{node}/{name}" in names
        assert f"name = {node}".encode() in texts[f"all/{node}/node.conf"]
        assert b"Online: [ h1 h2 h3 ]" in texts[f"all/{node}/status.txt"]
        assert b'passwd="******"' in texts[f"all/{node}/configuration.txt"]
    assert any("pe-input" in name for name in names)
    assert not [name for name, text in texts.items() if b"geheim" in text or key in text]


def test_a_node_that_cannot_be_reached_costs_its_part_of_the_report(cluster: SshHosts) -> None:
    cluster.stop_sshd(3)
    try:
        done = cluster.try_crm(1, "report", "-d", "/root", "part")
        assert done.returncode == 1
        assert "h3 is left out" in done.stdout
        with tarfile.open(cluster.file(1, "/root/part.tar.gz")) as archive:
            names = archive.getnames()
        assert "part/left-out.txt" in names
        assert "part/h2/cib.xml" in names
    finally:
        cluster.start_sshd(3)


def test_a_removed_node_joins_again_but_only_while_all_members_can_be_told(
    cluster: SshHosts,
) -> None:
    runs = start_calls(cluster)
    cluster.crm(1, "-F", "cluster", "remove", "h3")
    assert cluster.agents() == ["h1", "h2"]
    for number in (1, 2):
        assert "h3" not in cluster.reads(number, NODE_FILE)
    assert "h3" not in cluster.crm(1, "configure", "show")
    cluster.eventually("two members", lambda: members(cluster) == ["h1", "h2"], 30)
    before = cluster.reads(1, NODE_FILE)
    cluster.stop_sshd(2)
    try:
        done = cluster.try_crm(3, "cluster", "join", "h1", "--addr", "10.77.0.3")
    finally:
        cluster.start_sshd(2)
    assert done.returncode == 1
    assert "h2" in done.stdout
    assert "Traceback" not in done.stdout
    assert not cluster.file(3, NODE_FILE).exists()
    assert cluster.reads(1, NODE_FILE) == before
    join(cluster, 3, "h1")
    assert start_calls(cluster) == runs
    assert "maintenance-mode=true" not in cluster.crm(1, "configure", "show")


def start_calls(hosts: SshHosts) -> list[str]:
    """When each resource was started where, as far as it was not on the third node."""
    lines = hosts.crm(1, "resource", "operations").splitlines()
    return sorted(line for line in lines if "_start_0" in line and "node=h3" not in line)


def test_all_nodes_get_a_new_key_and_nothing_moves(cluster: SshHosts) -> None:
    path = "/etc/crmshell/cluster.key"
    old = cluster.reads(1, path)
    runs = start_calls(cluster)
    said = cluster.crm(2, "-F", "cluster", "rotate-key")
    assert "3 nodes have a new key" in said
    keys = {cluster.reads(number, path) for number in (1, 2, 3)}
    assert len(keys) == 1
    assert keys != {old}
    for number in (1, 2, 3):
        assert cluster.file(number, path).stat().st_mode & 0o077 == 0
    cluster.eventually("three members", lambda: members(cluster) == ["h1", "h2", "h3"], 30)
    assert start_calls(cluster) == runs
    assert "maintenance-mode=true" not in cluster.crm(1, "configure", "show")
