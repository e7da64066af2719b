"""Hold our `crm_simulate` against another build on random clusters (a development tool, not a test).

    python tests/scheduler/differential.py --peer crm_simulate --ours .venv/bin/crm_simulate --seeds 1:200

Each seed: a random cluster; the peer plays it for a few rounds to get a state (a cold start, then a
fault); on each of these CIBs both plan, and graph and scores are compared by meaning. Known defects
of old peers make some differences legitimate: each difference wants a look.
"""

from __future__ import annotations

import argparse
import collections
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

sys.path.insert(0, str(Path(__file__).parent))
from random_clusters import Features, random_cib, random_faults

OLD_WORDS = (("_allocate:", "_assign:"), (" on none:", " (inactive):"))
IGNORED = {"crm_feature_set", "batch-limit", "CRM_meta_op_no_wait"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one build said about one CIB."""

    status: int
    scores: collections.Counter[str]
    graph: dict[str, tuple[str, ...]]
    stderr: str


def run(command: str, cib: Path, extra: list[str], folder: Path) -> Answer:
    """Plan (no play) and read scores and graph."""
    graph = folder / "graph.xml"
    graph.unlink(missing_ok=True)
    argv = [command, "-x", str(cib), "-S", "-Q", "-s", "-G", str(graph), *extra]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    scores = collections.Counter(
        score_line(line) for line in done.stdout.splitlines() if " score" in line
    )
    actions = read_graph(graph) if graph.exists() else {}
    return Answer(done.returncode, scores, actions, done.stderr.strip())


def score_line(line: str) -> str:
    """A score line with the words of older releases replaced by today's."""
    words = " ".join(line.split())
    for old, new in OLD_WORDS:
        words = words.replace(old, new)
    return words


def read_graph(path: Path) -> dict[str, tuple[str, ...]]:
    """Action (with all its attributes) to the sorted actions that must come before it."""
    root = etree.parse(str(path)).getroot()
    named, keys = {}, {}
    for action in root.iterfind("synapse/action_set/*"):
        number = str(action.get("id"))
        keys[number] = f"{action.get('operation_key')} {action.get('on_node') or ''}".strip()
        attributes = sorted(
            f"{n}={v}"
            for child in action.iterfind("attributes")
            for n, v in child.attrib.items()
            if n not in IGNORED
        )
        named[number] = f"{action.tag} {keys[number]} {' '.join(attributes)}"
    inputs: dict[str, tuple[str, ...]] = {}
    for synapse in root.iterfind("synapse"):
        before = sorted(
            {keys.get(str(e.get("id")), "?") for e in synapse.iterfind("inputs/trigger/*")}
        )
        for action in synapse.iterfind("action_set/*"):
            inputs[named[str(action.get("id"))]] = tuple(before)
    return inputs


def differences(peer: Answer, ours: Answer) -> list[str]:
    """Lines `-` that only the peer has and `+` that only we have."""
    lines = []
    if peer.status != ours.status:
        lines.append(f"status: {peer.status} {ours.status} {ours.stderr[-300:]}")
    lines += [f"- {line}" for line in sorted((peer.scores - ours.scores).elements())]
    lines += [f"+ {line}" for line in sorted((ours.scores - peer.scores).elements())]
    for action in sorted(peer.graph.keys() | ours.graph.keys()):
        theirs, mine = peer.graph.get(action), ours.graph.get(action)
        if theirs is None:
            lines.append(f"+ {action}")
        elif mine is None:
            lines.append(f"- {action}")
        elif theirs != mine:
            lost, added = set(theirs) - set(mine), set(mine) - set(theirs)
            lines.append(f"~ {action[:80]}: lost {sorted(lost)} added {sorted(added)}")
    return lines


def rounds(seed: int, peer: str, folder: Path, features: Features) -> list[tuple[Path, list[str]]]:
    """The CIBs of this seed: as made, after a cold start, and after a fault."""
    first = folder / f"{seed}-a.xml"
    text = random_cib(seed, features)
    first.write_text(text)
    nodes = re.findall(r'uname="(node\d)"', text.split("<status>", maxsplit=1)[0])
    resources = re.findall(r'<primitive id="(\w+)"', text)
    made: list[tuple[Path, list[str]]] = [(first, [])]
    current = first
    for name, faults in (("b", []), ("c", random_faults(seed, nodes, resources))):
        following = folder / f"{seed}-{name}.xml"
        argv = [peer, "-x", str(current), "-S", "-Q", "-O", str(following), *faults]
        done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
        if done.returncode != 0 or not following.exists():
            break
        made.append((following, []))
        current = following
    made.append((current, random_faults(seed + 1, nodes, resources)))
    return made


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--peer", default="crm_simulate")
    options.add_argument("--ours", default=".venv/bin/crm_simulate")
    options.add_argument("--seeds", default="1:50", help="FIRST:LAST")
    options.add_argument("--keep", help="folder for the CIBs of seeds that differ")
    options.add_argument("--without", default="", help="features to leave out, by comma")
    options.add_argument("--lines", type=int, default=6, help="differences shown for each CIB")
    chosen = options.parse_args()
    features = Features(**{name: False for name in chosen.without.split(",") if name})
    folder = Path(chosen.keep or tempfile.mkdtemp(prefix="differential-"))
    folder.mkdir(parents=True, exist_ok=True)
    first, last = (int(part) for part in chosen.seeds.split(":"))
    compared = differing = 0
    for seed in range(first, last + 1):
        for cib, extra in rounds(seed, chosen.peer, folder, features):
            theirs = run(chosen.peer, cib, extra, folder)
            found = differences(theirs, run(chosen.ours, cib, extra, folder))
            compared += 1
            if found:
                differing += 1
                print(f"{cib} {' '.join(extra)}: {len(found)} differences")
                print("\n".join(f"    {line[:200]}" for line in found[: chosen.lines]))
    print(f"compared {compared}, differing {differing}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
