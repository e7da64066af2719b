"""Sums of what dependents wish must place everything where walking the dependents places it."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from engine.base.isodate import Zone
from engine.cib.document import Cib
from engine.scheduler.api import schedule
from engine.scheduler.placement import dependent_sums as merge_sums
from engine.scheduler.placement import dependents as merging
from engine.scheduler.placement.scores import ScoreRecord
from tests.scheduler.random_clusters import random_cib
from tests.scheduler.random_extras import extended_cib

NOW = 1_700_000_000.0
LAWS = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
seeds = st.integers(min_value=0, max_value=10**6)
SCORES = ["INFINITY"] * 6 + ["-INFINITY", "100", "-100", "999000", "-999000", "500000", "0", "1"]


def entangled(text: str, seed: int) -> bytes:
    """The CIB with many more colocations, in chains and at random, and with more locations."""
    rng = random.Random(f"sums {seed}")
    cib = Cib.from_bytes(text.encode())
    section = cib.root.find("configuration/constraints")
    assert section is not None
    names = [r.get("id", "") for r in cib.root.iterfind("configuration/resources/*")]
    names = [n for n in names if n]
    nodes = [n.get("uname", "") for n in cib.root.iterfind("configuration/nodes/node")]
    rng.shuffle(names)
    pairs = list(pairwise(names))
    if rng.random() < 0.5:
        pairs = [(b, a) for a, b in pairs]
    if rng.random() < 0.3 and len(pairs) > 1:
        pairs.append((pairs[-1][1], pairs[0][0]))  # the chain closes to a loop
    pairs += [(rng.choice(names), rng.choice(names)) for _ in range(rng.choice((0, 0, 1, 2, 4)))]
    mandatory = rng.random() < 0.6
    for number, (dependent, primary) in enumerate(pairs):
        if dependent == primary:
            continue
        added = etree.SubElement(section, "rsc_colocation", id=f"sum-c{number}")
        added.set("rsc", dependent)
        added.set("with-rsc", primary)
        added.set("score", "INFINITY" if mandatory else rng.choice(SCORES))
        if rng.random() < 0.15:
            added.set("influence", rng.choice(["true", "false"]))
        if rng.random() < 0.05:
            added.set("node-attribute", "rack")
    for number in range(rng.randint(0, 6)):
        added = etree.SubElement(section, "rsc_location", id=f"sum-l{number}")
        added.set("rsc", rng.choice(names))
        added.set("node", rng.choice(nodes))
        added.set("score", rng.choice(SCORES))
    return cib.to_bytes()


def outcome(data: bytes) -> tuple[object, ...]:
    record = ScoreRecord(utilizations=True)
    decided = schedule(Cib.from_bytes(data), NOW, scores=record, zone=Zone())
    lines = "".join(line.text for line in record.lines)
    return decided.graph_xml(), lines, decided.reports


def check(data: bytes) -> Counter[bool]:
    """Compare the two ways; how often a sum was used (True) and how often not."""
    used: Counter[bool] = Counter()
    real = merge_sums.summed

    def watched(*arguments: object) -> object:
        found = real(*arguments)  # type: ignore[arg-type]  # handed on as they came
        used[found is not None] += 1
        return found

    with mock.patch.object(merging, "summed", watched):
        with_sums = outcome(data)
    with mock.patch.object(merging, "summed", lambda *_: None):
        walked = outcome(data)
    assert with_sums == walked
    return used


@LAWS
@given(seed=seeds)
def test_sums_and_walks_lead_to_the_same_scores_and_graph(seed: int) -> None:
    check(entangled(random_cib(seed), seed))


@LAWS
@given(seed=seeds)
def test_they_do_with_bundles_guests_and_utilization(seed: int) -> None:
    check(entangled(extended_cib(seed), seed))


def test_the_random_clusters_use_sums_and_walks() -> None:
    used: Counter[bool] = Counter()
    for seed in range(50):
        used += check(entangled(random_cib(seed), seed))

    assert used[True] > 50
    assert used[False] > 50
