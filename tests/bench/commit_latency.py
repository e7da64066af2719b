"""How long a commit takes to its acknowledgement: three agents on loopback, fsynced on all three.

    python -m tests.bench.commit_latency [--primitives 1000] [--commits 100]

Prints the times with and without a large configuration; nothing is asserted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from lxml import etree

from engine.cib.document import Cib
from engine.cib.patch import diff, patch_to_bytes
from engine.ipc.client import Client
from engine.ipc.messages import socket_path
from tests.cluster.test_loopback import Host, Loop


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--primitives", type=int, default=1000)
    parser.add_argument("--commits", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(Path(folder), "78.90")
        loop.start(*loop.hosts)
        try:
            loop.settle()
            for size in (0, given.primitives):
                fill(loop.hosts[0], size)
                for where, host in (("DC", loop.dc()), ("other", other_than(loop, loop.dc()))):
                    report(f"{size} primitives, at the {where}", measure(host, given.commits))
        finally:
            loop.stop()
    return 0


def other_than(loop: Loop, dc: Host) -> Host:
    return next(host for host in loop.hosts if host is not dc)


def submit_tree(client: Client, reply: dict[str, Any], old: Cib, new: Cib) -> dict[str, Any]:
    patch = patch_to_bytes(diff(old.root, new.root))
    return client.demand("submit", request_id=uuid.uuid4().hex, base=reply["epoch"], patch=patch)


def fill(host: Host, count: int) -> None:
    """Stopped primitives with an operation each, in one commit."""
    with Client(socket_path(str(host.folder))) as client:
        reply = client.demand("cib", scope="configuration")
        old = Cib.from_bytes(reply["cib"])
        new = old.copy()
        for number in range(count):
            add_primitive(new, f"filler-{number}")
        if count:
            submit_tree(client, reply, old, new)


def add_primitive(cib: Cib, name: str) -> None:
    primitive = etree.SubElement(cib.section("resources"), "primitive", id=name)
    for key, value in (("class", "ocf"), ("provider", "pacemaker"), ("type", "Dummy")):
        primitive.set(key, value)
    meta = etree.SubElement(primitive, "meta_attributes", id=f"{name}-m")
    etree.SubElement(meta, "nvpair", id=f"{name}-r", name="is-managed", value="false")


def measure(host: Host, commits: int) -> list[float]:
    """Milliseconds from sending each change to its acknowledgement."""
    times = []
    with Client(socket_path(str(host.folder))) as client:
        for number in range(commits):
            reply = client.demand("cib", scope="configuration")
            old = Cib.from_bytes(reply["cib"])
            new = old.copy()
            options = new.section("crm_config")
            found = options.find("cluster_property_set[@id='bench']")
            if found is None:
                found = etree.SubElement(options, "cluster_property_set", id="bench")
                etree.SubElement(found, "nvpair", id="bench-n", name="bench", value="")
            found[0].set("value", f"{number}-{time.time()}")
            began = time.perf_counter()
            submit_tree(client, reply, old, new)
            times.append((time.perf_counter() - began) * 1000)
            time.sleep(0.05)
    return sorted(times)


def report(what: str, times: list[float]) -> None:
    p50, p99 = times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]
    print(f"{what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {times[-1]:.1f} ms")


if __name__ == "__main__":
    sys.exit(main())
