"""Probes: where the state of a resource must be asked first, and what waits for the answer (C8)."""

from __future__ import annotations

from typing import Final

from engine.scheduler.model.model import (
    Node,
    ProbeMode,
    Replica,
    Resource,
    Role,
    Variant,
)
from engine.scheduler.model.order_graph import (
    BLOCKS,
    FIRST_THEN,
    IF_UNMIGRATABLE,
    LOAD,
    NESTED_PROBE,
    ORDERED,
    REQUIRED_SAME_NODE,
    SAME_NODE,
)
from engine.scheduler.planning.action_table import OPTIONAL, PSEUDO, RUNNABLE, Action
from engine.scheduler.planning.collectives import InstanceFinder
from engine.scheduler.planning.fencing import order_after_unfencing
from engine.scheduler.planning.internal_orders import sort_by_instance
from engine.scheduler.planning.plan import Plan, Record
from engine.scheduler.planning.remote_actions import ConnectionState, connection_state
from engine.scheduler.reading.nodes import mark_for_fencing

# Naming a member of an enumeration takes ten times as long as naming a constant.
_PRIMITIVE: Final = Variant.PRIMITIVE
_CLONE: Final = Variant.CLONE
_NEVER: Final = ProbeMode.NEVER
_ALWAYS: Final = ProbeMode.ALWAYS

_NOT_RUNNING_RC, _PROMOTED_RC = "7", "8"
_STOPS_OF = {"start": "stop_0", "promote": "demote_0"}


def create_probes(plan: Plan) -> None:
    """Probes of all resources on all nodes where they are needed, node by node (C8.1)."""
    if not plan.model.options.startup_probes:
        return
    for node in plan.model.nodes:
        if not node.online:
            if node.is_remote and connection_state(node) is ConnectionState.FAILED:
                mark_for_fencing(plan.model, plan.actions, node, "the connection is unrecoverable")
            continue
        if node.unclean or not node.probes_allowed:
            continue
        for rsc in plan.model.resources:
            create_probe(plan, rsc, node)


def create_probe(plan: Plan, rsc: Resource, node: Node) -> bool:
    """Probe a resource, and what it contains, on one node; whether anything is probed (C8.2)."""
    match rsc.variant:
        case Variant.PRIMITIVE:
            return _probe_primitive(plan, rsc, node)
        case Variant.GROUP:
            return _probe_all(plan, rsc.children, node)
        case Variant.CLONE:
            return _probe_clone(plan, rsc, node)
        case Variant.BUNDLE:
            return _probe_bundle(plan, rsc, node)


def _probe_all(plan: Plan, resources: list[Resource], node: Node) -> bool:
    probed = False
    for rsc in resources:
        probed |= create_probe(plan, rsc, node)
    return probed


def _probe_clone(plan: Plan, clone: Resource, node: Node) -> bool:
    sort_by_instance(clone)
    if (
        clone.exclusive_probes
        and node.index in clone.allowed
        and clone.probe_modes.get(node.index) is not ProbeMode.EXCLUSIVE
    ):
        del clone.allowed[node.index]
        return False
    if clone.unique:
        return _probe_all(plan, clone.children, node)
    if not clone.children:
        return False
    return create_probe(plan, _instance_to_probe(clone, node), node)


def _instance_to_probe(clone: Resource, node: Node) -> Resource:
    """One instance per node is enough for an anonymous clone."""
    for instance in clone.children:
        if _known_on(instance, node):
            return instance
    for instance in clone.children:
        if _assigned_to(instance) is node:
            return instance
    return clone.children[0]


def _known_on(rsc: Resource, node: Node) -> bool:
    """Whether some part of an instance was probed on the node."""
    if rsc.children:
        return any(_known_on(child, node) for child in rsc.children)
    return node.index in rsc.known_on


def _assigned_to(rsc: Resource) -> Node | None:
    """Where an instance goes: a group's node is the one that all its members share."""
    if not rsc.children:
        return rsc.assigned
    nodes = {child.assigned for child in rsc.children if child.assigned is not None}
    return nodes.pop() if len(nodes) == 1 else rsc.assigned


def _probe_bundle(plan: Plan, bundle: Resource, node: Node) -> bool:
    settings = bundle.bundle
    probed = False
    for replica in settings.replicas if settings is not None else ():
        probed |= _probe_replica(plan, bundle, replica, node)
    return probed


