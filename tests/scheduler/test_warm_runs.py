"""A run that takes over what an earlier one read decides what a run without memory decides.

Random clusters go through random changes, one after the other, with one `Warm` for all of them. After
each, graph, scores and findings are compared byte for byte with those of a run of its own.
"""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from engine.base.isodate import Zone
from engine.cib.document import Cib
from engine.scheduler.api import Schedule, schedule
from engine.scheduler.placement.scores import ScoreRecord
from engine.scheduler.reading.warm import Warm
from engine.simulator.inject import Injections, OpSpec, inject
from engine.simulator.player import Player
from tests.scheduler.random_clusters import random_cib
from tests.scheduler.random_extras import extended_cib

NOW = 1_700_000_000.0
CHANGES = 7
LAWS = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
seeds = st.integers(min_value=0, max_value=10**6)


def run(data: bytes, now: float, warm: Warm | None) -> tuple[Schedule, tuple[object, ...]]:
    """A schedule of a freshly read CIB, and all of it that can be compared."""
    record = ScoreRecord(utilizations=True)
    cib = Cib.from_bytes(data) if warm is None else warm.read(data, "CIB")
    decided = schedule(cib, now, scores=record, zone=Zone(), warm=warm)
    lines = "".join(line.text for line in record.lines)
    return decided, (decided.graph_xml(), lines, decided.reports, decided.model.recheck_at)


def play(cib: Cib, decided: Schedule, now: float) -> None:
    Player(cib, now, lambda name: decided.model.find(name) is not None).play(decided.transition)


def pair(parent: etree._Element, block: str, name: str, value: str) -> None:
    """Set a name/value pair in the block of the element, which is made if it is missing."""
    owner = parent.get("id")
    found = parent.find(block)
    if found is None:
        found = etree.Element(block, id=f"{owner}-{block}")
        parent.insert(0, found)
    for known in found.iterfind("nvpair"):
        if known.get("name") == name:
            known.set("value", value)
            return
    etree.SubElement(found, "nvpair", id=f"{owner}-{block}-{name}-w", name=name, value=value)


def edit_resource(cib: Cib, rng: random.Random) -> None:
    """Meta attributes and parameters, some of which are wrong and so lead to findings."""
    resource = rng.choice(list(cib.root.iterfind("configuration/resources//primitive")))
    block, name, value = rng.choice(
        [
            ("meta_attributes", "target-role", rng.choice(["Stopped", "Started", "Promoted"])),
            ("meta_attributes", "failure-timeout", rng.choice(["60s", "10min"])),
            ("meta_attributes", "migration-threshold", rng.choice(["1", "-3"])),
            ("meta_attributes", "multiple-active", "sometimes"),
            ("instance_attributes", "fake", str(rng.randint(1, 99))),
        ]
    )
    pair(resource, block, name, value)


def edit_constraints(cib: Cib, rng: random.Random) -> None:
    section = cib.root.find("configuration/constraints")
    assert section is not None
    if len(section) and rng.random() < 0.5:
        section.remove(rng.choice(list(section)))
        return
    resource = rng.choice(list(cib.root.iterfind("configuration/resources/*")))
    node = rng.choice(list(cib.root.iterfind("configuration/nodes/node")))
    etree.SubElement(
        section,
        "rsc_location",
        id=f"w{rng.randint(0, 10**9)}",
        rsc=resource.get("id", ""),
        node=node.get("uname", ""),
        score=rng.choice(["INFINITY", "-INFINITY", "55"]),
    )


def standby(cib: Cib, rng: random.Random) -> None:
    node = rng.choice(list(cib.root.iterfind("configuration/nodes/node")))
    pair(node, "instance_attributes", "standby", rng.choice(["on", "off"]))


def fail_operation(cib: Cib, rng: random.Random) -> None:
    """A failed operation, with its fail count."""
    names = [p.get("id", "") for p in cib.root.iterfind("configuration/resources//primitive")]
    nodes = [n.get("uname", "") for n in cib.root.iterfind("configuration/nodes/node")]
    task, interval = rng.choice([("monitor", 10_000), ("start", 0), ("stop", 0), ("monitor", 0)])
    rc = rng.choice([1, 5, 7, 8])
    failed = OpSpec(rng.choice(names), task, interval, rng.choice(nodes), rc)
    inject(cib, Injections(operations=[failed]), NOW)


def fail_count(cib: Cib, rng: random.Random) -> None:
    """A fail count without any failure in the history."""
    state = rng.choice(list(cib.root.iterfind("status/node_state")))
    transient = state.find("transient_attributes")
    if transient is None:
        transient = etree.SubElement(state, "transient_attributes", id=state.get("id", ""))
    names = [p.get("id", "") for p in cib.root.iterfind("configuration/resources//primitive")]
    name = f"fail-count-{rng.choice(names)}#monitor_10000"
    pair(transient, "instance_attributes", name, rng.choice(["1", "3", "INFINITY"]))


