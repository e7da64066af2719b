"""A Galera cluster of three under `ocf:heartbeat:galera`, with an address on one of them, and a client that counts."""

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

PROVIDER = Path("/usr/lib/galera/libgalera_smm.so")
pytestmark = [
    needs_namespaces,
    pytest.mark.cluster,
    pytest.mark.services,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PROVIDER.exists(), reason="NOT TESTED: needs galera-4"),
]

SETTINGS = f"""\
[mariadbd]
datadir=/srv/mysql
socket=/run/mysqld/mysqld.sock
pid-file=/run/mysqld/mysqld.pid
bind-address=0.0.0.0
skip-name-resolve
innodb-buffer-pool-size=32M
innodb-log-file-size=16M
performance-schema=off
binlog_format=ROW
innodb_autoinc_lock_mode=2
wsrep_on=ON
wsrep_provider={PROVIDER}
wsrep_cluster_name=lab
wsrep_cluster_address=gcomm://h1,h2,h3
wsrep_node_address={{ip}}
wsrep_node_name={{name}}
wsrep_sst_method=rsync
wsrep_provider_options="gcache.size=16M;evs.keepalive_period=PT0.5S;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S"
"""
SCRIPT = f"""\
property stonith-enabled=false
rsc_defaults resource-stickiness=100
primitive sql ocf:heartbeat:galera params config=/srv/my.cnf datadir=/srv/mysql binary=/usr/bin/mysqld_safe \\
  pid=/run/mysqld/mysqld.pid socket=/run/mysqld/mysqld.sock log=/srv/mysql/error.log \\
  wsrep_cluster_address="gcomm://h1,h2,h3" check_user=root \\
  op start timeout=120s op stop timeout=120s op promote timeout=120s op demote timeout=120s \\
  op monitor interval=3s timeout=30s role=Unpromoted op monitor interval=2s timeout=30s role=Promoted
clone db sql meta promotable=true promoted-max=3 notify=false
primitive ip ocf:heartbeat:IPaddr2 params ip={ADDRESS} cidr_netmask=24 op monitor interval=2s timeout=20s
colocation ip-with-db inf: ip db:Promoted
order db-then-ip Mandatory: db:promote ip:start
commit
"""
USERS = """\
create user writer@'%' identified by 'writer';
create database kept;
create table kept.numbers (n bigint primary key) engine=innodb;
grant all on kept.* to writer@'%';
"""


def prepare(host: Any) -> None:
    host.run("install -d -o mysql -g mysql /run/mysqld; chmod 755 /srv", check=True)


def ask(host: Any, statement: str) -> str:
    command = ["mariadb", "-S", "/run/mysqld/mysqld.sock", "-u", "root", "-N", "-e", statement]
    return str(host.run(command).stdout)


def make_database(cluster: Cluster) -> None:
    """A database on the first host, and copies of it on the others."""
    first, *others = cluster.hosts
    for host in cluster.hosts:
        prepare(host)
        text = SETTINGS.format(ip=host.ip, name=host.name)
        host.run(f"cat > /srv/my.cnf <<'E'\n{text}E", check=True)
    make = "mariadb-install-db --no-defaults --datadir=/srv/mysql --user=mysql --skip-test-db"
    first.run(f"{make} --auth-root-authentication-method=normal", check=True, timeout=120)
    alone = [
        "--defaults-file=/srv/my.cnf",
        "--user=mysql",
        "--wsrep-on=OFF",
        "--wsrep-provider=none",
    ]
    server = first.spawn(["mariadbd", *alone])
    cluster.eventually("the first server is up", lambda: "1" in ask(first, "select 1"), 60)
    ask(first, f"{USERS} shutdown")
    server.wait(60)
    copy = f"{cluster.lab.dir}/mysql.tar"
    first.run(f"tar -C /srv -cf {copy} mysql", check=True)
    for host in others:
        host.run(f"tar -C /srv -xpf {copy}", check=True)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("galera")
    lab = testhosts.Lab(4, dir=str(folder / "lab"), private=["/var/lib", "/srv", "/var/log"]).up()
    try:
        made = Cluster(lab).start()
        make_database(made)
        made.crm(made.hosts[0], "-F", "configure", text=SCRIPT)
        made.eventually("all are in", lambda: members(made) == 3, 30)
        made.eventually("idle", made.is_idle, 45)
        yield made
    finally:
        lab.down()


@pytest.fixture(scope="module")
def acks(cluster: Cluster) -> AckLog:
    log = AckLog(Path(cluster.lab.dir) / "acks")
    writer = str(Path(__file__).with_name("mariadb_writer.py"))
    assert cluster.client is not None
    cluster.client.spawn([PYTHON, writer, ADDRESS, str(log.path)], wd=PROJECT)
    cluster.eventually("in use", lambda: len(log.read()) > 20, 30)
    return log


@pytest.fixture
def note(acks: AckLog, record_property: Any) -> Callable[[str, float], None]:
    def told(what: str, seconds: float) -> None:
        record_property(what, round(seconds, 2))
        print(f"galera, {what}: not served for {seconds:.2f} s, {len(acks.read())} acknowledged")

    return told


def serving(cluster: Cluster) -> Any:
    [name] = cluster.holders()
    return next(host for host in cluster.hosts if host.name == name)


def members(cluster: Cluster) -> int:
    """The servers that are in step, as the one with the address says."""
    if len(cluster.holders()) != 1:
        return 0
    words = ask(serving(cluster), "show status like 'wsrep_cluster_size'").split()
    return int(words[1]) if len(words) == 2 else 0


def kept(cluster: Cluster) -> set[int]:
    return {int(word) for word in ask(serving(cluster), "select n from kept.numbers").split()}


def is_elsewhere(cluster: Cluster, host: Any) -> bool:
    return cluster.holders() not in ([], [host.name]) and cluster.is_idle()


def test_a_planned_move_loses_nothing(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    first, moment = serving(cluster), time.monotonic()
    cluster.crm(first, "node", "standby", first.name)
    note("standby", acks.until_served(cluster, moment, lambda: is_elsewhere(cluster, first), 60))
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
    cluster.crm(first, "node", "online", first.name)
    cluster.eventually("all are in", lambda: members(cluster) == 3, 60)
    cluster.eventually("idle", cluster.is_idle, 60)


def test_a_killed_server_loses_nothing(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    victim, moment = serving(cluster), time.monotonic()
    victim.run("kill -KILL $(cat /run/mysqld/mysqld.pid)", check=True)
    cluster.eventually("noticed", lambda: cluster.fail_count("sql"), 30)
    note("server killed", acks.until_served(cluster, moment, cluster.is_idle, 60))
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
    cluster.crm(victim, "resource", "cleanup", "sql")
    cluster.eventually("all are in", lambda: members(cluster) == 3, 60)
    cluster.eventually("idle", cluster.is_idle, 60)


def test_power_loss_of_the_host_with_the_address_loses_nothing(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    victim = serving(cluster)
    moment = cut_power(cluster, victim)
    note(
        "power loss", acks.until_served(cluster, moment, lambda: is_elsewhere(cluster, victim), 60)
    )
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
