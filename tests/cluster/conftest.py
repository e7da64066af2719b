"""Hosts in network namespaces for the tests of this directory."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, os.path.dirname(__file__))  # testhosts.py lies beside
import testhosts

HINT = (
    "NOT TESTED: several hosts need network namespaces (root, or: unshare -Urn make test-cluster)"
)
needs_namespaces = pytest.mark.skipif(not testhosts.namespaces_usable(), reason=HINT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what this machine could not test."""
    skipped = terminalreporter.stats.get("skipped", [])
    missed = Counter(
        reason[reason.index("NOT TESTED") :]
        for reason in (_reason(report) for report in skipped)
        if "NOT TESTED" in reason
    )
    if missed:
        terminalreporter.section("NOT TESTED on this machine", sep="!")
    for reason, count in sorted(missed.items()):
        terminalreporter.write_line(f"{count} x {reason}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a test was skipped."""
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Callable[..., testhosts.Lab]]:
    """lab(n, net="bridge"|"soft", private=[...]): n hosts, gone at the end."""
    made: list[testhosts.Lab] = []

    def make(n: int, **options: object) -> testhosts.Lab:
        made.append(testhosts.Lab(n, dir=str(tmp_path / "lab"), **options).up())
        return made[-1]

    yield make
    for one in made:
        one.down()
