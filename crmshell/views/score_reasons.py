"""Every score of a resource and where it came from, in the order in which the scheduler had the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crmshell.errors import ShellError
from crmshell.views.status import primitives_of, read_model
from engine.base.errors import EngineError
from engine.base.score import score_to_text
from engine.cib.document import Cib
from engine.scheduler.api import schedule
from engine.scheduler.model.model import Model, Node, Resource, Role, role_from_text
from engine.scheduler.placement.scores import Contribution, ScoreRecord
from engine.scheduler.reading.activity import active_nodes
from engine.scheduler.views.explain import Waiting, actions_of
from engine.scheduler.views.node_text import Item, node_status, render
from engine.scheduler.views.status_parts import printed_id

_INTERNAL = "#group-members: "
_SHOWN = 6  # actions in one line


def scores_behind(cib: Cib, now: float, name: str, node: str = "") -> str:
    """The scores of a resource on every node or on one, each with its reasons. `now` is epoch seconds.

    Raises `ShellError` for a resource or node that is not there.
    """
    before = read_model(cib, now)
    record = ScoreRecord(scores=False, contributions=[])
    try:
        decided = schedule(cib, now, scores=record)
    except EngineError as problem:
        raise ShellError(str(problem), reports=problem.reports) from None
    after = decided.model
    was, will = _primitives(before, name), _primitives(after, name)
    if not was or not will:
        raise ShellError(f"resource {name} does not exist")
    nodes = [each for each in after.nodes if not node or each.name == node]
    if not nodes:
        raise ShellError(f"node {node} does not exist")
    items: list[Item] = [Item(text) for text in _about_the_cluster(before)]
    found = record.contributions or []
    old = {leaf.id: leaf for leaf in was}
    for leaf in will:
        mine = [each for each in found if each.resource == leaf.id]
        item = _about(leaf, old.get(leaf.id, leaf), nodes, mine)
        item.items += [_about_the_action(each) for each in actions_of(decided.plan, leaf)]
        items.append(item)
    return "\n".join(render(items))


def _primitives(model: Model, name: str) -> list[Resource]:
    """The primitives of a resource; for the primitive of a clone those of all instances."""
    found = model.find(name)
    if found is not None:
        return list(primitives_of(found))
    every = (leaf for resource in model.resources for leaf in primitives_of(resource))
    return [leaf for leaf in every if leaf.base_id == name]


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
    alike: dict[str, list[str]] = {}
    for node in nodes:
        one = _about_the_node(leaf, node, [each for each in found if each.node == node.name])
        if one.items:
            item.items.append(one)
        else:
            alike.setdefault(one.text.removeprefix(f"{node.name}: "), []).append(node.name)
    item.items += [Item(f"{' '.join(names)}: {text}") for text, names in alike.items()]
    return item


def _about_the_action(waiting: Waiting) -> Item:
    after = f", after {', '.join(waiting.after[:_SHOWN])}" if waiting.after else ""
    more = len(waiting.after) - _SHOWN
    return Item(
        f"{waiting.action}: {waiting.state}{after}{f' and {more} more' if more > 0 else ''}"
    )


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
