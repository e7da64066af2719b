"""Known cluster options and meta attributes: name, type, default, one line of meaning.

One table for everybody: the scheduler reads values through `option_text`, the shell completes,
checks and explains with `CLUSTER_OPTIONS`, `RESOURCE_META` and `OPERATION_OPTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from engine.base.reports import Report, Reporter, Severity, error
from engine.base.values import bool_from_text, int_from_text, interval_milliseconds, score_or_none


@dataclass(frozen=True, slots=True)
class Option:
    """A known name. `kind`: boolean, integer, score, time, percentage, word or text.

    `words` are the legal values of a `word`; `old_name` is an older name that still counts when the
    current one is absent (6.2); `advanced` marks what people rarely need.
    """

    name: str
    kind: str
    default: str
    summary: str
    words: tuple[str, ...] = ()
    old_name: str = ""
    deprecated: bool = False
    advanced: bool = False


def _option(
    name: str,
    kind: str,
    default: str,
    summary: str,
    *,
    words: str = "",
    old: str = "",
    deprecated: bool = False,
    advanced: bool = False,
) -> Option:
    return Option(name, kind, default, summary, tuple(words.split()), old, deprecated, advanced)


_CLUSTER = (
    _option(
        "dc-version",
        "text",
        "",
        "Version of the cluster engine on the DC (set by it)",
        advanced=True,
    ),
    _option(
        "cluster-infrastructure",
        "text",
        "corosync",
        "Messaging layer (set by the cluster)",
        advanced=True,
    ),
    _option("cluster-name", "text", "", "Name of the cluster, usable in rules as #cluster-name"),
    _option("dc-deadtime", "time", "20s", "How long to wait for other nodes during start-up"),
    _option(
        "cluster-recheck-interval", "time", "15min", "How often to look for time-dependent changes"
    ),
    _option(
        "no-quorum-policy",
        "word",
        "stop",
        "What to do when the partition has no quorum",
        words="stop freeze ignore demote fence suicide",
    ),
    _option(
        "shutdown-lock",
        "boolean",
        "false",
        "Keep resources of a cleanly stopped node until it is back",
    ),
    _option(
        "shutdown-lock-limit", "time", "0", "Longest time of a shutdown lock; 0 means no limit"
    ),
    _option("enable-acl", "boolean", "false", "Whether access control lists are enforced"),
    _option(
        "symmetric-cluster",
        "boolean",
        "true",
        "Whether resources may run anywhere unless forbidden",
    ),
    _option(
        "maintenance-mode", "boolean", "false", "Whether the cluster leaves all resources alone"
    ),
    _option(
        "start-failure-is-fatal",
        "boolean",
        "true",
        "Whether one failed start keeps a resource off a node",
    ),
    _option(
        "enable-startup-probes",
        "boolean",
        "true",
        "Whether the cluster looks for resources already active on joining nodes",
        deprecated=True,
        advanced=True,
    ),
    _option(
        "fencing-enabled",
        "boolean",
        "true",
        "Whether nodes may be fenced to protect data",
        old="stonith-enabled",
        advanced=True,
    ),
    _option(
        "fencing-action",
        "word",
        "reboot",
        "What fencing does to a node",
        words="reboot off",
        old="stonith-action",
    ),
    _option("fencing-timeout", "time", "60s", "How long fencing may take", old="stonith-timeout"),
    _option(
        "have-watchdog",
        "boolean",
        "false",
        "Whether watchdog self-fencing is in use (set by the cluster)",
        advanced=True,
    ),
    _option(
        "fencing-watchdog-timeout",
        "time",
        "0",
        "How long until an unseen node has fenced itself by its watchdog",
        old="stonith-watchdog-timeout",
        advanced=True,
    ),
    _option(
        "fencing-max-attempts",
        "integer",
        "10",
        "How often fencing may fail before the cluster stops trying at once",
        old="stonith-max-attempts",
    ),
    _option(
        "concurrent-fencing",
        "boolean",
        "true",
        "Whether several nodes may be fenced at the same time",
        deprecated=True,
    ),
    _option(
        "fencing-reaction",
        "word",
        "stop",
        "What a node does when it learns of its own fencing",
        words="stop panic",
        old="fence-reaction",
    ),
    _option(
        "startup-fencing",
        "boolean",
        "true",
        "Whether nodes never seen are fenced at the start",
        advanced=True,
    ),
    _option(
        "priority-fencing-delay",
        "time",
        "0",
        "Head start of the partition with the more important resources",
    ),
    _option(
        "fence-remote-without-quorum",
        "boolean",
        "false",
        "Whether remote nodes may be fenced without quorum",
    ),
    _option(
        "node-pending-timeout",
        "time",
        "0",
        "How long a joining node may stay pending; 0 means forever",
    ),
    _option("cluster-delay", "time", "60s", "Longest delay of messages between nodes"),
    _option(
        "load-threshold", "percentage", "80%", "System load above which the cluster slows down"
    ),
    _option(
        "node-action-limit",
        "integer",
        "0",
        "Most actions at a time on one node; 0 means twice its cores",
    ),
    _option(
        "batch-limit",
        "integer",
        "0",
        "Most actions at a time in the whole cluster; 0 means by load",
    ),
    _option(
        "migration-limit",
        "integer",
        "-1",
        "Most live migrations at a time on a node; -1 means no limit",
    ),
    _option("stop-all-resources", "boolean", "false", "Whether all resources are to be stopped"),
    _option(
        "stop-removed-resources",
        "boolean",
        "true",
        "Whether resources that were removed are stopped",
        old="stop-orphan-resources",
        deprecated=True,
    ),
    _option(
        "cancel-removed-actions",
        "boolean",
        "true",
        "Whether recurring actions that were removed are cancelled",
        old="stop-orphan-actions",
        deprecated=True,
    ),
    _option("pe-error-series-max", "integer", "-1", "How many inputs that led to errors are kept"),
    _option(
        "pe-warn-series-max", "integer", "5000", "How many inputs that led to warnings are kept"
    ),
    _option("pe-input-series-max", "integer", "4000", "How many other inputs are kept"),
    _option(
        "node-health-strategy",
        "word",
        "none",
        "How health attributes of nodes steer placement",
        words="none migrate-on-red only-green progressive custom",
    ),
    _option("node-health-base", "score", "0", "Base health score of nodes (strategy progressive)"),
    _option("node-health-green", "score", "0", "Score of the word green"),
    _option("node-health-yellow", "score", "0", "Score of the word yellow"),
    _option("node-health-red", "score", "-INFINITY", "Score of the word red"),
    _option(
        "placement-strategy",
        "word",
        "default",
        "How load and capacity steer placement",
        words="default utilization minimal balanced",
    ),
    _option("election-timeout", "time", "2min", "Longest time of an election", advanced=True),
    _option(
        "shutdown-escalation",
        "time",
        "20min",
        "When a node gives up on a clean stop",
        advanced=True,
    ),
    _option("join-integration-timeout", "time", "3min", "Longest time of joining", advanced=True),
    _option(
        "join-finalization-timeout",
        "time",
        "30min",
        "Longest time of finishing a join",
        advanced=True,
    ),
    _option("transition-delay", "time", "0s", "Delay before new decisions", advanced=True),
    _option(
        "cluster-ipc-limit",
        "integer",
        "500",
        "Longest backlog of messages to a daemon",
        deprecated=True,
    ),
)

_RESOURCE_META = (
    _option("priority", "score", "0", "Resources of lower priority give way first"),
    _option("critical", "boolean", "true", "Default of the influence of colocations"),
    _option(
        "target-role",
        "word",
        "Started",
        "The state that the cluster tries to keep",
        words="Stopped Started Unpromoted Promoted",
    ),
    _option("is-managed", "boolean", "true", "Whether the cluster may start and stop the resource"),
    _option("maintenance", "boolean", "false", "Whether the cluster leaves the resource alone"),
    _option(
        "resource-stickiness", "score", "", "How much the resource prefers to stay where it is"
    ),
    _option(
        "requires",
        "word",
        "",
        "What must be given before the resource may start",
        words="nothing quorum fencing unfencing",
    ),
    _option(
        "migration-threshold", "score", "INFINITY", "How many failures keep the resource off a node"
    ),
    _option("failure-timeout", "time", "0", "When failures are forgotten; 0 means never"),
    _option(
        "multiple-active",
        "word",
        "stop_start",
        "What to do when the resource is active on more than one node",
        words="block stop_only stop_start stop_unexpected",
    ),
    _option(
        "allow-migrate", "boolean", "", "Whether the resource may be moved without being stopped"
    ),
    _option("allow-unhealthy-nodes", "boolean", "false", "Whether node health is ignored"),
    _option(
        "container-attribute-target",
        "word",
        "",
        "Whose attributes count inside a container",
        words="host",
    ),
    _option("remote-node", "text", "", "Name of the guest node that the resource provides"),
    _option("remote-addr", "text", "", "Address of the guest node"),
    _option("remote-port", "integer", "3121", "Port of the guest node"),
    _option(
        "remote-connect-timeout", "time", "60s", "Longest time of connecting to the guest node"
    ),
    _option(
        "remote-allow-migrate", "boolean", "true", "Whether the guest's connection may be moved"
    ),
    _option("clone-max", "integer", "", "How many instances there are; default: one for each node"),
    _option("clone-node-max", "integer", "1", "How many instances may run on one node"),
    _option("clone-min", "integer", "0", "How many instances must run before dependents may start"),
    _option("globally-unique", "boolean", "", "Whether the instances differ from each other"),
    _option("promotable", "boolean", "false", "Whether instances may be promoted"),
    _option("promoted-max", "integer", "1", "How many instances may be promoted", old="master-max"),
    _option(
        "promoted-node-max",
        "integer",
        "1",
        "How many may be promoted on one node",
        old="master-node-max",
    ),
    _option("notify", "boolean", "false", "Whether instances are told about each other's actions"),
    _option("ordered", "boolean", "false", "Whether instances start one after the other"),
    _option(
        "interleave", "boolean", "false", "Whether an instance waits only for its peer on the node"
    ),
)

_OPERATION = (
    _option("name", "text", "", "The action, for example monitor"),
    _option("interval", "time", "0", "How often the action is repeated; 0 means not at all"),
    _option("timeout", "time", "20s", "Longest time of the action"),
    _option(
        "on-fail",
        "word",
        "",
        "What a failure leads to",
        words="ignore block stop restart standby fence demote restart-container",
    ),
    _option(
        "role",
        "word",
        "",
        "Role to which the operation belongs",
        words="Stopped Started Unpromoted Promoted",
    ),
    _option("enabled", "boolean", "true", "Whether the operation takes place"),
    _option("record-pending", "boolean", "true", "Whether the start of the action is recorded"),
    _option("start-delay", "time", "0", "Delay before the action"),
    _option("interval-origin", "text", "", "Moment from which intervals are counted"),
    _option("description", "text", "", "For people"),
)

CLUSTER_OPTIONS: Final[Mapping[str, Option]] = {option.name: option for option in _CLUSTER}
RESOURCE_META: Final[Mapping[str, Option]] = {option.name: option for option in _RESOURCE_META}
OPERATION_OPTIONS: Final[Mapping[str, Option]] = {option.name: option for option in _OPERATION}


def _valid_percentage(text: str) -> bool:
    return text.rstrip().endswith("%") and int_from_text(text) is not None


_VALID: Final[Mapping[str, Callable[[str], bool]]] = {
    "boolean": lambda text: bool_from_text(text) is not None,
    "integer": lambda text: score_or_none(text) is not None,
    "score": lambda text: score_or_none(text) is not None,
    "time": lambda text: interval_milliseconds(text) is not None,
    "percentage": _valid_percentage,
    "text": lambda _text: True,
}


def is_valid(option: Option, text: str) -> bool:
    """Whether the value may be given to the option."""
    if option.kind == "word":
        return text.lower() in {word.lower() for word in option.words}
    return _VALID[option.kind](text)


def option_text(values: Mapping[str, str], name: str, reporter: Reporter | None = None) -> str:
    """Value of a cluster option: as configured under its name, else its old name, else the default.

    A value that is not valid counts as the default (6.2); both cases are reported.
    """
    option = CLUSTER_OPTIONS[name]
    text = values.get(name)
    if text is None and option.old_name:
        text = values.get(option.old_name)
        if text is not None and reporter is not None:
            message = f"{option.old_name} is the old name of {name}"
            reporter.report(
                Report("old-option", Severity.DEPRECATION, message, subject=option.old_name)
            )
    if text is None:
        return option.default
    if not is_valid(option, text):
        if reporter is not None:
            expected = " ".join(option.words) if option.words else option.kind
            message = f"{name} is '{text}', expected {expected}; using '{option.default}'"
            reporter.report(error("bad-option", message, subject=name))
        return option.default
    return text
