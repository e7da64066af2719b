"""Every example comes out as it is written: where things run, and what is done in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scheduler.examples import FOLDER, read_example, run_example, write_example

FILES = sorted(FOLDER.glob("*.txt"))


def test_there_are_examples_for_every_family_of_rules() -> None:
    assert len(FILES) >= 120


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_comes_out_as_written(path: Path) -> None:
    example = read_example(path.read_text())
    assert write_example(run_example(example)) == write_example(example)
