"""What the scheduler knows during one run: nodes, resources, constraints, options.

`Model` is the working object of one run. `unpack` fills it from a CIB, `state` from the status
section, placement writes scores and assigned nodes, the action phases read all of it. Values that
never change after they are made are frozen dataclasses; nodes and resources are mutable slots
objects that belong to exactly one run.

Nodes and resources carry a small integer `index` (their place of creation), so that tables by node
or by resource are plain dicts or lists of ints. Rule numbers refer to the scheduler's documents:
`5.3` state, `P5.3` placement, `C5.3` transition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from engine.base.carried_over import Kept
from engine.base.isodate import Zone
from engine.cib.history import HistoryStore, OpRecord, ResourceHistory
from engine.scheduler.model.entities import (
    Blueprint,
    BundleSettings,
    CloneSettings,
    Colocation,
    Location,
    Node,
    OpConfig,
    Replica,
    Resource,
    Ticket,
    TicketConstraint,
    leaves,
)
from engine.scheduler.model.kinds import (
    INFINITY,
    MINUS_INFINITY,
    MOST_INSTANCES,
    DigestResult,
    MultipleActive,
    Needs,
    OnFail,
    OrderKind,
    ProbeMode,
    QuorumPolicy,
    Role,
    Strategy,
    Variant,
    role_from_text,
)

if TYPE_CHECKING:
    from engine.cib.nvsets import NvSet
    from engine.scheduler.model.kept_rules import KeptRules

__all__ = [  # everybody finds the scheduler's data here
    "INFINITY",
    "MINUS_INFINITY",
    "MOST_INSTANCES",
    "Blueprint",
    "BundleSettings",
    "CloneSettings",
    "Colocation",
    "Constraint",
    "DigestResult",
    "FailedOp",
    "KeptChecks",
    "KeptDigests",
    "Location",
    "Model",
    "MultipleActive",
    "Needs",
    "Node",
    "OnFail",
    "OpConfig",
    "OpDigests",
    "Options",
    "Order",
    "OrderKind",
    "OrderSets",
    "ProbeMode",
    "QuorumPolicy",
    "Replica",
    "Resource",
    "ResourceSet",
    "Role",
    "Strategy",
    "Ticket",
    "TicketConstraint",
    "Variant",
    "Witness",
    "apply_score",
    "leaves",
    "role_from_text",
]


@dataclass(slots=True)
class Options:
    """Cluster options after validation and defaults (section 6). Times are milliseconds."""

    no_quorum_policy: QuorumPolicy = QuorumPolicy.STOP
    symmetric: bool = True
    maintenance_mode: bool = False
    start_failure_is_fatal: bool = True
    startup_probes: bool = True
    fencing_enabled: bool = True
    fencing_action: str = "reboot"
    fencing_timeout: int = 60_000
    have_watchdog: bool = False
    concurrent_fencing: bool = True
    startup_fencing: bool = True
    priority_fencing_delay: int = 0
    fence_remote_without_quorum: bool = False
    node_pending_timeout: int = 0
    cluster_delay: int = 60_000
    batch_limit: int = 0
    migration_limit: int = -1
    stop_all_resources: bool = False
    stop_removed_resources: bool = True
    cancel_removed_actions: bool = True
    shutdown_lock: bool = False
    shutdown_lock_limit: int = 0
    health_strategy: str = "none"
    health_base: int = 0
    health_green: int = 0
    health_yellow: int = 0
    health_red: int = 0
    placement_strategy: Strategy = Strategy.DEFAULT
    cluster_name: str = ""
    values: dict[str, str] = field(default_factory=dict)
    """All configured options by configured name, as text."""


@dataclass(frozen=True, slots=True)
class ResourceSet:
    """A resource set of a constraint, references resolved; `None` = attribute not given."""

    id: str
    members: tuple[Resource, ...]
    sequential: bool | None = None
    require_all: bool = True
    action: str = ""
    role: Role = Role.UNKNOWN
    score: int | None = None
    kind: OrderKind | None = None
    ordering: str = ""
    unknown: tuple[int, ...] = ()  # places of references to nothing, which are not in `members`


@dataclass(frozen=True, slots=True)
class Order:
    """`first` before `then`; actions as configured ("" = not given); resources resolved (C6)."""

    id: str
    first: Resource
    then: Resource
    first_action: str
    then_action: str
    kind: OrderKind
    symmetrical: bool | None  # None: not configured
    require_all: bool = True


@dataclass(frozen=True, slots=True)
class OrderSets:
    """An ordering of resource sets, templates and tags expanded into sets (C6)."""

    id: str
    sets: tuple[ResourceSet, ...]
    kind: OrderKind
    symmetrical: bool | None


Constraint = Location | Colocation | Order | OrderSets | TicketConstraint


@dataclass(frozen=True, slots=True)
class FailedOp:
    """A failed operation as the summary shows it (20.10); times are epoch seconds or text as found."""

    key: str
    resource_id: str
    node_name: str
    task: str
    interval_ms: int
    rc: int
    status: int
    call_id: int
    exit_reason: str
    attributes: Mapping[str, str]


@dataclass(slots=True)
class OpDigests:
    """Digests of an action with today's parameters; `result` is that of the latest comparison."""

    all: str
    secure: str | None
    restart: str | None
    result: DigestResult


