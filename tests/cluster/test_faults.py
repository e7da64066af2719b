"""Partitions, pauses and killed agents, without fencing: who must stop stops, and all find together again."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import testhosts
from conftest import needs_namespaces
from harness import Cluster, add_primitive, set_property

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib
from engine.ipc.messages import FrameReader

pytestmark = [needs_namespaces, pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = str(tmp_path_factory.mktemp("lab"))
    lab = testhosts.Lab(3, dir=f"{folder}/lab", private=["/var/lib", "/srv"]).up()
    try:
        cluster = Cluster(lab).start()
        cluster.configure(cluster.hosts[0], configure)
        yield cluster
    finally:
        lab.down()


@pytest.fixture(autouse=True)
def settled(cluster: Cluster) -> None:
    cluster.lab.heal()
    for host in cluster.hosts:
        if not host.pid:
            cluster.boot(host)
        elif cluster.log[host.name].poll() is not None:
            cluster.start_agent(host)
    cluster.eventually("whole", cluster.is_whole, 60)
    cluster.eventually("running once", lambda: len(cluster.runners("db")) == 1, 30)


def configure(cib: Cib) -> None:
    set_property(cib, "stonith-enabled", "false")
    add_primitive(cib, "db", "ocf:heartbeat:Dummy")
    add_primitive(cib, "web", "ocf:heartbeat:Dummy")


def host_of(cluster: Cluster, name: str) -> Any:
    return next(host for host in cluster.hosts if host.name == name)


def test_a_minority_stops_what_it_runs_and_refuses_changes(cluster: Cluster) -> None:
    [name] = cluster.runners("db")
    alone = host_of(cluster, name)
    cluster.lab.cut(alone)
    cluster.eventually("stopped", lambda: name not in cluster.runners("db"), 20)
    cluster.eventually("recovered", lambda: cluster.runners("db"), 20)
    with pytest.raises(EngineError, match="no quorum") as caught:
        cluster.configure_unsynced(alone, lambda cib: set_property(cib, "batch-limit", "7"))
    assert caught.value.status == ExitStatus.QUORUM
    cluster.lab.heal()
    cluster.eventually("whole", cluster.is_whole, 30)
    assert len(cluster.runners("db")) == 1
    assert len(cluster.fingerprints()) == 1


def test_changes_made_while_a_node_was_cut_off_reach_it_afterwards(cluster: Cluster) -> None:
    alone = next(host for host in cluster.hosts if host is not cluster.dc())
    cluster.lab.cut(alone)
    witness = next(host for host in cluster.hosts if host is not alone)
    cluster.eventually("noticed", lambda: len(cluster.status(witness)["members"]) == 2, 20)
    value = str(int(time.time()) % 1000 + 10)
    cluster.configure(witness, lambda cib: set_property(cib, "batch-limit", value))
    cluster.lab.heal()
    cluster.eventually("whole", cluster.is_whole, 30)
    assert len(cluster.fingerprints()) == 1
    options = cluster.cib(alone).root.iterfind(".//nvpair[@name='batch-limit']")
    assert [pair.get("value") for pair in options] == [value]


@pytest.mark.parametrize("seconds", [1.0, 8.0])
def test_a_frozen_node_comes_back_and_nothing_runs_twice(cluster: Cluster, seconds: float) -> None:
    [name] = cluster.runners("db")
    host_of(cluster, name).freeze()
    time.sleep(seconds)
    host_of(cluster, name).thaw()
    cluster.eventually("whole", cluster.is_whole, 40)
    cluster.eventually("once", lambda: len(cluster.runners("db")) == 1, 20)
    time.sleep(2.5)  # one more monitor
    assert len(cluster.runners("db")) == 1


def test_the_agent_of_the_dc_is_killed_again_and_again(cluster: Cluster) -> None:
    for _ in range(3):
        dc = cluster.dc()
        cluster.log[dc.name].kill()
        time.sleep(0.5)
        cluster.start_agent(dc)
        cluster.eventually("whole", cluster.is_whole, 30)
        assert len(cluster.runners("db")) == 1
        assert len(cluster.fingerprints()) == 1


def test_a_node_leaves_in_order_and_its_resources_move_first(cluster: Cluster) -> None:
    [name] = cluster.runners("db")
    host = host_of(cluster, name)
    cluster.ask(host, "shutdown")
    process = cluster.log[name]
    cluster.eventually("ended", lambda: process.poll() is not None, 30)
    assert process.poll() == 0
    assert name not in cluster.runners("db")
    assert name not in cluster.runners("web")
    cluster.eventually("moved", lambda: len(cluster.runners("db")) == 1, 20)


def test_strangers_and_garbage_change_nothing(cluster: Cluster) -> None:
    """A client of the network without the key, and nonsense on the admin socket."""
    before = cluster.fingerprints()
    stranger = cluster.hosts[0]
    target = cluster.hosts[1].ip
    stranger.run(
        f"for n in 1 2 3; do head -c 5000 /dev/urandom | timeout 1 bash -c 'cat > /dev/tcp/{target}/5436';"
        f" head -c 900 /dev/urandom > /dev/udp/{target}/5436; done; true"
    )
    path = f"/proc/{stranger.pid}/root/run/crmshell/admin.sock"
    for data in (b"\xff" * 64, b"\x00\x00\x00\x02\x81\xa1", b"\x00\x00\x00\x05hello"):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(path)
            raw.sendall(data)
            raw.settimeout(5)
            answer = b"".join(iter(lambda raw=raw: raw.recv(65536), b""))
            assert FrameReader().feed(answer)[0]["ok"] is False
    assert all(cluster.log[host.name].poll() is None for host in cluster.hosts)
    cluster.eventually("whole", cluster.is_whole, 30)
    assert cluster.fingerprints() == before


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE x><cib/>", "DOCTYPE"),
        (b"<cib", "not well-formed"),
        (b"<cib>" + b"<a>" * 100 + b"</a>" * 100 + b"</cib>", "deep"),
        (b"<cib " + b"".join(b"a%d='1' " % n for n in range(2000)) + b"/>", "attributes"),
        (
            b"<cib validate-with='pacemaker-3.9' admin_epoch='0' epoch='0' num_updates='0'>"
            b"<configuration><crm_config/><nodes/><resources><nonsense/></resources><constraints/>"
            b"</configuration><status/></cib>",
            "nonsense",
        ),
    ],
)
def test_a_bad_cib_is_refused_in_one_line(cluster: Cluster, body: bytes, words: str) -> None:
    before = cluster.fingerprints()
    host = cluster.hosts[2]
    base = cluster.ask(host, "cib", scope="configuration")["epoch"]
    with pytest.raises(EngineError, match=words) as caught:
        cluster.ask(host, "submit", request_id="bad-" + words, base=base, replace=body, force=True)
    assert "\n" not in str(caught.value)
    assert cluster.fingerprints() == before


def test_a_node_whose_disk_was_full_goes_on_by_itself_when_there_is_room(cluster: Cluster) -> None:
    host = next(host for host in cluster.hosts if host is not cluster.dc())
    cluster.log[host.name].kill()
    folder = "/var/lib/crmshell"
    host.run(f"mkdir -p {folder} && mount -t tmpfs -o size=4m none {folder}", check=True)
    try:
        cluster.start_agent(host)
        cluster.eventually("whole", cluster.is_whole, 60)
        host.run(f"dd if=/dev/zero of={folder}/fill bs=64k; true")

        def is_full() -> bool:
            cluster.configure(
                cluster.dc(), lambda cib: set_property(cib, "batch-limit", str(next(counter)))
            )
            return "No space left" in str(cluster.status(host).get("details", {}).get("disk"))

        counter = iter(range(100, 10_000))
        cluster.eventually("no stable storage", is_full, 60)
        cluster.eventually(
            "the others go on", lambda: len(cluster.status(host)["durable"]) == 2, 60
        )
        assert cluster.status(host)["quorate"]
        assert len(cluster.runners("db")) == 1
        host.run(f"rm {folder}/fill", check=True)
        cluster.eventually("durable", lambda: len(cluster.status(host).get("durable", ())) == 3, 60)
        cluster.eventually("whole", cluster.is_whole, 60)
        assert cluster.log[host.name].poll() is None, "the same process"
        cluster.eventually("caught up", lambda: len(cluster.fingerprints()) == 1, 30)
    finally:
        cluster.log[host.name].kill()
        host.run(f"umount -l {folder}")
