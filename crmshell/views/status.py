"""The state of the cluster as text, in the words and the order of `crm_mon -1`.

Made from a CIB alone, so a file, a shadow CIB and a running cluster look the same. The node and
resource lists are the scheduler's own summary; only what it calls up is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine.base.digits import is_digits, is_whole
from engine.cib.document import Cib
from engine.cib.edits import property_value
from engine.cib.history import OpRecord
from engine.scheduler.model.model import FailedOp, Model, Node, Resource
from engine.scheduler.reading.activity import active_nodes, is_active
from engine.scheduler.reading.unpack import unpack_cib
from engine.scheduler.views.node_text import Item, node_items, node_status, render
from engine.scheduler.views.status_parts import Look, printed_id
from engine.scheduler.views.status_text import (
    banner_lines,
    primitive_text,
    resource_item,
    resource_items,
)

OCF_WORDS = {
    0: "ok",
    1: "error",
    2: "invalid parameter",
    3: "unimplemented feature",
    4: "insufficient privileges",
    5: "not installed",
    6: "not configured",
    7: "not running",
    8: "promoted",
    9: "promoted (failed)",
    190: "degraded",
    191: "promoted (degraded)",
    193: "unknown",
}
LRM_WORDS = {
    -1: "pending",
    0: "complete",
    1: "Cancelled",
    2: "Timed Out",
    3: "Not supported",
    4: "Error",
    7: "Not installed",
}


@dataclass(frozen=True, slots=True)
class Parts:
    """Which optional parts of the status are wanted."""

    headers: bool = True
    by_node: bool = False
    inactive: bool = True
    operations: bool = False
    timing: bool = False
    fail_counts: bool = False
    attributes: bool = False
    tickets: bool = False
    bans: bool = False


@dataclass(frozen=True, slots=True)
class Background:
    """What the CIB does not say: `dc` and `quorate` as the running cluster sees them (None: ask the
    CIB), where the CIB comes from, nodes that hold the configuration on disk."""

    stack: str = "file"
    dc: str | None = None
    quorate: bool | None = None
    durable: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def read_model(cib: Cib, now: float) -> Model:
    """The state that a CIB describes; raises `EngineError` when it is too new."""
    return unpack_cib(cib, now)


def status_text(cib: Cib, now: float, background: Background, parts: Parts) -> str:
    """The whole status; sections are separated by a blank line. `now` is epoch seconds."""
    model = read_model(cib, now)
    sections: list[list[str]] = []
    if parts.headers:
        sections.append(_header(model, cib, now, background))
        banner = [line for line in banner_lines(model) if line and "instances DISABLED" not in line]
        sections.append([*banner, *_warnings(model)])
    if parts.by_node:
        sections.append(_section("Node List", _items_by_node(model)))
        idle = _inactive_items(model) if parts.inactive else []
        sections.append(_section("Inactive Resources", idle))
    else:
        sections.append(_section("Node List", node_items(model)))
        title = "Full List of Resources" if parts.inactive else "Active Resources"
        sections.append(_section(title, _resource_list(model, inactive=parts.inactive)))
    if parts.attributes:
        sections.append(_section("Node Attributes", _attribute_items(model)))
    if parts.operations:
        sections.append(_section("Operations", _operation_items(model, timing=parts.timing)))
    elif parts.fail_counts:
        sections.append(_section("Migration Summary", _failure_items(model)))
    failures = [Item(failed_action_text(failure)) for failure in model.failed_ops]
    sections.append(_section("Failed Resource Actions", failures))
    if parts.tickets:
        sections.append(_section("Tickets", _ticket_items(model)))
    if parts.bans:
        sections.append(_section("Negative Location Constraints", _ban_items(cib)))
    return "\n\n".join("\n".join(section) for section in sections if section)


def simple_line(cib: Cib, now: float, background: Background) -> tuple[str, int]:
    """One line for Nagios-like checks and its exit status, as `crm_mon -s`."""
    model = read_model(cib, now)
    problems: list[str] = []
    dc = dc_name(model, cib, background)
    if not dc:
        problems.append("No DC")
    elif not is_quorate(model, background):
        problems.append("No quorum")
    problems += [f"offline node: {node.name}" for node in model.nodes if not node.online]
    if problems:
        return f"CLUSTER WARN: {', '.join(problems)}", 1
    online = sum(1 for node in model.nodes if node.online)
    nodes = f"{online} node{'' if online == 1 else 's'} online"
    return f"CLUSTER OK: {nodes}, {_instances(model)}", 0


# -- header -------------------------------------------------------------------------------------------


def _header(model: Model, cib: Cib, now: float, background: Background) -> list[str]:
    dc = dc_name(model, cib, background)
    quorum = "quorum" if is_quorate(model, background) else "WITHOUT quorum"
    current = f"{dc}{_version(cib, background)} - partition with {quorum}" if dc else "NONE"
    lines = [
        f"Stack: {stack_name(cib, background)}",
        f"Current DC: {current.replace('with WITHOUT', 'WITHOUT')}",
        f"Last updated: {clock_text(now)}",
    ]
    changed = last_change(cib)
    if changed:
        lines.append(f"Last change:  {changed}")
    if background.durable:
        lines.append(
            f"Configuration on disk: {len(background.durable)} of {len(model.nodes)} nodes"
        )
    lines += background.notes
    count = len(model.nodes)
    lines.append(f"{count} node{'' if count == 1 else 's'} configured")
    lines.append(_instances(model) + _disabled(model))
    return ["Cluster Summary:", *render([Item(line) for line in lines], 1)]


def stack_name(cib: Cib, background: Background) -> str:
    """What carries the cluster; Pacemaker's CIB says which membership it uses."""
    if background.stack != "pacemaker":
        return background.stack
    return property_value(cib, "cluster-infrastructure") or background.stack


