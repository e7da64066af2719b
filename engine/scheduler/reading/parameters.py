"""Parameters of resources and of operations, as the agent on a node gets them (13, 14.9)."""

from __future__ import annotations

from engine.cib.nvsets import apply_sets, has_rules
from engine.scheduler.model.model import Model, Node, OpConfig, Resource
from engine.scheduler.reading.context import rule_context

_ANYWHERE = -1


def parameters(model: Model, resource: Resource, node: Node | None = None) -> dict[str, str]:
    """Instance attributes of the resource for a node, ancestors' included (13.1).

    The result is shared between calls: do not change it. Without rules it is the same for all nodes.
    """
    key = node.index if node is not None else _ANYWHERE
    known = resource.param_cache.get(key)
    if known is not None:
        return known
    chain = [resource]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    depends = any(has_rules(member.param_sets) for member in chain)
    if not depends and _ANYWHERE in resource.param_cache:
        shared = resource.param_cache[_ANYWHERE]
        resource.param_cache[key] = shared
        return shared
    table: dict[str, str] = {}
    context = rule_context(model, node=node)
    for member in chain:
        apply_sets(member.param_sets, table, context)
    resource.param_cache[key] = table
    if not depends:
        resource.param_cache[_ANYWHERE] = table
    return table


def op_parameters(model: Model, op: OpConfig | None, node: Node | None) -> dict[str, str]:
    """The operation's own instance attributes for a node (14.9)."""
    table: dict[str, str] = {}
    if op is not None and op.param_sets:
        apply_sets(op.param_sets, table, rule_context(model, node=node))
    return table
