"""A remote node: it runs what the cluster orders, through whichever node holds the connection."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import testhosts
from conftest import needs_namespaces
from harness import PROJECT, PYTHON, Cluster

pytestmark = [needs_namespaces, pytest.mark.cluster, pytest.mark.timeout(600)]

SCRIPT = """\
property stonith-enabled=false
primitive r1 ocf:pacemaker:remote params server={address} op monitor interval=2s timeout=5s
primitive db ocf:heartbeat:Dummy op monitor interval=2s timeout=20s
location db-there db inf: r1
commit
"""


class Remote:
    """The agent of a remote node on a host of its own."""

    def __init__(self, cluster: Cluster, host: Any, key: str = "") -> None:
        self.cluster, self.host = cluster, host
        self.start(key)

    def start(self, key: str = "") -> None:
        argv = [
            PYTHON,
            "-m",
            "engine",
            "--remote",
            "--name",
            "r1",
            "--key",
            key or self.cluster.key,
        ]
        log = f"{self.cluster.lab.dir}/r1.log"
        self.process = self.cluster.log["r1"] = self.host.spawn(argv, log=log, wd=PROJECT)

    @property
    def state(self) -> Path:
        return Path(f"/proc/{self.host.pid}/root/run/resource-agents/Dummy-db.state")

    def runs(self) -> bool:
        return bool(self.host.pid) and self.state.exists()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    lab = testhosts.Lab(4, dir=str(tmp_path / "lab"), private=["/var/lib", "/srv"]).up()
    agents = tmp_path / "agents"
    (tmp_path / "storage/hosts").mkdir(parents=True)
    agents.mkdir()
    shutil.copy(Path(__file__).with_name("fence_keys"), agents)
    try:
        yield Cluster(lab, options=("--fence-dir", str(agents))).start()
    finally:
        lab.down()


@pytest.fixture
def remote(cluster: Cluster) -> Remote:
    made = Remote(cluster, cluster.client)
    text = SCRIPT.format(address=cluster.client.ip)
    cluster.crm(cluster.hosts[0], "configure", text=text)
    cluster.eventually("it runs on the remote node", made.runs, 30)
    cluster.eventually("idle", cluster.is_idle, 30)
    return made


def holder(cluster: Cluster) -> Any:
    """The host that is connected to the remote node, as the status says."""
    root = cluster.cib().root
    for state in root.iterfind("status/node_state"):
        last = state.find(".//lrm_rsc_op[@id='r1_last_0']")
        watched = state.find(".//lrm_rsc_op[@id='r1_monitor_2000']")
        is_up = (
            last is not None and last.get("operation") != "stop" and state.get("crmd") == "online"
        )
        if is_up and watched is not None and watched.get("rc-code") == "0":
            return next(h for h in cluster.hosts if h.name == state.get("uname"))
    return None


def history(cluster: Cluster) -> dict[str, str]:
    found = cluster.cib().root.xpath("//node_state[@id='r1']//lrm_rsc_op[@id='db_last_0']")
    return dict(found[0].attrib) if found else {}


def test_a_remote_node_runs_a_resource_whoever_is_connected_to_it(
    cluster: Cluster, remote: Remote
) -> None:
    assert history(cluster)["operation"] == "start"
    assert "RemoteOnline: [ r1 ]" in cluster.crm(cluster.hosts[0], "status")
    started = remote.state.stat().st_mtime_ns

    # A program on the remote node asks the cluster: the attribute is the remote node's own.
    tools = "/run/crmshell/bin"
    asked = remote.host.run(f"{tools}/crm_attribute -l reboot -n colour -v blue", wd=PROJECT)
    assert asked.returncode == 0, asked.stdout
    asked = remote.host.run(f"{tools}/crm_attribute -l reboot -n colour -q", wd=PROJECT)
    assert asked.stdout.strip() == "blue"
    pairs = cluster.cib().root.xpath("//node_state[@id='r1']/transient_attributes//nvpair/@value")
    assert pairs == ["blue"]

    # The connection moves: nothing on the remote node notices.
    first = holder(cluster)
    cluster.crm(cluster.hosts[0], "node", "standby", first.name)
    cluster.eventually("connected from elsewhere", lambda: holder(cluster) not in (None, first), 30)
    cluster.eventually("idle", cluster.is_idle, 30)
    assert remote.state.stat().st_mtime_ns == started

    # The node that is connected loses its power: another one connects.
    second = holder(cluster)
    cluster.lab.cut(second)
    second.kill()
    cluster.lab.heal()
    cluster.eventually("connected again", lambda: holder(cluster) not in (None, second), 40)
    cluster.eventually("idle", cluster.is_idle, 30)
    assert remote.state.stat().st_mtime_ns == started

    # Its own resource fails and is recovered there.
    remote.state.unlink()
    cluster.eventually("recovered", remote.runs, 30)
    cluster.eventually("idle", cluster.is_idle, 30)

    # Taken out of the configuration it is stopped, and the cluster comes to rest.
    cluster.crm(cluster.alive()[0], "-F", "configure", text="delete db\ndelete r1\ncommit\n")
    cluster.eventually("stopped", lambda: not remote.runs(), 30)
    cluster.eventually("idle", cluster.is_idle, 30)
    before = cluster.ask(cluster.alive()[0], "status")["controller"]["transition"]
    cluster.crm(cluster.alive()[0], "status")
    assert cluster.ask(cluster.alive()[0], "status")["controller"]["transition"] == before


@pytest.mark.services
def test_an_agent_that_is_restarted_takes_its_connection_up_again(
    cluster: Cluster, remote: Remote
) -> None:
    started = remote.state.stat().st_mtime_ns
    host = holder(cluster)
    cluster.log[host.name].kill()
    cluster.start_agent(host)
    cluster.eventually("whole", cluster.is_whole, 30)
    cluster.eventually("connected", lambda: holder(cluster) is not None, 30)
    cluster.eventually("idle", cluster.is_idle, 30)
    assert remote.state.stat().st_mtime_ns == started
    failed = cluster.cib().root.xpath("//lrm_rsc_op[@id='r1_last_failure_0']")
    assert failed == []
    remote.state.unlink()
    cluster.eventually("watched", remote.runs, 30)


FENCED = """\
property stonith-enabled=true
primitive switch stonith:fence_keys params storage={storage} pcmk_host_list=r1 op monitor interval=20s
primitive r1 ocf:pacemaker:remote params server={address} op start timeout=10s op monitor interval=1s timeout=2s
primitive db ocf:heartbeat:Dummy op monitor interval=2s timeout=20s
location db-there db 100: r1
commit
"""


@pytest.mark.services
def test_a_lost_remote_node_is_fenced_before_its_resource_starts_elsewhere(
    cluster: Cluster, tmp_path: Path
) -> None:
    other = str(tmp_path / "other.key")
    subprocess.run([PYTHON, "-m", "engine", "--make-key", other], check=True, cwd=PROJECT)
    remote = Remote(cluster, cluster.client, key=other)
    text = FENCED.format(address=cluster.client.ip, storage=tmp_path / "storage")
    cluster.crm(cluster.hosts[0], "-F", "configure", text=text)  # an agent that only the lab has
    # With another key it is refused, and the cluster goes on without it.
    cluster.eventually("it runs elsewhere", lambda: cluster.runners("db"), 30)
    cluster.eventually("idle", cluster.is_idle, 30)
    failed = cluster.cib().root.xpath("//lrm_rsc_op[@id='r1_last_failure_0']")
    assert failed
    assert {entry.get("rc-code") for entry in failed} == {"2"}
    assert not remote.runs()

    remote.process.kill()
    remote.start()
    cluster.crm(cluster.hosts[0], "resource", "cleanup", "r1")
    cluster.eventually("it runs there", remote.runs, 30)
    cluster.eventually("idle", cluster.is_idle, 30)
    assert cluster.runners("db") == []

    log = tmp_path / "storage/log"
    before = log.read_text() if log.exists() else ""
    cluster.lab.cut(remote.host)
    remote.host.kill()
    cluster.lab.heal()
    cluster.eventually("recovered", lambda: cluster.runners("db"), 40)
    assert log.read_text().removeprefix(before).splitlines() == ["off r1"]
    states = cluster.cib().root.xpath("//node_state[@id='r1']/@node_fenced")
    assert int(states[0]) > 0

    remote.host.boot()
    remote.start()
    cluster.crm(cluster.hosts[0], "resource", "cleanup", "r1")
    cluster.eventually("back", remote.runs, 40)
    cluster.eventually("idle", cluster.is_idle, 30)

    # Asked to stop, it lets the cluster take everything away first.
    remote.process.signal(15)
    cluster.eventually("moved", lambda: cluster.runners("db"), 30)
    assert remote.process.wait(30) == 0
    assert not remote.runs()
    assert log.read_text().removeprefix(before).splitlines() == ["off r1"]