def lose_node(cib: Cib, rng: random.Random) -> None:
    nodes = [n.get("uname", "") for n in cib.root.iterfind("configuration/nodes/node")]
    node = rng.choice(nodes)
    changes = [Injections(nodes_fail=[node]), Injections(nodes_down=[node])]
    inject(cib, rng.choice([*changes, Injections(nodes_up=[node])]), NOW)


def forget_history(cib: Cib, rng: random.Random) -> None:
    """A clean-up: the history of one resource on one node is gone."""
    entries = list(cib.root.iter("lrm_resource"))
    if entries:
        entry = rng.choice(entries)
        parent = entry.getparent()
        assert parent is not None
        parent.remove(entry)


def change_digest(cib: Cib, rng: random.Random) -> None:
    """An operation that seems to have run with other parameters."""
    entries = list(cib.root.iter("lrm_rsc_op"))
    if entries:
        rng.choice(entries).set("op-digest", "0" * 32)


def change_attribute(cib: Cib, rng: random.Random) -> None:
    """A node attribute: one of the configuration, or one that ends with the node's membership."""
    name = rng.choice(["rack", "#health-disk", "maintenance", "pingd"])
    value = rng.choice(["red", "green", "true", "1"])
    if rng.random() < 0.5:
        node = rng.choice(list(cib.root.iterfind("configuration/nodes/node")))
        pair(node, "instance_attributes", name, value)
        return
    state = rng.choice(list(cib.root.iterfind("status/node_state")))
    transient = state.find("transient_attributes")
    if transient is None:
        transient = etree.SubElement(state, "transient_attributes", id=state.get("id", ""))
    pair(transient, "instance_attributes", name, value)


EVENTS = (
    change_attribute,
    edit_resource,
    edit_constraints,
    standby,
    fail_operation,
    fail_operation,
    fail_count,
    lose_node,
    forget_history,
    change_digest,
)


def known_checks(warm: Warm) -> set[object]:
    """Histories that are known to agree with the configuration."""
    return {h for known in warm.configurations._used.values() for h in known.checks._used}


def live(data: str, seed: int) -> Counter[str]:
    """Let the cluster live through changes; every warm run is compared with a full one.

    Returns how often something was taken over, by what it was.
    """
    rng = random.Random(f"warm {seed}")
    cib, warm, now = Cib.from_bytes(data.encode()), Warm(), NOW
    seen: Counter[str] = Counter()
    for _ in range(CHANGES):
        text = cib.to_bytes()
        decided, full = run(text, now, None)
        earlier = [set(memory._used) for memory in (warm.configurations, warm.histories)]
        checks = known_checks(warm)
        _, again = run(text, now, warm)

        assert again == full
        seen["configurations"] += bool(earlier[0] & set(warm.configurations._used))
        seen["histories"] += bool(earlier[1] & set(warm.histories._used))
        seen["checks"] += bool(checks & known_checks(warm))
        if rng.random() < 0.6:
            play(cib, decided, now)
        rng.choice(EVENTS)(cib, rng)
        now += rng.choice([0, 1, 90, 900])
    return seen


@LAWS
@given(seed=seeds)
def test_a_warm_run_decides_what_a_full_run_decides(seed: int) -> None:
    live(random_cib(seed), seed)


@LAWS
@given(seed=seeds)
def test_a_warm_run_decides_the_same_with_bundles_guests_and_tickets(seed: int) -> None:
    live(extended_cib(seed), seed)


def test_the_random_changes_leave_much_to_take_over() -> None:
    seen: Counter[str] = Counter()
    for seed in range(20):
        seen.update(live(random_cib(seed), seed))

    assert seen["configurations"] > 20
    assert seen["histories"] > 20
    assert seen["checks"] > 10


def test_one_memory_serves_clusters_that_have_nothing_in_common() -> None:
    warm = Warm()
    for seed in range(12):
        for text in (extended_cib(seed).encode(), random_cib(seed).encode()):
            assert run(text, NOW, warm)[1] == run(text, NOW, None)[1]


def test_what_a_run_did_not_need_is_forgotten_by_the_next_but_one() -> None:
    warm = Warm()
    for seed in range(10):
        run(random_cib(seed).encode(), NOW, warm)

    assert len(warm.configurations) == 1
    assert len(warm.configurations._earlier) == 1


def test_a_warm_run_changes_neither_its_input_nor_what_it_remembers() -> None:
    warm = Warm()
    cib = Cib.from_bytes(random_cib(3).encode())
    decided = schedule(cib, NOW, zone=Zone(), warm=warm)
    play(cib, decided, NOW)
    before = cib.to_bytes()
    for _ in range(3):
        schedule(cib, NOW, zone=Zone(), warm=warm)

    assert cib.to_bytes() == before
    for key, histories in warm.histories._used.items():
        own = list(etree.fromstring(key).iter("lrm_resource"))
        assert [history.attributes for history in histories] == [dict(one.attrib) for one in own]
        for history, one in zip(histories, own, strict=True):
            entries = sorted(one, key=lambda op: op.get("id", ""))
            records = sorted(history.ops, key=lambda op: op.id)
            assert [op.attributes for op in records] == [dict(op.attrib) for op in entries]
