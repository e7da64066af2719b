"""The level `corosync` on real daemons: two hosts with Corosync, and ssh between them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
import testhosts
from pacemaker_hosts import (
    PATH,
    needs_hosts_of_their_own,
    not_tested,
    run,
    start_corosync,
)
from ssh_hosts import SSHD, SshHosts

CONF = "/etc/corosync/corosync.conf"

if not SSHD or not shutil.which("corosync", path=PATH):
    not_tested("the level corosync: Debian's corosync and openssh-server are not installed")
needs_hosts_of_their_own("the level corosync")

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    folder = tmp_path_factory.mktemp("corosync")
    lab = testhosts.Lab(2, dir=f"{folder}/lab").up()
    try:
        hosts = SshHosts(lab).start()
        start_corosync(hosts.hosts)
        hosts.eventually("both are members", lambda: "Nodes:            2" in quorum(hosts), 30)
        yield hosts
    finally:
        lab.down()


@pytest.fixture
def hosts(made: SshHosts) -> Iterator[SshHosts]:
    """Both files are put back as they were."""
    before = made.reads(1, CONF)
    yield made
    for number in (1, 2):
        made.file(number, CONF).write_text(before)


def quorum(hosts: SshHosts) -> str:
    return hosts.try_crm(1, "corosync", "status", "quorum").stdout


def test_the_daemon_is_asked_for_its_links_and_its_quorum(hosts: SshHosts) -> None:
    said = hosts.crm(1, "corosync", "status")
    assert "LINK ID 0" in said
    assert re.search(r"nodeid:\s+2:\s+connected", said)
    assert re.search(r"Quorate:\s+Yes", quorum(hosts))
    refused = hosts.try_crm(1, "corosync", "status", "rings")
    assert refused.returncode == 1
    assert "expected ring or quorum" in refused.stdout


def test_a_value_is_set_spread_and_taken_over_by_the_running_daemons(hosts: SshHosts) -> None:
    hosts.crm(1, "corosync", "set", "totem.token", "4321")
    assert hosts.crm(1, "corosync", "get", "totem.token").strip() == "4321"
    assert "+" in hosts.crm(1, "corosync", "diff", "h2")
    hosts.crm(1, "corosync", "push", "h2")
    assert hosts.crm(1, "corosync", "diff", "h2") == ""
    hosts.crm(1, "corosync", "reload")
    for host in hosts.hosts:
        assert "= 4321" in run(host, "corosync-cmapctl -g runtime.config.totem.token")


def test_a_file_is_fetched_from_another_node(hosts: SshHosts) -> None:
    run(hosts.hosts[1], f"sed -i 's/version: 2/version: 2\\n    token: 7654/' {CONF}")
    hosts.crm(1, "corosync", "pull", "h2")
    assert hosts.crm(1, "corosync", "get", "totem.token").strip() == "7654"


def test_a_file_with_errors_is_neither_spread_nor_fetched(hosts: SshHosts) -> None:
    run(hosts.hosts[1], f"sed -i 's/transport: .*/transport: nonsense/' {CONF}")
    before = hosts.reads(1, CONF)
    refused = hosts.try_crm(1, "corosync", "pull", "h2")
    assert refused.returncode == 1
    assert "nonsense" in refused.stdout
    assert hosts.reads(1, CONF) == before
    pushed = hosts.try_crm(2, "corosync", "push", "h1")
    assert pushed.returncode == 1
    assert hosts.reads(1, CONF) == before


def test_a_node_is_added_known_to_the_daemon_and_taken_out(hosts: SshHosts) -> None:
    hosts.crm(1, "corosync", "add-node", "10.77.0.9", "h9")
    assert "two_node" not in hosts.reads(1, CONF)
    hosts.crm(1, "corosync", "push", "h2")
    hosts.crm(1, "corosync", "reload")
    known = run(hosts.hosts[1], "corosync-cmapctl | grep 'nodelist.*name'")
    assert "h9" in known
    assert re.search(r"Expected votes:\s+3", quorum(hosts))
    hosts.crm(1, "corosync", "del-node", "h9")
    hosts.crm(1, "corosync", "push", "h2")
    hosts.crm(1, "corosync", "reload")
    assert re.search(r"Expected votes:\s+2", quorum(hosts))
    assert re.search(r"two_node: 1", hosts.reads(1, CONF))


def test_the_log_and_the_check_speak_of_the_file_in_use(hosts: SshHosts) -> None:
    assert "Corosync" in hosts.crm(1, "corosync", "log")
    assert "nothing to complain about" in hosts.crm(1, "corosync", "check")


def test_without_a_daemon_one_line_says_so(hosts: SshHosts) -> None:
    run(hosts.hosts[1], "corosync-cfgtool -H; while pgrep -x corosync; do sleep 0.1; done")
    for words in (("status",), ("status", "quorum"), ("reload",)):
        done = hosts.try_crm(2, "corosync", *words)
        assert done.returncode == 1
        assert len(done.stdout.splitlines()) == 1
    run(hosts.hosts[1], "corosync")
    hosts.eventually("both are members", lambda: "Nodes:            2" in quorum(hosts), 30)
