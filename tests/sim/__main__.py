"""Command line of the simulation.

python -m tests.sim soak [--count N] [--first S] [--out FILE]   new seeds; a failing one is written as artefact
python -m tests.sim replay FILE|SEED [--trace]          one run again
python -m tests.sim fencing SEED                        one run of the controllers' world
python -m tests.sim mutants [NAME] [--seeds N]          how soon the oracle sees each known error
python -m tests.sim digest FIRST LAST                   one line per seed, for comparing processes
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from tests.sim.fenceworld import play
from tests.sim.mutants import MUTANTS, mutant
from tests.sim.nemesis import draw_config, draw_schedule
from tests.sim.runs import run_artefact, run_seed
from tests.sim.shrink import shrink
from tests.sim.world import Violation, World

FENCING_EVERY = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim")
    commands = parser.add_subparsers(dest="command", required=True)
    soak_ = commands.add_parser("soak")
    soak_.add_argument("--count", type=int, default=50_000)
    soak_.add_argument("--first", type=int, default=None)
    soak_.add_argument("--out", default="artefact.json")
    replay_ = commands.add_parser("replay")
    replay_.add_argument("what")
    replay_.add_argument("--trace", action="store_true")
    mutants_ = commands.add_parser("mutants")
    mutants_.add_argument("name", nargs="?", choices=sorted(MUTANTS))
    mutants_.add_argument("--seeds", type=int, default=500)
    fencing_ = commands.add_parser("fencing")
    fencing_.add_argument("seed", type=int)
    digest_ = commands.add_parser("digest")
    digest_.add_argument("first", type=int)
    digest_.add_argument("last", type=int)
    given = parser.parse_args()
    match given.command:
        case "soak":
            return soak(given.count, given.first, given.out)
        case "replay":
            return replay(given.what, given.trace)
        case "fencing":
            return 0 if _fencing_holds(given.seed) else 1
        case "mutants":
            return search(given.name, given.seeds)
    return digest(given.first, given.last)


def soak(count: int, first: int | None, out: str) -> int:
    """Run new seeds; the first violation is shrunk, written and shown."""
    start = int(time.time()) if first is None else first
    began, events, acks, seen = time.monotonic(), 0, 0, Counter[str]()
    for seed in range(start, start + count):
        if seed % FENCING_EVERY == 0 and not _fencing_holds(seed):
            return 1
        try:
            world = run_seed(seed)
        except Exception as problem:  # whatever it is: an exception is a finding as well
            print(f"seed {seed}: {problem!r}")
            config = draw_config(seed)
            artefact = World(seed, config, draw_schedule(seed, config)).artefact()
            smallest = shrink(artefact)
            Path(out).write_text(json.dumps(smallest, indent=1))
            print(f"smallest schedule: {json.dumps(smallest['schedule'])}")
            print(f"python -m tests.sim replay {out} --trace")
            return 1
        events, acks, seen = events + world.events, acks + world.oracle.acks, seen + world.seen
    took = time.monotonic() - began
    print(f"{count} schedules from seed {start}: no violation")
    print(f"{events} events, {acks} acknowledged commits, {60 * count / took:.0f} schedules/min")
    print(", ".join(f"{kind} {number}" for kind, number in sorted(seen.items())))
    return 0


def _fencing_holds(seed: int) -> bool:
    """A run of the controllers' world; its seed is all there is to replay."""
    try:
        play(seed)
    except Exception as problem:  # whatever it is: an exception is a finding as well
        print(f"fencing, seed {seed}: {problem!r}")
        print(f"python -m tests.sim fencing {seed}")
        return False
    return True


def replay(what: str, trace: bool) -> int:
    try:
        if what.isdigit():
            world = run_seed(int(what), trace=trace)
        else:
            world = run_artefact(json.loads(Path(what).read_text()), trace=trace)
    except Violation as problem:
        print(problem)
        return 1
    print(f"no violation; trace digest {world.digest}")
    return 0


def search(name: str | None, seeds: int) -> int:
    """Seeds until each mutant is seen."""
    unseen = 0
    for one in [name] if name else MUTANTS:
        found = None
        with mutant(one):
            for seed in range(seeds):
                try:
                    run_seed(seed)
                except Violation as problem:
                    found = f"seed {seed}: {problem}"
                    break
        unseen += found is None
        print(f"{one:28} {found or f'not seen in {seeds} seeds'}", flush=True)
    return 1 if unseen else 0


def digest(first: int, last: int) -> int:
    for seed in range(first, last):
        print(seed, run_seed(seed).digest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
