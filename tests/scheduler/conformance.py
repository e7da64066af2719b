"""Run all public scheduler cases, print how many pass per tier, compare with the ratchet.

`--update` writes the names of the passing cases into the ratchet; without it, a case that is in the
ratchet and does not pass is an error. `--order` also lists cases that pass but execute their
actions in another order than Pacemaker.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.scheduler import judge


def main(arguments: list[str]) -> int:
    if not judge.is_available():
        print(
            f"scheduler conformance: no cases in {judge.cases_folder()}; "
            "set CONFORMANCE to the folder that holds scheduler/run",
            file=sys.stderr,
        )
        return 1
    os.environ.update(TZ="UTC", LC_ALL="C")
    time.tzset()
    verdicts = [judge.judged(name) for name in judge.all_cases()]
    _print_table(verdicts)
    passing = {verdict.name for verdict in verdicts if not verdict.failed}
    for verdict in verdicts:
        if verdict.failed:
            print(f"not passing: {verdict.name}: {', '.join(verdict.failed)}")
        elif "--order" in arguments and not verdict.in_order:
            print(f"other order: {verdict.name}")
    lost = sorted(judge.ratchet() - passing)
    if "--update" in arguments and not lost:
        _write_ratchet(passing)
    for name in lost:
        print(f"LOST: {name} passed before")
    new = len(passing - judge.ratchet())
    if new:
        print(f"{new} new in the list of passing cases; keep them with --update")
    return 1 if lost else 0


def _print_table(verdicts: list[judge.Verdict]) -> None:
    totals: Counter[int] = Counter(verdict.tier for verdict in verdicts)
    passed: Counter[int] = Counter(v.tier for v in verdicts if not v.failed)
    ordered: Counter[int] = Counter(v.tier for v in verdicts if not v.failed and v.in_order)
    print(f"{'scheduler':12}{'cases':>8}{'passing':>9}{'in order':>10}")
    for tier in sorted(totals):
        print(f"tier {tier:<7}{totals[tier]:>8}{passed[tier]:>9}{ordered[tier]:>10}")
    print(f"{'total':12}{totals.total():>8}{passed.total():>9}{ordered.total():>10}")


def _write_ratchet(passing: set[str]) -> None:
    head = "# Scheduler cases that pass all checks; `conformance.py --update` adds to this list.\n"
    judge.RATCHET.write_text(head + "".join(f"{name}\n" for name in sorted(passing)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
