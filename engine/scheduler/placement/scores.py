"""Where placement's numbers go: a sink for score lines, and what is kept of them (P22).

Placement calls the sink only if there is one, so a run without `--show-scores` pays nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from engine.base.score import score_to_text
from engine.scheduler.model.model import Model, Node, Resource
from engine.scheduler.placement.ranking import names_in_hash_order


class ScoreSink(Protocol):
    """Takes what placement decides, in the order in which it is decided."""

    def allocation(self, function: str, resource: Resource, node: Node, score: int) -> None:
        """The score of a resource on a node when `function` was at work (P22.4)."""

    def promotion(self, resource: Resource, node: Node | None, score: int) -> None:
        """The promotion score of an instance; `node` None means it is inactive (P15.11)."""

    def capacity(self, comment: str, node: Node, capacity: Mapping[str, int]) -> None:
        """Free capacity of a node; `comment` is `Original` or `Remaining` (P17.11)."""

    def utilization(self, resource: Resource, node: Node, need: Mapping[str, int]) -> None:
        """What a resource takes from the capacity of the node it was assigned to."""

    def contribution(self, resource: Resource, node: Node, score: int, reason: str) -> None:
        """`reason` brought the resource's score on the node to `score`."""

    @property
    def explains(self) -> bool:
        """Whether it wants contributions at all."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """One allocation score; `node` is the node's name."""

    function: str
    resource: str
    node: str
    score: int

    @property
    def text(self) -> str:
        score = score_to_text(self.score)
        return f"{self.function}: {self.resource} allocation score on {self.node}: {score}"


@dataclass(frozen=True, slots=True)
class Promotion:
    """One promotion score; `node` is "" for an instance that has no node."""

    resource: str
    node: str
    score: int

    @property
    def text(self) -> str:
        where = f"on {self.node}" if self.node else "(inactive)"
        return f"{self.resource} promotion score {where}: {score_to_text(self.score)}"


@dataclass(frozen=True, slots=True)
class Capacity:
    """Free capacity of a node before and after the assignment."""

    comment: str
    node: str
    capacity: tuple[tuple[str, int], ...]

    @property
    def text(self) -> str:
        return f"{self.comment}: {self.node} capacity:" + _pairs(self.capacity)


@dataclass(frozen=True, slots=True)
class Utilization:
    """What an assignment took from a node."""

    resource: str
    node: str
    need: tuple[tuple[str, int], ...]

    @property
    def text(self) -> str:
        return f"pcmk__assign_resource: {self.resource} utilization on {self.node}:" + _pairs(
            self.need
        )


@dataclass(frozen=True, slots=True)
class Contribution:
    """Why a score is what it is: `reason` brought it to `score`."""

    resource: str
    node: str
    score: int
    reason: str


ScoreLine = Allocation | Promotion | Capacity | Utilization


@dataclass(slots=True)
class ScoreRecord:
    """The sink that keeps everything; `lines` are what `crm_simulate` shows."""

    scores: bool = True
    utilizations: bool = False
    contributions: list[Contribution] | None = None
    lines: list[ScoreLine] = field(default_factory=list)

    def allocation(self, function: str, resource: Resource, node: Node, score: int) -> None:
        if self.scores:
            self.lines.append(Allocation(function, resource.id, node.name, score))

    def promotion(self, resource: Resource, node: Node | None, score: int) -> None:
        if self.scores:
            name = "" if node is None else node.name
            self.lines.append(Promotion(resource.id, name, score))

    def capacity(self, comment: str, node: Node, capacity: Mapping[str, int]) -> None:
        if self.utilizations:
            self.lines.append(Capacity(comment, node.name, _shown(capacity)))

    def utilization(self, resource: Resource, node: Node, need: Mapping[str, int]) -> None:
        if self.utilizations:
            self.lines.append(Utilization(resource.id, node.name, _shown(need)))

    @property
    def explains(self) -> bool:
        return self.contributions is not None

    def contribution(self, resource: Resource, node: Node, score: int, reason: str) -> None:
        if self.contributions is not None:
            self.contributions.append(Contribution(resource.id, node.name, score, reason))


def watch(model: Model, sink: ScoreSink) -> None:
    """Have the sink told of every change of a score, from the reading of the CIB on."""

    def tell(resource: Resource, node: Node | None, reason: str) -> None:
        for index, score in resource.allowed.items():
            if node is None or index == node.index:
                sink.contribution(resource, model.node_table[index], score, reason)

    if sink.explains:
        model.witness = tell


def _pairs(values: tuple[tuple[str, int], ...]) -> str:
    return "".join(f" {name}={value}" for name, value in values)


def _shown(values: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Pairs in the order in which they are shown (P17.11)."""
    return tuple((name, values[name]) for name in names_in_hash_order(list(values)))