def _probe_replica(plan: Plan, bundle: Resource, replica: Replica, node: Node) -> bool:
    probed = False
    if replica.ip is not None:
        probed |= create_probe(plan, replica.ip, node)
    if replica.child is not None and replica.node is node:
        probed |= create_probe(plan, replica.child, node)
    settings = bundle.bundle
    if create_probe(plan, replica.container, node):
        probed = True
        if settings is not None and settings.replicas_per_host == 1:
            for other in settings.replicas:
                if other is not replica:
                    plan.order(
                        replica.container,
                        "monitor_0",
                        other.container,
                        "start_0",
                        ORDERED | SAME_NODE,
                    )
    connection = replica.connection
    if connection is not None and create_probe(plan, connection, node):
        probed = True
        probe = plan.actions.first(connection, "monitor_0", node)
        if probe is not None:
            plan.order_before_action(replica.container, "start_0", probe, NESTED_PROBE)
    return probed


# -- one primitive (C8.3 to C8.5) ---------------------------------------------------------------


def _probe_primitive(plan: Plan, rsc: Resource, node: Node) -> bool:
    top = rsc.top
    if not _may_probe(plan, rsc, top, node):
        return False
    probe = plan.actions.obtain(rsc, "monitor", node, optional=False)
    probe.flags &= ~OPTIONAL
    order_after_unfencing(plan, rsc, node, probe, ORDERED)
    if node not in rsc.running_on:
        probe.set_meta("op_target_rc", _NOT_RUNNING_RC)
    elif rsc.role is Role.PROMOTED:
        probe.set_meta("op_target_rc", _PROMOTED_RC)
    target = top if top.variant is _CLONE else rsc
    relation = ORDERED
    if not probe.flags & RUNNABLE and not target.running_on:
        relation |= BLOCKS
    plan.order_action_before(probe, target, "start_0", relation)
    plan.order_action_before(probe, target, "reload-agent_0", ORDERED)
    return True


def _may_probe(plan: Plan, rsc: Resource, top: Resource, node: Node) -> bool:
    if node.is_remote_type and (rsc.is_fence_device or rsc.is_remote_connection):
        return False
    if node.is_guest and any(r.is_remote_connection for r in rsc.launched):
        return False
    if rsc.launcher is not None and not rsc.is_remote_connection:
        return False
    if rsc.removed or node.index in rsc.known_on:
        return False
    if not _discovery_allows(rsc, top, node):
        return False
    if node.is_guest:
        return _guest_can_answer(plan, top, node)
    return True


def _discovery_allows(rsc: Resource, top: Resource, node: Node) -> bool:
    known = rsc.probe_modes if node.index in rsc.allowed else {}
    default = _ALWAYS if node.index in rsc.allowed else node.probe_mode
    mode = known.get(node.index, default)
    if (rsc.exclusive_probes or top.exclusive_probes) and (
        node.index not in rsc.allowed or mode is not ProbeMode.EXCLUSIVE
    ):
        return False
    return mode is not _NEVER


def _guest_can_answer(plan: Plan, top: Resource, node: Node) -> bool:
    """Nobody asks a guest that is down, or about to go down."""
    connection = node.connection
    launcher = connection.launcher if connection is not None else None
    if launcher is None:
        return True
    if launcher.role is Role.STOPPED:
        host = launcher.assigned
        if host is not None and host.index not in launcher.known_on:
            plan.order(launcher, "monitor_0", top, "start_0", ORDERED)
        return False
    moves = (
        launcher.assigned is not None
        and bool(launcher.running_on)
        and launcher.assigned not in launcher.running_on
    )
    if (
        node.remote_reset
        or node.unclean
        or launcher.failed
        or launcher.next_role is Role.STOPPED
        or moves
    ):
        plan.order(launcher, "stop_0", top, "start_0", ORDERED)
        return False
    return True


# -- probes before stops that depend on the answer (C8.8 to C8.10) ------------------------------


def order_probes(plan: Plan) -> None:
    """What is stopped for the sake of another resource waits until that one's state is known."""
    if _has_running_changes(plan):
        _RestartOrder(plan).run()
    for record in plan.records:
        if record.relation and record.first_rsc is not None:
            _order_probes_of_record(plan, record)


def _order_probes_of_record(plan: Plan, record: Record) -> None:
    first = record.first_rsc
    suffix = record.first_action.suffix if record.first_action else record.first_suffix
    if first is None or first is record.then_rsc or suffix != "stop_0":
        return
    probes = plan.actions.with_key(first, "monitor_0")
    if not probes:
        return
    if record.then_action is not None:
        thens = [record.then_action]
    elif record.then_rsc is not None:
        thens = plan.actions.with_key(record.then_rsc, record.then_suffix)
    else:
        return
    if record.relation in (REQUIRED_SAME_NODE, LOAD):
        relation = record.relation
    else:
        relation = ORDERED | (record.relation & (IF_UNMIGRATABLE | SAME_NODE))
    for probe in probes:
        for then in thens:
            if not _excepted(probe, then):
                plan.link(probe, then, relation)


