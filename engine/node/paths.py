"""Where a node keeps things."""

from __future__ import annotations

import os
from dataclasses import dataclass

from engine.lrm.command import AgentPaths

STATE_DIRECTORY = "var/lib/crmshell"
RUN_DIRECTORY = "run/crmshell"


@dataclass(frozen=True, slots=True)
class Places:
    """Where a node keeps things; all below `root`, but for the agents of the distribution."""

    root: str
    key: str
    paths: AgentPaths

    @property
    def state(self) -> str:
        return os.path.join(self.root, STATE_DIRECTORY)

    @property
    def run(self) -> str:
        return os.path.join(self.root, RUN_DIRECTORY)


def make_public(directory: str) -> None:
    """Make a directory that agents and members of the group may enter, whatever the umask says."""
    if directory and not os.path.isdir(directory):
        os.makedirs(directory)
        os.chmod(directory, 0o755)
