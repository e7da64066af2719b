"""Several nodes join or leave at once, over real ssh on five hosts: one at a time, whole or not at all."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import testhosts
from pacemaker_hosts import needs_hosts_of_their_own, not_tested, run
from ssh_hosts import SSHD, SshHosts

from engine.base.nodeconf import NodeConfig, load_node_config

NODE_FILE = "/etc/crmshell/node.conf"
KEY_FILE = "/etc/crmshell/cluster.key"

if not SSHD:
    not_tested("joins at once over ssh: Debian's openssh-server is not installed")
needs_hosts_of_their_own("joins at once over ssh")

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(900)]

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    lab = testhosts.Lab(5, dir=f"{tmp_path_factory.mktemp('ssh')}/lab").up()
    try:
        made = SshHosts(lab).start()
        made.crm(1, "cluster", "init", "--name", "web")
        made.crm(1, "cluster", "wait_for_startup", "60")
        made.crm(1, "configure", "property", "fencing-enabled=false")
        made.crm(1, "configure", "primitive", "d", "ocf:pacemaker:Dummy")
        yield made
    finally:
        lab.down()


def at_once(hosts: SshHosts, apart: float, *calls: tuple[int, str, str]) -> list[Done]:
    """`crm -F cluster COMMAND NODE` on several hosts, each begun so many seconds after the one before."""

    def one(place: int) -> Done:
        time.sleep(place * apart)
        host, command, node = calls[place]
        return hosts.try_crm(
            host, *(("-F",) if command == "remove" else ()), "cluster", command, node
        )

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, range(len(calls))))


def config(hosts: SshHosts, number: int) -> NodeConfig:
    return load_node_config(hosts.reads(number, NODE_FILE))


def assert_one_cluster(hosts: SshHosts, *numbers: int) -> None:
    """These hosts are the nodes: in all node files, each with its own id, all up to date, none split."""
    names = {f"h{number}" for number in numbers}
    lists = {config(hosts, number).everyone() for number in numbers}
    assert len(lists) == 1
    everyone = lists.pop()
    assert {node.name for node in everyone} == names
    assert len({node.id for node in everyone}) == len(numbers)
    assert len({hosts.reads(number, KEY_FILE) for number in numbers}) == 1
    for number in numbers:
        said = hosts.crm(number, "cluster", "status")
        assert set(re.findall(r"^  (\S+): online$", said, re.M)) == names, said
    shown = hosts.crm(1, "configure", "show")
    assert "maintenance-mode=true" not in shown
    assert set(re.findall(r"^node \d+: (\S+)", shown, re.M)) == names, shown


def test_three_joins_at_once_make_one_cluster(hosts: SshHosts) -> None:
    done = at_once(hosts, 0.0, (2, "join", "h1"), (3, "join", "h1"), (4, "join", "h1"))
    assert [one.returncode for one in done] == [0, 0, 0], [one.stdout for one in done]
    assert_one_cluster(hosts, 1, 2, 3, 4)


def test_a_join_returns_when_the_configuration_is_on_the_new_disk(hosts: SshHosts) -> None:
    hosts.crm(5, "cluster", "join", "h2")
    store = hosts.file(5, "/var/lib/crmshell/cib")
    log = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert b"ocf" in log
    assert b"Dummy" in log
    assert_one_cluster(hosts, 1, 2, 3, 4, 5)


def test_a_node_leaves_while_another_joins_at_another_member(hosts: SshHosts) -> None:
    hosts.crm(1, "-F", "cluster", "remove", "h5")
    done = at_once(hosts, 1.0, (1, "remove", "h4"), (5, "join", "h2"))
    assert [one.returncode for one in done] == [0, 0], [one.stdout for one in done]
    assert_one_cluster(hosts, 1, 2, 3, 5)
    assert not hosts.file(4, NODE_FILE).exists()


def test_two_join_at_different_members_and_one_of_them_twice(hosts: SshHosts) -> None:
    hosts.crm(1, "-F", "cluster", "remove", "h5")
    done = at_once(hosts, 1.0, (4, "join", "h2"), (5, "join", "h3"), (4, "join", "h1"))
    assert [one.returncode for one in done] == [0, 0, 1], [one.stdout for one in done]
    assert "a node of a cluster already" in done[2].stdout
    assert_one_cluster(hosts, 1, 2, 3, 4, 5)


def test_a_failed_join_leaves_nothing(hosts: SshHosts) -> None:
    hosts.crm(1, "-F", "cluster", "remove", "h5")
    run(hosts.hosts[4], f"rm -rf {KEY_FILE} /var/lib/crmshell")
    before = [hosts.reads(number, NODE_FILE) for number in (1, 2, 3, 4)]
    listener = "import socket,time; s=socket.socket(); s.bind(('0.0.0.0',5436)); s.listen(); time.sleep(600)"
    run(hosts.hosts[4], f'python3 -c "{listener}" >/dev/null 2>&1 & echo $! > /run/listener')
    try:
        done = hosts.try_crm(5, "cluster", "join", "h1")
    finally:
        run(hosts.hosts[4], "kill $(cat /run/listener)")
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    for path in (NODE_FILE, KEY_FILE, "/var/lib/crmshell/cib"):
        assert not hosts.file(5, path).exists(), path
    assert "h5" not in hosts.agents()
    assert [hosts.reads(number, NODE_FILE) for number in (1, 2, 3, 4)] == before
    assert_one_cluster(hosts, 1, 2, 3, 4)
