"""A quiet run loads only what it needs: a small cluster is planned faster than a library loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scheduler.random_clusters import random_cib

CODE = """
import sys
from engine.simulator import command as simulate
status = simulate.main(["-x", sys.argv[1], "-R", "-Q", "-G", sys.argv[2]])
print(status, *sorted({name.partition(".")[0] for name in sys.modules}))
"""
HEAVY = {"networkx", "hashlib", "_hashlib", "ssl", "asyncio", "socket", "difflib", "pyparsing"}


@pytest.mark.parametrize("seed", [1, 2])
def test_planning_loads_no_graph_library_and_no_cryptography(seed: int, tmp_path: Path) -> None:
    cib, graph = tmp_path / "cib.xml", tmp_path / "graph.xml"
    cib.write_text(random_cib(seed))
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(cib), str(graph)],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    status, *loaded = done.stdout.split()

    assert status == "0"
    assert graph.read_text().startswith("<transition_graph")
    assert not HEAVY & set(loaded)
