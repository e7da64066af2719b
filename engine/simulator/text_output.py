"""What `crm_simulate` shows as text, section by section."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a quiet run shows nothing of what these know
    from engine.scheduler.api import Schedule
    from engine.scheduler.model.model import Model
    from engine.scheduler.placement.scores import ScoreLine
    from engine.simulator.inject import Modification
    from engine.simulator.player import Done
from engine.scheduler.views.status_parts import Look, StatusParts


@dataclass(slots=True)
class TextOutput:
    """Collects lines; sections are separated by a blank line. Quiet output has no sections."""

    quiet: bool = False
    parts: StatusParts = field(default_factory=StatusParts)
    lines: list[str] = field(default_factory=list)
    _started: bool = False

    def date(self, text: str) -> None:
        """The moment that is scheduled at, if it is not the present."""
        if not self.quiet:
            self.lines.append(text)

    def notices(self, model: Model) -> None:
        """Maintenance, and how many instances are disabled or blocked."""
        from engine.scheduler.views.status_text import banner_lines

        found = banner_lines(model)
        if found:
            self.lines.extend(found)
            self._started = True

    def status(self, model: Model, heading: str, *, pending: bool) -> None:
        """Nodes and resources as they are, `pending`: with what is going on."""
        from engine.scheduler.views.node_details import (
            attribute_lines,
            failcount_lines,
            failure_lines,
        )
        from engine.scheduler.views.status_text import status_lines

        body = status_lines(model, Look(pending=pending))
        if self.parts.attributes:
            body += _part(attribute_lines(model))
        if self.parts.failcounts:
            body += ["", *failcount_lines(model), *_part(failure_lines(model))]
        self._section(heading, body)

    def modifications(self, made: Sequence[Modification]) -> None:
        """What was injected before scheduling."""
        self._list("Performing Requested Modifications", [each.text for each in made])

    def scores(self, heading: str, notices: Sequence[str], lines: Sequence[ScoreLine]) -> None:
        """Allocation scores and utilization, and remarks that were made on the way."""
        if self.quiet:
            self.lines.extend([line.text for line in lines])
            self.lines.append("")
        else:
            self._section(heading, [*notices, *(f"  * {line.text}" for line in lines)])

    def summary(self, schedule: Schedule) -> None:
        """What will change for each resource and node."""
        from engine.scheduler.views.transition_summary import summary_lines

        self._list("Transition Summary", summary_lines(schedule.plan))

    def executed(self, done: Sequence[Done]) -> None:
        """The actions in the order in which they were played."""
        lines = [step.text if step.aside else f"  * {step.text}" for step in done]
        self._section("Executing Cluster Transition", lines)

    def timings(self, rows: Sequence[tuple[str, float]]) -> None:
        """CPU seconds that each of several inputs took."""
        lines = [f"Testing {path} ... {seconds:.2f} secs" for path, seconds in rows]
        self.lines += ["Timings:", *(f"  * {line}" for line in lines)]

    def take(self) -> str:
        """What was collected so far; it is not part of the whole text any more."""
        text = "".join([f"{line}\n" for line in self.lines])
        self.lines.clear()
        return text

    def finish(self, status: int, message: str, errors: Iterable[str] = ()) -> str:
        """The whole text; errors are told elsewhere."""
        del status, message, errors
        return self.take()

    def _list(self, heading: str, items: Sequence[str]) -> None:
        self._section(heading, [f"  * {item}" for item in items])

    def _section(self, heading: str, body: Sequence[str]) -> None:
        if self.quiet:
            return
        if self._started:
            self.lines.append("")
        self._started = True
        self.lines.append(f"{heading}:")
        self.lines.extend(body)


def _part(lines: list[str]) -> list[str]:
    """A part of a section below its own heading, the first line; nothing if that is all."""
    return ["", *lines] if len(lines) > 1 else []
