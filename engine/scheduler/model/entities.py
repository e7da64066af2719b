"""Nodes and resources, what resources are made of, and the constraints that they hold.

Nodes and resources are mutable slots objects that belong to exactly one run. They carry a small
integer `index` (their place of creation), so that tables by node or by resource are plain dicts or
lists of ints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.scheduler.model.kinds import (
    INFINITY,
    MultipleActive,
    ProbeMode,
    Role,
    Variant,
)

if TYPE_CHECKING:
    from lxml import etree

    from engine.cib.nvsets import NvSet


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


def leaves(resource: Resource) -> list[Resource]:
    """The primitives below a resource in order, or the primitive itself."""
    if not resource.children:
        return [resource] if resource.variant is Variant.PRIMITIVE else []
    found: list[Resource] = []
    for child in resource.children:
        found.extend(leaves(child))
    return found