def _version(cib: Cib, background: Background) -> str:
    """The version of the controller where its CIB tells it, else the feature set."""
    version = property_value(cib, "dc-version") if background.stack == "pacemaker" else None
    if version:
        return f" (version {version})"
    feature = cib.root.get("crm_feature_set", "")
    return f" (feature set {feature})" if feature else ""


def dc_name(model: Model, cib: Cib, background: Background) -> str:
    """Name of the designated controller, "" if there is none."""
    if background.dc is not None:
        return background.dc
    if model.dc_node is not None:
        return model.dc_node.name
    return cib.root.get("dc-uuid", "")


def is_quorate(model: Model, background: Background) -> bool:
    return model.quorate if background.quorate is None else background.quorate


def clock_text(moment: float) -> str:
    """A moment as `date` writes it, in local time."""
    return datetime.fromtimestamp(moment).astimezone().strftime("%a %b %e %H:%M:%S %Y")


def last_change(cib: Cib) -> str:
    """When, by whom and through what the configuration was changed last."""
    text = cib.root.get("cib-last-written", "")
    for word, name in (("by", "update-user"), ("via", "update-client"), ("on", "update-origin")):
        value = cib.root.get(name)
        if text and value:
            text += f" {word} {value}"
    return text


def _instances(model: Model) -> str:
    count = model.resource_count
    return f"{count} resource instance{'' if count == 1 else 's'} configured"


def _disabled(model: Model) -> str:
    blocked = f"{model.blocked_count} BLOCKED from further action due to failure"
    if model.disabled_count and model.blocked_count:
        return f" ({model.disabled_count} DISABLED, {blocked})"
    if model.disabled_count:
        return f" ({model.disabled_count} DISABLED)"
    return f" ({blocked})" if model.blocked_count else ""


def resource_lines(cib: Cib, now: float) -> list[str]:
    """The list of resources alone."""
    return list(render(resource_items(read_model(cib, now), Look(pending=True)), 1))


