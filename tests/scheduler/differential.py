"""Hold our `crm_simulate` against another build on random clusters (a development tool, not a test).

    python -m tests.scheduler.differential --peer crm_simulate --seeds 1:200 --keep FOLDER

Each seed: a wide random cluster, which the peer plays for some rounds; between them its state and its
configuration are disturbed. On each of these CIBs both plan and play, and the judge of the public
cases compares scores, graph, dot file and the whole text. Clusters whose orderings make a loop for
both, and those for which the peer writes a graph that refers to nothing, are only counted.

With `--list-defect` a difference is tried once more with the peer's defect in merging lists of
colocations (P24.1), so that only the others are shown.
"""

from __future__ import annotations

import argparse
import collections
import random
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from engine.scheduler.placement import colocation
from tests.scheduler.judge import ENTRY, harness
from tests.scheduler.random_states import disturb
from tests.scheduler.random_wide import wide_cib

CHECKS = ("scores", "transition", "summary", "dot", "status")
SECONDS = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """What one build said about one CIB."""

    status: int
    scores: str
    text: str
    graph: str
    dot: str
    stderr: str


def ask_peer(command: str, cib: Path, folder: Path, following: Path) -> Answer:
    """Plan and play with the other build; `following` is the CIB afterwards."""
    argv = [command, *_arguments(cib, folder), "-O", str(following)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)
    return _answer(done.returncode, done.stdout, done.stderr, folder)


def ask_ours(cib: Path, folder: Path) -> Answer:
    """The same in this process."""
    module, _, function = ENTRY.partition(":")
    entry = getattr(__import__(module, fromlist=[function]), function)
    status, stdout, stderr, _ = harness().call_entry(entry, _arguments(cib, folder))
    return _answer(status, stdout, stderr, folder)


def _arguments(cib: Path, folder: Path) -> list[str]:
    for name in ("graph", "dot"):
        (folder / name).unlink(missing_ok=True)
    return ["-x", str(cib), "-S", "-s", "-G", str(folder / "graph"), "-D", str(folder / "dot")]


def _answer(status: int, stdout: str, stderr: str, folder: Path) -> Answer:
    scores, rest = [], []
    for line in stdout.splitlines():
        words = line.strip().lstrip("* ")
        if " score on " in words or " score (inactive)" in words:
            scores.append(words)
        elif not words.startswith(("Assignment Scores", "Only 'private'")):
            rest.append(line)
    graph, dot = (
        path.read_text() if path.is_file() else "" for path in (folder / "graph", folder / "dot")
    )
    graph = graph.replace(" stonith-timeout=", " fencing-timeout=")  # the name of older builds
    graph = re.sub(r'transition_id="\d+"', 'transition_id="1"', graph)
    return Answer(status, "\n".join(scores), "\n".join(rest), graph, dot, stderr)


def differences(peer: Answer, ours: Answer) -> dict[str, list[str]]:
    """Differences by check, as the judge of the public cases finds them."""
    judge = harness()
    found = {
        "scores": judge.judge_scores(peer.scores, ours.scores),
        "transition": judge.judge_transition(peer.graph, ours.graph),
        "summary": judge.judge_summary(peer.text, ours.text),
        "dot": judge.judge_dot(peer.dot, ours.dot),
        "status": [],
    }
    if (peer.status == 0) != (ours.status == 0):
        found["status"] = [f"status {peer.status} and {ours.status}: {ours.stderr[-300:]}"]
    return {check: lines for check, lines in found.items() if lines}


def verdict(peer: Answer, ours: Answer) -> str:
    """`same`, `differs`, or why there is nothing to compare."""
    if peer.status < 0 or not peer.graph:
        return "peer failed"
    if peer.status and ours.status:
        return "loop"
    if any("trigger" in line for line in harness().judge_transition(peer.graph, peer.graph)):
        return "peer's graph is broken"
    return "differs" if differences(peer, ours) else "same"


def _with_list_defect(cib: Path, folder: Path) -> Answer:
    """Our answer with the first colocation of each merged list once for each of them (P24.1)."""
    right = colocation._append

    def wrong(
        found: list[colocation.Colocation],
        more: list[colocation.Colocation],
        *,
        dependents: bool,
    ) -> None:
        right(found, more[:1] * len(more) if found else more, dependents=dependents)

    colocation._append = wrong
    try:
        return ask_ours(cib, folder)
    finally:
        colocation._append = right


def rounds(seed: int, options: argparse.Namespace, folder: Path) -> collections.Counter[str]:
    """Compare the CIBs of one seed and count the verdicts."""
    counted: collections.Counter[str] = collections.Counter()
    cib = folder / f"{seed}-0.xml"
    cib.write_text(wide_cib(seed))
    for number in range(1, options.rounds + 1):
        following = folder / f"{seed}-{number}.xml"
        peer = ask_peer(options.peer, cib, folder, following)
        ours = ask_ours(cib, folder)
        word = verdict(peer, ours)
        if word == "differs" and options.list_defect:
            repeated = _with_list_defect(cib, folder)
            word = "list defect" if not differences(peer, repeated) else word
        counted[word] += 1
        if word == "differs":
            _show(cib, differences(peer, ours), options.lines)
            counted.update(differences(peer, ours).keys())
        elif not options.keep:
            cib.unlink()
        if not following.is_file():
            break
        tree = etree.parse(str(following))
        disturb(tree.getroot(), random.Random(f"disturb {seed} {number}"))
        tree.write(str(following))
        cib = following
    return counted


def _show(cib: Path, found: dict[str, list[str]], most: int) -> None:
    print(f"{cib}: " + ", ".join(f"{check} {len(lines)}" for check, lines in found.items()))
    for lines in found.values():
        print("\n".join(f"    {line[:200]}" for line in lines[:most]))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--peer", default="crm_simulate", help="the other build's command")
    options.add_argument("--seeds", default="1:50", help="FIRST:LAST")
    options.add_argument("--rounds", type=int, default=4, help="CIBs for each seed")
    options.add_argument("--keep", help="folder for all CIBs")
    options.add_argument("--lines", type=int, default=6, help="differences shown for each check")
    options.add_argument("--list-defect", action="store_true", help="accept the defect of P24.1")
    chosen = options.parse_args()
    folder = Path(chosen.keep or tempfile.mkdtemp(prefix="differential-"))
    folder.mkdir(parents=True, exist_ok=True)
    first, last = (int(part) for part in chosen.seeds.split(":"))
    counted: collections.Counter[str] = collections.Counter()
    for seed in range(first, last + 1):
        counted += rounds(seed, chosen, folder)
    print(", ".join(f"{word} {count}" for word, count in counted.most_common()))
    return 1 if counted["differs"] else 0


if __name__ == "__main__":
    sys.exit(main())
