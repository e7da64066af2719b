"""The cluster options that the controller itself obeys, read from the CIB with their defaults."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from engine.base.digits import is_digits
from engine.base.errors import BadInput
from engine.base.timespec import milliseconds_from_text

TRUE_WORDS = ("true", "on", "yes", "y", "1")


@dataclass(frozen=True, slots=True)
class ControllerOptions:
    """Durations in seconds."""

    fencing_enabled: bool = True
    fencing_action: str = "reboot"
    fencing_timeout: float = 60.0
    fencing_max_attempts: int = 10
    dc_deadtime: float = 20.0
    recheck_interval: float = 900.0
    transition_delay: float = 0.0
    start_is_fatal: bool = True
    shutdown_escalation: float = 1200.0


def options_from_cib(root: etree._Element) -> ControllerOptions:
    """The options in force; one that cannot be read counts as not set."""
    values = cluster_options(root)
    default = ControllerOptions()
    return ControllerOptions(
        fencing_enabled=_truth(values, ("fencing-enabled", "stonith-enabled"), True),
        fencing_action=_text(values, ("fencing-action", "stonith-action"), "reboot"),
        fencing_timeout=_seconds(values, ("fencing-timeout", "stonith-timeout"), 60.0),
        fencing_max_attempts=_whole(values, ("fencing-max-attempts", "stonith-max-attempts"), 10),
        dc_deadtime=_seconds(values, ("dc-deadtime",), default.dc_deadtime),
        recheck_interval=_seconds(values, ("cluster-recheck-interval",), default.recheck_interval),
        transition_delay=_seconds(values, ("transition-delay",), default.transition_delay),
        start_is_fatal=_truth(values, ("start-failure-is-fatal",), True),
        shutdown_escalation=_seconds(values, ("shutdown-escalation",), default.shutdown_escalation),
    )


def cluster_options(root: etree._Element) -> dict[str, str]:
    """Names and values of the cluster's property sets; the first set that names one wins."""
    found: dict[str, str] = {}
    pairs = root.iterfind("configuration/crm_config/cluster_property_set/nvpair")
    for pair in pairs:
        name, value = pair.get("name"), pair.get("value")
        if name and value is not None:
            found.setdefault(name, value)
    return found


def is_true(text: str) -> bool:
    """Whether a boolean option says yes."""
    return text.lower() in TRUE_WORDS


def _first(values: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((values[name] for name in names if name in values), None)


def _truth(values: dict[str, str], names: tuple[str, ...], default: bool) -> bool:
    text = _first(values, names)
    return default if text is None else is_true(text)


def _text(values: dict[str, str], names: tuple[str, ...], default: str) -> str:
    return _first(values, names) or default


def _whole(values: dict[str, str], names: tuple[str, ...], default: int) -> int:
    text = _first(values, names)
    return int(text) if text is not None and is_digits(text) else default


def _seconds(values: dict[str, str], names: tuple[str, ...], default: float) -> float:
    text = _first(values, names)
    if text is None:
        return default
    try:
        return max(0, milliseconds_from_text(text)) / 1000
    except BadInput:
        return default
