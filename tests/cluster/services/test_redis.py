"""Redis, promotable, with an address on the promoted instance, and a client that counts what was acknowledged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import testhosts
from conftest import needs_namespaces
from harness import ADDRESS, PROJECT, PYTHON, Cluster
from services.acks import AckLog, cut_power

pytestmark = [
    needs_namespaces,
    pytest.mark.cluster,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not Path("/usr/bin/redis-server").exists(), reason="NOT TESTED: needs redis-server"
    ),
]

CONFIGURATION = """\
bind 0.0.0.0
protected-mode no
port 6379
dir /srv/redis
appendonly yes
save ""
repl-diskless-sync-delay 0
logfile /srv/redis/log
"""
SCRIPT = f"""\
property stonith-enabled=false
primitive redis ocf:heartbeat:redis params config=/srv/redis.conf \\
  op start timeout=60s op stop timeout=60s op promote timeout=60s op demote timeout=60s \\
  op monitor interval=2s timeout=20s role=Unpromoted op monitor interval=1s timeout=20s role=Promoted
clone kv redis meta promotable=true notify=true
primitive ip ocf:heartbeat:IPaddr2 params ip={ADDRESS} cidr_netmask=24 op monitor interval=2s timeout=20s
colocation ip-with-kv inf: ip kv:Promoted
order kv-then-ip Mandatory: kv:promote ip:start
commit
"""


def prepare(host: Any) -> None:
    host.run(
        "mkdir -p /srv/redis && chown redis /srv/redis && "
        f"printf %s '{CONFIGURATION}' > /srv/redis.conf && chmod 644 /srv/redis.conf",
        check=True,
    )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    lab = testhosts.Lab(4, dir=str(tmp_path / "lab"), private=["/var/lib", "/srv"]).up()
    try:
        made = Cluster(lab).start()
        for host in made.hosts:
            prepare(host)
        yield made
    finally:
        lab.down()


@pytest.fixture
def acks(cluster: Cluster, tmp_path: Path) -> AckLog:
    """The configured service, in use."""
    cluster.crm(cluster.hosts[0], "configure", text=SCRIPT)
    cluster.eventually("all replicate", lambda: replicas(cluster) == 2, 60)
    cluster.eventually("idle", cluster.is_idle, 60)
    writer = str(Path(__file__).with_name("redis_writer.py"))
    log = AckLog(tmp_path / "acks")
    assert cluster.client is not None
    cluster.client.spawn([PYTHON, writer, ADDRESS, str(log.path)], wd=PROJECT)
    cluster.eventually("in use", lambda: len(log.read()) > 100, 20)
    return log


def promoted(cluster: Cluster) -> Any:
    """The host that has the address."""
    [name] = cluster.holders()
    return next(host for host in cluster.hosts if host.name == name)


def is_elsewhere(cluster: Cluster, host: Any) -> bool:
    """The service has moved away from a host, and all is done."""
    return cluster.holders() not in ([], [host.name]) and cluster.is_idle()


def info(host: Any, what: str) -> str:
    """A field of what the server of a host says about replication."""
    for line in host.run("redis-cli info replication").stdout.splitlines():
        if line.startswith(f"{what}:"):
            return str(line.partition(":")[2].strip())
    return ""


def replicas(cluster: Cluster) -> int:
    """The replicas of the promoted server that are in step."""
    masters = [host for host in cluster.alive() if info(host, "role") == "master"]
    up = [host for host in cluster.alive() if info(host, "master_link_status") == "up"]
    return len(up) if len(masters) == 1 else 0


def kept(cluster: Cluster) -> set[int]:
    """What the promoted server knows."""
    words = promoted(cluster).run("redis-cli --raw smembers numbers").stdout.split()
    return {int(word) for word in words}


@pytest.fixture
def note(acks: AckLog, record_property: Any) -> Callable[[str, float], None]:
    """Write down how long clients were not served."""

    def told(what: str, seconds: float) -> None:
        record_property(what, round(seconds, 2))
        print(f"redis, {what}: not served for {seconds:.2f} s, {len(acks.read())} acknowledged")

    return told


def test_power_loss_of_the_promoted_host_loses_nothing_that_was_replicated(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    victim = promoted(cluster)
    moment = cut_power(cluster, victim)
    note(
        "power loss", acks.until_served(cluster, moment, lambda: is_elsewhere(cluster, victim), 60)
    )
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []


@pytest.mark.services
def test_a_planned_move_loses_nothing_and_a_killed_server_nothing_that_was_replicated(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    first, moment = promoted(cluster), time.monotonic()
    cluster.crm(first, "node", "standby", first.name)
    note("standby", acks.until_served(cluster, moment, lambda: is_elsewhere(cluster, first), 60))
    assert acks.lost(lambda: kept(cluster), sure_only=False) == []
    cluster.crm(first, "node", "online", first.name)
    cluster.eventually("all replicate", lambda: replicas(cluster) == 2, 60)
    cluster.eventually("idle", cluster.is_idle, 60)

    moment = time.monotonic()
    promoted(cluster).run("kill -KILL $(cat /run/redis/redis-server.pid)", check=True)
    cluster.eventually("noticed", lambda: cluster.fail_count("redis"), 30)
    note("server killed", acks.until_served(cluster, moment, cluster.is_idle, 60))
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
