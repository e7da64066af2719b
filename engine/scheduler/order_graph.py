"""The store of orderings between actions: a directed graph over action numbers (C4.2, C4.3).

`OrderGraph` is a `networkx.DiGraph`, so that loops, components and explanations come from there, but
`add_order` writes the rows of the graph directly and lets edges share their data: a plain `add_edge`
costs three times as much and a dict per edge. The data of an edge is `{"relations": (a, b, …)}`, one of
few such dicts, never changed in place: several orderings between the same two actions are kept apart
until the graph is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx

# Relations (C4.2), as bits of a plain int. NOTHING is a disabled edge.
NOTHING = 0
ORDERED = 1 << 0
FIRST_THEN = 1 << 1
THEN_FIRST = 1 << 2
PROMOTED_THEN_FIRST = 1 << 3
BLOCKS = 1 << 4
RESTART = 1 << 5
ASYMMETRIC = 1 << 6
SAME_NODE = 1 << 7
FIRST_THEN_LOCAL = 1 << 8
THEN_GRAPHS_FIRST = 1 << 9
FIRST_GRAPHS_THEN = 1 << 10
MIN_RUNNABLE = 1 << 11
UNMIGRATABLE_BLOCKS = 1 << 12
ELSE_THEN = 1 << 13
IF_UNMIGRATABLE = 1 << 14
CANCELS_FIRST = 1 << 15
NESTED_PROBE = 1 << 16
LOAD = 1 << 17
REQUIRED_SAME_NODE = 1 << 18
SERIALIZE = 1 << 19
GUEST_ALLOWED = 1 << 20

if TYPE_CHECKING:
    _Base = nx.DiGraph[int]
else:
    _Base = nx.DiGraph

Relations = tuple[int, ...]


def _united(relations: Relations) -> int:
    if len(relations) == 1:
        return relations[0]
    united = NOTHING
    for relation in relations:
        united |= relation
    return united


class OrderGraph(_Base):
    """Edges `first -> then` with the relations between them."""

    _succ: dict[int, dict[int, dict[str, Relations]]]
    _pred: dict[int, dict[int, dict[str, Relations]]]
    _node: dict[int, dict[str, Any]]

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._shared: dict[Relations, dict[str, Relations]] = {}

    def add_order(self, first: int, then: int, relation: int) -> bool:
        """Add an ordering; False if one that shares a relation with it exists (C4.3)."""
        if not relation or first == then:
            return False
        succ = self._succ
        row = succ.get(first)
        if row is None:
            row = self._add_row(first)
        if then not in succ:
            self._add_row(then)
        old = row.get(then)
        if old is None:
            relations: Relations = (relation,)
        else:
            for known in old["relations"]:
                if known & relation:
                    return False
            relations = (*old["relations"], relation)
        data = self._shared.get(relations)
        if data is None:
            data = self._shared[relations] = {"relations": relations}
        row[then] = data
        self._pred[then][first] = data
        return True

    def replace(self, first: int, then: int, old: int, new: int) -> None:
        """Put `new` in the place of the relation `old` of an edge; NOTHING disables it."""
        relations = tuple(
            new if known == old else known for known in self._succ[first][then]["relations"]
        )
        data = self._shared.setdefault(relations, {"relations": relations})
        self._succ[first][then] = data
        self._pred[then][first] = data

    def before(self, then: int) -> list[tuple[int, Relations]]:
        """What comes before an action, newest edge first, as (action, relations)."""
        row = self._pred.get(then)
        if not row:
            return []
        return [(first, data["relations"]) for first, data in reversed(row.items())]

    def after(self, first: int) -> list[tuple[int, Relations]]:
        """What comes after an action, newest edge first."""
        row = self._succ.get(first)
        if not row:
            return []
        return [(then, data["relations"]) for then, data in reversed(row.items())]

    def merged_after(self, first: int) -> list[tuple[int, int]]:
        """What comes after an action, oldest edge first, with all relations united."""
        row = self._succ.get(first)
        if not row:
            return []
        return [(then, _united(data["relations"])) for then, data in row.items()]

    def followers(self, first: int) -> list[int]:
        """The actions after an action, oldest edge first."""
        return list(self._succ.get(first, ()))

    def enabled_before(self, then: int) -> list[tuple[int, int]]:
        """Every relation before an action that is not disabled, oldest edge first."""
        row = self._pred.get(then)
        if not row:
            return []
        return [
            (first, relation)
            for first, data in row.items()
            for relation in data["relations"]
            if relation
        ]

    def relations(self, first: int, then: int) -> Relations:
        """The relations between two actions, () if there is no edge."""
        row = self._succ.get(first)
        data = row.get(then) if row else None
        return data["relations"] if data else ()

    def _add_row(self, number: int) -> dict[int, dict[str, Relations]]:
        self._node[number] = {}
        row: dict[int, dict[str, Relations]] = {}
        self._succ[number] = row
        self._pred[number] = {}
        return row
