"""The proof on real programs: nginx behind a floating address on three hosts, and a client that asks.

The configuration is typed into the interactive shell. Each test begins with the whole cluster up and
nothing failed, so their order does not matter.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pexpect
import pytest
import testhosts
from conftest import needs_namespaces
from harness import ADDRESS, CRM, DEAD_TIME, PROJECT, Cluster

pytestmark = [needs_namespaces, pytest.mark.cluster, pytest.mark.timeout(900)]

AGENTS_SECONDS = 3.0  # what nginx, the address agents and a busy test machine need by themselves
# The line editor switches bracketed paste on when it reads keys, and off when a line is taken.
BEGIN_OF_INPUT = "\x1b[?2004h"
END_OF_INPUT = "\x1b[?2004l"


@pytest.fixture(scope="module", params=["IPaddr2", "IPaddr"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    folder = str(tmp_path_factory.mktemp("lab"))
    private = ["/var/lib", "/srv"]
    lab = testhosts.Lab(4, dir=f"{folder}/lab", private=private).up()
    try:
        cluster = Cluster(lab).start()
        type_session(cluster, request.param)
        yield cluster
    finally:
        lab.down()


@pytest.fixture(autouse=True)
def settled(cluster: Cluster) -> None:
    """Everybody is up and clean, and the service answers."""
    for host in cluster.hosts:
        if not host.pid:
            cluster.boot(host)
    cluster.eventually("whole", cluster.is_whole, 60)
    for host in cluster.hosts:
        cluster.crm(host, "node", "online", host.name)
    cluster.crm(cluster.hosts[0], "resource", "cleanup", "webservice")
    cluster.eventually("served", lambda: cluster.answer() and cluster.is_idle(), 30)


def type_session(cluster: Cluster, address_agent: str) -> None:
    """The session of the introductory documents, typed at the prompt of the first host."""
    argv = cluster.hosts[0].argv([CRM], PROJECT)
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "PAGER": "cat"}
    shell = pexpect.spawn(
        argv[0], argv[1:], env=environment, encoding="utf-8", timeout=120, dimensions=(500, 160)
    )
    try:
        shell.expect_exact(BEGIN_OF_INPUT)
        for line in (
            "ra classes",
            "ra list ocf heartbeat",
            f"ra info ocf:heartbeat:{address_agent}",
            "configure",
            "property stonith-enabled=false",
            f"primitive webip ocf:heartbeat:{address_agent} params ip={ADDRESS} cidr_netmask=24",
            "primitive webserver ocf:heartbeat:nginx params configfile=/srv/nginx.conf "
            "op start timeout=40s op stop timeout=60s",
            "group webservice webip webserver",
            "monitor webip 30s:20s",
            "monitor webserver 5s:30s",
            "rsc_defaults resource-stickiness=100 migration-threshold=3",
            "verify",
            "commit",
        ):
            said = type_line(shell, line)
            assert "ERROR" not in said, said
        shell.send("quit\r")
        shell.expect(pexpect.EOF)
    finally:
        shell.close(force=True)
    cluster.eventually("the service answers", cluster.answer, 30)


def type_line(shell: pexpect.spawn, line: str) -> str:
    """Type a line at the prompt; what was printed until the shell reads keys again."""
    shell.send(line + "\r")
    shell.expect_exact(END_OF_INPUT)
    shell.expect_exact(BEGIN_OF_INPUT)
    return str(shell.before)


def only_one_serves(cluster: Cluster) -> bool:
    """The address and the server are on one host, and on the same one."""
    holders = cluster.holders()
    return len(holders) == 1 and cluster.running("nginx") == holders


def host_named(cluster: Cluster, name: str) -> Any:
    return next(host for host in cluster.hosts if host.name == name)


def test_standby_moves_the_service_and_stickiness_keeps_it_there(cluster: Cluster) -> None:
    first = cluster.answer()
    cluster.crm(cluster.hosts[0], "node", "standby", first)
    cluster.eventually("moved", lambda: cluster.answer() not in ("", first), 20)
    second = cluster.answer()
    cluster.crm(cluster.hosts[0], "node", "online", first)
    cluster.eventually("idle", cluster.is_idle, 20)
    assert cluster.answer() == second
    assert only_one_serves(cluster)


def test_a_killed_server_is_recovered_in_place_and_counted_until_cleaned(cluster: Cluster) -> None:
    name = cluster.answer()
    kill_nginx(cluster, name)
    cluster.eventually("seen", lambda: cluster.fail_count("webserver") == 1, 20)
    cluster.eventually("recovered", lambda: cluster.answer() == name, 20)
    cluster.crm(cluster.hosts[1], "resource", "cleanup", "webserver")
    cluster.eventually("cleaned", lambda: cluster.fail_count("webserver") == 0, 10)
    cluster.eventually("idle", cluster.is_idle, 20)
    assert cluster.answer() == name


def test_at_the_migration_threshold_it_moves(cluster: Cluster) -> None:
    name = cluster.answer()
    for count in (1, 2, 3):
        kill_nginx(cluster, name)
        cluster.eventually(
            f"failure {count}", lambda count=count: cluster.fail_count("webserver") == count, 20
        )
        cluster.eventually("served", lambda: cluster.is_idle() and cluster.answer(), 30)
    assert cluster.answer() != name
    assert only_one_serves(cluster)


@pytest.mark.parametrize("victim", ["the node that serves", "the DC"])
def test_power_loss_of_a_node_moves_the_service_in_time(
    cluster: Cluster, victim: str, record_property: Callable[[str, object], None]
) -> None:
    if victim == "the DC":
        move_to(cluster, cluster.dc().name)
    else:
        other = next(host.name for host in cluster.hosts if host.name != cluster.dc().name)
        move_to(cluster, other)
    serving = cluster.answer()
    assert (serving == cluster.dc().name) == (victim == "the DC")
    host_named(cluster, serving).kill()
    seconds = cluster.eventually("served again", lambda: cluster.answer() not in ("", serving), 30)
    record_property("seconds", seconds)
    print(f"power loss of {victim}: served again after {seconds:.2f} s")
    if is_idle_machine():
        assert seconds <= DEAD_TIME + 2 + AGENTS_SECONDS
    assert only_one_serves(cluster)

    cluster.boot(host_named(cluster, serving))
    cluster.eventually("whole again", cluster.is_whole, 30)
    cluster.eventually("caught up", lambda: len(cluster.fingerprints()) == 1, 10)
    assert only_one_serves(cluster)


def test_after_power_loss_of_all_configuration_and_service_are_back(cluster: Cluster) -> None:
    before = cluster.fingerprints()
    assert len(before) == 1
    for host in cluster.hosts:
        host.kill()
    for host in cluster.hosts:
        cluster.boot(host)
    cluster.eventually("whole again", cluster.is_whole, 60)
    cluster.eventually("served", cluster.answer, 30)
    assert cluster.fingerprints() == before
    assert only_one_serves(cluster)


def test_a_killed_agent_comes_back_and_finds_what_runs(cluster: Cluster) -> None:
    name = cluster.answer()
    host = host_named(cluster, name)
    cluster.log[name].kill()
    time.sleep(0.3)
    cluster.start_agent(host)
    cluster.eventually("whole again", cluster.is_whole, 30)
    assert cluster.answer()
    assert only_one_serves(cluster)


def test_crm_verify_finds_nothing_wrong(cluster: Cluster) -> None:
    command = os.path.join(os.path.dirname(CRM), "crm_verify")
    done = cluster.hosts[0].run([command, "-L", "-V"], wd=PROJECT)
    assert done.returncode == 0, done.stdout


def is_idle_machine() -> bool:
    """Whether times mean anything here: not when others want more processors than there are."""
    return os.getloadavg()[0] <= (os.cpu_count() or 1)


def kill_nginx(cluster: Cluster, name: str) -> None:
    host = host_named(cluster, name)
    pids = [pid for pid in host.pids() if comm(pid) == "nginx"]
    assert pids
    host.run("kill -9 $(cat /run/nginx.pid); pkill -9 nginx; true")


def comm(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def move_to(cluster: Cluster, name: str) -> None:
    """Let the service run on this node, by standby of the others."""
    if cluster.answer() == name:
        return
    others = [host.name for host in cluster.hosts if host.name != name]
    for other in others:
        cluster.crm(cluster.hosts[0], "node", "standby", other)
    cluster.eventually(f"moved to {name}", lambda: cluster.answer() == name, 30)
    for other in others:
        cluster.crm(cluster.hosts[0], "node", "online", other)
    cluster.eventually("idle", cluster.is_idle, 20)