def _warnings(model: Model) -> list[str]:
    """What keeps the cluster from working at all, and what to type."""
    if model.options.fencing_enabled and not model.has_fence_device and model.resource_count:
        return [
            "No fencing device is configured, so no resource is started: configure one, or, where",
            "data cannot be damaged, type: crm configure property stonith-enabled=false",
        ]
    return []


# -- resources ----------------------------------------------------------------------------------------


def _section(title: str, items: Sequence[Item]) -> list[str]:
    return [f"{title}:", *render(items, 1)] if items else []


def _resource_list(model: Model, *, inactive: bool) -> list[Item]:
    if inactive:
        return resource_items(model, Look(pending=True))
    active = [each for each in model.resources if any(map(is_active, primitives_of(each)))]
    items = [_without_stopped(item) for item in _items_of(model, active)]
    return items or [Item("No active resources")]


def _items_of(model: Model, resources: Iterable[Resource]) -> list[Item]:
    found = [resource_item(model, each, Look(pending=True)) for each in resources]
    return [item for item in found if item is not None]


def _without_stopped(item: Item) -> Item:
    kept = [_without_stopped(each) for each in item.items if not _is_stopped(each.text)]
    return Item(item.text, kept)


def _is_stopped(text: str) -> bool:
    return text.startswith("Stopped") or ":\t Stopped" in text


def primitives_of(resource: Resource) -> Iterator[Resource]:
    """The primitives of a resource, itself if it is one."""
    if not resource.children:
        yield resource
    for child in resource.children:
        yield from primitives_of(child)


def _all_primitives(model: Model) -> Iterator[Resource]:
    for resource in model.resources:
        yield from primitives_of(resource)


def _items_by_node(model: Model) -> list[Item]:
    """Each node and below it what runs there."""
    items: list[Item] = []
    for node in model.nodes:
        kind = "GuestNode" if node.is_guest else "RemoteNode" if node.is_remote_type else "Node"
        item = Item(f"{kind} {node.name}: {node_status(node)}")
        for leaf in sorted(_running(model, node), key=lambda each: each.index):
            text = primitive_text(model, leaf, printed_id(leaf), node, Look(pending=True))
            item.items.append(Item(text.replace(f" {node.name}", "", 1)))
        items.append(item)
    return items


def _running(model: Model, node: Node) -> list[Resource]:
    return [leaf for leaf in _all_primitives(model) if node in active_nodes(leaf)]


def _inactive_items(model: Model) -> list[Item]:
    return _items_of(
        model, (each for each in model.resources if not is_active(each, everything=False))
    )


# -- further sections -----------------------------------------------------------------------------------


def shown_attributes(node: Node) -> dict[str, str]:
    """The attributes of a node that say something about it: not the engine's own bookkeeping."""
    hidden = ("fail-count-", "last-failure-", "#", "probe_complete", "terminate", "shutdown")
    return {
        name: value
        for name, value in sorted(node.attributes.items())
        if not name.startswith(hidden)
    }


def _attribute_items(model: Model) -> list[Item]:
    return [
        Item(
            f"Node: {node.name}:",
            [
                Item(f"{name:<32}\t: {value:<10}".rstrip())
                for name, value in shown_attributes(node).items()
                if name not in {"standby", "maintenance"}
            ],
        )
        for node in model.nodes
        if node.online
    ]


def _operation_items(model: Model, *, timing: bool) -> list[Item]:
    items: list[Item] = []
    for node in model.nodes:
        resources: list[Item] = []
        for history in model.histories.entries(node.name):
            lines = [
                Item(_operation_text(op, timing=timing)) for op in history.ops if op.call_id > 0
            ]
            if lines:
                resources.append(Item(_history_title(model, history.id, node), lines))
        if resources:
            items.append(Item(f"Node: {node.name}:", resources))
    return items