def _excepted(probe: Action, then: Action) -> bool:
    if then.task == "stop" and probe.rsc is not None and probe.rsc.launcher is then.rsc:
        return then.rsc is not None
    if then.task == "stonith" and (then.own_meta or {}).get("stonith_action") == "on":
        return then.node is probe.node
    return then.task == "do_shutdown" and then.node is not probe.node


def _has_running_changes(plan: Plan) -> bool:
    """Whether there are a probe and a real stop or demote, or an unrunnable probe, at all."""
    has_probe = has_stop = False
    for action in plan.actions.all:
        if action.task == "monitor" and not action.interval_ms:
            if not action.flags & RUNNABLE:
                return True
            has_probe = True
        elif action.task in ("stop", "demote") and not action.flags & PSEUDO:
            has_stop = True
        if has_probe and has_stop:
            return True
    return False


class _RestartOrder:
    """Orders probes before the stops of what will be restarted because of their resource (C8.9).

    What a walk from an action finds depends on the probed resource only, so it is done once for all
    its probes.
    """

    __slots__ = ("actions", "finder", "graph", "partners", "plan", "visit", "visited")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.graph = plan.graph
        self.actions = plan.actions.all
        self.finder = InstanceFinder(plan.model)
        self.partners: dict[int, Resource | None] = {}  # by clone, for the resource at hand
        self.visit = 0
        self.visited: list[int] = [0] * (len(self.actions) + 1)

    def run(self) -> None:
        for rsc in self.plan.model.resources:
            self._add_resource(rsc)

    def _add_resource(self, rsc: Resource) -> None:
        for child in rsc.children:
            self._add_resource(child)
        if rsc.variant is not _PRIMITIVE:
            return
        self.partners.clear()
        stops: dict[int, list[Action]] = {}
        for probe in self.plan.actions.with_key(rsc, "monitor_0"):
            for number, relations in self.graph.after(probe.id):
                then = self.actions[number - 1]
                self._order_instances_of_unrunnable(probe, then, relations)
                if number not in stops:
                    self.visit += 1
                    stops[number] = self._stops_behind(rsc, then)
                for stop in stops[number]:
                    self.plan.link(probe, stop, ORDERED)

    def _order_instances_of_unrunnable(
        self, probe: Action, then: Action, relations: tuple[int, ...]
    ) -> None:
        """Only inactive instances of a clone wait for a node that cannot be asked (C8.10)."""
        rsc = probe.rsc
        if probe.flags & RUNNABLE or rsc is None or then.task != "start":
            return
        top = rsc.top
        if top.variant is not _CLONE or then.rsc is not top:
            return
        if any(relation & BLOCKS for relation in relations):
            return
        for number, _ in self.graph.after(then.id):
            start = self.actions[number - 1]
            if (
                start.task == "start"
                and start.rsc is not None
                and start.rsc.parent is top
                and not start.rsc.running_on
            ):
                self.plan.link(probe, start, ORDERED | BLOCKS)

    def _stops_behind(self, probed: Resource, start: Action) -> list[Action]:
        """Go forward from an action along what it implies; the stops that belong to it."""
        found: list[Action] = []
        pending = [start]
        while pending:
            after = pending.pop()
            if self.visited[after.id] == self.visit:
                continue
            self.visited[after.id] = self.visit
            rsc = after.rsc
            if rsc is None:
                continue
            is_primitive = rsc.variant is _PRIMITIVE
            if is_primitive and rsc is not probed and after.task in _STOPS_OF:
                stops = self.plan.actions.with_key(rsc, _STOPS_OF[after.task])
                found.extend([stop for stop in stops if not stop.flags & PSEUDO])
            pending.extend(
                self.actions[number - 1]
                for number, relation in self.graph.merged_after(after.id)
                if relation & FIRST_THEN
                or (
                    not is_primitive and self._leads_to_child(probed, rsc, self.actions[number - 1])
                )
            )
        return found

    def _leads_to_child(self, probed: Resource, rsc: Resource, then: Action) -> bool:
        """From a collective to its own children, if the probed resource is none of them (C8.9)."""
        child = then.rsc
        if child is None or child.parent is not rsc or probed.parent is rsc:
            return False
        if rsc.variant is _CLONE and rsc.clone is not None and rsc.clone.interleave:
            if rsc.index not in self.partners:
                self.partners[rsc.index] = self.finder.compatible(probed, rsc)
            return self.partners[rsc.index] is child
        return True
