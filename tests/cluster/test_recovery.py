"""The page on losses (doc/admin/recovery.md), typed as it stands on real hosts after each loss."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import testhosts
from pacemaker_hosts import ENVIRONMENT, needs_hosts_of_their_own, not_tested
from ssh_hosts import SSHD, SshHosts, is_agent

if not SSHD:
    not_tested("losses and their repair: Debian's openssh-server is not installed")
needs_hosts_of_their_own("losses and their repair")

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(600)]

PAGE = Path(__file__).resolve().parents[2] / "doc/admin/recovery.md"
FORGOTTEN = "rm -rf /etc/crmshell /var/lib/crmshell /var/log/crmshell"


def blocks(title: str) -> list[list[tuple[str, str]]]:
    """The blocks of a section, each a list of (node, command)."""
    [section] = [
        part for part in PAGE.read_text().split("\n## ") if part.splitlines()[0].startswith(title)
    ]
    found = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    return [re.findall(r"^(n\d)# (.+)$", block, re.MULTILINE) for block in found]


def type_block(hosts: SshHosts, lines: list[tuple[str, str]]) -> str:
    """Type each line on its node; all must succeed. What they said."""
    said = []
    for node, line in lines:
        done = hosts.lab[node].run(line, env=ENVIRONMENT, wd="/", timeout=240)
        assert done.returncode == 0, f"{node}# {line}\n{done.stdout}\n{hosts.last_words()}"
        said.append(done.stdout)
    return "\n".join(said)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    """Three nodes with a configuration, and their archives as the page says."""
    folder = tmp_path_factory.mktemp("losses")
    lab = testhosts.Lab(3, dir=f"{folder}/lab", prefix="n").up()
    try:
        hosts = SshHosts(lab).start()
        hosts.crm(1, "cluster", "init", "--name", "web")
        for number in (2, 3):
            hosts.crm(number, "cluster", "join", "n1")
            hosts.crm(number, "cluster", "wait_for_startup", "60")
        hosts.crm(1, "configure", "property", "stonith-enabled=false")
        hosts.crm(1, "configure", "primitive", "d", "ocf:pacemaker:Dummy")
        type_block(hosts, blocks("Before anything is lost")[0])
        yield hosts
    finally:
        lab.down()


def lose(hosts: SshHosts, number: int) -> None:
    """The machine breaks, and one with an empty disk stands in its place."""
    host = hosts.hosts[number - 1]
    for pid in host.pids():
        if is_agent(pid):
            os.kill(pid, signal.SIGKILL)
    host.run(FORGOTTEN, env=ENVIRONMENT, check=True)
    host.run("rm -rf /run/crmshell", env=ENVIRONMENT, check=True)


def is_whole(hosts: SshHosts, names: str, on: int = 1) -> None:
    wanted = names.split()

    def check() -> bool:
        said = hosts.try_crm(on, "cluster", "status").stdout
        return re.findall(r"^  (\S+): online", said, re.MULTILINE) == wanted

    hosts.eventually(f"members are {names}", check, 60)
    assert "primitive d ocf:pacemaker:Dummy" in hosts.crm(on, "configure", "show")


def test_a_new_disk_with_the_archive(hosts: SshHosts) -> None:
    lose(hosts, 3)
    restore, _ = blocks("A node gets a new disk")
    type_block(hosts, restore)
    is_whole(hosts, "n1 n2 n3", on=3)


def test_a_new_machine_without_an_archive(hosts: SshHosts) -> None:
    lose(hosts, 3)
    _, anew = blocks("A node gets a new disk")
    type_block(hosts, anew)
    is_whole(hosts, "n1 n2 n3")


def test_a_node_that_is_not_wanted_and_a_join_that_failed(hosts: SshHosts) -> None:
    [remove] = blocks("A node is no longer wanted")
    type_block(hosts, remove)
    is_whole(hosts, "n1 n2")
    hosts.stop_sshd(2)
    refused = hosts.try_crm(3, "cluster", "join", "n1")
    assert refused.returncode != 0
    assert "n2" in refused.stdout
    hosts.start_sshd(2)
    [again] = blocks("A join failed")
    type_block(hosts, again)
    is_whole(hosts, "n1 n2 n3")


def test_two_of_three_nodes_are_lost_for_good(hosts: SshHosts) -> None:
    lose(hosts, 2)
    lose(hosts, 3)
    alone, join = blocks("More than half")
    type_block(hosts, alone)
    is_whole(hosts, "n1")
    type_block(hosts, join)
    is_whole(hosts, "n1 n2")


def test_all_nodes_are_lost(hosts: SshHosts) -> None:
    for number in (1, 2):
        lose(hosts, number)
    [anew] = blocks("All nodes are lost")
    type_block(hosts, anew)
    is_whole(hosts, "n1 n2")
