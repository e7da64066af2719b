"""A transition as data: what shall happen in the cluster, and what waits for what.

`Transition` is the in-memory form of Pacemaker's `transition_graph` element
(C16). The scheduler builds it, `export_xml` writes it, the executor of
the engine reads it back from the text with `transition_from_xml`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from lxml import etree

from engine.base.digits import is_digits, is_whole
from engine.base.errors import BadInput
from engine.base.safexml import parse_xml

RSC_OP = "rsc_op"
PSEUDO_EVENT = "pseudo_event"
CRM_EVENT = "crm_event"
ACTION_TAGS = (RSC_OP, PSEUDO_EVENT, CRM_EVENT)


@dataclass(frozen=True, slots=True)
class GraphPrimitive:
    """The resource of an action; `long_id` is "" unless it differs from the id in the history."""

    id: str
    agent_class: str
    provider: str
    type: str
    long_id: str = ""


@dataclass(frozen=True, slots=True)
class GraphAction:
    """One action of a graph.

    `tag` says who executes it: `rsc_op` the local resource manager of `node`, `crm_event` the
    controller, `pseudo_event` nobody. `key` is the operation key under which the result is
    recorded, `internal_key` the scheduler's own where that differs. `attributes` are the agent's
    parameters and the `CRM_meta_…` values; parameters whose name no XML attribute may have (it
    starts with a digit) are written as `param` elements. `downed` are ids of nodes that the
    action takes down; `maintenance` maps node ids to `1` or `0`.
    """

    id: int
    tag: str
    operation: str
    key: str
    internal_key: str = ""
    node: str = ""
    node_uuid: str = ""
    router_node: str = ""
    shutdown_lock: str = ""
    mode: str = ""
    primitive: GraphPrimitive | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    downed: tuple[str, ...] = ()
    maintenance: tuple[tuple[str, str], ...] = ()

    def meta(self, name: str, default: str = "") -> str:
        """The value of `CRM_meta_<name>`; `name` is spelled with underscores."""
        return self.attributes.get("CRM_meta_" + name, default)

    @property
    def interval_ms(self) -> int:
        """Milliseconds between two runs of a recurring operation, else 0."""
        text = self.attributes.get("CRM_meta_interval", "")
        return int(text) if is_digits(text) else 0

    @property
    def timeout_ms(self) -> int:
        """Milliseconds that the action may take; 0 when nothing is said."""
        text = self.attributes.get("CRM_meta_timeout", "")
        return int(text) if is_digits(text) else 0

    @property
    def parameters(self) -> dict[str, str]:
        """What the agent gets: the attributes that are neither meta nor the feature set."""
        return {
            name: value
            for name, value in self.attributes.items()
            if not name.startswith("CRM_meta_") and name != "crm_feature_set"
        }


@dataclass(frozen=True, slots=True)
class Synapse:
    """An action and the ids of the actions that must be confirmed before it."""

    id: int
    priority: int
    action: GraphAction
    inputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Transition:
    """All synapses in the order in which they are tried, and the attributes of the root element."""

    attributes: dict[str, str]
    synapses: tuple[Synapse, ...]

    def action(self, action_id: int) -> GraphAction | None:
        """The action with this id."""
        for synapse in self.synapses:
            if synapse.action.id == action_id:
                return synapse.action
        return None

    def problem(self) -> str:
        """Why this graph cannot complete, "" if it can: an unknown input, or a loop."""
        known = {synapse.action.id for synapse in self.synapses}
        if len(known) != len(self.synapses):
            return "two synapses hold the same action"
        for synapse in self.synapses:
            missing = [i for i in synapse.inputs if i not in known]
            if missing:
                return (
                    f"action {synapse.action.id} waits for action {missing[0]}, which is not there"
                )
        sorter = TopologicalSorter({s.action.id: s.inputs for s in self.synapses})
        try:
            sorter.prepare()
        except CycleError as loop:
            members = " -> ".join(str(i) for i in loop.args[1])
            return f"the actions {members} wait for each other"
        return ""


def checked_transition(data: bytes) -> Transition:
    """Read a graph that is to be carried out; `BadInput` also for one that cannot complete."""
    transition = transition_from_xml(data)
    problem = transition.problem()
    if problem:
        raise BadInput(problem)
    return transition


def transition_from_xml(data: bytes, what: str = "transition graph") -> Transition:
    """Read a `transition_graph`; `BadInput` says what is wrong and in which line."""
    root = parse_xml(data, what)
    if root.tag != "transition_graph":
        raise BadInput(
            f"{what}: the document element is <{root.tag!s}>, expected <transition_graph>"
        )
    synapses = tuple(_synapse_from_element(child, what) for child in _elements(root, "synapse"))
    known = {synapse.action.id for synapse in synapses}
    for synapse in synapses:
        for number in synapse.inputs:
            if number not in known:
                raise BadInput(f"{what}: synapse {synapse.id} waits for unknown action {number}")
    return Transition({str(k): str(v) for k, v in root.attrib.items()}, synapses)


def _elements(parent: etree._Element, tag: str) -> Iterable[etree._Element]:
    return (child for child in parent if child.tag == tag)


def _synapse_from_element(element: etree._Element, what: str) -> Synapse:
    actions = [
        child
        for action_set in _elements(element, "action_set")
        for child in action_set
        if child.tag in ACTION_TAGS
    ]
    if len(actions) != 1:
        raise BadInput(
            f"{what}:{element.sourceline}: a synapse holds {len(actions)} actions, expected one"
        )
    inputs = tuple(
        _number(action, "id", what)
        for group in _elements(element, "inputs")
        for trigger in _elements(group, "trigger")
        for action in trigger
        if action.tag in ACTION_TAGS
    )
    priority = _number(element, "priority", what) if element.get("priority") else 0
    return Synapse(_number(element, "id", what), priority, _action(actions[0], what), inputs)


def _action(element: etree._Element, what: str) -> GraphAction:
    attributes: dict[str, str] = {}
    primitive = None
    downed: tuple[str, ...] = ()
    maintenance: tuple[tuple[str, str], ...] = ()
    for child in element:
        if child.tag == "attributes":
            attributes = {str(k): str(v) for k, v in child.attrib.items()}
            for param in _elements(child, "param"):
                attributes[param.get("name", "")] = param.get("value", "")
        elif child.tag == "primitive":
            primitive = GraphPrimitive(
                id=child.get("id", ""),
                agent_class=child.get("class", ""),
                provider=child.get("provider", ""),
                type=child.get("type", ""),
                long_id=child.get("long-id", ""),
            )
        elif child.tag == "downed":
            downed = tuple(node.get("id", "") for node in _elements(child, "node"))
        elif child.tag == "maintenance":
            maintenance = tuple(
                (node.get("id", ""), node.get("node_in_maintenance", ""))
                for node in _elements(child, "node")
            )
    return GraphAction(
        id=_number(element, "id", what),
        tag=str(element.tag),
        operation=element.get("operation", ""),
        key=element.get("operation_key", ""),
        internal_key=element.get("internal_operation_key", ""),
        node=element.get("on_node", ""),
        node_uuid=element.get("on_node_uuid", ""),
        router_node=element.get("router_node", ""),
        shutdown_lock=element.get("shutdown-lock", ""),
        mode=element.get("mode", ""),
        primitive=primitive,
        attributes=attributes,
        downed=downed,
        maintenance=maintenance,
    )


def _number(element: etree._Element, name: str, what: str) -> int:
    text = element.get(name, "")
    if not is_whole(text):
        raise BadInput(
            f"{what}:{element.sourceline}: <{element.tag!s}> has {name}='{text}', expected a number"
        )
    return int(text)
