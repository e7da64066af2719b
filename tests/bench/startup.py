"""What the start of each command costs beside a bare interpreter, measured in one run.

    python tests/bench/startup.py [--runs N] [--most RATIO]

Prints CPU milliseconds (least of the runs) and the ratio; exit status 1 if one is above `--most`.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path

COMMANDS = {
    "bare interpreter": [sys.executable, "-c", "pass"],
    "crm --version": ["crm", "--version"],
    "crm help": ["crm", "help"],
    "crm ra classes": ["crm", "ra", "classes"],
    "crm_simulate --version": ["crm_simulate", "--version"],
}


def cpu_milliseconds(argv: list[str], runs: int) -> float:
    """User and system time of the process, the least of the runs."""
    times = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return 1000 * min(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--most", type=float, default=9.0)
    options = parser.parse_args()
    folder = Path(sys.executable).parent
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    bare = 0.0
    worst = 0.0
    for name, argv in COMMANDS.items():
        used = cpu_milliseconds(argv, options.runs)
        bare = bare or used
        worst = max(worst, used / bare)
        print(f"{name:24} {used:7.1f} ms  {used / bare:5.1f} x")
    return 1 if worst > options.most else 0


if __name__ == "__main__":
    sys.exit(main())
