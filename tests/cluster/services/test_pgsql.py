"""PostgreSQL with streaming replication under `ocf:heartbeat:pgsql`, synchronous, and a client that counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import testhosts
from conftest import needs_namespaces
from harness import ADDRESS, Cluster
from services.acks import AckLog, cut_power
from services.postgres import (
    BIN,
    copy,
    in_step,
    is_elsewhere,
    kept,
    make_database,
    prepare,
    serving,
    start_writer,
)

pytestmark = [
    needs_namespaces,
    pytest.mark.cluster,
    pytest.mark.services,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not BIN.exists(), reason="NOT TESTED: needs postgresql"),
]

SCRIPT = f"""\
property stonith-enabled=false
rsc_defaults resource-stickiness=100
primitive pg ocf:heartbeat:pgsql params pgctl={BIN}/pg_ctl psql={BIN}/psql pgdata=/srv/pg \\
  config=/srv/pg/postgresql.conf start_opt="-p 5432" logfile=/srv/pg.log socketdir=/run/postgresql \\
  rep_mode=sync node_list="h1 h2 h3" restore_command="false" repuser=postgres pgdba=postgres \\
  primary_conninfo_opt="keepalives_idle=2 keepalives_interval=1 keepalives_count=2" \\
  master_ip={ADDRESS} restart_on_promote=false tmpdir=/srv/pgtmp \\
  op start timeout=60s op stop timeout=60s op promote timeout=60s op demote timeout=60s op notify timeout=60s \\
  op monitor interval=3s timeout=30s role=Unpromoted op monitor interval=2s timeout=30s role=Promoted
clone db pg meta promotable=true notify=true interleave=true
primitive ip ocf:heartbeat:IPaddr2 params ip={ADDRESS} cidr_netmask=24 op monitor interval=2s timeout=20s
colocation ip-with-db inf: ip db:Promoted
order db-then-ip Mandatory: db:promote ip:start symmetrical=false
order ip-stays 0: db:demote ip:stop symmetrical=false
commit
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("pg")
    lab = testhosts.Lab(4, dir=str(folder / "lab"), private=["/var/lib", "/srv"]).up()
    try:
        made = Cluster(lab).start()
        make_database(made)
        made.crm(made.hosts[0], "-F", "configure", text=SCRIPT)
        made.eventually("replicated", lambda: in_step(made) == 2, 120)
        made.eventually("idle", made.is_idle, 60)
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
        print(f"pgsql, {what}: not served for {seconds:.2f} s, {len(acks.read())} acknowledged")

    return told


def rejoin(cluster: Cluster, host: Any) -> None:
    """A former primary is made a replica again, as its administrator would."""
    cluster.eventually("idle", cluster.is_idle, 60)
    copy(serving(cluster), host)
    host.run("rm -f /srv/pgtmp/PGSQL.lock", check=True)
    cluster.crm(cluster.alive()[0], "node", "online", host.name)
    cluster.crm(cluster.alive()[0], "resource", "cleanup", "pg")
    cluster.eventually("all replicate", lambda: in_step(cluster) == 2, 120)
    cluster.eventually("idle", cluster.is_idle, 60)


def test_a_planned_move_loses_nothing(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    first, moment = serving(cluster), time.monotonic()
    cluster.crm(first, "node", "standby", first.name)
    note("standby", acks.until_served(cluster, moment, lambda: is_elsewhere(cluster, first), 120))
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
    rejoin(cluster, first)


def test_power_loss_of_the_primary_loses_nothing(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    victim = serving(cluster)
    moment = cut_power(cluster, victim)
    note(
        "power loss", acks.until_served(cluster, moment, lambda: is_elsewhere(cluster, victim), 120)
    )
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
    cluster.boot(victim)
    prepare(victim)
    cluster.eventually("whole", lambda: len(cluster.status(victim).get("members", ())) == 3, 60)
    rejoin(cluster, victim)


def test_a_killed_server_loses_nothing(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    victim, moment = serving(cluster), time.monotonic()
    victim.run("kill -KILL $(head -1 /srv/pg/postmaster.pid)", check=True)
    cluster.eventually("noticed", lambda: cluster.fail_count("pg"), 30)
    note("server killed", acks.until_served(cluster, moment, cluster.is_idle, 120))
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
