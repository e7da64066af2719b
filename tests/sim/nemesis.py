"""Faults: a schedule is generated first, as data, and then carried out.

A run draws which kinds of faults it has, so that runs with one kind and with none are among them.
"""

from __future__ import annotations

import random
from typing import Any

from engine.membership.quorum import quorum
from tests.sim.world import Config, World

KINDS = (
    "crash",
    "crash-dc",
    "power",
    "part",
    "oneway",
    "bridge",
    "loss",
    "slow",
    "pause",
    "heal",
    "wipe",
    "flap",
    "eio",
)

# Seeds from here on have bugs as well: now and then the code fails in the middle of an event, and its
# process ends with a part of the event's effects done. Smaller seeds are those that tests name.
WITH_BUGS = 1_000_000
# Seeds from here on have changes that are judged and prepared by the guard process.
WITH_LARGE = 2_000_000
BUG_CHANCES = (0.0, 0.001, 0.005)


def draw_config(seed: int) -> Config:
    """The cluster of a seed."""
    rng = random.Random(f"{seed}/config")
    nodes = (3, 3, 5, 4, 3, 1, 2, 7)[seed % 8] if seed % 24 >= 8 else (3, 3, 5, 4)[seed % 4]
    two_node = nodes == 2 and seed % 16 < 8
    return Config(
        nodes=nodes,
        tie_breaker=nodes in (2, 4) and not two_node,
        two_node=two_node,
        bugs=random.Random(f"{seed}/bugs").choice(BUG_CHANCES) if seed >= WITH_BUGS else 0.0,
        compact_after=rng.choice([5, 20, 500]),
        client_pause=rng.choice([0.1, 0.3, 1.0]),
        machine="cib" if seed % 15 == 14 else "list",
        large=seed >= WITH_LARGE,
    )


def draw_schedule(seed: int, config: Config) -> list[list[Any]]:
    """(second, kind, arguments), in order of time."""
    rng = random.Random(f"{seed}/nemesis")
    kinds = _draw_kinds(rng)
    if config.two_node:  # with a disk lost as well, one copy is none: outside of the contract
        kinds = [kind for kind in kinds if kind not in ("wipe", "slow", "eio")]
    schedule: list[list[Any]] = []
    moment = 1.0
    while kinds and len(schedule) < config.max_faults:
        moment += rng.expovariate(0.5)
        if moment >= config.chaos:
            break
        kind = rng.choice(kinds)
        schedule.append([round(moment, 4), kind, _draw_arguments(rng, kind, config)])
    return schedule


def _draw_kinds(rng: random.Random) -> list[str]:
    pick = rng.random()
    if pick < 0.03:
        return []
    if pick < 0.1:
        return [rng.choice(KINDS)]
    if pick < 0.5:
        return sorted(rng.sample(KINDS, rng.randint(3, 8))) + ["heal"]
    return list(KINDS)


def _draw_arguments(rng: random.Random, kind: str, config: Config) -> list[Any]:
    nodes = list(range(1, config.nodes + 1))
    node = rng.choice(nodes)
    pair = rng.sample(nodes, 2) if len(nodes) > 1 else [1, 1]
    match kind:
        case "crash" | "crash-dc" | "wipe":
            return [node, round(rng.choice([0.01, 0.5, 3, 6]) * rng.uniform(0.1, 1), 4)]
        case "power":
            return [round(rng.uniform(0.01, 6), 4) for _ in nodes]
        case "part":
            return [[other for other in nodes if rng.random() < 0.5]]
        case "oneway" | "bridge":
            return pair
        case "loss":
            return [rng.choice([0, 0.05, 0.3]), rng.choice([0, 0.2]), rng.choice([0.002, 0.3, 1.5])]
        case "slow":
            return [node, rng.choice([0.004, 0.2, 3.0])]
        case "pause":
            return [node, round(rng.uniform(0.1, 8), 4)]
        case "flap":
            return [round(rng.uniform(0, 0.2), 4)]
    return [node]


def strike(world: World, kind: str, args: list[Any]) -> None:
    """Carry out one fault."""
    if world.healed:
        return
    world.log("NEMESIS", kind, args)
    world.seen[f"fault:{kind}"] += 1
    _STRIKES[kind](world, *args)


def _crash(world: World, node: int, back: float) -> None:
    victim = world.nodes[node]
    if victim.up:
        victim.kill()
        world.at(back, victim.boot)


def _crash_dc(world: World, _node: int, back: float) -> None:
    leaders = [node.id for node in world.nodes.values() if node.member and node.member.is_dc]
    if leaders:
        world.seen["dc-crash"] += 1
        _crash(world, leaders[0], back)


def _power(world: World, *backs: float) -> None:
    for node, back in zip(world.nodes.values(), backs, strict=True):
        if node.up:
            node.crash()
        world.at(back, node.boot)


def _part(world: World, side: list[int]) -> None:
    nodes = list(world.nodes)
    world.net.cut |= {(a, b) for a in nodes for b in nodes if (a in side) != (b in side)}


def _oneway(world: World, a: int, b: int) -> None:
    world.net.cut.add((a, b))


def _bridge(world: World, a: int, b: int) -> None:
    world.net.cut |= {(a, b), (b, a)}


def _loss(world: World, loss: float, dup: float, high: float) -> None:
    world.net.loss, world.net.dup, world.net.high = loss, dup, high


def _slow(world: World, node: int, seconds: float) -> None:
    world.nodes[node].disk.slow = seconds


def _pause(world: World, node: int, seconds: float) -> None:
    if world.nodes[node].up:
        world.nodes[node].pause(seconds)


def _wipe(world: World, node: int, back: float) -> None:
    """Only while every store is whole and this node is in an active view: one lost store at a time."""
    victim = world.nodes[node]
    whole = all(not other.disk.image.blank for other in world.nodes.values())
    rest = [other for other in world.nodes if other != node]
    view = victim.member.view if victim.member else None
    if whole and view is not None and view.quorate and quorum(world.config.votes(), rest).quorate:
        world.seen["wiped"] += 1
        victim.crash()
        victim.wipe()
        world.at(back, victim.boot)


def _flap(world: World, after: float) -> None:
    world.at(after, world.net.cut.clear)


def _eio(world: World, node: int) -> None:
    world.nodes[node].disk.failing = True
    world.at(5.0, world.nodes[node].crash)
    world.at(6.0, world.nodes[node].boot)


def _heal_net(world: World, _node: int = 0) -> None:
    world.net.cut.clear()
    _loss(world, 0.0, 0.0, 0.002)


_STRIKES: dict[str, Any] = {
    "crash": _crash,
    "crash-dc": _crash_dc,
    "power": _power,
    "part": _part,
    "oneway": _oneway,
    "bridge": _bridge,
    "loss": _loss,
    "slow": _slow,
    "pause": _pause,
    "heal": _heal_net,
    "wipe": _wipe,
    "flap": _flap,
    "eio": _eio,
}


def heal(world: World) -> None:
    """The end of all faults."""
    _heal_net(world)
    world.healed = True
    world.oracle.mark()
    world.log("HEAL")
    for node in world.nodes.values():
        node.disk.slow = 0.004
        if node.disk.failing:
            node.crash()
        node.paused_until = min(node.paused_until, world.now)
        node.resume(node.incarnation)
        node.boot()
