"""How many actions a node may have at a time: by `node-action-limit`, and by its load where `load-threshold` is set. Pure.

The steps are Pacemaker's (live L9.10 to L9.12). Unlike there, load counts only when somebody set a
threshold: a cluster that starts everything at once is busy because of that, and would wait for itself.
"""

from __future__ import annotations

from enum import IntEnum


class LoadMode(IntEnum):
    """How busy a node is; each step lets it do less."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3


_STEPS = ((2.0, LoadMode.HIGH), (1.6, LoadMode.MEDIUM), (1.2, LoadMode.LOW))
_ONE_CORE = 0.6
_SHARES = {LoadMode.NONE: 1, LoadMode.LOW: 2, LoadMode.MEDIUM: 4}


def load_mode(load: float, cores: int, threshold: float) -> LoadMode:
    """The mode for a load average of one minute; `threshold` is a share of a core, 0 for none."""
    if threshold <= 0:
        return LoadMode.NONE
    full = threshold * (_ONE_CORE if cores <= 1 else cores)
    return next((mode for factor, mode in _STEPS if load > full * factor), LoadMode.NONE)


def mode_of_number(number: int) -> LoadMode:
    """The mode that a node told; a number that is none counts as the nearest one."""
    return LoadMode(max(LoadMode.NONE, min(LoadMode.HIGH, number)))


def job_limit(mode: LoadMode, most: int) -> int:
    """Actions at a time on a node that may have `most` of them when it is idle; at least one."""
    share = _SHARES.get(mode)
    return max(1, most // share) if share else 1


def batch_limit(configured: int, automatic: int, members: int, worst: LoadMode) -> int:
    """Actions at a time in the cluster: as configured (0: `automatic`), and few while a node is very busy."""
    limit = configured or automatic
    return min(limit, max(1, members // 2)) if worst >= LoadMode.HIGH else limit
