"""Asks why about the resources of a folder of CIBs, and counts the answers.

    python tests/scheduler/explain.py FOLDER [RESOURCES]

Of each CIB so many resources are asked about (3). For each, what is said to have decided is taken away from a
fresh copy and the cluster scheduled anew: the resource must be elsewhere. Then it is asked why the resource is not on
another node, and each way there is gone: the resource must be there. An answer that does not come true is an error.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.base.compressed import plain_bytes
from engine.base.errors import EngineError
from engine.cib.document import Cib
from engine.cib.edits import node_names, resources
from engine.reasons.explain import Explanation, explain
from engine.reasons.outcome import outcome_of

NOW = 1_700_000_000.0
SECONDS = 5.0


def check(cib: Cib, now: float, count: int, seconds: float = SECONDS) -> Iterator[tuple[str, str]]:
    """For each question a word for how it went, and the question; `WRONG` for an answer that is not true."""
    names = [e.get("id", "") for e in resources(cib) if e.tag == "primitive"]
    for name in names[:count]:
        found = _explained(cib, now, name, "", seconds)
        yield _verdict(cib, now, found), f"why {name}"
        elsewhere = [node for node in node_names(cib) if not found.outcome.is_on(node)]
        for node in elsewhere[:1]:
            other = _explained(cib, now, name, node, seconds)
            yield _verdict(cib, now, other), f"why {name} {node}"


def _explained(cib: Cib, now: float, name: str, node: str, seconds: float) -> Explanation:
    end = time.monotonic() + seconds
    return explain(cib, now, name, node, lambda: time.monotonic() < end)


def _verdict(cib: Cib, now: float, found: Explanation) -> str:
    for cause in found.causes:
        without = _again(cib, now, found.name, cause.changes)
        if without.will == found.outcome.will:
            return "WRONG"
    for way in found.ways:
        outcome = _again(cib, now, found.name, way.changes)
        if not (outcome.is_on(found.node) if found.node else outcome.will):
            return "WRONG"
    kind = "placed" if found.wished == "there" else "not there" if found.node else "stopped"
    if found.causes or found.ways or found.preference is not None:
        return f"{kind}: explained"
    if not found.is_complete:
        return f"{kind}: out of time"
    return f"{kind}: {'by default' if kind == 'placed' else 'nothing helps'}"


def _again(cib: Cib, now: float, name: str, changes: object) -> object:
    """What becomes of it when the changes are made to the text of the CIB, read anew."""
    copy = Cib.from_bytes(cib.to_bytes())
    for change in changes:
        change.apply(copy)
    return outcome_of(Cib.from_bytes(copy.to_bytes()), now, name)


def main(arguments: list[str]) -> int:
    os.environ.update(TZ="UTC")
    time.tzset()
    count = int(arguments[1]) if len(arguments) > 1 else 3
    totals: Counter[str] = Counter()
    wrong: list[str] = []
    for path in sorted(Path(arguments[0]).glob("*.xml")):
        try:
            cib = Cib.from_bytes(plain_bytes(path.read_bytes(), path.name))
            now = float(cib.root.get("execution-date", NOW))
            for word, question in check(cib, now, count):
                totals[word] += 1
                if word == "WRONG" or "nothing" in word:
                    wrong.append(f"{word}: {path.stem}: {question}")
        except EngineError:
            totals["cannot be scheduled"] += 1
    for word, number in sorted(totals.items()):
        print(f"{word:32}{number:6}")
    print("\n".join(wrong))
    return 1 if totals["WRONG"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
