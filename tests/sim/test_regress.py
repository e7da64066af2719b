"""Schedules that once failed, or that show why a rule is there: the product as it is survives them."""

import json
from pathlib import Path

import pytest

from tests.sim.runs import run_artefact

REGRESS = Path(__file__).parent / "regress"


def artefacts() -> list[Path]:
    return sorted(REGRESS.glob("*.json"))


@pytest.mark.parametrize("path", artefacts(), ids=lambda path: path.stem)
def test_a_schedule_that_once_failed_is_survived(path):
    world = run_artefact(json.loads(path.read_text()))
    assert world.oracle.acks > 10
