"""One real agent and real resource agents: what a changed parameter does to a running resource."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import etree

from engine.base.errors import EngineError
from engine.cib.document import Cib
from engine.cib.patch import diff, patch_to_bytes
from engine.ipc.client import Client
from engine.ipc.messages import socket_path

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

PROJECT = Path(__file__).resolve().parents[2]


class Single:
    """A cluster of one, without a network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "first.state"
        with socket.socket() as probe:
            # An address of its own, so that another run on this machine is not in the way.
            probe.bind(("127.0.0.1", 0))
            number = probe.getsockname()[1]
        address = f"127.{number >> 8 & 127 | 64}.{number & 255}.1"
        argv = [sys.executable, "-m", "engine", "--foreground", "--root", str(folder)]
        with (folder / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*argv, "--name", "n1", "--cluster", "one", "--peers", f"n1=1@{address}"],
                cwd=PROJECT,
                stdout=log,
                stderr=log,
            )

    def client(self) -> Client:
        return Client(socket_path(str(self.folder)))

    def is_ready(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.request("status", 10).get("quorate"))
        except EngineError:
            return False

    def change(self, edit: Callable[[etree._Element], None]) -> None:
        """Commit a change of the configuration."""
        with self.client() as client:
            reply = client.request("cib", 10, scope="configuration")
            old = Cib.from_bytes(reply["cib"])
            new = old.copy()
            edit(new.root)
            answer = client.request(
                "submit",
                20,
                request_id=uuid.uuid4().hex,
                base=reply["epoch"],
                patch=patch_to_bytes(diff(old.root, new.root)),
                user="test",
            )
        assert answer["ok"], answer

    def log(self) -> str:
        return (self.folder / "agent.log").read_text()

    def done(self) -> list[str]:
        """The operations that had a result so far, but for probes and monitors."""
        found = re.findall(r"\brsc=dummy op=(\S+) interval=0", self.log())
        return [name for name in found if name != "monitor"]

    def until(self, what: str, condition: Callable[[], bool], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{self.log()}"
            time.sleep(0.05)

    def settle(self) -> None:
        """Wait until nothing is left to be done."""
        with self.client() as client:
            assert client.request("wait", 100, timeout=90).get("idle")

    def identity(self) -> tuple[int, int]:
        """Of the file that the agent makes at a start and removes at a stop."""
        found = os.stat(self.state)
        return (found.st_ino, found.st_mtime_ns)


def set_parameter(name: str, value: str) -> Callable[[etree._Element], None]:
    def edit(root: etree._Element) -> None:
        [pair] = [found for found in root.iter("nvpair") if found.get("id") == f"dummy-{name}"]
        pair.set("value", value)

    return edit


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Single]:
    made = Single(tmp_path)
    try:
        made.until("an answer", made.is_ready)
        yield made
    finally:
        made.process.send_signal(signal.SIGKILL)
        made.process.wait(10)


@pytest.mark.parametrize("provider", ["pacemaker", "heartbeat"])
def test_a_reloadable_parameter_reloads_and_another_restarts(node: Single, provider: str) -> None:
    """The agent of `pacemaker` follows OCF 1.1, that of `heartbeat` OCF 1.0."""

    def create(root: etree._Element) -> None:
        [resources] = root.iter("resources")
        [options] = root.iter("crm_config")
        properties = etree.SubElement(options, "cluster_property_set", id="options")
        etree.SubElement(
            properties, "nvpair", id="no-fencing", name="stonith-enabled", value="false"
        )
        primitive = etree.SubElement(resources, "primitive", id="dummy", type="Dummy")
        primitive.set("class", "ocf")
        primitive.set("provider", provider)
        values = etree.SubElement(primitive, "instance_attributes", id="dummy-values")
        for name, value in (("state", str(node.state)), ("fake", "one")):
            etree.SubElement(values, "nvpair", id=f"dummy-{name}", name=name, value=value)
        meta = etree.SubElement(primitive, "meta_attributes", id="dummy-meta")
        etree.SubElement(meta, "nvpair", id="dummy-role", name="target-role", value="Stopped")
        operations = etree.SubElement(primitive, "operations")
        monitor = etree.SubElement(operations, "op", id="dummy-monitor", name="monitor")
        monitor.set("interval", "5s")

    # The agent tells what it can reload beside the probe, so the start comes later.
    node.change(create)
    node.until("a probe", lambda: "rsc=dummy op=monitor interval=0" in node.log())
    node.until("what can be reloaded", lambda: "meta-data known" in node.log())
    node.settle()
    node.change(set_parameter("role", "Started"))
    node.until("a start", lambda: node.done() == ["start"])
    node.settle()
    before = node.identity()

    node.change(set_parameter("fake", "two"))
    node.until("a reload", lambda: node.done() == ["start", "reload-agent"])
    node.settle()
    assert node.identity() == before, "it was running all the time"

    node.change(set_parameter("state", str(node.folder / "second.state")))
    node.until("a restart", lambda: node.done() == ["start", "reload-agent", "stop", "start"])
    node.settle()
    assert (node.folder / "second.state").exists()
    assert not node.state.exists(), "it was stopped with the parameters that it was started with"
