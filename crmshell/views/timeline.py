"""What happened and what ran where, from the operations recorded in status sections. Pure.

A status section keeps the last operation of each kind only; several of them (of stored transitions)
together tell more. Times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml import etree

RUNNING_CODES = frozenset((0, 8, 190, 191))
STARTS = frozenset(("start", "promote", "demote", "migrate_from"))
STOPS = frozenset(("stop", "migrate_to"))
_HEIGHT = 18
_LEFT = 140
_COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#edc948", "#b07aa1", "#9c755f")


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One recorded operation: `code` is the agent's return code, -1 while it runs."""

    time: int
    node: str
    resource: str
    operation: str
    interval_ms: int
    code: int
    call: int = -1
    reason: str = ""

    @property
    def is_probe(self) -> bool:
        return self.operation == "monitor" and self.interval_ms == 0

    @property
    def failed(self) -> bool:
        """Whether the result is bad news (a probe that finds nothing is none)."""
        if self.code in RUNNING_CODES or self.code < 0:
            return False
        return not (self.code == 7 and (self.is_probe or self.operation == "stop"))

    def text(self, when: Callable[[int], str]) -> str:
        """One line: time, node, operation, resource, result."""
        interval = f" every {self.interval_ms // 1000}s" if self.interval_ms else ""
        what = "probe" if self.is_probe else self.operation
        result = "ok" if not self.failed else f"FAILED, rc={self.code}"
        if self.code == 7 and not self.failed:
            result = "not running"
        if self.code < 0:
            result = "pending"
        note = f" ({self.reason})" if self.reason else ""
        return (
            f"{when(self.time)}  {self.node}: {what} of {self.resource}{interval}: {result}{note}"
        )


@dataclass(frozen=True, slots=True)
class Stretch:
    """A resource ran on a node from `start` to `end` (None: to the last that is known)."""

    resource: str
    node: str
    start: int
    end: int | None


def events_from_cibs(roots: Iterable[etree._Element]) -> list[Event]:
    """All recorded operations, each once, by time."""
    return sorted({event for root in roots for event in _events(root)})


def _events(root: etree._Element) -> Iterator[Event]:
    for state in root.findall("status/node_state"):
        node = state.get("uname") or state.get("id") or ""
        for history in state.findall("lrm/lrm_resources/lrm_resource"):
            for record in history.findall("lrm_rsc_op"):
                yield Event(
                    time=_whole(record.get("last-rc-change"), 0),
                    node=node,
                    resource=history.get("id", ""),
                    operation=record.get("operation", ""),
                    interval_ms=_whole(record.get("interval"), 0),
                    code=_whole(record.get("rc-code"), -1)
                    if record.get("op-status") != "-1"
                    else -1,
                    call=_whole(record.get("call-id"), -1),
                    reason=record.get("exit-reason", ""),
                )


def _whole(text: str | None, default: int) -> int:
    try:
        return int(text or "")
    except ValueError:
        return default


def stretches(events: Sequence[Event]) -> list[Stretch]:
    """Where each resource ran, from starts, stops and monitors that found it running."""
    running: dict[tuple[str, str], int] = {}
    done: list[Stretch] = []
    for event in events:
        key = (event.resource, event.node)
        well = event.code in RUNNING_CODES
        if well and (event.operation in STARTS or event.operation == "monitor"):
            running.setdefault(key, event.time)
        elif key in running and (event.operation in STOPS or event.code == 7):
            done.append(Stretch(event.resource, event.node, running.pop(key), event.time))
    done += [Stretch(resource, node, start, None) for (resource, node), start in running.items()]
    return sorted(done, key=lambda one: (one.resource, one.start, one.node))


def timeline_text(
    events: Sequence[Event], when: Callable[[int], str], width: int, ascii_only: bool = True
) -> str:
    """A row for each resource and node: bars over the span of the events, `x` for failures."""
    spans = stretches(events)
    if not spans and not events:
        return "nothing is recorded"
    first = min(event.time for event in events)
    last = max(*(event.time for event in events), first + 1)
    rows = sorted({(one.resource, one.node) for one in spans} | _failed_places(events))
    label = max((len(f"{resource} {node}") for resource, node in rows), default=0) + 2
    cells = max(width - label - 1, 20)
    bar = "=" if ascii_only else "\u2501"

    def cell(time: int) -> int:
        return min(cells - 1, (time - first) * cells // (last - first))

    lines = [f"{'':{label}}{when(first)}{when(last):>{cells - len(when(first))}}"]
    for resource, node in rows:
        line = [" "] * cells
        for one in spans:
            if (one.resource, one.node) == (resource, node):
                end = last if one.end is None else one.end
                for place in range(cell(one.start), cell(end) + 1):
                    line[place] = bar
        for event in events:
            if event.failed and (event.resource, event.node) == (resource, node):
                line[cell(event.time)] = "x"
        lines.append(f"{f'{resource} {node}':{label}}{''.join(line).rstrip()}")
    return "\n".join(lines)


def _failed_places(events: Iterable[Event]) -> set[tuple[str, str]]:
    return {(event.resource, event.node) for event in events if event.failed}


def timeline_svg(events: Sequence[Event], when: Callable[[int], str], width: int = 1000) -> str:
    """The same as a picture: a row for each resource, a colour for each node."""
    spans = stretches(events)
    first = min((event.time for event in events), default=0)
    last = max(max((event.time for event in events), default=1), first + 1)
    resources = list(dict.fromkeys(one.resource for one in spans))
    nodes = sorted({one.node for one in spans})
    colours = {node: _COLOURS[place % len(_COLOURS)] for place, node in enumerate(nodes)}
    scale = (width - _LEFT - 10) / (last - first)

    def x(time: int) -> float:
        return round(_LEFT + (time - first) * scale, 1)

    parts = [_svg_text(4, 14, f"{when(first)} \u2013 {when(last)}")]
    for place, resource in enumerate(resources):
        y = 24 + place * (_HEIGHT + 4)
        parts.append(_svg_text(4, y + 13, resource))
        for one in spans:
            if one.resource == resource:
                end = last if one.end is None else one.end
                title = f"{resource} on {one.node}: {when(one.start)} to {when(end)}"
                parts.append(
                    f'<rect x="{x(one.start)}" y="{y}" width="{max(2.0, x(end) - x(one.start)):.1f}" '
                    f'height="{_HEIGHT}" fill="{colours[one.node]}"><title>{_escape(title)}</title></rect>'
                )
        for event in events:
            if event.failed and event.resource == resource:
                parts.append(
                    f'<circle cx="{x(event.time)}" cy="{y + _HEIGHT // 2}" r="4" fill="black">'
                    f"<title>{_escape(event.text(when))}</title></circle>"
                )
    bottom = 24 + len(resources) * (_HEIGHT + 4)
    for place, node in enumerate(nodes):
        left = 4 + place * 150
        parts.append(
            f'<rect x="{left}" y="{bottom + 8}" width="12" height="12" fill="{colours[node]}"/>'
        )
        parts.append(_svg_text(left + 18, bottom + 18, node))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{bottom + 30}" '
        f'font-family="sans-serif" font-size="12">\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _svg_text(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}">{_escape(text)}</text>'


def _escape(text: str) -> str:
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )
