"""The cluster options that the controller itself obeys."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from engine.base.values import float_from_text
from engine.cib.cluster_options import options_in_force

DEFAULT_THRESHOLD = 0.8


@dataclass(frozen=True, slots=True)
class ControllerOptions:
    """Durations in seconds. The defaults are those of the option table.

    `load_threshold` is a share of a core (0.8 for 80%), 0 where none is set.
    """

    fencing_enabled: bool
    fencing_action: str
    fencing_timeout: float
    fencing_max_attempts: int
    dc_deadtime: float
    recheck_interval: float
    transition_delay: float
    cluster_delay: float
    start_is_fatal: bool
    shutdown_escalation: float
    shutdown_lock: bool
    shutdown_lock_limit: float
    node_action_limit: int
    load_threshold: float


def controller_options(root: etree._Element, wall: float) -> ControllerOptions:
    """The options of a `<cib>` in force at `wall`, as the scheduler reads them."""
    options = options_in_force(root, wall)
    return ControllerOptions(
        fencing_enabled=options.flag("fencing-enabled"),
        fencing_action=options.text("fencing-action").lower(),
        fencing_timeout=options.milliseconds("fencing-timeout") / 1000,
        fencing_max_attempts=options.number("fencing-max-attempts"),
        dc_deadtime=options.milliseconds("dc-deadtime") / 1000,
        recheck_interval=options.milliseconds("cluster-recheck-interval") / 1000,
        transition_delay=options.milliseconds("transition-delay") / 1000,
        cluster_delay=options.milliseconds("cluster-delay") / 1000,
        start_is_fatal=options.flag("start-failure-is-fatal"),
        shutdown_escalation=options.milliseconds("shutdown-escalation") / 1000,
        shutdown_lock=options.flag("shutdown-lock"),
        shutdown_lock_limit=options.milliseconds("shutdown-lock-limit") / 1000,
        node_action_limit=max(0, options.number("node-action-limit")),
        load_threshold=_share(options.configured("load-threshold")),
    )


def _share(text: str | None) -> float:
    """A percentage as a share; one that is not valid counts as the default, as everywhere."""
    if text is None:
        return 0.0
    number = float_from_text(text.strip().removesuffix("%"))
    return number / 100 if number is not None and number >= 0 else DEFAULT_THRESHOLD