def _operation_text(op: OpRecord, *, timing: bool) -> str:
    parts = [f"({op.call_id}) {'probe' if op.is_probe else op.task}"]
    details: list[str] = []
    if op.interval_ms:
        details.append(f'interval="{op.interval_ms}ms"')
    if timing:
        if op.last_change > 0:
            details.append(f'last-rc-change="{clock_text(op.last_change)}"')
        for name, key in (("exec-time", "exec-time"), ("queue-time", "queue-time")):
            if op.get(key):
                details.append(f'{name}="{op.get(key)}ms"')
    if op.rc:
        details.append(f"rc={op.rc} ({OCF_WORDS.get(op.rc, 'unknown')})")
    return f"{parts[0]}: {' '.join(details)}" if details else parts[0]


def _history_title(model: Model, resource_id: str, node: Node) -> str:
    found = model.find(resource_id)
    threshold = found.meta.get("migration-threshold", "1000000") if found is not None else "1000000"
    title = f"{resource_id}: migration-threshold={threshold}"
    count = fail_count_of(node, resource_id)
    return f"{title} fail-count={count}:" if count else f"{title}:"


def fail_count_of(node: Node, resource_id: str) -> str:
    """Sum of the fail counts of a resource on a node, "" if there are none."""
    total = 0
    base = resource_id.split(":", maxsplit=1)[0]
    for name, value in node.attributes.items():
        who = name.removeprefix("fail-count-").partition("#")[0]
        if not name.startswith("fail-count-") or who not in {resource_id, base}:
            continue
        if value.upper().lstrip("+") == "INFINITY":
            return "1000000"
        total += int(value) if is_digits(value) else 0
    return str(total) if total else ""


def _failure_items(model: Model) -> list[Item]:
    items: list[Item] = []
    for node in model.nodes:
        lines = [
            Item(_history_title(model, history.id, node).rstrip(":"))
            for history in model.histories.entries(node.name)
            if fail_count_of(node, history.id)
        ]
        if lines:
            items.append(Item(f"Node: {node.name}:", lines))
    return items or [Item("No failures")]


def failed_action_text(failure: FailedOp) -> str:
    """`web_monitor_10000 on n1 'not running' (7): call=17, status='complete', …`."""
    what = OCF_WORDS.get(failure.rc, "unknown")
    said = failure.attributes.get("op-status", "")
    status = int(said) if is_whole(said) else failure.status
    rest = [f"call={failure.call_id}", f"status='{LRM_WORDS.get(status, status)}'"]
    if failure.exit_reason:
        rest.append(f"exitreason='{failure.exit_reason}'")
    when = failure.attributes.get("last-rc-change", "")
    if is_digits(when):
        rest.append(f"last-rc-change='{clock_text(int(when))}'")
    for word, name in (("queued", "queue-time"), ("exec", "exec-time")):
        if failure.attributes.get(name):
            rest.append(f"{word}={failure.attributes[name]}ms")
    key = f"{failure.resource_id}_{failure.task}_{failure.interval_ms}"
    return f"{key} on {failure.node_name} '{what}' ({failure.rc}): {', '.join(rest)}"


def _ticket_items(model: Model) -> list[Item]:
    items: list[Item] = []
    for ticket in model.tickets.values():
        words = ["granted" if ticket.granted else "revoked"]
        if ticket.standby:
            words.append("[standby]")
        if ticket.last_granted > 0:
            words.append(f'last-granted="{clock_text(ticket.last_granted)}"')
        items.append(Item(f"{ticket.id}\t{' '.join(words)}"))
    return items


def _ban_items(cib: Cib) -> list[Item]:
    items: list[Item] = []
    for location in cib.section("constraints").iterfind("rsc_location"):
        if not (location.get("score") or "").startswith("-") or not location.get("node"):
            continue
        role = location.get("role", "")
        limit = f"{role} " if role in {"Promoted", "Master"} else ""
        items.append(
            Item(
                f"{location.get('id')}\tprevents {location.get('rsc')} from running "
                f"{limit}on {location.get('node')}"
            )
        )
    return items
