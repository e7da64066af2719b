"""An action of the scheduler as the transition graph shows it: names, agent, attributes (C16.6, C16.7)."""

from __future__ import annotations

from engine.cib.document import FEATURE_SET
from engine.scheduler.model.model import Node, Resource, Variant
from engine.scheduler.model.transition import (
    CRM_EVENT,
    PSEUDO_EVENT,
    RSC_OP,
    GraphAction,
    GraphPrimitive,
)
from engine.scheduler.planning.action_table import NOTIFY_MARK, PSEUDO, Action
from engine.scheduler.planning.plan import Plan
from engine.scheduler.planning.remote_actions import guest_host, router_of
from engine.scheduler.reading.operations import action_meta
from engine.scheduler.reading.parameters import op_parameters, parameters

_CLUSTER_TASKS = frozenset({"do_shutdown", "clear_failcount", "lrm_delete"})


class ActionWriter:
    """Turns actions into graph actions; what is the same for many of them is worked out once."""

    __slots__ = ("_meta", "_own", "_primitives", "plan")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._meta: dict[tuple[str, int, str, bool], dict[str, str]] = {}
        self._own: dict[int, dict[str, str]] = {}
        self._primitives: dict[int, GraphPrimitive] = {}

    def write(self, action: Action, inputs: list[Action]) -> GraphAction:
        """The full form of an action; `inputs` are the actions that it waits for."""
        tag = tag_of(action)
        node = action.node if tag != PSEUDO_EVENT or action.task == "stonith" else None
        router = router_of(action) if node is not None else None
        rsc = action.rsc
        key, internal_key = _keys(action)
        return GraphAction(
            id=action.id,
            tag=tag,
            operation=action.task,
            key=key,
            internal_key=internal_key,
            node=node.name if node is not None else "",
            node_uuid=node.id if node is not None else "",
            router_node=router.name if router is not None else "",
            shutdown_lock=_lock(action) if node is not None else "",
            mode="cib" if action.task == "lrm_delete" else "",
            primitive=None if rsc is None or action.flags & PSEUDO else self._primitive(rsc),
            attributes=self._attributes(action, node),
            downed=self._downed(action, inputs),
            maintenance=self._maintenance(action),
        )

    def _primitive(self, rsc: Resource) -> GraphPrimitive:
        known = self._primitives.get(rsc.index)
        if known is None:
            known = self._primitives[rsc.index] = _graph_primitive(rsc)
        return known

    # -- attributes -----------------------------------------------------------------------------

    def _attributes(self, action: Action, shown_node: Node | None) -> dict[str, str]:
        rsc = action.rsc
        values: dict[str, str] = {}
        if rsc is not None:
            values.update(self._configured_meta(action, rsc))
        if action.own_meta:
            for name, value in action.own_meta.items():
                if "#" not in name and ":" not in name:
                    values["CRM_meta_" + name.replace("-", "_")] = value
        if shown_node is not None:
            values["CRM_meta_on_node"] = shown_node.name
            values["CRM_meta_on_node_uuid"] = shown_node.id
        if rsc is not None:
            self._add_parameters(action, rsc, values)
            values.update(self._own_attributes(rsc))
            _add_guest_host(action, rsc, values)
        values["crm_feature_set"] = FEATURE_SET
        return values

    def _configured_meta(self, action: Action, rsc: Resource) -> dict[str, str]:
        """`CRM_meta_…` of the operation's configuration; shared, not to be changed."""
        is_notify = NOTIFY_MARK in action.suffix
        # Instances of a clone share their operations, and so these values.
        key = (rsc.base_id, id(rsc.ops), action.suffix, action.config_task == "cancel")
        known = self._meta.get(key)
        if known is None:
            op = self.plan.actions.configuration(action)
            task = "notify" if is_notify else action.config_task
            meta = action_meta(self.plan.model, rsc, task, action.interval_ms, op, action.node)
            known = {
                "CRM_meta_" + name.replace("-", "_"): value
                for name, value in meta.items()
                if "#" not in name and ":" not in name
            }
            if not rsc.is_fence_device:
                self._meta[key] = known
        return known

    def _add_parameters(self, action: Action, rsc: Resource, values: dict[str, str]) -> None:
        if action.node is None and rsc.variant is not Variant.PRIMITIVE:
            return
        values.update(parameters(self.plan.model, rsc, action.node))
        if rsc.address_is_uname and "addr" in values:
            host = _container_host(rsc)
            if host is not None:
                values["addr"] = host.name
        op = self.plan.actions.configuration(action)
        if op is not None and op.param_sets:
            values.update(op_parameters(self.plan.model, op, action.node))

    def _own_attributes(self, rsc: Resource) -> dict[str, str]:
        """What a resource and its ancestors add to all their actions; overrides the rest."""
        known = self._own.get(rsc.index)
        if known is None:
            known = {}
            part: Resource | None = rsc
            while part is not None:
                _add_own_attributes(part, known)
                part = part.parent
            self._own[rsc.index] = known
        return known

    # -- children -------------------------------------------------------------------------------

    def _downed(self, action: Action, inputs: list[Action]) -> tuple[str, ...]:
        """Nodes that this action takes down (C16.11)."""
        node = action.node
        if action.task == "do_shutdown" and node is not None:
            return (node.id,)
        if action.task == "stonith" and node is not None:
            if (action.own_meta or {}).get("stonith_action") not in ("off", "reboot"):
                return ()
            guests = [
                guest.id
                for guest in self.plan.model.nodes
                if guest.is_guest
                and guest.connection is not None
                and node in guest.connection.running_on
            ]
            return (node.id, *guests)
        rsc = action.rsc
        if (
            action.task == "stop"
            and rsc is not None
            and rsc.is_remote_connection
            and not action.flags & PSEUDO
            and not any(i.task == "migrate_from" and i.rsc is rsc for i in inputs)
        ):
            return (rsc.id,)
        return ()

    def _maintenance(self, action: Action) -> tuple[tuple[str, str], ...]:
        if action.task != "maintenance_nodes":
            return ()
        return tuple(
            (node.id, "1" if node.maintenance else "0")
            for node in nodes_changing_maintenance(self.plan)
        )


