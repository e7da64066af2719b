"""A cluster of real agents under faults with clients and a judge: `python -m soak.run --seconds 1800`."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import testhosts
from harness import Cluster, add_primitive, set_property
from power import PowerSwitch

from engine.base.errors import EngineError
from engine.cib.document import Cib
from soak.checker import double_activity, faults
from soak.history import Mark
from soak.nemesis import Nemesis
from soak.workload import Record, Worker, prepare, read

HERE = Path(__file__).resolve().parent
RESOURCES = ("g1", "g2", "g3", "g4")


@dataclass(frozen=True, slots=True)
class Result:
    """What a run found, and how much it looked at."""

    faults: tuple[str, ...]
    strikes: tuple[str, ...]
    changes: Counter[str]
    reads: int
    starts: int
    longest_mend: float


def soak(folder: str, seed: str, seconds: float, nodes: int = 3, say: Any = None) -> Result:
    """One run; everything in `folder`. Raises `AssertionError` when the cluster does not come together again."""
    ground = f"{folder}/ground.log"
    Path(ground).touch()
    os.chmod(ground, 0o666)
    lab = testhosts.Lab(nodes, dir=f"{folder}/lab", private=["/var/lib", "/srv"]).up()
    try:
        options = ("--fence-dir", _fence_agents(folder), "--ocf-root", _ocf_root(folder))
        cluster = Cluster(lab, nodes, options).start()
        cluster.configure(cluster.hosts[0], lambda cib: _configure(cib, f"{folder}/switch", ground))
        is_off = lambda name: _note(ground, f"{time.monotonic():.2f} off {name}")  # noqa: E731 - one line
        switch = PowerSwitch(f"{folder}/switch", cluster.hosts, is_off)
        try:
            return _run(cluster, Nemesis(cluster, seed, is_off), ground, seed, seconds, say)
        finally:
            switch.close()
    finally:
        lab.down()


def _run(
    cluster: Cluster, nemesis: Nemesis, ground: str, seed: str, seconds: float, say: Any
) -> Result:
    record, chance = Record(), random.Random(f"{seed} pace")
    workers = [Worker(f"c{n}", cluster.hosts, record, f"{seed} {n}") for n in range(3)]
    for worker in workers:
        worker.start()
    end, longest = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.5, 3.0))
        words = [nemesis.strike()]
        if chance.random() < 0.3:
            words.append(nemesis.strike())
        time.sleep(chance.uniform(0.0, 8.0))
        nemesis.mend()
        took = _until_whole(cluster, nemesis)
        longest = max(longest, took)
        if say is not None:
            say(f"{'; '.join(words)}: whole again after {took:.1f} s")
    for worker in workers:
        worker.finish()
    _until_whole(cluster, nemesis)
    for host in cluster.hosts:
        record.add(read(host)[0])
    marks = _marks(ground)
    found = [*faults(record.changes, record.reads), *double_activity(marks)]
    if len(cluster.fingerprints()) != 1:
        found.append("the nodes have different configurations at the end")
    return Result(
        tuple(found),
        tuple(nemesis.done),
        Counter(change.end for change in record.changes),
        len(record.reads),
        sum(1 for mark in marks if mark.what == "starting"),
        longest,
    )


def _until_whole(cluster: Cluster, nemesis: Nemesis) -> float:
    """Hosts that are fenced meanwhile are switched on again, and agents that end started, as machines would."""

    def check() -> bool:
        if any(not h.pid or cluster.log[h.name].poll() is not None for h in cluster.hosts):
            nemesis.mend()
        return cluster.is_whole()

    took = cluster.eventually("whole", check, 90)
    for name in RESOURCES:
        cluster.eventually(
            f"{name} runs once", lambda name=name: len(_runners(cluster, name)) == 1, 60
        )
    return took


def _runners(cluster: Cluster, name: str) -> list[str]:
    state = f"run/resource-agents/Ground-{name}.state"
    return [h.name for h in cluster.alive() if Path(f"/proc/{h.pid}/root/{state}").exists()]


def _marks(ground: str) -> list[Mark]:
    marks = []
    for line in Path(ground).read_text().splitlines():
        at, what, host, *rest = line.split()
        assert what in ("starting", "stopped", "off"), line
        marks.append(Mark(float(at), what, host, rest[0] if rest else ""))  # type: ignore[arg-type]
    return marks


def _note(path: str, line: str) -> None:
    with open(path, "a", encoding="utf-8") as log:
        log.write(line + "\n")


def _fence_agents(folder: str) -> str:
    made = f"{folder}/agents"
    os.makedirs(made)
    shutil.copy(HERE.parent / "fence_lab", made)
    return made


def _ocf_root(folder: str) -> str:
    """The system's OCF agents, and the one of this directory as `ocf:soak:Ground`."""
    made = Path(folder, "ocf")
    (made / "resource.d/soak").mkdir(parents=True)
    shutil.copy(HERE / "Ground", made / "resource.d/soak")
    for name in ("heartbeat", "pacemaker"):
        os.symlink(f"/usr/lib/ocf/resource.d/{name}", made / "resource.d" / name)
    os.symlink("/usr/lib/ocf/lib", made / "lib")
    return str(made)


def _configure(cib: Cib, switch: str, ground: str) -> None:
    set_property(cib, "stonith-enabled", "true")
    add_primitive(cib, "power", "stonith:fence_lab", switch=switch, pcmk_host_check="dynamic-list")
    for name in RESOURCES:
        add_primitive(cib, name, "ocf:soak:Ground", log=ground)
    prepare(cib)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--seed", default=str(int(time.time())))
    parser.add_argument("--nodes", type=int, default=3)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak") as folder:
        try:
            result = soak(
                folder,
                options.seed,
                options.seconds,
                options.nodes,
                lambda text: print(text, flush=True),
            )
        except (AssertionError, EngineError) as problem:
            print(f"FAULT: {problem}")
            return 1
    print(
        f"{len(result.strikes)} faults, changes {dict(result.changes)}, {result.reads} reads,"
        f" {result.starts} starts, longest mend {result.longest_mend:.1f} s"
    )
    for fault in result.faults:
        print(f"FAULT: {fault}")
    return 1 if result.faults else 0


if __name__ == "__main__":
    sys.exit(main())
