"""Three agents as ordinary processes on loopback: killed, cut off, wiped, and back again.

Needs neither root nor namespaces: each host is an address of 127.0.0.0/8 and a folder, the network is
cut by the agents' own test hook. What is asked is asked through each agent's socket.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.nodeconf import Address, NodeConfig, PeerConfig, node_config_to_text
from engine.cib.document import Cib
from engine.cib.patch import diff, patch_to_bytes
from engine.ipc.client import Client
from engine.ipc.messages import socket_path
from tests.cluster.patience import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

PROJECT = Path(__file__).resolve().parents[2]
DEAD_TIME = "1500ms"


class Host:
    """One agent, its folder and its address."""

    def __init__(self, folder: Path, name: str, number: int, network: str) -> None:
        self.folder, self.name, self.number = folder / name, name, number
        self.ip = f"127.{network}.{number}"
        self.drop = self.folder / "drop.json"
        self.process: subprocess.Popen[bytes] | None = None
        self.folder.mkdir()

    def start(self, peers: str, key: Path) -> None:
        more = ["--name", self.name, "--cluster", "loop", "--peers", peers]
        self._spawn(key, *more, "--dead-time", DEAD_TIME)

    def start_by_file(self, key: Path) -> None:
        """Everything is in the node file below the host's folder."""
        self._spawn(key)

    def _spawn(self, key: Path, *more: str) -> None:
        argv = [sys.executable, "-m", "engine", "--foreground", "--root", str(self.folder)]
        with (self.folder / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*argv, "--key", str(key), *more],
                cwd=PROJECT,
                env={**os.environ, "TESTHOST_DROP": str(self.drop)},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """kill -9: nothing is said to anybody."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(60)
            self.process = None

    def ask(self, kind: str, timeout: float = 40, **fields: Any) -> dict[str, Any]:
        with Client(socket_path(str(self.folder))) as client:
            return client.request(kind, timeout, **fields)

    def status(self) -> dict[str, Any]:
        try:
            return self.ask("status")
        except EngineError:
            return {}

    def cib(self) -> Cib:
        return Cib.from_bytes(self.ask("cib", scope="configuration")["cib"])

    def log(self) -> str:
        return (self.folder / "agent.log").read_text()


class Loop:
    """The cluster."""

    def __init__(self, folder: Path, network: str) -> None:
        self.key = folder / "cluster.key"
        argv = [sys.executable, "-m", "engine", "--make-key", str(self.key)]
        subprocess.run(argv, check=True, cwd=PROJECT)
        self.hosts = [Host(folder, f"n{number}", number, network) for number in (1, 2, 3)]
        self.peers = ",".join(f"{h.name}={h.number}@{h.ip}:5436" for h in self.hosts)

    def start(self, *hosts: Host) -> None:
        for host in hosts:
            host.start(self.peers, self.key)

    def stop(self) -> None:
        for host in self.hosts:
            host.kill()

    def alive(self) -> list[Host]:
        return [host for host in self.hosts if host.process is not None]

    def cut(self, *side: Host) -> None:
        """Cut these hosts off from the others."""
        for host in self.hosts:
            others = [h.ip for h in self.hosts if (h in side) != (host in side)]
            host.drop.write_text(json.dumps(others))

    def heal(self) -> None:
        for host in self.hosts:
            host.drop.write_text("[]")

    def until(self, what: str, condition: Callable[[], bool], seconds: float = 30) -> None:
        text = f"not within {seconds:g} s of an idle machine: {what}"
        assert wait_until(condition, seconds) is not None, text

    def is_one_view_of(self, hosts: list[Host]) -> bool:
        names = [host.name for host in hosts]
        found = [host.status() for host in hosts]
        return (
            all(state.get("members") == names and state.get("quorate") for state in found)
            and len({state["dc"] for state in found}) == 1
            and all(state.get("durable") == names for state in found)
        )

    def settle(self) -> None:
        alive = self.alive()
        self.until("one view", lambda: self.is_one_view_of(alive), 45)

    def dc(self) -> Host:
        name = self.alive()[0].status()["dc"]
        return next(host for host in self.hosts if host.name == name)

    def states(self) -> list[tuple[Any, str]]:
        """Epoch and digest of the configuration on each live node."""
        found = []
        for host in self.alive():
            reply = host.ask("cib", scope="configuration")
            text = etree.tostring(Cib.from_bytes(reply["cib"]).configuration, method="c14n")
            found.append((reply["epoch"][:2], hashlib.sha256(text).hexdigest()))
        return found

    def until_equal(self) -> None:
        self.until("equal replicas", lambda: len({repr(s) for s in self.states()}) == 1)


def submit(host: Host, name: str, request: str = "", timeout: float = 60) -> dict[str, Any]:
    """Commit one stopped primitive of that name by way of this host."""
    reply = host.ask("cib", scope="configuration")
    old = Cib.from_bytes(reply["cib"])
    new = old.copy()
    primitive = etree.SubElement(new.section("resources"), "primitive", id=name)
    for key, value in (("class", "ocf"), ("provider", "pacemaker"), ("type", "Dummy")):
        primitive.set(key, value)
    meta = etree.SubElement(primitive, "meta_attributes", id=f"{name}-meta")
    etree.SubElement(meta, "nvpair", id=f"{name}-role", name="target-role", value="Stopped")
    patch = patch_to_bytes(diff(old.root, new.root))
    request = request or uuid.uuid4().hex
    return host.ask(
        "submit", timeout, request_id=request, base=reply["epoch"], patch=patch, user="test"
    )


def names(host: Host) -> list[str]:
    return [str(found.get("id")) for found in host.cib().root.iter("primitive")]


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    made = Loop(tmp_path_factory.mktemp("loop"), f"{number >> 8 & 127 | 64}.{number & 255}")
    made.start(*made.hosts)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def whole(loop: Loop) -> None:
    """The test begins with three agents in one view."""
    loop.heal()
    loop.start(*[host for host in loop.hosts if host.process is None])
    loop.settle()


@pytest.mark.usefixtures("whole")
def test_a_commit_is_on_all_three_nodes_when_it_is_acknowledged(loop: Loop) -> None:
    answer = submit(loop.hosts[2], "everywhere")
    assert answer["ok"], answer
    assert (sorted(answer["durable"]), answer["of"]) == (["n1", "n2", "n3"], 3)
    loop.until_equal()
    assert all("everywhere" in names(host) for host in loop.hosts)


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("victim", ["the DC", "another"])
def test_a_killed_node_is_survived_and_catches_up_when_it_returns(loop: Loop, victim: str) -> None:
    dc = loop.dc()
    host = dc if victim == "the DC" else next(h for h in loop.hosts if h is not dc)
    host.kill()
    loop.settle()
    for number in range(3):
        answer = submit(loop.alive()[number % 2], f"{host.name}-{victim[-2:]}-{number}")
        assert answer["ok"], answer
        assert len(answer["durable"]) == 2
    loop.start(host)
    loop.settle()
    loop.until_equal()
    assert f"{host.name}-{victim[-2:]}-2" in names(host)


@pytest.mark.usefixtures("whole")
def test_the_transitions_of_every_dc_are_shown_by_any_node(loop: Loop) -> None:
    first = loop.dc()
    assert submit(first, "of-the-first-dc")["ok"]
    loop.until("a transition", lambda: bool(first.ask("wait", 60).get("idle")))
    first.kill()
    loop.settle()
    second = loop.dc()
    assert submit(second, "of-the-second-dc")["ok"]
    loop.until("a transition", lambda: bool(second.ask("wait", 60).get("idle")))
    loop.start(first)
    loop.settle()
    asked = next(host for host in loop.hosts if host is not loop.dc())
    listed = asked.ask("transitions")["transitions"]
    assert {first.name, second.name} <= {item["node"] for item in listed}
    numbers = [item["number"] for item in listed]
    assert len(set(numbers)) == len(numbers)
    oldest = next(item for item in listed if item["node"] == first.name)
    found = asked.ask("transition", number=oldest["number"], node=first.name)
    assert Cib.from_bytes(found["input"]).root.tag == "cib"
    nothing = asked.ask("transition", number=10**6)
    assert nothing["error"] == "there is no transition 1000000"


@pytest.mark.usefixtures("whole")
def test_power_loss_of_all_loses_no_acknowledged_commit(loop: Loop) -> None:
    acknowledged = []
    for number in range(5):
        answer = submit(loop.hosts[number % 3], f"kept-{number}")
        assert answer["ok"], answer
        acknowledged.append(f"kept-{number}")
    time.sleep(3)  # what is committed is written to each disk a moment after it was acknowledged
    for host in loop.hosts:
        host.kill()
    first, *others = reversed(loop.hosts)
    loop.start(first)
    loop.until("an answer", lambda: bool(first.status()), 20)
    assert set(acknowledged) <= set(names(first)), "alone, it shows what it knows"
    refused = submit(first, "too-early", timeout=40)
    assert not refused["ok"]
    loop.start(*others)
    loop.settle()
    loop.until_equal()
    assert set(acknowledged) <= set(names(loop.hosts[0]))


@pytest.mark.usefixtures("whole")
def test_the_minority_refuses_changes_and_the_majority_goes_on(loop: Loop) -> None:
    alone = loop.dc()
    rest = [host for host in loop.hosts if host is not alone]
    loop.cut(alone)
    loop.until("majority", lambda: loop.is_one_view_of(rest), 45)
    loop.until("no quorum", lambda: alone.status().get("quorate") is False, 30)
    refused = submit(alone, "lonely")
    assert not refused["ok"]
    assert refused["status"] == ExitStatus.QUORUM
    assert "no quorum: 1 of 3 votes" in refused["error"]
    assert submit(rest[0], "majority")["ok"]
    loop.heal()
    loop.settle()
    loop.until_equal()
    assert "majority" in names(alone)
    assert "lonely" not in names(alone)


@pytest.mark.usefixtures("whole")
def test_a_node_whose_disk_was_replaced_gets_everything_again(loop: Loop) -> None:
    host = loop.hosts[1]
    assert submit(host, "before-wipe")["ok"]
    host.kill()
    shutil.rmtree(host.folder / "var/lib/crmshell/cib")
    loop.start(host)
    loop.settle()
    loop.until_equal()
    assert "before-wipe" in names(host)


@pytest.mark.usefixtures("whole")
def test_the_outcome_of_a_commit_is_known_after_its_dc_was_killed(loop: Loop) -> None:
    """The client asks again with the same id; the change happens once."""
    client = next(host for host in loop.hosts if host is not loop.dc())
    victim = loop.dc()
    request = uuid.uuid4().hex
    victim.process.send_signal(signal.SIGSTOP) if victim.process else None
    try:
        with pytest.raises(EngineError) as unknown:
            submit(client, "once", request, timeout=0.3)
        assert unknown.value.status == ExitStatus.TIMEOUT
    finally:
        victim.kill()
    loop.settle()

    def known() -> bool:
        return bool(client.ask("outcome", request_id=request).get("ok"))

    loop.until("the outcome", known, 30)
    assert names(client).count("once") == 1
    loop.start(victim)
    loop.settle()
    loop.until_equal()


@pytest.mark.usefixtures("whole")
def test_an_agent_with_another_key_changes_nothing(loop: Loop, tmp_path: Path) -> None:
    host = loop.hosts[0]
    host.kill()
    loop.settle()
    other = tmp_path / "other.key"
    argv = [sys.executable, "-m", "engine", "--make-key", str(other)]
    subprocess.run(argv, check=True, cwd=PROJECT)
    rest = loop.alive()
    host.start(loop.peers, other)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert all(host.name not in h.status().get("members", []) for h in rest)
        time.sleep(0.1)
    assert submit(rest[0], "undisturbed")["ok"]
    host.kill()


def node_file(host: Host, hosts: list[Host]) -> None:
    """What `crm cluster join` writes on each node: everybody by name, two nodes by their own rule."""
    peers = tuple(PeerConfig(h.name, h.number, (Address(h.ip),)) for h in hosts if h is not host)
    config = NodeConfig(
        host.name,
        host.number,
        "grow",
        addresses=(Address(host.ip),),
        peers=peers,
        two_node=len(hosts) == 2,
        dead_time=1500,
    )
    folder = host.folder / "etc/crmshell"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "node.conf").write_text(node_config_to_text(config))


def grow(loop: Loop, hosts: list[Host]) -> None:
    """Start these hosts, and no others, as one cluster."""
    for host in hosts:
        host.kill()
        node_file(host, hosts)
        host.start_by_file(loop.key)
    loop.until("one view", lambda: loop.is_one_view_of(hosts), 45)


NEVER_IN_FORCE = """property $id=weekend rule $id=never date lt 2001-01-01 stonith-enabled=false
property $id=cib-bootstrap-options stonith-enabled=true
"""


def test_fencing_switched_off_in_a_set_that_is_not_in_force_is_not_switched_off(
    tmp_path: Path,
) -> None:
    """Otherwise both halves of the pair would go on, each with a history of its own."""
    pair = Loop(tmp_path, f"{os.getpid() >> 8 & 63 | 64}.{os.getpid() & 255}")
    gone, left = pair.hosts[:2]
    try:
        grow(pair, [gone, left])
        script = tmp_path / "sets.crm"
        script.write_text(NEVER_IN_FORCE)
        loaded = run_tool(left, "crm", "-F", "configure", "load", "update", str(script))
        assert loaded.returncode == 0, loaded.stderr
        gone.kill()
        pair.until("alone", lambda: left.status().get("members") == ["n2"], 45)
        refused = submit(left, "untrusted")
        assert refused["status"] == ExitStatus.QUORUM
        assert refused["error"] == "no change before n1 is fenced (two_node)"
        assert "untrusted" not in names(left)
    finally:
        pair.stop()


def test_of_two_nodes_the_survivor_takes_changes_once_the_other_is_fenced(tmp_path: Path) -> None:
    pair = Loop(tmp_path, f"{os.getpid() >> 8 & 63 | 192}.{os.getpid() & 255}")
    gone, left = pair.hosts[:2]
    try:
        grow(pair, [gone, left])
        assert submit(left, "both")["ok"]
        gone.kill()
        pair.until("alone", lambda: left.status().get("members") == ["n2"], 45)
        refused = submit(left, "too-early")
        assert refused["status"] == ExitStatus.QUORUM
        assert refused["error"] == "no change before n1 is fenced (two_node)"
        confirmed = left.ask("confirm-fenced", 60, node="n1")
        assert confirmed["ok"], confirmed
        pair.until("a commit", lambda: bool(submit(left, "alone").get("ok")), 30)
        assert names(left).count("too-early") == 0
        gone.start_by_file(pair.key)
        pair.until("one view", lambda: pair.is_one_view_of([gone, left]), 45)
        pair.until_equal()
        assert "alone" in names(gone)
    finally:
        pair.stop()


def test_a_cluster_grows_from_one_node_to_three_and_keeps_its_configuration(
    tmp_path: Path,
) -> None:
    grown = Loop(tmp_path, f"{os.getpid() >> 8 & 63 | 128}.{os.getpid() & 255}")
    try:
        for size in (1, 2, 3):
            hosts = grown.hosts[:size]
            grow(grown, hosts)
            answer = submit(hosts[-1], f"size-{size}")
            assert answer["ok"], answer
            assert len(answer["durable"]) == size
        grown.until_equal()
        assert {"size-1", "size-2", "size-3"} <= set(names(grown.hosts[2]))
    finally:
        grown.stop()


def run_tool(host: Host, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """One of the project's commands, with the agent of this host as the running cluster."""
    return subprocess.run(
        [str(Path(sys.executable).with_name(name)), *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "CRMSHELL_ROOT": str(host.folder), "LC_ALL": "C"},
    )


