"""Agents that hang, lie, shout or vanish: the operation's result is right and everybody else is served."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_steering import OneNode

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

MEGABYTE = 1024 * 1024
AGENT = """#!/bin/sh
state="{folder}/$OCF_RESOURCE_INSTANCE"
case "$1" in
meta-data)
    case "$OCF_RESOURCE_INSTANCE" in
        nonsense) echo 'no <XML at all'; exit 0;;
    esac
    echo '<resource-agent name="Bad" version="1.0"><version>1.1</version><parameters/><actions>'
    echo '<action name="start" timeout="5s"/><action name="stop" timeout="5s"/>'
    echo '<action name="monitor" timeout="5s" interval="1s"/></actions></resource-agent>'
    exit 0;;
stop) rm -f "$state"; exit 0;;
monitor)
    [ -e "$state" ] || exit 7
    case "$OCF_RESOURCE_INSTANCE" in
        deaf) [ -e "{folder}/wakes" ] || {{ trap '' TERM INT HUP; while :; do sleep 1; done; }};;
        pulse) echo beat >> "{folder}/beats";;
    esac
    exit 0;;
start)
    case "$OCF_RESOURCE_INSTANCE" in
        holder) touch "$state"; setsid sleep 300 & echo $! > "{folder}/held";;
        shouter) head -c 1500M /dev/zero; touch "$state";;
        binary) head -c 4096 /dev/urandom >&2; echo 'ocf-exit-reason:tired' >&2; exit 1;;
        odd) exit 213;;
        suicide) kill -KILL $$;;
        *) touch "$state";;
    esac
    exit 0;;
esac
exit 3
"""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[OneNode]:
    made = OneNode(tmp_path)
    agent = tmp_path / "ocf/resource.d/test/Bad"
    agent.write_text(AGENT.format(folder=tmp_path))
    agent.chmod(0o755)
    made.start()
    yield made
    made.kill()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(agent) in path.read_text():
                os.kill(int(path.parent.name), signal.SIGKILL)
    held = tmp_path / "held"
    if held.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(held.read_text()), signal.SIGKILL)


def entry(node: OneNode, resource: str, kind: str = "last_0") -> dict[str, str]:
    """The attributes of a history entry."""
    from engine.cib.document import Cib
    from engine.ipc.client import Client

    with Client(str(node.folder / "root/run/crmshell/admin.sock")) as client:
        cib = Cib.from_bytes(client.demand("status")["cib"])
    found = cib.root.xpath(f"//lrm_rsc_op[@id='{resource}_{kind}']")
    return dict(found[0].attrib) if found else {}


def memory(node: OneNode) -> int:
    """The most memory that the node agent ever had (bytes)."""
    assert node.process is not None
    for line in Path(f"/proc/{node.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def beats(node: OneNode) -> int:
    path = node.folder / "beats"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_bad_agents_harm_nobody_but_themselves(node: OneNode) -> None:
    names = ("pulse", "holder", "shouter", "binary", "odd", "suicide", "nonsense")
    script = "property stonith-enabled=false\nrsc_defaults migration-threshold=1\n" + "".join(
        f"primitive {name} ocf:test:Bad op start timeout=60s op monitor interval=1s timeout=5s\n"
        for name in names
    )
    node.do("-w", "configure", stdin=script + "commit\n")
    results = {name: entry(node, name, "last_failure_0") for name in ("binary", "odd", "suicide")}
    assert (results["binary"]["rc-code"], results["binary"]["exit-reason"]) == ("1", "tired")
    assert results["odd"]["rc-code"] == "213"
    assert "signal 9" in results["suicide"]["exit-reason"]
    for name in ("holder", "shouter", "nonsense", "pulse"):
        assert node.runs(name), name
        assert entry(node, name, "monitor_1000")["rc-code"] == "0"
    assert memory(node) < 400 * MEGABYTE

    # A monitor that hangs and does not hear SIGTERM: timed out, killed, and the others go on meanwhile.
    before = beats(node)
    script = "primitive deaf ocf:test:Bad op monitor interval=1s timeout=4s\ncommit\n"
    node.do("configure", stdin=script)
    node.until("its time is over", lambda: entry(node, "deaf", "last_failure_0") != {})
    failed = entry(node, "deaf", "last_failure_0")
    assert (failed["op-status"], failed["rc-code"]) == ("2", "1")
    assert beats(node) > before

    # An agent that vanishes while its resources run is no reason to lose the others.
    (node.folder / "ocf/resource.d/test/Bad").unlink()
    node.until("noticed", lambda: entry(node, "pulse", "last_failure_0").get("rc-code") == "5")
    assert "Online: [ n1 ]" in node.do("status")


def test_a_refresh_during_a_first_monitor_holds_up_nobody(node: OneNode) -> None:
    script = (
        "property stonith-enabled=false\n"
        "primitive deaf ocf:test:Bad op monitor interval=1s timeout=200s\ncommit\n"
    )
    node.do("configure", stdin=script)
    node.until("its monitor hangs", lambda: entry(node, "deaf").get("op-status") == "0")
    (node.folder / "wakes").touch()
    node.do("resource", "refresh", "deaf")
    script = "primitive pulse ocf:test:Bad op monitor interval=1s timeout=5s\ncommit\n"
    node.do("configure", stdin=script)
    node.until("the other one is started", lambda: node.runs("pulse"))
