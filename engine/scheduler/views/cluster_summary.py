"""The head of a status: what carries the cluster, its controller, times, counts, options."""

from __future__ import annotations

from dataclasses import dataclass

from engine.base.score import add_scores
from engine.scheduler.model.model import Location, Model, Node, Role
from engine.scheduler.views.node_text import Item, display_name
from engine.scheduler.views.status_parts import Look, printed_id

DISABLED_LINES = (
    "              *** Resource management is DISABLED ***",
    "  The cluster will not attempt to start, stop or recover services",
)
STOPPED_LINES = (
    "    *** Resource management is DISABLED ***",
    "  The cluster will keep all resources stopped",
)


def stack_of(model: Model) -> str:
    """What carries the cluster's messages."""
    return model.options.values.get("cluster-infrastructure") or "unknown"


def version_of(model: Model) -> str:
    """The version that the designated controller reported."""
    return model.options.values.get("dc-version") or "unknown"


def is_mixed(model: Model) -> bool:
    """Whether nodes that are up run different versions."""
    sets = {node.feature_set for node in model.nodes if node.online and not node.is_remote_type}
    return len(sets - {""}) > 1


def dc_text(model: Model, look: Look) -> str:
    """The designated controller and the quorum."""
    if model.dc_node is None:
        return "Current DC: NONE"
    mixed = "MIXED-VERSION partition" if is_mixed(model) else "partition"
    quorum = "with quorum" if model.quorate else "WITHOUT quorum"
    name = display_name(model.dc_node, look)
    return f"Current DC: {name} (version {version_of(model)}) - {mixed} {quorum}"


@dataclass(frozen=True, slots=True)
class Change:
    """The last change of the configuration; empty texts for what is not known."""

    time: str
    user: str
    client: str
    origin: str

    @property
    def text(self) -> str:
        rest = (("by", self.user), ("via", self.client), ("on", self.origin))
        return self.time + "".join(f" {word} {value}" for word, value in rest if value)


def last_change(model: Model) -> Change:
    """When, by whom and through what the configuration was changed last."""
    root = model.root_attributes
    names = ("cib-last-written", "update-user", "update-client", "update-origin")
    return Change(*(root.get(name, "") for name in names))


def count_lines(model: Model) -> list[str]:
    """How many nodes and resource instances there are."""
    nodes, instances = len(model.nodes), model.resource_count
    remarks = []
    if model.disabled_count:
        remarks.append(f"{model.disabled_count} DISABLED")
    if model.blocked_count:
        remarks.append(f"{model.blocked_count} BLOCKED from further action due to failure")
    remark = f" ({', '.join(remarks)})" if remarks else ""
    return [
        f"{nodes} node{'' if nodes == 1 else 's'} configured",
        f"{instances} resource instance{'' if instances == 1 else 's'} configured{remark}",
    ]


def management_lines(model: Model) -> tuple[str, ...]:
    """A notice where the cluster does not manage its resources."""
    if model.options.maintenance_mode:
        return DISABLED_LINES
    return STOPPED_LINES if model.options.stop_all_resources else ()


def option_values(model: Model) -> dict[str, str]:
    """The attributes of a `cluster_options` element."""
    options = model.options

    def flag(value: bool) -> str:
        return "true" if value else "false"

    fencing = {
        "enabled": flag(options.fencing_enabled),
        "timeout-ms": str(options.fencing_timeout),
    }
    policy = options.no_quorum_policy.name.lower()
    return {
        **{f"fencing-{name}": value for name, value in fencing.items()},
        "symmetric-cluster": flag(options.symmetric),
        "no-quorum-policy": "suicide" if policy == "fence" else policy,
        "maintenance-mode": flag(options.maintenance_mode),
        "stop-all-resources": flag(options.stop_all_resources),
        "priority-fencing-delay-ms": str(options.priority_fencing_delay),
        **{f"stonith-{name}": value for name, value in fencing.items()},
    }


@dataclass(frozen=True, slots=True)
class Ban:
    """A location constraint that keeps a resource from a node."""

    id: str
    resource: str
    node: Node
    score: int
    promoted_only: bool


def bans(model: Model, look: Look, prefix: str = "") -> list[Ban]:
    """The constraints with a negative score whose id begins with `prefix`."""
    found = []
    for each in model.constraints:
        if not isinstance(each, Location) or not each.id.startswith(prefix):
            continue
        names = (printed_id(each.resource), printed_id(each.resource.top))
        if not look.names(*names):
            continue
        scores: dict[int, tuple[Node, int]] = {}
        for node, score in each.scores:
            before = scores.get(node.index)
            scores[node.index] = (node, add_scores(before[1], score) if before else score)
        found += [
            Ban(each.id, names[0], node, score, each.role is Role.PROMOTED)
            for node, score in scores.values()
            if score < 0
        ]
    return found


def ban_items(model: Model, look: Look, prefix: str) -> list[Item]:
    """The section "Negative Location Constraints"."""
    items = []
    for ban in bans(model, look, prefix):
        what = "becoming promoted" if ban.promoted_only else "running"
        where = display_name(ban.node, look)
        items.append(Item(f"{ban.id}\tprevents {ban.resource} from {what} on {where}"))
    return items
