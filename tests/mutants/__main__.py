"""`python -m tests.mutants`: the table of rules, their mutants, and what sees them."""

from __future__ import annotations

import contextlib
import io
import sys

from tests.mutants.rules import all_rules
from tests.mutants.table import MUTANTS, WITHOUT, seen_by


def main() -> int:
    unseen = 0
    print(f"{'mutant':38} {'rules':10} seen by")
    for mutant in MUTANTS:
        judge, words = "", ""
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                judge, words = seen_by(mutant)
            except RuntimeError as problem:
                print(problem, file=sys.stderr)
        unseen += not judge
        what = judge.rpartition("::")[2] or judge
        shown = "NOT SEEN" if not judge else what if words == what else f"{what}: {words}"
        print(f"{mutant.name:38} {' '.join(mutant.rules):10} {shown[:150]}", flush=True)
    for rule, why in WITHOUT.items():
        print(f"{'-':38} {rule:10} {why}")
    kept = {rule for mutant in MUTANTS for rule in mutant.rules} | set(WITHOUT)
    missing = [rule for rule in all_rules() if rule not in kept]
    print(f"{len(MUTANTS)} mutants, {unseen} not seen, rules without one: {missing or 'none'}")
    return 1 if unseen or missing else 0


if __name__ == "__main__":
    sys.exit(main())
