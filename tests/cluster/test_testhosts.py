"""Checks of testhosts itself; also shows how tests use it.

Run:  python3 -m pytest test_testhosts.py           (as root)
      unshare -Urn python3 -m pytest test_testhosts.py   (as anybody)
"""

import os
import signal
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import testhosts
from conftest import needs_namespaces

# a stand-in for a node agent: heartbeats by UDP, writes down whom it hears
AGENT = r"""
import json, os, socket, sys, time
me, peers = sys.argv[1], sys.argv[2].split(",")
run, drop = os.environ.get("TESTHOST_RUN", "/run"), set()
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((me, 5405)); sock.settimeout(0.02)
heard, beat = {}, 0
while True:
    now = time.monotonic()
    if now - beat > 0.05:
        beat = now
        if "TESTHOST_DROP" in os.environ:
            drop = set(json.load(open(os.environ["TESTHOST_DROP"])))
        for peer in set(peers) - drop:
            try: sock.sendto(b"hi", (peer, 5405))
            except OSError: pass
        alive = sorted(p for p, t in heard.items() if now - t < 0.4)
        with open(run + "/view", "w") as f: f.write(" ".join(alive))
    try:
        peer = sock.recvfrom(64)[1][0]
        if peer not in drop: heard[peer] = time.monotonic()
    except OSError: pass
"""


def view(host):
    """What the agent of this host sees; read from outside, at no cost."""
    run = host.dir + "/run" if host.lab.net == "loopback" else f"/proc/{host.pid}/root/run"
    try:
        with open(run + "/view") as f:
            return {int(ip.rsplit(".", 1)[1]) for ip in f.read().split()}
    except OSError:
        return set()


def eventually(check, timeout=60):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.02)
    return False


def start(one):
    peers = ",".join(h.ip for h in one.hosts)
    for host in one.hosts:
        host.agent = host.spawn([sys.executable, "-c", AGENT, host.ip, peers])
    everyone = {h.num for h in one.hosts}
    assert eventually(lambda: all(view(h) == everyone for h in one.hosts))


@needs_namespaces
@pytest.mark.parametrize("net", ["bridge", "soft"])
def test_cut_and_heal(lab, net):
    one = lab(3, net=net)
    start(one)
    h1, h2, h3 = one.hosts
    one.cut(h3)
    assert eventually(lambda: view(h1) == view(h2) == {1, 2} and view(h3) == {3})
    one.heal()
    assert eventually(lambda: view(h1) == view(h3) == {1, 2, 3})


@needs_namespaces
@pytest.mark.parametrize("net", ["bridge", "soft"])
def test_power_loss_and_boot(lab, net):
    one = lab(3, net=net, private=["/var/lib/misc"])
    start(one)
    h1, _h2, h3 = one.hosts
    h3.run("echo kept > /var/lib/misc/disk; echo lost > /run/memory", check=True)
    h3.kill()
    assert h3.pid is None and h3.pids() == []
    assert eventually(lambda: view(h1) == {1, 2})
    h3.boot()
    assert h3.run("cat /var/lib/misc/disk; ls /run").stdout == "kept\n"
    assert not os.path.exists("/var/lib/misc/disk")
    h3.agent = h3.spawn([sys.executable, "-c", AGENT, h3.ip, ",".join(h.ip for h in one.hosts)])
    assert eventually(lambda: view(h1) == {1, 2, 3} == view(h3))


@needs_namespaces
def test_freeze(lab):
    one = lab(2)
    start(one)
    h1, h2 = one.hosts
    h2.freeze()
    assert eventually(lambda: view(h1) == {1})
    h2.thaw()
    assert eventually(lambda: view(h1) == {1, 2})


@needs_namespaces
def test_agent_dies(lab):
    one = lab(2)
    start(one)
    assert one[2].agent.kill() == -signal.SIGKILL
    assert eventually(lambda: view(one[1]) == {1})
    assert one[2].pid  # the host itself lives on


@needs_namespaces
def test_one_way_loss_and_delay(lab):
    one = lab(2, net="soft", seed=7)
    start(one)
    one.shape("h2", "h1", down=1)  # h1 is deaf to h2 only
    assert eventually(lambda: view(one[1]) == {1})
    assert view(one[2]) == {1, 2}
    one.heal()
    one.shape(delay_ms=30)
    assert eventually(lambda: view(one[1]) == {1, 2})
    out = one[1].run("ping -c 5 -i 0.05 -q h2").stdout
    low, _avg = map(float, out.split(" = ")[1].split("/")[:2])
    assert 58 < low < 1000, out


@needs_namespaces
def test_own_names_and_processes(lab):
    one = lab(2)
    assert one[1].run("hostname").stdout == "h1\n"
    assert one[1].run("getent hosts h2").stdout.split()[0] == one[2].ip
    assert len(one[1].run("ls -d /proc/[0-9]*").stdout.split()) <= 4


def test_loopback_fallback(tmp_path):
    with testhosts.LoopbackLab(3, dir=str(tmp_path / "lab")) as one:
        start(one)
        h1, h2, h3 = one.hosts
        one.cut(h3)
        assert eventually(lambda: view(h1) == view(h2) == {1, 2} and view(h3) == {3})
        one.heal()
        assert eventually(lambda: view(h1) == {1, 2, 3} == view(h3))
        h2.freeze()
        assert eventually(lambda: view(h1) == {1, 3})
        h2.thaw()
        h3.kill()
        assert h3.pids() == []
        assert eventually(lambda: view(h1) == {1, 2})
