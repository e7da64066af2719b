"""How long the agents' event loops stand while a client sends large configurations.

    python -m tests.bench.stalls [--megabytes 1.2 5.9 16]

Three agents on loopback; prints, for each size, how long the answer took and the longest time that
each agent stood meanwhile. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
import uuid
from pathlib import Path

from engine.cib.document import Cib
from engine.ipc.client import Client
from engine.ipc.messages import socket_path
from tests.bench.commit_latency import add_primitive
from tests.cluster.test_loopback import Host, Loop

BYTES_PER_PRIMITIVE = 230


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=float, nargs="+", default=[1.2, 5.9, 15.9])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(Path(folder), "78.91")
        loop.start(*loop.hosts)
        try:
            loop.settle()
            for size in given.megabytes:
                report(loop, size)
        finally:
            loop.stop()
            for host in loop.hosts:
                slow = [line for line in host.log().splitlines() if "slow event" in line]
                print(host.name, *slow[-12:], sep="\n  ")
    return 0


def report(loop: Loop, megabytes: float) -> None:
    host = loop.hosts[0]
    with Client(socket_path(str(host.folder))) as client:
        reply = client.demand("cib", scope="configuration")
        wanted = Cib.from_bytes(reply["cib"])
        resources = wanted.section("resources")
        for child in list(resources):
            resources.remove(child)
        for number in range(int(megabytes * 1e6 / BYTES_PER_PRIMITIVE)):
            add_primitive(wanted, f"filler-{number}")
        text = wanted.to_bytes()
        for each in loop.hosts:
            stand(each)
        began = time.monotonic()
        answer = client.request(
            "submit", 120, request_id=uuid.uuid4().hex, base=reply["epoch"], replace=text
        )
        took = time.monotonic() - began
    at_answer = [stand(each) for each in loop.hosts]
    time.sleep(15)
    after = [stand(each) for each in loop.hosts]
    said = "ok" if answer["ok"] else answer["error"][:100]
    print(
        f"{len(text) / 1e6:.1f} MB: {said} in {took:.2f} s; longest stands"
        f" {shown(at_answer)} ms, within 15 s after {shown(after)} ms",
        flush=True,
    )


def shown(values: list[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in values)


def stand(host: Host) -> float:
    """Milliseconds since the last call."""
    text = host.ask("metrics")["text"]
    found = re.search(r"^crmshell_loop_stand_seconds (\S+)$", text, re.MULTILINE)
    return float(found.group(1)) * 1000 if found else -1.0


if __name__ == "__main__":
    sys.exit(main())
