"""The status as sections of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.scheduler.model.model import Ticket
from engine.scheduler.views.cluster_summary import (
    ban_items,
    count_lines,
    dc_text,
    last_change,
    management_lines,
    stack_of,
)
from engine.scheduler.views.fencing_view import Fencing, fencing_text, reduced
from engine.scheduler.views.node_details import attribute_lines, clock_text, failure_lines
from engine.scheduler.views.node_text import Item, node_items, render
from engine.scheduler.views.operations_view import history_items
from engine.scheduler.views.status_parts import Look
from engine.scheduler.views.status_text import items_below_node, resource_items, resource_title
from engine.tools.monitor.facts import Facts
from engine.tools.monitor.sections import FULL_HISTORY, Sections


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the status: a title and a list, or plain lines."""

    title: str
    items: list[Item] = field(default_factory=list)
    lines: tuple[str, ...] = ()

    def text(self) -> list[str]:
        """Its lines."""
        return list(self.lines) or [f"{self.title}:", *render(self.items, 1)]


def status_sections(facts: Facts, wanted: Sections, look: Look) -> list[Section]:
    """All sections that are wanted and have something in them."""
    return [each for each in _sections(facts, wanted, look) if each.items or each.lines]


def _sections(facts: Facts, wanted: Sections, look: Look) -> Iterator[Section]:
    model = facts.model
    if wanted.has_summary:
        yield Section("Cluster Summary", _summary_items(facts, wanted, look))
    if "maint-mode" in wanted:
        yield Section("Cluster Options", lines=management_lines(model))
    if "nodes" in wanted:
        below = (lambda node: items_below_node(model, node, look)) if look.by_node else None
        yield Section("Node List", node_items(model, look, below))
    if "resources" in wanted:
        yield Section(resource_title(look), resource_items(model, look))
    if "attributes" in wanted:
        yield Section("Node Attributes", _items(attribute_lines(model, look)[1:]))
    if "operations" in wanted:
        yield Section("Operations", history_items(model, look, operations=True))
    elif "failcounts" in wanted:
        yield Section("Migration Summary", history_items(model, look, operations=False))
    if "failures" in wanted:
        yield Section("Failed Resource Actions", _items(failure_lines(model, look)[1:]))
    if facts.fencing is not None:
        yield from _fencing(facts, wanted, look)
    if "tickets" in wanted:
        yield Section("Tickets", [_ticket(facts, each) for each in model.tickets.values()])
    if "bans" in wanted:
        yield Section("Negative Location Constraints", ban_items(model, look, wanted.prefix))


def _summary_items(facts: Facts, wanted: Sections, look: Look) -> list[Item]:
    model, lines = facts.model, []
    if "stack" in wanted:
        state = " (Pacemaker is running)" if facts.running else ""
        lines.append(f"Stack: {stack_of(model)}{state}")
    if "dc" in wanted:
        lines.append(dc_text(model, look))
    if "times" in wanted:
        lines.append(f"Last updated: {clock_text(model, facts.now)}")
        lines.append(f"Last change:  {last_change(model).text}")
    if "counts" in wanted:
        lines += count_lines(model)
    return [Item(line) for line in lines]


def _items(lines: list[str]) -> list[Item]:
    """Lines with bullets as items; how far a bullet stands in says what it belongs to."""
    found: list[Item] = []
    for line in lines:
        text = line.lstrip(" ")
        depth = (len(line) - len(text)) // 2 - 2
        into = found
        for _ in range(depth):
            into = into[-1].items
        into.append(Item(text.removeprefix("* ")))
    return found


def _fencing(facts: Facts, wanted: Sections, look: Look) -> Iterator[Section]:
    events = [e for e in facts.fencing or () if look.nodes is None or e.target in look.nodes]
    if wanted.history < FULL_HISTORY:
        events = reduced(events)
    shown = [event for event in events if _is_wanted(event, wanted)]
    if "fencing-succeeded" in wanted:
        yield Section("Fencing History", [_event(facts, event) for event in shown])
        return
    failed = [_event(facts, event) for event in shown if not event.is_pending]
    pending = [_event(facts, event) for event in shown if event.is_pending]
    yield Section("Failed Fencing Actions", failed)
    yield Section("Pending Fencing Actions", pending)


def _is_wanted(event: Fencing, wanted: Sections) -> bool:
    state = "succeeded" if event.state == "success" else event.state
    return f"fencing-{state}" in wanted


def _event(facts: Facts, event: Fencing) -> Item:
    return Item(fencing_text(event, clock_text(facts.model, int(event.when))))


def _ticket(facts: Facts, ticket: Ticket) -> Item:
    text = f"{ticket.id}\t{'granted' if ticket.granted else 'revoked'}"
    if ticket.standby:
        text += " [standby]"
    if ticket.last_granted > 0:
        text += f' last-granted="{clock_text(facts.model, ticket.last_granted)}"'
    return Item(text)
