"""One run from a seed or an artefact."""

from __future__ import annotations

from typing import Any

from tests.sim.nemesis import draw_config, draw_schedule
from tests.sim.world import Config, World


def run_seed(seed: int, *, trace: bool = False) -> World:
    config = draw_config(seed)
    return World(seed, config, draw_schedule(seed, config), trace).run()


def run_artefact(artefact: dict[str, Any], *, trace: bool = False) -> World:
    """Replay of (seed, configuration, schedule); a violation is raised again."""
    config = Config(**artefact["config"])
    return World(artefact["seed"], config, artefact["schedule"], trace).run()
