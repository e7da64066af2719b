"""Nodes that are lost are fenced by a real fence agent before their resources start elsewhere."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import testhosts
from conftest import needs_namespaces
from harness import Cluster, add_primitive, set_property
from power import PowerSwitch

from engine.cib.document import Cib
from engine.ipc.client import Client

pytestmark = [needs_namespaces, pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def cluster(folder: str) -> Iterator[Cluster]:
    lab = testhosts.Lab(3, dir=f"{folder}/lab", private=["/var/lib", "/srv"]).up()
    agents = f"{folder}/agents"
    os.makedirs(agents)
    shutil.copy(Path(__file__).with_name("fence_lab"), agents)
    try:
        cluster = Cluster(lab, options=("--fence-dir", agents)).start()
        cluster.configure(cluster.hosts[0], lambda cib: configure(cib, f"{folder}/switch"))
        yield cluster
    finally:
        lab.down()


@pytest.fixture(scope="module")
def switch(cluster: Cluster, folder: str) -> Iterator[PowerSwitch]:
    made = PowerSwitch(f"{folder}/switch", cluster.hosts)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def settled(cluster: Cluster, switch: PowerSwitch) -> None:
    switch.break_down(False)
    for host in cluster.hosts:
        if not host.pid:
            cluster.boot(host)
    cluster.eventually("whole", cluster.is_whole, 60)
    cluster.ask(cluster.hosts[0], "cleanup", resource="", node="", failures_only=True)
    cluster.eventually("running", lambda: len(cluster.runners("db")) == 1, 30)
    cluster.eventually("idle", cluster.is_idle, 30)
    switch.switched.clear()


def configure(cib: Cib, switch: str) -> None:
    set_property(cib, "stonith-enabled", "true")
    add_primitive(cib, "power", "stonith:fence_lab", switch=switch, pcmk_host_check="dynamic-list")
    add_primitive(cib, "db", "ocf:heartbeat:Dummy")


def host_of(cluster: Cluster, name: str) -> Any:
    return next(host for host in cluster.hosts if host.name == name)


def test_a_frozen_node_is_fenced_before_its_resource_starts_elsewhere(
    cluster: Cluster, switch: PowerSwitch
) -> None:
    [victim] = cluster.runners("db")
    host_of(cluster, victim).freeze()
    cluster.eventually("recovered", lambda: [n for n in cluster.runners("db") if n != victim], 40)
    assert [name for name, _ in switch.switched] == [victim]
    others = [host for host in cluster.alive() if host.name != victim]
    states = cluster.cib(others[0]).root.findall(f"status/node_state[@uname='{victim}']")
    assert [state.get("expected") for state in states] == ["down"]


def test_without_a_working_switch_nothing_is_recovered_until_a_person_confirms(
    cluster: Cluster, switch: PowerSwitch
) -> None:
    [victim] = cluster.runners("db")
    switch.break_down(True)
    host_of(cluster, victim).kill()
    witness = next(host for host in cluster.hosts if host.name != victim)
    cluster.eventually("noticed", lambda: victim not in cluster.status(witness)["members"], 20)
    time.sleep(5)
    assert cluster.runners("db") == []
    cluster.ask(witness, "confirm-fenced", node=victim)
    cluster.eventually("recovered", lambda: cluster.runners("db"), 20)
    assert switch.switched == []


def test_a_node_can_be_fenced_by_hand(cluster: Cluster, switch: PowerSwitch) -> None:
    dc = cluster.dc()
    victim = next(host for host in cluster.hosts if host is not dc)
    cluster.ask(dc, "fence", node=victim.name, action="off")
    assert [name for name, _ in switch.switched] == [victim.name]
    assert not victim.pid


def test_an_active_node_is_not_taken_for_down(cluster: Cluster) -> None:
    from engine.base.errors import EngineError

    with pytest.raises(EngineError, match="active member"):
        cluster.ask(cluster.hosts[0], "confirm-fenced", node=cluster.hosts[1].name)


def test_a_slow_switch_is_asked_once_though_the_view_changes_meanwhile(
    cluster: Cluster, switch: PowerSwitch, folder: str
) -> None:
    dc = cluster.dc()
    victim = next(host for host in cluster.hosts if host is not dc)
    slow = Path(folder, "switch", "slow")
    slow.touch()
    try:
        with Client(f"/proc/{dc.pid}/root/run/crmshell/admin.sock") as client:
            client.demand("fence", 60.0, node=victim.name, action="reboot")
        cluster.eventually("idle", cluster.is_idle, 30)
    finally:
        slow.unlink()
    assert [name for name, _ in switch.switched] == [victim.name]


def test_an_agent_that_is_back_at_once_does_not_cost_its_node(
    cluster: Cluster, switch: PowerSwitch
) -> None:
    for name in dict.fromkeys([cluster.dc().name, *cluster.runners("db")]):
        host = host_of(cluster, name)
        cluster.log[name].kill()
        time.sleep(0.2)
        cluster.start_agent(host)
        cluster.eventually("whole", cluster.is_whole, 30)
    assert switch.switched == []
    assert len(cluster.runners("db")) == 1
