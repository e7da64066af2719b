"""PostgreSQL under PAF (`ocf:heartbeat:pgsqlms`), with synchronous commits, and a client that counts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import testhosts
from conftest import needs_namespaces
from harness import ADDRESS, Cluster
from services.acks import AckLog, cut_power
from services.postgres import (
    BIN,
    SETTINGS,
    as_postgres,
    in_step,
    is_elsewhere,
    kept,
    make_database,
    serving,
    start_writer,
)

OCF = os.environ.get("PAF_OCF", "/usr/lib/ocf")  # not installed: its package brings Pacemaker along
AGENT = Path(OCF, "resource.d/heartbeat/pgsqlms")
pytestmark = [
    needs_namespaces,
    pytest.mark.cluster,
    pytest.mark.services,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not AGENT.exists() or not BIN.exists(), reason="NOT TESTED: needs PAF"),
]

SCRIPT = f"""\
property stonith-enabled=false
rsc_defaults resource-stickiness=10 migration-threshold=5
primitive pg ocf:heartbeat:pgsqlms params bindir={BIN} pgdata=/srv/pg pghost=/run/postgresql \\
  op start timeout=60s op stop timeout=60s op promote timeout=30s op demote timeout=120s op notify timeout=60s \\
  op monitor interval=3s timeout=10s role=Unpromoted op monitor interval=2s timeout=10s role=Promoted
clone db pg meta promotable=true notify=true
primitive ip ocf:heartbeat:IPaddr2 params ip={ADDRESS} cidr_netmask=24 op monitor interval=2s timeout=20s
colocation ip-with-db inf: ip db:Promoted
order db-then-ip Mandatory: db:promote ip:start symmetrical=false
order db-then-ip-down Mandatory: db:demote ip:stop symmetrical=false
commit
"""
SYNCHRONOUS = """\
synchronous_standby_names = 'ANY 1 (*)'
recovery_target_timeline = 'latest'
"""


def make_replica(host: Any) -> None:
    """Say whom a server follows while it is not the primary."""
    follow = f"primary_conninfo = 'host={ADDRESS} user=postgres application_name={host.name} connect_timeout=2'"
    as_postgres(host, f'echo "{follow}" >> /srv/pg/postgresql.conf')
    # Never from itself, while it still has the address.
    rule = f"host replication all {host.ip}/32 reject\\nhost replication all {ADDRESS}/32 reject"
    as_postgres(host, f"sed -i '1i {rule}' /srv/pg/pg_hba.conf")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("paf")
    lab = testhosts.Lab(4, dir=str(folder / "lab"), private=["/var/lib", "/srv"]).up()
    try:
        made = Cluster(lab, options=("--ocf-root", OCF)).start()
        make_database(made, SETTINGS)
        for host in made.hosts:
            make_replica(host)
            as_postgres(host, f"cat >> /srv/pg/postgresql.conf <<'E'\n{SYNCHRONOUS}E")
        for host in made.hosts[1:]:
            as_postgres(host, "touch /srv/pg/standby.signal")
        made.crm(made.hosts[0], "-F", "configure", text=SCRIPT)
        made.eventually("replicated", lambda: in_step(made) == 2, 30)
        made.eventually("idle", made.is_idle, 30)
        yield made
    finally:
        lab.down()


@pytest.fixture(scope="module")
def acks(cluster: Cluster) -> AckLog:
    return start_writer(cluster)


@pytest.fixture
def note(acks: AckLog, record_property: Any) -> Callable[[str, float], None]:
    def told(what: str, seconds: float) -> None:
        record_property(what, round(seconds, 2))
        print(f"paf, {what}: not served for {seconds:.2f} s, {len(acks.read())} acknowledged")

    return told


def test_a_planned_move_loses_nothing(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    first, moment = serving(cluster), time.monotonic()
    cluster.crm(first, "node", "standby", first.name)
    note("standby", acks.until_served(cluster, moment, lambda: is_elsewhere(cluster, first), 60))
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
    cluster.crm(first, "node", "online", first.name)
    cluster.eventually("all replicate", lambda: in_step(cluster) == 2, 30)
    cluster.eventually("idle", cluster.is_idle, 30)


def test_a_killed_server_loses_nothing(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    victim, moment = serving(cluster), time.monotonic()
    victim.run("kill -KILL $(head -1 /srv/pg/postmaster.pid)", check=True)
    cluster.eventually("noticed", lambda: cluster.fail_count("pg"), 30)
    note("server killed", acks.until_served(cluster, moment, cluster.is_idle, 60))
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
    cluster.crm(victim, "resource", "cleanup", "pg")
    cluster.eventually("all replicate", lambda: in_step(cluster) == 2, 30)
    cluster.eventually("idle", cluster.is_idle, 30)


def test_power_loss_of_the_primary_loses_nothing(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    victim = serving(cluster)
    moment = cut_power(cluster, victim)
    note(
        "power loss", acks.until_served(cluster, moment, lambda: is_elsewhere(cluster, victim), 60)
    )
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