@pytest.mark.usefixtures("whole")
def test_the_running_cluster_can_be_simulated_and_verified(loop: Loop, tmp_path: Path) -> None:
    host = loop.hosts[1]
    assert submit(host, "simulated")["ok"]

    shown = run_tool(host, "crm_simulate", "-L")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "    * Online: [ n1 n2 n3 ]\n" in shown.stdout
    assert "    * simulated\t(ocf:pacemaker:Dummy):\t Stopped (disabled)\n" in shown.stdout
    assert "Transition Summary" not in shown.stdout

    saved = tmp_path / "input.xml"
    played = run_tool(host, "crm_simulate", "-L", "-S", "-d", "n3", "-I", str(saved))
    assert played.returncode == 0
    assert "Performing Requested Modifications:\n  * Taking node n3 offline\n" in played.stdout
    _before, _between, after = played.stdout.partition("Revised Cluster Status:\n")
    assert "    * OFFLINE: [ n3 ]\n" in after
    assert run_tool(host, "crm_simulate", "-L").stdout == shown.stdout, "the cluster was touched"

    document = run_tool(host, "crm_simulate", "--live-check", "--output-as=xml")
    root = etree.fromstring(document.stdout.encode())
    assert [node.get("name") for node in root.iterfind("cluster_status/nodes/node")] == [
        "n1",
        "n2",
        "n3",
    ]

    live = run_tool(host, "crm_verify", "-L", "-V")
    stored = run_tool(host, "crm_verify", "-x", str(saved), "-V")
    assert live.returncode == stored.returncode
    assert live.stderr == stored.stderr
    assert "Traceback" not in live.stderr
