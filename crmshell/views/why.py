"""Why a resource runs where it runs, or does not: the scheduler's reasons in the order it had them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crmshell.errors import ShellError
from crmshell.views.status import primitives_of, read_model
from engine.base.errors import EngineError
from engine.base.score import score_to_text
from engine.cib.document import Cib
from engine.scheduler.activity import active_nodes
from engine.scheduler.api import schedule
from engine.scheduler.model import Model, Node, Resource, Role, role_from_text
from engine.scheduler.scores import Contribution, ScoreRecord
from engine.scheduler.summary import Item, node_status, printed_id, render

_INTERNAL = "#group-members: "


def why_text(cib: Cib, now: float, name: str, node: str = "") -> str:
    """The reasons for a resource, on every node or on one. `now` is epoch seconds.

    Raises `ShellError` for a resource or node that is not there.
    """
    before = read_model(cib, now)
    record = ScoreRecord(scores=False, contributions=[])
    try:
        after = schedule(cib, now, scores=record).model
    except EngineError as problem:
        raise ShellError(str(problem), reports=problem.reports) from None
    was, will = before.find(name), after.find(name)
    if was is None or will is None:
        raise ShellError(f"resource {name} does not exist")
    nodes = [each for each in after.nodes if not node or each.name == node]
    if not nodes:
        raise ShellError(f"node {node} does not exist")
    items: list[Item] = [Item(text) for text in _about_the_cluster(before)]
    found = record.contributions or []
    old = {leaf.id: leaf for leaf in primitives_of(was)}
    for leaf in primitives_of(will):
        mine = [each for each in found if each.resource == leaf.id]
        items.append(_about(leaf, old.get(leaf.id, leaf), nodes, mine))
    return "\n".join(render(items))


def _about_the_cluster(model: Model) -> Iterator[str]:
    """What holds for every resource."""
    options = model.options
    if options.maintenance_mode:
        yield "maintenance-mode=true: the cluster leaves every resource alone"
    if options.stop_all_resources:
        yield "stop-all-resources=true: every resource is stopped"
    if options.fencing_enabled and not model.has_fence_device:
        yield "no fencing device is configured (and stonith-enabled is true): nothing is started"
    if not model.quorate:
        yield f"there is no quorum (no-quorum-policy={options.no_quorum_policy.value})"


def _about(
    leaf: Resource, was: Resource, nodes: Sequence[Node], found: Sequence[Contribution]
) -> Item:
    item = Item(_headline(leaf, was))
    item.items += [Item(text) for text in _about_the_resource(was)]
    for node in nodes:
        item.items.append(
            _about_the_node(leaf, node, [each for each in found if each.node == node.name])
        )
    return item


def _headline(leaf: Resource, was: Resource) -> str:
    here = [node.name for node in active_nodes(was)]
    there = leaf.assigned.name if leaf.assigned is not None else ""
    name = printed_id(leaf)
    if not here:
        return f"{name} is stopped" + (f", it is to start on {there}" if there else "")
    state = f"{name} runs on {', '.join(here)}"
    if not there:
        return f"{state}, it is to stop" if leaf.managed else f"{state} and is left alone"
    return f"{state} and stays there" if here == [there] else f"{state}, it is to go to {there}"


def _about_the_resource(was: Resource) -> Iterator[str]:
    """What the configuration and the past say about the resource itself."""
    if role_from_text(was.meta.get("target-role")) is Role.STOPPED:
        yield "target-role=Stopped: it is stopped on purpose (crm resource start)"
    if was.blocked:
        yield "blocked: it failed to stop, or an operation says on-fail=block (crm resource cleanup)"
    elif was.maintenance:
        yield "maintenance: the cluster leaves it alone"
    elif not was.managed:
        yield "is-managed=false: it is watched, not started or stopped (crm resource manage)"
    if was.failed:
        yield "it has failed"


def _about_the_node(leaf: Resource, node: Node, found: Sequence[Contribution]) -> Item:
    score = leaf.allowed.get(node.index)
    shown = "not considered" if score is None else score_to_text(score)
    state = node_status(node)
    item = Item(f"{node.name}: {shown}{'' if state == 'online' else f', the node is {state}'}")
    last = ""
    for each in found:
        text = f"{each.reason.removeprefix(_INTERNAL)}: {score_to_text(each.score)}"
        if text != last:
            item.items.append(Item(text))
        last = text
    return item
