"""The public scheduler cases: where they are, and what the judge says of each.

The cases and their judge lie beside the repository (`CONFORMANCE`, or `../shared/conformance`);
none of them is copied into it.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
RATCHET = Path(__file__).with_name("ratchet.txt")
ENTRY = "engine.simulator.command:main"
_TIMEOUT = 60.0


@dataclass(frozen=True)
class Verdict:
    """What the judge found: `differences` by check, empty for one that holds."""

    name: str
    tier: int
    differences: dict[str, list[str]]
    required: tuple[str, ...]

    @property
    def failed(self) -> list[str]:
        """The required checks that do not hold."""
        return [check for check in self.required if self.differences[check]]

    @property
    def in_order(self) -> bool:
        """Whether the actions were executed in Pacemaker's own order, too."""
        return not self.differences["order"]

    @property
    def text(self) -> str:
        lines = [f"{self.name} (tier {self.tier})"]
        for check in self.failed:
            lines.append(f"{check}:")
            lines += [f"  {line}" for line in self.differences[check][:40]]
        return "\n".join(lines)


def cases_folder() -> Path:
    """The folder of the scheduler cases, which need not exist."""
    given = os.environ.get("CONFORMANCE")
    base = Path(given) if given else ROOT.parent / "shared" / "conformance"
    if not base.is_absolute():
        base = ROOT / base
    return base / "scheduler"


def is_available() -> bool:
    return (cases_folder() / "run").is_file()


@cache
def harness() -> ModuleType:
    """The judge as a module."""
    path = str(cases_folder() / "run")
    loader = importlib.machinery.SourceFileLoader("scheduler_judge", path)
    spec = importlib.util.spec_from_loader("scheduler_judge", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = written
    return module


@cache
def all_cases() -> dict[str, object]:
    """Case by name, in order of name."""
    judge = harness()
    return {case.name: case for case in judge.load_cases(judge.HERE / "cases")}


def judged(name: str) -> Verdict:
    """Run one case in this process and judge it."""
    judge = harness()
    case = all_cases()[name]
    output = judge.run_in_process(ENTRY, case, _TIMEOUT)
    return Verdict(name, case.tier, judge.judge(case, output), judge.REQUIRED)


def ratchet() -> frozenset[str]:
    """Names of the cases that pass and must go on passing."""
    lines = RATCHET.read_text().splitlines() if RATCHET.is_file() else []
    return frozenset(line for line in lines if line and not line.startswith("#"))


def sample(size: int = 160) -> list[str]:
    """A part of the cases: every tag, every tier, the same ones each time."""
    cases = all_cases()
    chosen: dict[str, None] = {}
    seen: dict[str, int] = {}
    for name, case in cases.items():
        if any(seen.get(tag, 0) < 2 for tag in case.tags):
            chosen[name] = None
            for tag in case.tags:
                seen[tag] = seen.get(tag, 0) + 1
    rest = [name for name in cases if name not in chosen]
    missing = max(0, size - len(chosen))
    if missing:
        step = max(1, len(rest) // missing)
        chosen.update(dict.fromkeys(rest[::step]))
    return sorted(chosen)
