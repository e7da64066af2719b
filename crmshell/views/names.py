"""The names in a CIB, by kind: what completion offers. Pure; a snapshot of one tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.base.digits import is_digits

if TYPE_CHECKING:
    from lxml import etree

CONTAINERS = ("group", "clone", "master", "bundle")
RESOURCES = ("primitive", *CONTAINERS)
# Operations after which, when they ended well, a resource is active.
_ACTIVE_AFTER = frozenset({"start", "promote", "demote", "migrate_from"})
_RUNNING_CODES = frozenset({"0", "8", "190", "191"})


@dataclass(frozen=True, slots=True)
class NamedResource:
    """A resource; `agent` is `class:provider:type` of a primitive or `@template`, `parent` the container's id."""

    id: str
    kind: str
    parent: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """All names of one CIB, each kind in document order; `active` are resources that run, and their
    containers."""

    resources: tuple[NamedResource, ...] = ()
    templates: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    node_attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    active: frozenset[str] = frozenset()

    def resource(self, name: str) -> NamedResource | None:
        return next((one for one in self.resources if one.id == name), None)

    def by_id(self) -> dict[str, NamedResource]:
        return {one.id: one for one in self.resources}

    def agent_of(self, name: str) -> str:
        """The agent of a primitive, through its template if it has one; "" if there is none."""
        found = self.resource(name)
        return self.resolve_agent(found.agent) if found else self.templates.get(name, "")

    def resolve_agent(self, agent: str) -> str:
        """`@template` as the template's agent; anything else as it is."""
        return self.templates.get(agent[1:], "") if agent.startswith("@") else agent

    def objects(self) -> Iterator[str]:
        """Ids of everything that `show`, `delete` and `edit` take."""
        yield from (one.id for one in self.resources)
        yield from self.templates
        yield from self.nodes
        yield from self.constraints
        yield from self.tags
        yield from self.roles
        yield from self.others

    def is_active(self, name: str) -> bool:
        """Whether a resource, or any member of a container, runs as far as the status knows."""
        return name in self.active


def names_from_cib(root: etree._Element) -> Names:
    """The names in a `<cib>`; elements without what they need are passed over."""
    configuration = root.find("configuration")
    if configuration is None:
        return Names()
    resources = configuration.find("resources")
    constraints = configuration.find("constraints")
    named = tuple(_resources(resources, ""))
    return Names(
        resources=named,
        templates={
            one.get("id", ""): _agent(one)
            for one in configuration.findall("resources/template")
            if one.get("id")
        },
        nodes=tuple(
            one.get("uname", "") for one in configuration.findall("nodes/node") if one.get("uname")
        ),
        constraints=_ids(constraints),
        tags=_ids(configuration.find("tags")),
        roles=tuple(one.get("id", "") for one in configuration.findall("acls/acl_role")),
        tickets=_tickets(root, constraints),
        others=tuple(_others(configuration)),
        node_attributes=_node_attributes(root),
        active=_with_containers(frozenset(_active(root)), named),
    )


def _resources(parent: etree._Element | None, name: str) -> Iterator[NamedResource]:
    for one in parent if parent is not None else ():
        if one.tag in RESOURCES and one.get("id"):
            agent = _agent(one) if one.tag == "primitive" else ""
            yield NamedResource(one.get("id", ""), str(one.tag), name, agent)
            if one.tag in CONTAINERS:
                yield from _resources(one, one.get("id", ""))


def _agent(one: etree._Element) -> str:
    if one.get("template"):
        return f"@{one.get('template')}"
    return ":".join(
        part for part in (one.get("class"), one.get("provider"), one.get("type")) if part
    )


def _ids(parent: etree._Element | None) -> tuple[str, ...]:
    return tuple(one.get("id", "") for one in parent if one.get("id")) if parent is not None else ()


def _others(configuration: etree._Element) -> Iterator[str]:
    for path in (
        "crm_config/cluster_property_set",
        "rsc_defaults/meta_attributes",
        "op_defaults/meta_attributes",
        "alerts/alert",
        "acls/acl_target",
        "acls/acl_group",
    ):
        yield from (one.get("id", "") for one in configuration.findall(path) if one.get("id"))
    if configuration.find("fencing-topology/fencing-level") is not None:
        yield "fencing_topology"


def _tickets(root: etree._Element, constraints: etree._Element | None) -> tuple[str, ...]:
    wanted = [one.get("ticket", "") for one in constraints] if constraints is not None else []
    known = [one.get("id", "") for one in root.findall("status/tickets/ticket_state")]
    return tuple(dict.fromkeys(name for name in (*wanted, *known) if name))


def _node_attributes(root: etree._Element) -> dict[str, tuple[str, ...]]:
    values: dict[str, dict[str, None]] = {}
    for path in (
        "configuration/nodes/node/instance_attributes/nvpair",
        "status/node_state/transient_attributes/instance_attributes/nvpair",
    ):
        for pair in root.findall(path):
            if pair.get("name"):
                values.setdefault(pair.get("name", ""), {})[pair.get("value", "")] = None
    return {name: tuple(seen) for name, seen in values.items()}


def _active(root: etree._Element) -> Iterator[str]:
    for history in root.findall("status/node_state/lrm/lrm_resources/lrm_resource"):
        operations = [one for one in history if one.tag == "lrm_rsc_op"]
        if not operations:
            continue
        last = max(operations, key=lambda one: _call_id(one.get("call-id", "")))
        well = last.get("rc-code") in _RUNNING_CODES
        if well and (last.get("operation") in _ACTIVE_AFTER or last.get("operation") == "monitor"):
            yield history.get("id", "").partition(":")[0]


def _with_containers(
    active: frozenset[str], resources: tuple[NamedResource, ...]
) -> frozenset[str]:
    """The active resources and every container around them; members come after their container."""
    found = set(active)
    for one in reversed(resources):
        if one.id in found and one.parent:
            found.add(one.parent)
    return frozenset(found)


def _call_id(text: str) -> int:
    return int(text) if is_digits(text) else -1
