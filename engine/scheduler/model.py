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
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.base.isodate import Zone
from engine.base.kept import Kept
from engine.cib.history import HistoryStore, OpRecord, ResourceHistory

if TYPE_CHECKING:
    from lxml import etree

    from engine.cib.nvsets import NvSet

INFINITY: Final = 1_000_000
MINUS_INFINITY: Final = -1_000_000
MOST_INSTANCES: Final = 1_000
"""Of a clone or bundle, unless there are more nodes: a mistyped number must not stop the cluster."""


class Role(IntEnum):
    """Role of an instance, ordered (1.13)."""

    UNKNOWN = 0
    STOPPED = 1
    STARTED = 2
    UNPROMOTED = 3
    PROMOTED = 4

    @property
    def text(self) -> str:
        """The word used in outputs (`Unknown`, `Stopped`, …)."""
        return self.name.capitalize()


_ROLE_WORDS: Final = {
    "stopped": Role.STOPPED,
    "started": Role.STARTED,
    "unpromoted": Role.UNPROMOTED,
    "slave": Role.UNPROMOTED,
    "promoted": Role.PROMOTED,
    "master": Role.PROMOTED,
}


def role_from_text(text: str | None) -> Role:
    """Role named by `text` in any case; `Master` and `Slave` are old names; else UNKNOWN (1.13)."""
    return _ROLE_WORDS.get(text.lower(), Role.UNKNOWN) if text else Role.UNKNOWN


class Variant(IntEnum):
    """Kind of resource, ordered as P1.3."""

    PRIMITIVE = 1
    GROUP = 2
    CLONE = 3
    BUNDLE = 4


class ProbeMode(IntEnum):
    """`resource-discovery` of a node entry, ordered as P5.8."""

    ALWAYS = 0
    NEVER = 1
    EXCLUSIVE = 2


class OnFail(IntEnum):
    """What a failure leads to, in order of severity (14.5)."""

    IGNORE = 0
    DEMOTE = 1
    RESTART = 2
    RESET_REMOTE = 3
    RESTART_CONTAINER = 4
    BAN = 5
    BLOCK = 6
    STOP = 7
    STANDBY = 8
    FENCE = 9


class Needs(IntEnum):
    """What an action, or a resource's start, requires (14.8, 12.7)."""

    NOTHING = 0
    QUORUM = 1
    FENCING = 2


class QuorumPolicy(Enum):
    """`no-quorum-policy` after 6.4."""

    STOP = "stop"
    FREEZE = "freeze"
    IGNORE = "ignore"
    DEMOTE = "demote"
    FENCE = "fence"


class MultipleActive(Enum):
    """`multiple-active` (12.3)."""

    BLOCK = "block"
    STOP_ONLY = "stop_only"
    STOP_START = "stop_start"
    STOP_UNEXPECTED = "stop_unexpected"


class Strategy(Enum):
    """`placement-strategy` (6.3)."""

    DEFAULT = "default"
    UTILIZATION = "utilization"
    MINIMAL = "minimal"
    BALANCED = "balanced"


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


@dataclass(slots=True, eq=False, repr=False)
class Node:
    """A cluster, remote, guest or bundle node (sections 7, 8, 17).

    `base_score` is the score of entries made from now on; entries that resources hold already keep
    theirs (8.9). `running` holds primitives in the order of discovery.
    """

    index: int
    id: str
    name: str
    is_remote_type: bool = False
    is_dc: bool = False
    online: bool = False
    unclean: bool = False
    pending: bool = False
    shutdown: bool = False
    standby: bool = False
    standby_on_fail: bool = False
    maintenance: bool = False
    expected_up: bool = False
    seen: bool = False
    probes_allowed: bool = True
    remote_reset: bool = False
    remote_fenced: bool = False
    remote_maintenance: bool = False
    history_read: bool = False
    base_score: int = 0
    probe_mode: ProbeMode = ProbeMode.ALWAYS
    priority: int = 0
    attributes: dict[str, str] = field(default_factory=dict)
    utilization: dict[str, str] = field(default_factory=dict)
    feature_set: str = ""
    fail_counts: dict[str, list[int]] | None = None  # index, see `failcounts`
    running: list[Resource] = field(default_factory=list)
    connection: Resource | None = None
    # Placement's working values (P1.7): primitives assigned so far, what capacity is left.
    assigned_count: int = 0
    capacity: dict[str, int] = field(default_factory=dict)

    @property
    def is_guest(self) -> bool:
        """A guest or bundle node: its connection runs inside another resource (17.4)."""
        connection = self.connection
        return self.is_remote_type and connection is not None and connection.launcher is not None

    @property
    def is_bundle(self) -> bool:
        """A guest node whose launcher is a bundle's container."""
        connection = self.connection
        return (
            self.is_remote_type
            and connection is not None
            and connection.launcher is not None
            and connection.launcher.bundle_replica is not None
        )

    @property
    def is_remote(self) -> bool:
        """A Pacemaker Remote node that is no guest (17.4)."""
        return self.is_remote_type and not self.is_guest

    def __repr__(self) -> str:
        return f"Node({self.name})"


