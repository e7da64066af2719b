"""Controllers under trouble in virtual time: nothing runs twice, and all comes to rest as wanted."""

from __future__ import annotations

import pytest
from lxml import etree

from engine.cib.document import Cib

from .controlworld import RESOURCES, ControlWorld

SEEDS = range(40)


def play(seed: int) -> ControlWorld:
    """Two minutes of trouble, then quiet."""
    world = ControlWorld(seed)
    rng = world.rng
    world.run(5)
    for _ in range(12):
        match rng.randrange(6):
            case 0:
                victim = rng.choice(list(world.nodes))
                if sum(node.is_on for node in world.nodes.values()) == 3:
                    world.power_off(victim)
                    world.run(rng.uniform(0.1, 8))
                    world.power_on(victim)
            case 1 | 2:
                world.break_stream(*rng.sample(list(world.nodes), 2))
            case 3:
                world.kill_service(rng.choice(RESOURCES))
            case 4:
                name, value = f"n{rng.randint(1, 3)}", rng.choice(["on", "off"])
                world.configure(lambda cib, name=name, value=value: standby(cib, name, value))
            case 5:
                both = rng.sample(list(world.nodes), 2)
                for victim in both:
                    world.power_off(victim)
                world.run(rng.uniform(0.1, 3))
                for victim in both:
                    world.power_on(victim)
        world.run(rng.uniform(0.05, 10))
    world.trouble = 0.0
    for number in world.nodes:
        world.configure(lambda cib, number=number: standby(cib, f"n{number}", "off"))
    world.run(150)
    return world


def standby(cib: Cib, name: str, value: str) -> None:
    node = next(n for n in cib.section("nodes") if n.get("uname") == name)
    for old in node:
        node.remove(old)
    attributes = etree.SubElement(node, "instance_attributes", id=f"{name}-attributes")
    etree.SubElement(attributes, "nvpair", id=f"{name}-standby", name="standby", value=value)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_runs_twice_and_everything_runs_in_the_end(seed: int) -> None:
    world = play(seed)
    [dc] = [node for node in world.nodes.values() if node.core.is_dc]
    assert dc.core.is_idle, dc.core.snapshot()
    for resource in RESOURCES:
        assert sum(resource in node.services for node in world.nodes.values()) == 1, resource
    groups = [{"ip", "web"} & node.services for node in world.nodes.values()]
    assert {"ip", "web"} in groups


def test_the_same_seed_gives_the_same_run() -> None:
    assert play(3).trace.hexdigest() == play(3).trace.hexdigest()
