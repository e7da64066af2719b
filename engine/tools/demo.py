"""A cluster to look at: three node agents on loopback, real agents, one node lost, its services moved.

`--interactive` leaves the user in the shell on that cluster instead of killing anything; as root the
nodes are then hosts with a network of their own (demo_hosts.py). Leaves nothing behind: everything
lives in one temporary folder.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.base.errors import EngineError
from engine.cib.document import Cib
from engine.ipc.client import Client
from engine.ipc.messages import socket_path
from engine.tools import demo_hosts

NODES = ("node1", "node2", "node3")
AGENT = "/usr/lib/ocf/resource.d/heartbeat/Dummy"
START_SECONDS = 20.0
MOVE_SECONDS = 30.0
EXAMPLE = """\
property stonith-enabled=false
primitive address ocf:heartbeat:Dummy op monitor interval=5s timeout=20s
primitive server ocf:pacemaker:Dummy op monitor interval=5s timeout=20s
group web address server
rsc_defaults resource-stickiness=100
"""


class DemoError(Exception):
    """The demonstration cannot go on; the text says why."""


@dataclass(slots=True)
class DemoNode:
    """One agent: where it lives and its process."""

    name: str
    root: str
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        return f"{self.root}/agent.log"

    def ask(self, kind: str) -> dict[str, object]:
        with Client(socket_path(self.root)) as client:
            return client.demand(kind)


class DemoCluster:
    """Three agents below one folder, on 127.0.0.1 or each in a network namespace of its own."""

    def __init__(self, folder: str, *, hosts: bool = False) -> None:
        self.folder = folder
        self.hosts = hosts
        self.nodes: list[DemoNode] = []

    def start(self) -> None:
        """Start all agents and wait until they are one cluster."""
        if self.hosts:
            demo_hosts.make_network(NODES)
            places = [demo_hosts.address(number) for number in range(1, len(NODES) + 1)]
        else:
            places = [f"127.0.0.1:{port}" for port in _free_ports(len(NODES))]
        peers = ",".join(
            f"{name}={number}@{place}"
            for number, (name, place) in enumerate(zip(NODES, places, strict=True), 1)
        )
        key = f"{self.folder}/cluster.key"
        _run([sys.executable, "-m", "engine", "--make-key", key])
        for number, name in enumerate(NODES, 1):
            root = f"{self.folder}/{name}"
            os.makedirs(root)
            argv = [sys.executable, "-m", "engine", "--foreground", "--root", root, "--key", key]
            argv += ["--name", name, "--id", str(number), "--cluster", "demo", "--peers", peers]
            if self.hosts:
                argv = demo_hosts.on_host(name, argv)
            with open(f"{root}/agent.log", "wb") as log:
                process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
            self.nodes.append(DemoNode(name, root, process))
        _wait("the three nodes form a cluster", START_SECONDS, self._is_formed)

    def where(self, resource: str) -> str:
        """The node that runs a resource by the history, "" when none does."""
        for node in self.alive:
            try:
                reply = node.ask("status")
            except EngineError:
                continue
            cib = reply["cib"]
            if isinstance(cib, bytes):
                return _running_on(Cib.from_bytes(cib), resource)
        return ""

    @property
    def alive(self) -> list[DemoNode]:
        return [node for node in self.nodes if node.process.poll() is None]

    def power_off(self, name: str) -> None:
        """Kill the agent, and forget everything that a machine forgets without power."""
        [victim] = [node for node in self.nodes if node.name == name]
        victim.process.send_signal(signal.SIGKILL)
        victim.process.wait()
        shutil.rmtree(f"{victim.root}/run", ignore_errors=True)

    def stop(self) -> None:
        for node in self.alive:
            node.process.send_signal(signal.SIGKILL)
        for node in self.nodes:
            node.process.wait()

    def _is_formed(self) -> bool:
        for node in self.nodes:
            if node.process.poll() is not None:
                raise DemoError(f"{node.name} ended:\n{_tail(node.log)}")
        try:
            replies = [node.ask("status") for node in self.nodes]
        except EngineError:
            return False
        return all(reply["quorate"] and reply["members"] == list(NODES) for reply in replies)


def main(arguments: Sequence[str] | None = None) -> int:
    """The demonstration; 0 when the services moved."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--interactive", action="store_true", help="stay in the shell")
    parser.add_argument("--inside", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not os.path.exists(AGENT):
        _say(f"demo: {AGENT} is missing; install the package resource-agents")
        return 5
    if options.inside:
        return _run_demo(DemoCluster(options.inside, hosts=True), interactive=True)
    folder = tempfile.mkdtemp(prefix="crm-demo-")
    try:
        if options.interactive and not (why := demo_hosts.why_not()):
            return demo_hosts.in_own_namespaces(folder)
        if options.interactive:
            _say(f"demo: {why}: the nodes share this machine's network, so addresses (IPaddr2) and")
            _say("demo: servers on ports of the system (nginx) cannot be shown; Dummy agents can\n")
        return _run_demo(DemoCluster(folder), interactive=options.interactive)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_demo(cluster: DemoCluster, *, interactive: bool) -> int:
    try:
        if interactive:
            return _stay(cluster)
        return _show(cluster)
    except (DemoError, EngineError) as problem:
        _say(f"demo: {problem}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        cluster.stop()


def _show(cluster: DemoCluster) -> int:
    _begin(cluster)
    _say("\n$ crm status")
    _crm(cluster.nodes[0], ["status"])
    victim = cluster.where("server")
    _say(f"\n--- the power of {victim} fails")
    started = time.monotonic()
    cluster.power_off(victim)
    _wait(
        "the services run on another node",
        MOVE_SECONDS,
        lambda: cluster.where("server") not in ("", victim),
    )
    seconds = time.monotonic() - started
    survivor = cluster.alive[0]
    _say(f"--- {cluster.where('server')} took over after {seconds:.1f} s. Why, in its own words:")
    for node in cluster.alive:
        for line in _story(node.log, victim):
            _say(f"    {node.name}: {line}")
    _say("\n$ crm status")
    _crm(survivor, ["status"])
    _say("\nNext: `make run` gives you a shell on such a cluster; try there: node standby node1")
    return 0


def _stay(cluster: DemoCluster) -> int:
    _begin(cluster)
    _say("\nThe shell of node1. Try: status, configure show, node standby node1, ra info Dummy")
    if cluster.hosts:
        _say(
            f"The nodes have the addresses {demo_hosts.address(1)} to {demo_hosts.address(len(NODES))}; nothing of "
            "this is seen outside."
        )
    _say(f"Logs: {cluster.folder}/node*/agent.log. The cluster ends with the shell.\n")
    # Ctrl-C is for the command that runs in the shell; a handler, unlike "ignore", is not inherited.
    signal.signal(signal.SIGINT, lambda *_: None)
    return _crm(cluster.nodes[0], [])


def _begin(cluster: DemoCluster) -> None:
    _say("--- three node agents on this machine, each below a folder of its own")
    cluster.start()
    _say("--- the configuration:\n" + "".join(f"    {line}\n" for line in EXAMPLE.splitlines()))
    if _crm(cluster.nodes[0], ["configure"], EXAMPLE):
        raise DemoError("the configuration was refused")
    _wait("the services run", MOVE_SECONDS, lambda: bool(cluster.where("server")))


def _crm(node: DemoNode, arguments: list[str], text: str | None = None) -> int:
    sys.stdout.flush()
    finished = subprocess.run(
        [sys.executable, "-m", "crmshell", *arguments],
        input=text.encode() if text is not None else None,
        env={**os.environ, "CRMSHELL_ROOT": node.root},
        check=False,
    )
    return finished.returncode


def _run(argv: list[str]) -> None:
    finished = subprocess.run(argv, check=False, capture_output=True, text=True)
    if finished.returncode:
        raise DemoError((finished.stderr or finished.stdout).strip())


def _running_on(cib: Cib, resource: str) -> str:
    for state in cib.root.iterfind("status/node_state"):
        for entry in state.iterfind(f".//lrm_rsc_op[@id='{resource}_last_0']"):
            is_up = state.get("crmd") == "online" and entry.get("rc-code") == "0"
            if is_up and entry.get("operation") != "stop":
                return state.get("uname", "")
    return ""


def _story(log: str, victim: str) -> list[str]:
    """What an agent said after it lost the victim."""
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = [line.rstrip() for line in file]
    start = max((n for n, line in enumerate(lines) if "view lost" in line), default=len(lines))
    words = ("view lost", "view installed", "scheduling", "op=start", "transition complete")
    return [line for line in lines[start:] if any(word in line for word in words)]


def _tail(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join(file.readlines()[-10:])


def _free_ports(count: int) -> list[int]:
    """Ports that are free for TCP and UDP at this moment."""
    ports: list[int] = []
    while len(ports) < count:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
            stream.bind(("127.0.0.1", 0))
            port = stream.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
            try:
                datagram.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports


def _wait(what: str, seconds: float, is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            raise DemoError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.1)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
