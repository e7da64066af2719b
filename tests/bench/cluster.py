"""What a running cluster takes for ordinary work: three agents on loopback, real agents of Dummies.

    python -m tests.bench.cluster [--resources 100] [--provider heartbeat] [--dead-time 3650ms]

Prints cold start, idle processor use, memory, the time until all resources run, and a standby.
Nothing is asserted; what else the machine does is in the figures.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from lxml import etree

from engine.cib.document import Cib
from engine.cib.edits import set_property
from engine.cib.patch import diff, patch_to_bytes
from engine.ipc.client import Client
from engine.ipc.messages import socket_path
from tests.cluster import test_loopback
from tests.cluster.test_loopback import Host, Loop

IDLE_SECONDS = 20.0
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--resources", type=int, default=100)
    parser.add_argument("--provider", default="heartbeat")
    parser.add_argument("--dead-time", default="3650ms")
    given = parser.parse_args()
    test_loopback.DEAD_TIME = given.dead_time
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(Path(folder), "78.92")
        began = time.monotonic()
        loop.start(*loop.hosts)
        try:
            loop.until("a controller acts", lambda: any(acts(host) for host in loop.hosts))
            print(f"cold start to a controller that acts: {time.monotonic() - began:.2f} s")
            loop.settle()
            measure(loop, Path(folder), given.resources, given.provider)
        finally:
            loop.stop()
    return 0


def acts(host: Host) -> bool:
    return any(word in host.log() for word in ("idle transition", "transition complete"))


def measure(loop: Loop, folder: Path, count: int, provider: str) -> None:
    with Client(socket_path(str(loop.hosts[0].folder))) as client:
        wait(client)
        time.sleep(2)
        print("idle: " + processor(loop, lambda: time.sleep(IDLE_SECONDS)))

        def start() -> None:
            began = time.monotonic()
            change(client, lambda cib: add_dummies(cib, folder, count, provider))
            while len(list(folder.glob("state-*"))) < count:
                time.sleep(0.01)
            took = time.monotonic() - began
            print(f"{count} Dummies from commit to all started: {took:.2f} s")
            wait(client)
            print(f"{count} Dummies from commit to idle: {time.monotonic() - began:.2f} s")

        print("for that: " + processor(loop, start))
        print("memory: " + ", ".join(f"{memory(host):.0f} MB" for host in loop.hosts))
        began = time.monotonic()
        change(client, set_standby)
        time.sleep(0.06)
        wait(client)
        print(f"standby of one node to idle: {time.monotonic() - began:.2f} s")


def change(client: Client, edit: Callable[[Cib], None]) -> None:
    reply = client.demand("cib", scope="configuration")
    old = Cib.from_bytes(reply["cib"])
    new = old.copy()
    edit(new)
    patch = patch_to_bytes(diff(old.root, new.root))
    client.demand("submit", 60, request_id=uuid.uuid4().hex, base=reply["epoch"], patch=patch)


def add_dummies(cib: Cib, folder: Path, count: int, provider: str) -> None:
    set_property(cib, "stonith-enabled", "false")
    for number in range(count):
        name = f"d{number}"
        primitive = etree.SubElement(cib.section("resources"), "primitive", id=name)
        for key, value in (("class", "ocf"), ("provider", provider), ("type", "Dummy")):
            primitive.set(key, value)
        values = etree.SubElement(primitive, "instance_attributes", id=f"{name}-i")
        state = str(folder / f"state-{name}")
        etree.SubElement(values, "nvpair", id=f"{name}-s", name="state", value=state)
        operations = etree.SubElement(primitive, "operations")
        etree.SubElement(operations, "op", id=f"{name}-m", name="monitor", interval="10s")


def set_standby(cib: Cib) -> None:
    node = cib.section("nodes").findall("node")[1]
    values = etree.SubElement(node, "instance_attributes", id="bench-sb")
    etree.SubElement(values, "nvpair", id="bench-sb-v", name="standby", value="on")


def wait(client: Client) -> None:
    client.demand("wait", 130, timeout=120)


# ---- what processes take


def processor(loop: Loop, work: Callable[[], None]) -> str:
    """The processor time of the agents and their workers, without what they start for resources."""
    pids = [pid for host in loop.hosts for pid in daemons(host)]
    before, began = [seconds(pid) for pid in pids], time.monotonic()
    work()
    used = [seconds(pid) - old for pid, old in zip(pids, before, strict=True)]
    took = time.monotonic() - began
    return (
        f"{sum(used):.2f} s of processor, {100 * sum(used) / took / len(loop.hosts):.2f} % a node"
    )


def daemons(host: Host) -> list[int]:
    """The agent and its workers."""
    if host.process is None:
        return []
    agent = host.process.pid
    children = Path(f"/proc/{agent}/task/{agent}/children").read_text().split()
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return [agent, *(pid for pid, command in commands.items() if b"engine.edges" in command)]


def seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(host: Host) -> float:
    """Resident megabytes of agent and workers; pages that they share count for each."""
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in daemons(host)]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main())
