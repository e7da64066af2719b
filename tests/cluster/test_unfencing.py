"""Nodes that must be let in before they may use a storage, levels of devices, and the memory of all this."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import testhosts
from conftest import needs_namespaces
from harness import PROJECT, Cluster, add_primitive, set_property
from lxml import etree

from engine.cib.document import Cib

pytestmark = [needs_namespaces, pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    made = tmp_path / "storage"
    (made / "hosts").mkdir(parents=True)
    for name in ("h1", "h2", "h3"):
        (made / "hosts" / name).touch()
    (made / "log").touch()
    return made


@pytest.fixture
def cluster(tmp_path: Path, storage: Path) -> Iterator[Cluster]:
    lab = testhosts.Lab(3, dir=str(tmp_path / "lab"), private=["/var/lib", "/srv"]).up()
    agents = tmp_path / "agents"
    agents.mkdir()
    for name in ("fence_keys", "fence_lab"):
        shutil.copy(Path(__file__).with_name(name), agents)
    os.symlink("/usr/sbin/stonith", agents / "stonith")
    try:
        yield Cluster(lab, options=("--fence-dir", str(agents))).start()
    finally:
        lab.down()


def set_values(cib: Cib, resource: str, kind: str, **values: str) -> None:
    """Pairs of a resource's `kind`: `instance_attributes` or `meta_attributes`."""
    [primitive] = cib.root.xpath(f"//primitive[@id='{resource}']")
    holder = primitive.find(kind)
    if holder is None:
        holder = etree.Element(kind, id=f"{resource}-{kind}")
        primitive.insert(0, holder)
    for name, value in values.items():
        key = name.replace("_", "-")
        etree.SubElement(holder, "nvpair", id=f"{resource}-{kind}-{key}", name=key, value=value)


def with_storage(cib: Cib, storage: Path) -> None:
    set_property(cib, "stonith-enabled", "true")
    add_primitive(cib, "keys", "stonith:fence_keys", storage=str(storage))
    set_values(cib, "keys", "meta_attributes", provides="unfencing")
    add_primitive(cib, "db", "ocf:heartbeat:Dummy")
    set_values(cib, "db", "meta_attributes", requires="unfencing")


def let_in(storage: Path) -> Counter[str]:
    """How often each host was let in; each by itself."""
    words = [line.split() for line in (storage / "log").read_text().splitlines()]
    assert all(word[1] == word[2] for word in words if word[0] == "on")
    return Counter(word[1] for word in words if word[0] == "on")


def test_each_node_is_let_in_once_and_again_when_the_device_changes_or_it_was_fenced(
    cluster: Cluster, storage: Path
) -> None:
    hosts = cluster.hosts
    cluster.configure(hosts[0], lambda cib: with_storage(cib, storage))
    cluster.eventually("running", lambda: cluster.runners("db"), 30)
    cluster.eventually("idle", cluster.is_idle, 30)
    assert let_in(storage) == Counter(h1=1, h2=1, h3=1)

    cluster.configure(hosts[0], lambda cib: add_primitive(cib, "other", "ocf:heartbeat:Dummy"))
    cluster.eventually("running", lambda: cluster.runners("other"), 30)
    cluster.eventually("idle", cluster.is_idle, 30)
    assert let_in(storage) == Counter(h1=1, h2=1, h3=1)

    changed = {"note": "changed"}
    cluster.configure(
        hosts[0], lambda cib: set_values(cib, "keys", "instance_attributes", **changed)
    )
    cluster.eventually("let in again", lambda: min(let_in(storage).values()) == 2, 30)
    cluster.eventually("idle", cluster.is_idle, 30)
    assert let_in(storage) == Counter(h1=2, h2=2, h3=2)

    victim = next(host for host in hosts if host is not cluster.dc())
    cluster.lab.cut(victim)
    victim.kill()
    cluster.eventually("shut out", lambda: not (storage / f"key-{victim.name}").exists(), 30)
    cluster.lab.heal()
    cluster.boot(victim)
    cluster.eventually("let in", (storage / f"key-{victim.name}").exists, 60)
    cluster.eventually("whole", cluster.is_whole, 60)
    assert let_in(storage)[victim.name] == 3

    told = [cluster.ask(host, "fence-history", node=victim.name) for host in cluster.alive()]
    seen = [[(e["action"], e["ok"], e["device"]) for e in each["events"]] for each in told]
    assert seen[0][-2:] == [("reboot", True, "keys"), ("on", True, "keys")]
    assert seen[1:] == seen[:-1]


@pytest.mark.services
def test_the_next_level_fences_when_the_first_fails_and_a_plug_in_can_do_it(
    cluster: Cluster, storage: Path
) -> None:
    def configure(cib: Cib) -> None:
        set_property(cib, "stonith-enabled", "true")
        add_primitive(
            cib, "broken", "stonith:fence_keys", storage=str(storage), pcmk_off_action="no"
        )
        add_primitive(cib, "plug", "stonith:null", hostlist="h1 h2 h3")
        topology = cib.section("fencing-topology")
        for index, name in ((1, "broken"), (2, "plug")):
            level: dict[str, Any] = {"target-pattern": "h.", "devices": name}
            etree.SubElement(topology, "fencing-level", id=f"l{index}", index=str(index), **level)

    cluster.configure(cluster.hosts[0], configure)
    cluster.eventually("idle", cluster.is_idle, 30)
    victim = next(host for host in cluster.hosts if host is not cluster.dc())
    cluster.lab.cut(victim)
    victim.kill()
    cluster.eventually(
        "noticed", lambda: len(cluster.status(cluster.alive()[0])["members"]) == 2, 30
    )
    cluster.ask(cluster.alive()[0], "fence", node=victim.name, action="off")
    events = cluster.ask(cluster.alive()[0], "fence-history", node=victim.name)["events"]
    last = events[-1]
    assert (last["ok"], last["device"], last["action"]) == (True, "plug", "off")

    def admin(*words: str) -> str:
        program = ["/run/crmshell/bin/stonith_admin", *words]
        done = cluster.alive()[0].run(program, wd=PROJECT)
        assert done.returncode == 0, done.stdout
        return str(done.stdout)

    text = admin("-H", victim.name)
    assert f"turning off of {victim.name} successful: delegate=" in text
    assert text.splitlines()[-1].endswith("found")
    assert 'status="success"' in admin("-H", "*", "--output-as=xml")
    assert admin("-L").splitlines() == ["broken", "plug", "2 fence devices found"]
    assert f"Node {victim.name} last fenced at: " in admin("-h", victim.name)
    admin("-C", victim.name)
    assert "delegate=a human" in admin("-H", victim.name)
