"""Which parts a status shows, in any format, and of which nodes and resources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.scheduler.model.model import Model, Node, Resource, Variant
from engine.scheduler.reading.activity import active_nodes, is_active


@dataclass(slots=True)
class StatusParts:
    """Which optional parts a status shows."""

    attributes: bool = False
    failcounts: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """How a status is shown.

    `pending`: actions under way; `inactive`: also what does not run; `brief`: counts instead of
    primitives; `by_node`: what runs below its node; `detail`: ids, instances and replicas one by one;
    `nodes` and `resources`: only what has one of these names, None for all.
    """

    pending: bool = False
    inactive: bool = True
    brief: bool = False
    by_node: bool = False
    detail: bool = False
    description: bool = False
    timing: bool = False
    nodes: frozenset[str] | None = None
    resources: frozenset[str] | None = None

    @property
    def describes(self) -> bool:
        """Whether descriptions are shown: on request, and with details."""
        return self.description or self.detail

    def shows_node(self, node: Node) -> bool:
        return self.nodes is None or node.name in self.nodes

    def names(self, *names: str) -> bool:
        """Whether all resources are shown, or one of these names is asked for."""
        return self.resources is None or not self.resources.isdisjoint(names)


EVERYTHING: Final = Look()


def node_names(model: Model, text: str) -> frozenset[str]:
    """The nodes that a node's name or a tag means; none for an unknown name."""
    node = model.node_named(text)
    if node is not None:
        return frozenset((node.name,))
    members = (
        model.node_named(name) or model.node_by_id.get(name.lower())
        for name in model.tags.get(text, ())
    )
    return frozenset(member.name for member in members if member is not None)


def resource_names(model: Model, text: str) -> frozenset[str]:
    """The resources that a name or a tag means; an instance only if its number is given."""
    if is_name_of_resource(model, text):
        return frozenset((text,))
    return frozenset(name for name in model.tags.get(text, ()) if is_name_of_resource(model, name))


def is_name_of_resource(model: Model, name: str) -> bool:
    """Whether a resource goes by that name, with or without the number of its instance."""
    return model.find(name) is not None or any(
        name in {each.id, printed_id(each)} for top in model.resources for each in tree_of(top)
    )


def tree_of(resource: Resource) -> list[Resource]:
    """The resource and everything in it, in order."""
    found = [resource]
    for child in parts_of(resource):
        found += tree_of(child)
    return found


def parts_of(resource: Resource) -> list[Resource]:
    """The members, instances, or all parts of all replicas."""
    if resource.bundle is None:
        return resource.children
    return [
        part
        for replica in resource.bundle.replicas
        for part in (replica.ip, replica.child, replica.container, replica.connection)
        if part is not None
    ]


def printed_id(resource: Resource) -> str:
    """Instances of anonymous clones go by their base id (15.7)."""
    return resource.id if resource.unique else resource.base_id


def is_named(resource: Resource, look: Look) -> bool:
    """Whether the resource is asked for by its name or that of the outermost it belongs to."""
    outer = resource.outermost
    return look.names(resource.id, printed_id(resource), printed_id(outer))


def is_shown(resource: Resource, look: Look, *, as_part: bool = True) -> bool:
    """Whether the resource is asked for; `as_part`: also because what it belongs to is."""
    if look.names(resource.id, printed_id(resource)):
        return True
    if resource.variant is Variant.PRIMITIVE:
        outer = resource.outermost
        return as_part and outer is not resource and is_shown(outer, look, as_part=False)
    if as_part and look.names(printed_id(resource.outermost)):
        return True
    return any(is_shown(child, look, as_part=False) for child in parts_of(resource))


def is_elsewhere(resource: Resource, look: Look) -> bool:
    """Whether the resource is active, but on none of the nodes that are shown."""
    if look.nodes is None or not is_active(resource, everything=False):
        return False
    return not any(look.shows_node(node) for node in places_of(resource))


def places_of(resource: Resource) -> list[Node]:
    """Where a resource is active; of a collective every node of every part."""
    if resource.bundle is not None or not resource.children:
        return active_nodes(resource)
    found: list[Node] = []
    for child in resource.children:
        found.extend(node for node in places_of(child) if node not in found)
    return found