# Digests by the names and values of the parameters, in the order of the table.
KeptDigests: TypeAlias = Kept[tuple[tuple[str, str], ...], str]
# (resource, node or None for each one of its table, reason), after the change
Witness: TypeAlias = "Callable[[Resource, Node | None, str], None]"
# Whether what a history tells was found to agree with the configuration; see `config_changes`.
KeptChecks: TypeAlias = Kept[ResourceHistory, int]


@dataclass(slots=True, eq=False, repr=False)
class Model:
    """Everything one run knows. Filled by `unpack` and `state`; see the module's first lines."""

    now: float  # epoch seconds
    zone: Zone = field(default_factory=Zone)
    recheck_at: int = 0  # epoch seconds, 0 = no wish (28.5)
    options: Options = field(default_factory=Options)
    root_attributes: dict[str, str] = field(default_factory=dict)
    quorate: bool = False
    sanitized: bool = False  # input without private values: secure digests decide (26.5)
    has_fence_device: bool = False
    has_remote_nodes: bool = False
    unfencing_in_use: bool = False
    nodes: list[Node] = field(default_factory=list)  # sorted by name (7.3)
    node_table: list[Node] = field(default_factory=list)  # by index
    node_by_id: dict[str, Node] = field(default_factory=dict)  # lower-cased id
    node_by_name: dict[str, Node] = field(default_factory=dict)  # lower-cased name
    dc_node: Node | None = None
    resources: list[Resource] = field(default_factory=list)  # top level (11.20), removed ones last
    lookup_index: dict[str, list[Resource]] = field(default_factory=dict)
    template_users: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    constraints: list[Constraint] = field(default_factory=list)
    rsc_default_sets: tuple[NvSet, ...] = ()
    op_default_sets: tuple[NvSet, ...] = ()
    histories: HistoryStore = field(default_factory=HistoryStore)
    digest_cache: dict[tuple[int, int, str, int], OpDigests] = field(default_factory=dict)
    kept_digests: KeptDigests | None = None  # of earlier runs, if there were any
    kept_checks: KeptChecks | None = None  # the same, under this very configuration
    kept_rules: KeptRules | None = None  # what location rules said before, likewise
    # (node index, record): an expired failure whose operation is to be scheduled anew (20.7 d)
    rescheduled: set[tuple[int, OpRecord]] = field(default_factory=set)
    witness: Witness | None = None  # told why a score changed, where somebody wants to know
    failed_ops: list[FailedOp] = field(default_factory=list)
    failed_keys: set[tuple[str, str]] = field(default_factory=set)
    deferred_checks: list[tuple[Resource, Node, OpRecord]] = field(default_factory=list)  # (16.13)
    resource_count: int = 0
    disabled_count: int = 0
    blocked_count: int = 0
    next_resource_index: int = 0
    base_table_cache: dict[int, int] | None = None  # dropped when nodes change

    def history_of(self, node: Node, resource_id: str) -> ResourceHistory | None:
        """The one history of that resource id on the node."""
        return self.histories.find(node.name, resource_id)

    def node_named(self, name: str) -> Node | None:
        """The node of that name, any case (1.11)."""
        return self.node_by_name.get(name.lower())

    def want_recheck(self, when: float) -> None:
        """Something changes at `when` (epoch seconds); the earliest future moment is kept (28.5)."""
        moment = int(when)
        if moment > self.now and (self.recheck_at == 0 or moment < self.recheck_at):
            self.recheck_at = moment

    def register_name(self, name: str, resource: Resource) -> None:
        """Let `find` answer `resource` to `name` (its id or its history name)."""
        known = self.lookup_index.setdefault(name, [])
        if resource not in known:
            known.append(resource)

    def find(self, name: str) -> Resource | None:
        """Resource with that instance or history name: the first one in tree order (11.22)."""
        known: Sequence[Resource] = self.lookup_index.get(name, ())
        if len(known) == 1:
            only = known[0]
            return only if name in (only.id, only.history_id) else None
        known = self.find_all(name)
        return min(known, key=_index_of) if known else None

    def find_all(self, name: str) -> Sequence[Resource]:
        """All resources with that instance or history name; history names may be forgotten again."""
        known = self.lookup_index.get(name, ())
        for resource in known:
            if name not in (resource.history_id, resource.id):
                return [one for one in known if name in {one.id, one.history_id}]
        return known


def _index_of(resource: Resource) -> int:
    return resource.index


def apply_score(
    model: Model, resource: Resource, node: Node | None, score: int, reason: str
) -> None:
    """Add a preference to the tables of a resource and all its descendants (11.17, P6.5).

    `node` None means every node of the cluster; `reason` is for people.
    """
    for child in resource.children:
        apply_score(model, child, node, score, reason)
    allowed = resource.allowed
    for target in model.nodes if node is None else (node,):
        old = allowed.get(target.index)
        if old is None:
            old = target.base_score
            if target.probe_mode is not ProbeMode.ALWAYS:
                resource.probe_modes[target.index] = target.probe_mode
        if old <= MINUS_INFINITY or score <= MINUS_INFINITY:
            allowed[target.index] = MINUS_INFINITY
        elif old >= INFINITY or score >= INFINITY:
            allowed[target.index] = INFINITY
        else:
            allowed[target.index] = max(MINUS_INFINITY, min(INFINITY, old + score))
    if model.witness is not None:
        model.witness(resource, node, reason)
