"""The stored inputs of the scheduler: kept, bounded, and there again after a restart."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.node import inputs as module
from engine.node.inputs import TransitionInputs


def use(folder: Path, work: Callable[[TransitionInputs], None], kept: int = 10) -> TransitionInputs:
    """Let `work` use the inputs of a folder, and close them."""

    async def run() -> TransitionInputs:
        made = TransitionInputs(str(folder), "n1", kept)
        made.load()
        try:
            work(made)
        finally:
            made.close()
        return made

    return asyncio.run(run())


def test_inputs_and_how_they_ended_are_there_after_a_restart(tmp_path: Path) -> None:
    def work(inputs: TransitionInputs) -> None:
        inputs.keep(1, b"<cib/>", 100.0)
        inputs.keep(2, b"<cib epoch='2'/>", 200.0)
        inputs.ended(2, 7, "complete")

    use(tmp_path, work)
    again = use(tmp_path, lambda inputs: None)
    assert again.last == 2
    assert (again.stored[2].actions, again.stored[2].result) == (7, "complete")
    assert again.stored[1].time == 100.0
    assert again.read(2) == b"<cib epoch='2'/>"
    assert again.read(3) is None


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    def work(inputs: TransitionInputs) -> None:
        for number in range(1, 8):
            inputs.keep(number, b"<cib/>", float(number))

    inputs = use(tmp_path, work, kept=3)
    assert sorted(inputs.stored) == [5, 6, 7]
    names = sorted(name for name in os.listdir(tmp_path) if name.startswith("pe-"))
    assert names == ["pe-input-5.bz2", "pe-input-6.bz2", "pe-input-7.bz2"]


@pytest.mark.parametrize("damage", ["", "[1]", '[{"odd": 1}]', "{"])
def test_a_damaged_index_costs_the_results_and_not_the_inputs(tmp_path: Path, damage: str) -> None:
    use(tmp_path, lambda inputs: inputs.keep(4, b"<cib/>", 1.0))
    (tmp_path / "transitions.json").write_text(damage)
    again = use(tmp_path, lambda inputs: None)
    assert again.last == 4
    assert again.stored[4].result == ""
    assert json.loads((tmp_path / "transitions.json").read_text())[0]["number"] == 4


def test_a_disk_that_does_not_keep_up_bounds_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()
    compress = module.bz2.compress

    def slow(data: bytes) -> bytes:
        go_on.wait(60)
        return compress(data)

    monkeypatch.setattr(module.bz2, "compress", slow)

    def work(inputs: TransitionInputs) -> None:
        try:
            for number in range(100):
                inputs.keep(number, b"<cib/>", 1.0)
        finally:
            go_on.set()

    inputs = use(tmp_path, work, kept=1000)
    assert len(inputs.stored) == module.MOST_WAITING
    assert "not stored: 32 are waiting" in caplog.text
