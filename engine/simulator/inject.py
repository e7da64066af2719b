"""Changes to a CIB that a simulation starts from, or meets on its way (C20.7, C20.8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from engine.base.digits import clipped
from engine.base.errors import BadInput, EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.values import bool_from_text
from engine.cib.document import FEATURE_SET, Cib
from engine.scheduler.model.transition import GraphAction
from engine.simulator.status_tree import StatusTree

_SPEC = re.compile(r"(?P<operation>.+)@(?P<node>[^=]+)=(?P<rc>[0-9]+)$")
_OPERATION = re.compile(
    r"(?P<resource>.+?)_(?P<task>migrate_to|migrate_from|[^_]+)_(?P<ms>[0-9]+)$"
)
_UUID = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
_MIGRATIONS = frozenset(("migrate_to", "migrate_from"))
_CLONE_NUMBER = re.compile(r":[0-9]+$")
_COLLECTIVES = frozenset(("clone", "master", "bundle"))
_MAX_RC = 255


@dataclass(frozen=True, slots=True)
class OpSpec:
    """A result of an operation: `RSC_TASK_INTERVALMS@NODE=RC`."""

    resource: str
    task: str
    interval_ms: int
    node: str
    rc: int

    @classmethod
    def from_text(cls, text: str) -> OpSpec:
        """Read the form of the command line; `BadInput` says what was expected."""
        outer = _SPEC.match(text)
        inner = _OPERATION.match(outer["operation"]) if outer else None
        if outer is None or inner is None or clipped(outer["rc"]) > _MAX_RC:
            raise BadInput(
                f"'{text}' is no operation result, expected "
                "RSC_TASK_INTERVALMS@NODE=RC (for example db_monitor_10000@node1=7)",
                status=ExitStatus.USAGE,
            )
        return cls(
            inner["resource"],
            inner["task"],
            clipped(inner["ms"]),
            outer["node"],
            clipped(outer["rc"]),
        )

    def matches(self, names: tuple[str, ...], action: GraphAction) -> bool:
        """Whether this is about the action, whose resource has these names (any case)."""
        if self.task.lower() != action.operation.lower() or self.interval_ms != action.interval_ms:
            return False
        if self.node.lower() != action.node.lower():
            return False
        mine = self.resource.lower()
        known = {name.lower() for name in names if name}
        return mine in known or mine in {_CLONE_NUMBER.sub("", name) for name in known}

    @property
    def key(self) -> str:
        return f"{self.resource}_{self.task}_{self.interval_ms}"


@dataclass(slots=True)
class Injections:
    """What the command line asks to change before scheduling."""

    quorum: str | None = None
    watchdog: str | None = None
    nodes_up: list[str] = field(default_factory=list)
    nodes_down: list[str] = field(default_factory=list)
    nodes_fail: list[str] = field(default_factory=list)
    tickets_grant: list[str] = field(default_factory=list)
    tickets_revoke: list[str] = field(default_factory=list)
    tickets_standby: list[str] = field(default_factory=list)
    tickets_activate: list[str] = field(default_factory=list)
    operations: list[OpSpec] = field(default_factory=list)

    def __bool__(self) -> bool:
        return (
            self.quorum is not None
            or self.watchdog is not None
            or any(
                (
                    self.nodes_up,
                    self.nodes_down,
                    self.nodes_fail,
                    self.tickets_grant,
                    self.tickets_revoke,
                    self.tickets_standby,
                    self.tickets_activate,
                    self.operations,
                )
            )
        )


@dataclass(frozen=True, slots=True)
class Modification:
    """One change: how it is told, and its element and attributes in an XML document."""

    text: str
    tag: str
    values: dict[str, str]


def inject(
    cib: Cib,
    wanted: Injections,
    now: float,
    *,
    nodes_may_join: bool = False,
    implied: Mapping[str, dict[str, str]] | None = None,
) -> list[Modification]:
    """Make the changes in the CIB and say what was done.

    With `nodes_may_join` a node that is brought up and is not in the configuration joins it.
    `implied` has the agents of resources that the configuration does not name: parts of bundles,
    connections of guests, what was removed and still runs.
    Raises `EngineError` for a node or resource that is not in the configuration; nothing has been
    changed then.
    """
    nodes = _node_ids(cib)
    joining = []
    if nodes_may_join:
        joining = [name for name in dict.fromkeys(wanted.nodes_up) if name.lower() not in nodes]
        nodes |= {name.lower(): (name, name) for name in joining}
    for name in (
        *wanted.nodes_up,
        *wanted.nodes_down,
        *wanted.nodes_fail,
        *(spec.node for spec in wanted.operations),
    ):
        if name.lower() not in nodes:
            raise _unknown("node", name, [known for known, _ in nodes.values()])
    known_agents = implied or {}
    agents = [
        known_agents.get(spec.resource) or _agent_of(cib, spec.resource)
        for spec in wanted.operations
    ]
    for name in joining:
        etree.SubElement(cib.section("nodes"), "node", id=name, uname=name)
    status = StatusTree(cib)
    start_is_fatal = _is_start_failure_fatal(cib)
    made: list[Modification] = []
    if wanted.quorum is not None:
        value = "1" if _boolean("quorum", wanted.quorum) else "0"
        cib.root.set("have-quorum", value)
        text = f"Setting quorum: {wanted.quorum}"
        made.append(Modification(text, "modifications", {"quorum": wanted.quorum}))
    if wanted.watchdog is not None:
        value = "true" if _boolean("watchdog", wanted.watchdog) else "false"
        _set_property(cib, "have-watchdog", value)
        text = f"Setting watchdog: {wanted.watchdog}"
        made.append(Modification(text, "modifications", {"watchdog": wanted.watchdog}))
    changes = (
        (wanted.nodes_up, status.take_up, "Online", "Bringing node {} online"),
        (wanted.nodes_down, status.take_down, "Offline", "Taking node {} offline"),
        (wanted.nodes_fail, status.lose, "Failing", "Failing node {}"),
    )
    for names, change, word, text in changes:
        for name in names:
            known, node_id = nodes[name.lower()]
            change(status.node_state(known, node_id))
            values = {"action": word, "node": name}
            made.append(Modification(text.format(name), "modify_node", values))
    ticket_changes = (
        (wanted.tickets_grant, "granted", "true", "Granting ticket {}"),
        (wanted.tickets_revoke, "granted", "false", "Revoking ticket {}"),
        (wanted.tickets_standby, "standby", "true", "Making ticket {} standby"),
        (wanted.tickets_activate, "standby", "false", "Activating ticket {}"),
    )
    for tickets, name, value, text in ticket_changes:
        for ticket in tickets:
            status.set_ticket(ticket, name, value)
            values = {"action": text.split()[0].replace("Making", "Standby"), "ticket": ticket}
            made.append(Modification(text.format(ticket), "modify_ticket", values))
    for spec, agent in zip(wanted.operations, agents, strict=True):
        known, node_id = nodes[spec.node.lower()]
        state = status.node_state(known, node_id)
        shown = f"{spec.key}@{spec.node}={spec.rc}"
        text = f"Injecting {shown} into the configuration"
        made.append(Modification(text, "inject_spec", {"spec": shown}))
        made += inject_failure(status, state, spec, now, start_is_fatal=start_is_fatal)
        _record(status, state, spec, known, agent, now)
    return made


def inject_failure(
    status: StatusTree,
    state: etree._Element,
    spec: OpSpec,
    now: float,
    *,
    start_is_fatal: bool,
) -> list[Modification]:
    """Count a failed operation in the node's transient attributes (C20.7).

    One failed stop is enough to keep the resource off the node; a start if `start_is_fatal`.
    """
    if spec.rc == 0 or (spec.rc == 7 and spec.interval_ms == 0):
        return []
    suffix = f"{spec.resource}#{spec.task}_{spec.interval_ms}"
    count, last = f"fail-count-{suffix}", f"last-failure-{suffix}"
    moment = str(int(now))
    if spec.task == "stop" or (spec.task == "start" and start_is_fatal):
        shown = "INFINITY"
        status.set_transient(state, count, shown)
    else:
        shown = status.add_to_transient(state, count, 1)
    status.set_transient(state, last, moment)
    return [_attribute(state, count, shown), _attribute(state, last, moment)]


def _attribute(state: etree._Element, name: str, value: str) -> Modification:
    state_id = state.get("id", "")
    text = f"Injecting attribute {name}={value} into /node_state '{state_id}'"
    values = {"name": name, "value": value, "node_path": "/node_state", "cib_node": state_id}
    return Modification(text, "inject_attr", values)


def _record(
    status: StatusTree,
    state: etree._Element,
    spec: OpSpec,
    node: str,
    agent: dict[str, str],
    now: float,
) -> None:
    """The history entry of an injected result; the cluster expected success."""
    resource = status.history(state, (spec.resource,), agent)
    call_id = status.next_call(resource)
    key = f"{call_id}:-1:0:{_UUID}"
    migrates = spec.task in _MIGRATIONS
    values = {
        "operation_key": spec.key,
        "operation": spec.task,
        "crm-debug-origin": "crm_simulate",
        "crm_feature_set": FEATURE_SET,
        "transition-key": key,
        "transition-magic": f"0:{spec.rc};{key}",
        "exit-reason": "Simulated action result" if spec.rc and not migrates else "",
        "on_node": node,
        "call-id": str(call_id),
        "rc-code": str(spec.rc),
        "op-status": "0",
        "interval": str(spec.interval_ms),
        "last-rc-change": str(int(now)),
        "exec-time": "0",
        "queue-time": "0",
    }
    if migrates:
        status.record(resource, spec.key, values)
        return
    last = spec.key if spec.interval_ms else f"{spec.resource}_last_0"
    if spec.rc != 0:
        status.record(resource, f"{spec.resource}_last_failure_0", values)
        if spec.interval_ms:
            return
    status.record(resource, last, values)


def _node_ids(cib: Cib) -> dict[str, tuple[str, str]]:
    """Lower-cased name → (name, id) of each node that the CIB knows."""
    found: dict[str, tuple[str, str]] = {}
    for element in (*cib.root.iterfind("configuration/nodes/node"), *cib.root.iter("node_state")):
        name, node_id = element.get("uname"), element.get("id")
        if name and node_id:
            found.setdefault(name.lower(), (name, node_id))
    return found


def _agent_of(cib: Cib, resource: str) -> dict[str, str]:
    """Class, provider and type of a primitive, for its entry in the history."""
    base = _CLONE_NUMBER.sub("", resource)
    names = []
    for primitive in cib.root.iterfind("configuration/resources//primitive"):
        name = primitive.get("id", "")
        names.append(name)
        if name != resource and not (name == base and _has_instances(primitive)):
            continue
        source = primitive
        template = primitive.get("template")
        if template is not None:
            for other in cib.root.iterfind("configuration/resources/template"):
                if other.get("id") == template:
                    source = other
        return {
            name: source.attrib[name]
            for name in ("class", "provider", "type")
            if name in source.attrib
        }
    raise _unknown("resource", resource, names)


def _has_instances(primitive: etree._Element) -> bool:
    return any(above.tag in _COLLECTIVES for above in primitive.iterancestors())


def _unknown(kind: str, name: str, known: list[str]) -> EngineError:
    from difflib import get_close_matches

    nearest = get_close_matches(name, known, 1)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    return EngineError(
        f"{kind} '{name}' is not in the configuration{hint}", status=ExitStatus.NOSUCH
    )


def _is_start_failure_fatal(cib: Cib) -> bool:
    """The property `start-failure-is-fatal`, as far as it is set without a rule; true by default."""
    for pair in cib.root.iterfind("configuration/crm_config/cluster_property_set/nvpair"):
        if pair.get("name") == "start-failure-is-fatal":
            return bool_from_text(pair.get("value")) is not False
    return True


def _boolean(what: str, text: str) -> bool:
    value = bool_from_text(text)
    if value is None:
        raise BadInput(f"{what}: '{text}' is not true or false", status=ExitStatus.USAGE)
    return value


def _set_property(cib: Cib, name: str, value: str) -> None:
    options = cib.section("crm_config")
    block = options.find("cluster_property_set[@id='cib-bootstrap-options']")
    if block is None:
        block = etree.SubElement(options, "cluster_property_set", id="cib-bootstrap-options")
    for pair in block.iterfind("nvpair"):
        if pair.get("name") == name:
            pair.set("value", value)
            return
    etree.SubElement(block, "nvpair", id=f"cib-bootstrap-options-{name}", name=name, value=value)
