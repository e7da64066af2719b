from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.tools.stand_in import Agent


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    """A cluster that the programs find."""
    monkeypatch.setenv("CRMSHELL_ROOT", str(tmp_path))
    for name in ("CIB_file", "CIB_shadow"):
        monkeypatch.delenv(name, raising=False)
    made = Agent(tmp_path)
    yield made
    made.close()
