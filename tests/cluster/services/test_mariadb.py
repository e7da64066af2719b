"""MariaDB with semi-synchronous replication under `ocf:heartbeat:mariadb`, and a client that counts."""

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
    pytest.mark.services,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not Path("/usr/sbin/mariadbd").exists(), reason="NOT TESTED: needs mariadb-server"
    ),
]

SETTINGS = """\
[mariadbd]
datadir=/srv/mysql
socket=/run/mysqld/mysqld.sock
pid-file=/run/mysqld/mysqld.pid
bind-address=0.0.0.0
server-id={number}
log-bin=/srv/mysql/bin
log-slave-updates
gtid-domain-id=0
skip-name-resolve
innodb-buffer-pool-size=32M
innodb-log-file-size=16M
performance-schema=off
slave-net-timeout=4
"""
SCRIPT = f"""\
property stonith-enabled=false
rsc_defaults resource-stickiness=100
primitive sql ocf:heartbeat:mariadb params binary=/usr/sbin/mariadbd config=/srv/my.cnf datadir=/srv/mysql \\
  pid=/run/mysqld/mysqld.pid socket=/run/mysqld/mysqld.sock log=/srv/mysql/error.log user=mysql group=mysql \\
  node_list="h1 h2 h3" replication_user=repl replication_passwd=repl test_user=root test_table=mysql.user \\
  op start timeout=120s op stop timeout=120s op promote timeout=60s op demote timeout=60s op notify timeout=60s \\
  op monitor interval=3s timeout=30s role=Unpromoted op monitor interval=2s timeout=30s role=Promoted
clone db sql meta promotable=true notify=true
primitive ip ocf:heartbeat:IPaddr2 params ip={ADDRESS} cidr_netmask=24 op monitor interval=2s timeout=20s
colocation ip-with-db inf: ip db:Promoted
order db-then-ip Mandatory: db:promote ip:start
commit
"""
USERS = """\
create user repl@'%' identified by 'repl';
grant all on *.* to repl@'%' with grant option;
create user writer@'%' identified by 'writer';
create database kept;
create table kept.numbers (n bigint primary key) engine=innodb;
grant all on kept.* to writer@'%';
"""


def prepare(host: Any) -> None:
    host.run("install -d -o mysql -g mysql /run/mysqld; chmod 755 /srv", check=True)


def make_database(cluster: Cluster) -> None:
    """A database on the first host, and copies of it, binary logs and all, on the others."""
    first, *others = cluster.hosts
    for host in cluster.hosts:
        prepare(host)
        host.run(f"cat > /srv/my.cnf <<'E'\n{SETTINGS.format(number=host.num)}E", check=True)
    make = "mariadb-install-db --no-defaults --datadir=/srv/mysql --user=mysql --skip-test-db"
    first.run(f"{make} --auth-root-authentication-method=normal", check=True, timeout=120)
    server = first.spawn(["mariadbd", "--defaults-file=/srv/my.cnf", "--user=mysql"])
    cluster.eventually("the first server is up", lambda: "1" in ask(first, "select 1"), 60)
    ask(first, USERS)
    ask(first, "set global gtid_slave_pos = @@gtid_binlog_pos; shutdown")
    server.wait(60)
    copy = f"{cluster.lab.dir}/mysql.tar"
    first.run(f"tar -C /srv -cf {copy} mysql", check=True)
    for host in others:
        host.run(f"tar -C /srv -xpf {copy}", check=True)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("sql")
    lab = testhosts.Lab(4, dir=str(folder / "lab"), private=["/var/lib", "/srv", "/var/log"]).up()
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
        print(f"mariadb, {what}: not served for {seconds:.2f} s, {len(acks.read())} acknowledged")

    return told


def ask(host: Any, statement: str) -> str:
    command = ["mariadb", "-S", "/run/mysqld/mysqld.sock", "-u", "root", "-N", "-e", statement]
    return str(host.run(command).stdout)


def serving(cluster: Cluster) -> Any:
    [name] = cluster.holders()
    return next(host for host in cluster.hosts if host.name == name)


def in_step(cluster: Cluster) -> int:
    """The replicas that follow the promoted server."""
    names = cluster.holders()
    if len(names) != 1:
        return 0
    found = 0
    for host in cluster.alive():
        lines = ask(host, "show slave status\\G") if host.name not in names else ""
        found += lines.count("Yes") >= 2 and "Waiting for master" in lines
    return found


def kept(cluster: Cluster) -> set[int]:
    return {int(word) for word in ask(serving(cluster), "select n from kept.numbers").split()}


def is_elsewhere(cluster: Cluster, host: Any) -> bool:
    return cluster.holders() not in ([], [host.name]) and cluster.is_idle()


def test_a_planned_move_loses_nothing(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    first, moment = serving(cluster), time.monotonic()
    cluster.crm(first, "node", "standby", first.name)
    note("standby", acks.until_served(cluster, moment, lambda: is_elsewhere(cluster, first), 120))
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
    cluster.crm(first, "node", "online", first.name)
    cluster.eventually("all replicate", lambda: in_step(cluster) == 2, 120)
    cluster.eventually("idle", cluster.is_idle, 60)


def test_a_killed_server_loses_nothing(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    victim, moment = serving(cluster), time.monotonic()
    victim.run("kill -KILL $(cat /run/mysqld/mysqld.pid)", check=True)
    cluster.eventually("noticed", lambda: cluster.fail_count("sql"), 30)
    note("server killed", acks.until_served(cluster, moment, cluster.is_idle, 120))
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
    cluster.crm(victim, "resource", "cleanup", "sql")
    cluster.eventually("all replicate", lambda: in_step(cluster) == 2, 60)
    cluster.eventually("idle", cluster.is_idle, 60)


def test_power_loss_of_the_primary_loses_nothing(
    cluster: Cluster, acks: AckLog, note: Callable[[str, float], None]
) -> None:
    victim = serving(cluster)
    moment = cut_power(cluster, victim)
    note(
        "power loss", acks.until_served(cluster, moment, lambda: is_elsewhere(cluster, victim), 120)
    )
    assert acks.lost(lambda: kept(cluster), sure_only=True) == []
