"""What a schedule costs inside a process that runs already, as in the node agent.

    python tests/bench/warm.py [--sizes 3x30,8x250,16x1000] [--peer crm_simulate]

For each size and scene: CPU seconds of a full run (bytes of the CIB in, text of the graph out), and of
the run after one event, when one monitor has failed: in full, and taking over what the run before the
event had read, as the agent's worker does. These start from bytes and end with text as well. Where a native `crm_simulate` is found (or given), what it needs for the same files is set beside it.
"""

from __future__ import annotations

import argparse
import gc
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.base.isodate import Zone
from engine.cib.document import Cib
from engine.scheduler.api import schedule
from engine.scheduler.reading.warm import Warm
from engine.simulator.inject import Injections, OpSpec, inject
from engine.simulator.player import Player

NOW = 1_700_000_000.0
GOALS = {"3x30": 0.015, "8x250": 0.2, "16x1000": 1.1, "32x2000": 4.3}
EVENT_GOALS = {"16x1000": 0.5}
ELF = b"\x7fELF"
AGENT = 'class="ocf" provider="pacemaker" type="Dummy"'


def cold_cib(nodes: int, resources: int) -> bytes:
    """A cluster that was never started: primitives, groups of four, and clones on every node."""
    made: list[str] = []
    constraints: list[str] = []
    clones = max(1, resources // (6 * nodes))
    groups = resources // 12
    singles = max(1, resources - clones * nodes - groups * 4)
    for number in range(singles):
        made.append(_primitive(f"r{number}"))
        if number % 10:
            pair = f'id="c{number}" rsc="r{number}" with-rsc="r{number - 1}" score="INFINITY"'
            constraints.append(f"<rsc_colocation {pair}/>")
            pair = f'id="o{number}" first="r{number - 1}" then="r{number}"'
            constraints.append(f"<rsc_order {pair}/>")
    for number in range(groups):
        members = "".join(_primitive(f"g{number}m{member}") for member in range(4))
        made.append(f'<group id="g{number}">{members}</group>')
    for number in range(clones):
        made.append(f'<clone id="cl{number}">{_primitive(f"cp{number}")}</clone>')
    members = "".join(f'<node id="{n}" uname="node{n}"/>' for n in range(1, nodes + 1))
    states = "".join(
        f'<node_state id="{n}" uname="node{n}" in_ccm="true" crmd="online" join="member"'
        ' expected="member" crm-debug-origin="bench"/>'
        for n in range(1, nodes + 1)
    )
    options = (
        '<cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" value="false"/>'
        "</cluster_property_set>"
    )
    return (
        '<cib validate-with="pacemaker-3.8" crm_feature_set="3.16.1" admin_epoch="0" epoch="1"'
        f' num_updates="0" have-quorum="1"><configuration><crm_config>{options}</crm_config>'
        f"<nodes>{members}</nodes><resources>{''.join(made)}</resources>"
        f"<constraints>{''.join(constraints)}</constraints></configuration>"
        f"<status>{states}</status></cib>"
    ).encode()


def _primitive(name: str) -> str:
    monitor = f'<op id="{name}-m" name="monitor" interval="10s" timeout="20s"/>'
    return f'<primitive id="{name}" {AGENT}><operations>{monitor}</operations></primitive>'


def steady_cib(cold: bytes) -> bytes:
    """The same cluster with everything where it belongs."""
    cib = Cib.from_bytes(cold)
    decided = schedule(cib, NOW, zone=Zone())
    Player(cib, NOW, lambda name: decided.model.find(name) is not None).play(decided.transition)
    return cib.to_bytes()


def full_run(data: bytes, warm: Warm | None = None) -> None:
    cib = Cib.from_bytes(data) if warm is None else warm.read(data, "CIB")
    schedule(cib, NOW, zone=Zone(), warm=warm).graph_xml()


def after_event(data: bytes) -> bytes:
    """The CIB after one monitor has failed."""
    cib = Cib.from_bytes(data)
    failed = OpSpec("r0", "monitor", 10_000, "node1", 7)
    inject(cib, Injections(operations=[failed]), NOW)
    return cib.to_bytes()


def warm_seconds(data: bytes, event: bytes, rounds: int = 3) -> float:
    """CPU seconds of the run after the event, by a process that made the run before it."""
    best = float("inf")
    for _ in range(rounds):
        warm = Warm()
        full_run(data, warm)
        best = min(best, cpu_seconds(partial(full_run, event, warm), 1))
    return best


def cpu_seconds(run: Callable[[], None], rounds: int = 3) -> float:
    """The best of some rounds, the cyclic collector off as in the agent's worker."""
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        gc.disable()
        started = time.process_time()
        run()
        best = min(best, time.process_time() - started)
        gc.enable()
    return best


def find_peer(wanted: str) -> str:
    """A native `crm_simulate`, "" if there is none."""
    found = shutil.which(wanted)
    if found is None:
        return ""
    with Path(found).open("rb") as program:
        native = program.read(4) == ELF
    return found if native or wanted != "crm_simulate" else ""


def peer_seconds(peer: str, data: bytes) -> float:
    """CPU seconds of the peer's plan for the same input, the best of two."""
    best = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cib.xml"
        path.write_bytes(data)
        argv = [peer, "-x", str(path), "-R", "-Q", "-G", str(Path(folder) / "graph.xml")]
        for _ in range(2):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(argv, capture_output=True, check=False, timeout=600)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode:
                raise SystemExit(f"{peer}: {done.stderr.decode()[-500:]}")
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            best = min(best, used)
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="3x30,8x250,16x1000")
    parser.add_argument("--peer", default="crm_simulate")
    options = parser.parse_args()
    peer = find_peer(options.peer)
    print(f"{'inside the agent':18}{'full run':>10}{'goal':>8}{'peer':>9}{'ratio':>8}", end="")
    print(f"{'after one event':>18}{'warm':>8}{'goal':>8}")
    for size in options.sizes.split(","):
        nodes, resources = (int(part) for part in size.split("x"))
        cold = cold_cib(nodes, resources)
        steady = steady_cib(cold)
        for scene, data in (("cold", cold), ("steady", steady)):
            _print_row(size, scene, data, peer)
    if not peer:
        print("no native crm_simulate found: no ratios (give one with --peer)")
    return 0


def _print_row(size: str, scene: str, data: bytes, peer: str) -> None:
    ours = cpu_seconds(lambda: full_run(data))
    theirs = peer_seconds(peer, data) if peer else 0.0
    peer_text = f"{theirs:9.3f}{theirs / ours:7.1f}x" if peer else f"{'-':>9}{'-':>8}"
    goal = GOALS.get(size)
    print(f"{size + ' ' + scene:18}{ours:10.3f}{goal or 0:8.3f}{peer_text}", end="")
    if scene == "steady":
        limit = EVENT_GOALS.get(size)
        limit_text = f"{limit:8.3f}" if limit else f"{'-':>8}"
        event = after_event(data)
        in_full = cpu_seconds(lambda: full_run(event))
        print(f"{in_full:18.3f}{warm_seconds(data, event):8.3f}{limit_text}", end="")
    print()


if __name__ == "__main__":
    sys.exit(main())
