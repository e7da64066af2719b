"""PostgreSQL on the hosts of a lab: a database on the first one, copies on the others, a client that counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import ADDRESS, PROJECT, PYTHON, Cluster
from services.acks import AckLog

BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), Path("/none"))
SETTINGS = """\
listen_addresses = '*'
wal_level = replica
max_wal_senders = 8
hot_standby = on
wal_keep_size = 256MB
wal_receiver_status_interval = 1
wal_sender_timeout = 4s
wal_receiver_timeout = 4s
unix_socket_directories = '/run/postgresql'
fsync = off
"""
RULES = """\
host all all 10.77.0.0/24 trust
host replication all 10.77.0.0/24 trust
"""


def as_postgres(host: Any, command: str, timeout: float = 60) -> str:
    done = host.run(
        ["su", "postgres", "-s", "/bin/sh", "-c", f"cd /srv; {command}"], timeout=timeout
    )
    assert done.returncode == 0, done.stdout
    return str(done.stdout)


def prepare(host: Any) -> None:
    """What a host needs after each start of its machine."""
    host.run(
        "install -d -o postgres -g postgres /run/postgresql /srv/pgtmp; chmod 777 /srv", check=True
    )


def make_database(cluster: Cluster, settings: str = SETTINGS) -> None:
    """A database on the first host, stopped cleanly, and copies of it on the others."""
    first, *others = cluster.hosts
    for host in cluster.hosts:
        prepare(host)
    as_postgres(first, f"{BIN}/initdb -D /srv/pg -A trust > /dev/null")
    as_postgres(first, f"cat >> /srv/pg/postgresql.conf <<'E'\n{settings}E")
    as_postgres(first, f"cat >> /srv/pg/pg_hba.conf <<'E'\n{RULES}E")
    as_postgres(first, f"{BIN}/pg_ctl -D /srv/pg -w -l /srv/pg.log start > /dev/null")
    as_postgres(first, "psql -q -d postgres -c 'create table numbers (n bigint primary key)'")
    for host in others:
        copy(first, host)
    as_postgres(first, f"{BIN}/pg_ctl -D /srv/pg -w -m fast stop > /dev/null")


def copy(source: Any, host: Any) -> None:
    """Make a host a replica anew, from a server that runs."""
    command = f"{BIN}/pg_basebackup -h {source.ip} -U postgres -D /srv/pg -X stream -c fast"
    as_postgres(host, f"rm -rf /srv/pg && {command}", 120)


def start_writer(cluster: Cluster) -> AckLog:
    """A client that inserts numbers through the floating address."""
    log = AckLog(Path(cluster.lab.dir) / "acks")
    writer = str(Path(__file__).with_name("pg_writer.py"))
    assert cluster.client is not None
    cluster.client.spawn([PYTHON, writer, ADDRESS, "5432", str(log.path)], wd=PROJECT)
    cluster.eventually("in use", lambda: len(log.read()) > 20, 30)
    return log


def serving(cluster: Cluster) -> Any:
    """The host with the floating address."""
    [name] = cluster.holders()
    return next(host for host in cluster.hosts if host.name == name)


def ask(cluster: Cluster, query: str) -> str:
    """What the promoted server answers."""
    client = ["psql", "-XAt", "-U", "postgres", "-h", ADDRESS, "-d", "postgres", "-c", query]
    return str(serving(cluster).run(client).stdout)


def in_step(cluster: Cluster) -> int:
    """The replicas that stream from the promoted server."""
    if len(cluster.holders()) != 1:
        return 0
    found = ask(cluster, "select count(*) from pg_stat_replication where state = 'streaming'")
    return int(found) if found.strip().isdigit() else 0


def kept(cluster: Cluster) -> set[int]:
    """The numbers that the promoted server knows."""
    return {int(word) for word in ask(cluster, "select n from numbers").split()}


def is_elsewhere(cluster: Cluster, host: Any) -> bool:
    """The service has moved away from a host, and all is done."""
    return cluster.holders() not in ([], [host.name]) and cluster.is_idle()