@dataclass(slots=True)
class CloneSettings:
    """Numbers and flags of a clone (15.3); for a bundle those of its containers (16.2)."""

    clone_max: int
    clone_node_max: int = 1
    clone_min: int = 0
    promoted_max: int = 0
    promoted_node_max: int = 0
    ordered: bool = False
    interleave: bool = False
    next_instance: int = 0


@dataclass(slots=True)
class Replica:
    """One copy of a bundle (16.7); `node` is the bundle node that its connection offers."""

    number: int
    container: Resource
    ip: Resource | None = None
    connection: Resource | None = None
    child: Resource | None = None
    node: Node | None = None
    address: str = ""


@dataclass(slots=True)
class BundleSettings:
    """What is particular to a bundle (section 16)."""

    agent: str
    image: str
    replicas: list[Replica] = field(default_factory=list)
    inner_clone: Resource | None = None
    replicas_per_host: int = 1
    promoted_max: int = 0
    network: str = ""
    control_port: str = ""
    add_host: bool = True


@dataclass(frozen=True, slots=True)
class OpConfig:
    """A configured operation (section 14): its XML attributes and its name/value sets.

    `key` is name and interval in milliseconds; `enabled` is the XML attribute. Sets are in the order
    in which they are processed (4.2).
    """

    id: str
    name: str
    interval_ms: int
    enabled: bool
    role: Role
    attributes: Mapping[str, str]
    meta_sets: tuple[NvSet, ...] = ()
    param_sets: tuple[NvSet, ...] = ()


@dataclass(frozen=True, slots=True)
class Blueprint:
    """The effective definition of a resource: read once, built into as many instances as needed.

    Sets are in the order in which they are processed (4.2).
    """

    tag: str
    id: str
    attributes: Mapping[str, str]
    meta_sets: tuple[NvSet, ...] = ()
    param_sets: tuple[NvSet, ...] = ()
    utilization_sets: tuple[NvSet, ...] = ()
    ops: tuple[OpConfig, ...] = ()
    children: tuple[Blueprint, ...] = ()
    element: etree._Element | None = None