def nodes_changing_maintenance(plan: Plan) -> list[Node]:
    """Remote and guest nodes whose maintenance state is not the one they were told (C16.12)."""
    return [
        node
        for node in plan.model.nodes
        if node.is_remote_type and node.maintenance is not node.remote_maintenance
    ]


def tag_of(action: Action) -> str:
    """The element's name (C16.6)."""
    if action.task == "stonith":
        return PSEUDO_EVENT if action.flags & PSEUDO else CRM_EVENT
    if action.task in _CLUSTER_TASKS:
        return CRM_EVENT
    return PSEUDO_EVENT if action.flags & PSEUDO else RSC_OP


def history_key(action: Action, *, dot: bool = False) -> str:
    """The key under the name that the history uses for the resource, "" if it has none."""
    rsc = action.rsc
    if rsc is None or not rsc.history_id:
        return ""
    meta = action.own_meta or {}
    if action.task == "notify" or (dot and action.task == "notified"):
        kind = meta.get("notify_key_type" if dot else "notify_type", "")
        operation = meta.get("notify_key_operation" if dot else "notify_operation", "")
        return f"{rsc.history_id}_{kind}_notify_{operation}_0"
    return f"{rsc.history_id}_{action.cancel_task or action.task}_{action.interval_ms}"


def _keys(action: Action) -> tuple[str, str]:
    """Operation key and, if that uses the name in the history, the scheduler's own one."""
    named = history_key(action)
    return (named, action.key) if named else (action.key, "")


def _lock(action: Action) -> str:
    rsc, node = action.rsc, action.node
    if rsc is None or node is None or rsc.lock_node is not node:
        return ""
    return str(rsc.lock_time) if not node.shutdown or action.task == "stop" else ""


def _graph_primitive(rsc: Resource) -> GraphPrimitive:
    name, long_id = rsc.id, ""
    if rsc.removed and rsc.history_id:
        name, long_id = rsc.history_id, rsc.id
    elif not rsc.unique:
        name = rsc.base_id
        differs = rsc.history_id and rsc.history_id != name
        long_id = rsc.history_id if differs else rsc.id
    return GraphPrimitive(name, rsc.agent_class, rsc.agent_provider, rsc.agent_type, long_id)


def _container_host(connection: Resource) -> Node | None:
    """The node whose name stands for the literal address `#uname` (16.13)."""
    launcher = connection.launcher
    if launcher is None:
        return None
    if launcher.assigned is not None:
        return launcher.assigned
    return launcher.running_on[0] if launcher.running_on else None


def _add_own_attributes(rsc: Resource, values: dict[str, str]) -> None:
    if rsc.variant is Variant.PRIMITIVE:
        if rsc.instance is not None:
            values["CRM_meta_clone"] = str(rsc.instance)
        remote_node = rsc.meta.get("remote-node")
        if remote_node is not None:
            values["CRM_meta_remote_node"] = remote_node
        part: Resource | None = rsc
        while part is not None:
            if part.launcher is not None:
                values["CRM_meta_container"] = part.launcher.id
            part = part.parent
        external_ip = rsc.meta.get("external-ip")
        if external_ip is not None:
            values["pcmk_external_ip"] = external_ip
    elif rsc.variant is Variant.CLONE and rsc.clone is not None:
        values["CRM_meta_globally_unique"] = "true" if rsc.unique else "false"
        values["CRM_meta_notify"] = "true" if rsc.notify else "false"
        values["CRM_meta_clone_max"] = str(rsc.clone.clone_max)
        values["CRM_meta_clone_node_max"] = str(rsc.clone.clone_node_max)
        if rsc.promotable:
            for word in ("promoted", "master"):
                values[f"CRM_meta_{word}_max"] = str(rsc.clone.promoted_max)
                values[f"CRM_meta_{word}_node_max"] = str(rsc.clone.promoted_node_max)


def _add_guest_host(action: Action, rsc: Resource, values: dict[str, str]) -> None:
    host = guest_host(action)
    if host is None:
        return
    values.setdefault("CRM_meta_physical_host", host.name)
    target = rsc.meta.get("container-attribute-target")
    if target is not None:
        values.setdefault("CRM_meta_container_attribute_target", target)