@dataclass(slots=True, eq=False, repr=False)
class Resource:
    """A primitive, group, clone or bundle, or an instance of one (sections 11 to 17, P1.6).

    `allowed` maps node index → score; a missing key means "no entry". `probe_modes` holds only the
    entries whose probe mode is not ALWAYS; `counts` is used by collectives during assignment.
    """

    # Who it is.
    index: int
    id: str
    variant: Variant
    base_id: str = ""  # without ":N"
    history_id: str = ""  # name in the history, if it differs from `id` (18.6 d)
    tag: str = ""  # element name in the CIB
    instance: int | None = None  # N of a clone instance and of everything in it
    attributes: dict[str, str] = field(default_factory=dict)  # the element's XML attributes
    agent_class: str = ""
    agent_provider: str = ""
    agent_type: str = ""
    # Tree and containment.
    parent: Resource | None = None
    children: list[Resource] = field(default_factory=list)
    clone: CloneSettings | None = None
    clone_blueprint: Blueprint | None = None  # what a clone's instances are made of
    bundle: BundleSettings | None = None
    bundle_replica: Replica | None = None  # of a bundle's container, IP, connection, child
    launcher: Resource | None = None
    launched: list[Resource] = field(default_factory=list)
    # Configuration.
    meta: dict[str, str] = field(default_factory=dict)
    meta_sets: tuple[NvSet, ...] = ()
    param_sets: tuple[NvSet, ...] = ()
    param_cache: dict[int, dict[str, str]] = field(
        default_factory=dict
    )  # node index or -1 → parameters
    ops: tuple[OpConfig, ...] = ()
    utilization: dict[str, str] = field(default_factory=dict)
    priority: int = 0
    stickiness: int = 0
    migration_threshold: int = INFINITY
    failure_timeout: int = 0  # milliseconds, 0 = never
    reconnect_ms: int = 0
    multiple_active: MultipleActive = MultipleActive.STOP_START
    ordered: bool = True  # group
    collocated: bool = True  # group
    # Flags from the configuration.
    managed: bool = True
    maintenance: bool = False
    unique: bool = True
    promotable: bool = False
    notify: bool = False
    critical: bool = True
    is_fence_device: bool = False
    is_remote_connection: bool = False
    allow_migrate: bool = False
    allow_unhealthy: bool = False
    needs_quorum: bool = False
    needs_fencing: bool = False
    needs_unfencing: bool = False
    exclusive_probes: bool = False
    nesting_allowed: bool = False  # a bundle's connection: may run beside its container
    container_inner: bool = False  # the primitive inside a bundle, and its clone
    address_is_uname: bool = False  # connection whose `addr` is the literal "#uname" (16.13)
    # Flags and values from the history.
    role: Role = Role.STOPPED
    next_role: Role = Role.UNKNOWN
    blocked: bool = False
    failed: bool = False
    stop_if_failed: bool = False
    failure_ignored: bool = False
    start_pending: bool = False
    removed: bool = False
    removed_launched: bool = False
    running_on: list[Node] = field(default_factory=list)
    known_on: dict[int, Node] = field(default_factory=dict)  # probed there (23.1)
    pending_action: str = ""  # task of the pending action, "" = none
    pending_node: Node | None = None
    migration_source: Node | None = None  # partial migration (24.4)
    migration_target: Node | None = None
    dangling_sources: list[Node] = field(default_factory=list)
    lock_node: Node | None = None
    lock_time: int = 0
    # Scores and constraints.
    allowed: dict[int, int] = field(default_factory=dict)
    probe_modes: dict[int, ProbeMode] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    locations: list[Location] = field(default_factory=list)
    this_with: list[Colocation] = field(default_factory=list)
    with_this: list[Colocation] = field(default_factory=list)
    tickets: list[TicketConstraint] = field(default_factory=list)
    # Placement's working values.
    assigned: Node | None = None
    assigned_score: int = 0
    unassigned: bool = True
    assigning: bool = False
    merging: bool = False
    promotion_priority: int = 0

    @property
    def is_primitive(self) -> bool:
        return self.variant is Variant.PRIMITIVE

    @property
    def top(self) -> Resource:
        """Outermost ancestor, not beyond a bundle's inner clone (15.8)."""
        found = self
        while found.parent is not None and found.parent.variant is not Variant.BUNDLE:
            found = found.parent
        return found

    @property
    def outermost(self) -> Resource:
        """Outermost ancestor, bundles included."""
        found = self
        while found.parent is not None:
            found = found.parent
        return found

    @property
    def is_anonymous_clone(self) -> bool:
        return self.variant is Variant.CLONE and not self.unique

    @property
    def is_anonymous_instance(self) -> bool:
        """Inside an anonymous clone (or such a clone itself)."""
        return not self.unique

    @property
    def is_bundled(self) -> bool:
        """Part of a bundle, at any depth."""
        return self.outermost.variant is Variant.BUNDLE

    def __repr__(self) -> str:
        return f"Resource({self.id})"


@dataclass(slots=True)
class Location:
    """Scores of nodes for a resource (P5.1). `scores`: (node, score) in the order of application."""

    id: str
    resource: Resource
    scores: tuple[tuple[Node, int], ...]
    role: Role = Role.UNKNOWN  # filter; UNKNOWN = none
    probe_mode: ProbeMode = ProbeMode.ALWAYS


@dataclass(slots=True, eq=False)
class Colocation:
    """`dependent` with `primary` (section P11). `explicit`: configured, not internal (P7.7)."""

    id: str
    score: int
    dependent: Resource
    primary: Resource
    dependent_role: Role = Role.UNKNOWN
    primary_role: Role = Role.UNKNOWN
    node_attribute: str = "#uname"
    influence: bool = True
    explicit: bool = True


class OrderKind(Enum):
    """`kind` of an ordering."""

    OPTIONAL = "Optional"
    MANDATORY = "Mandatory"
    SERIALIZE = "Serialize"


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


@dataclass(slots=True)
class Ticket:
    """A ticket's state (27.6). `last_granted`: epoch seconds, -1 unknown."""

    id: str
    granted: bool = False
    standby: bool = False
    last_granted: int = -1
    state: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TicketConstraint:
    """`resource` depends on `ticket` (P18). `loss_policy`: stop, demote, freeze or fence."""

    id: str
    ticket: Ticket
    resource: Resource
    role: Role
    loss_policy: str


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


class DigestResult(Enum):
    """Outcome of comparing a history entry with today's parameters (26.3)."""

    MATCH = "match"
    UNKNOWN = "unknown"
    MISMATCH = "mismatch"
    RESTART = "restart"


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


def leaves(resource: Resource) -> list[Resource]:
    """The primitives below a resource in order, or the primitive itself."""
    if not resource.children:
        return [resource] if resource.variant is Variant.PRIMITIVE else []
    found: list[Resource] = []
    for child in resource.children:
        found.extend(leaves(child))
    return found


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
