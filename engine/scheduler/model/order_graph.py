"""The store of orderings between actions: a directed graph over action numbers (C4.2, C4.3).

`OrderGraph` keeps the rows of a `networkx.DiGraph`: `order_view.digraph` puts such a graph over them,
without a copy, where orderings are reasoned about. Most runs never ask for it, and importing networkx
would be a third of the time and of the memory of a small one. Edges share their data: the data of an
edge is `{"relations": (a, b, …)}`, one of few such dicts, never changed in place; several orderings
between the same two actions are kept apart until the graph is written.
"""

from __future__ import annotations

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

Relations = tuple[int, ...]
EdgeData = dict[str, Relations]
Row = dict[int, EdgeData]


def united(relations: Relations) -> int:
    """All relations of an edge in one."""
    if len(relations) == 1:
        return relations[0]
    united = NOTHING
    for relation in relations:
        united |= relation
    return united


class OrderGraph:
    """Edges `first -> then` with the relations between them.

    `succ` and `pred` are the rows by first and by last action; every action of an edge has both.
    """

    __slots__ = ("_shared", "pred", "succ")

    def __init__(self) -> None:
        self.succ: dict[int, Row] = {}
        self.pred: dict[int, Row] = {}
        self._shared: dict[Relations, EdgeData] = {}

    def add_order(self, first: int, then: int, relation: int) -> bool:
        """Add an ordering; False if one that shares a relation with it exists (C4.3)."""
        if not relation or first == then:
            return False
        succ = self.succ
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
        self.pred[then][first] = data
        return True

    def replace(self, first: int, then: int, old: int, new: int) -> None:
        """Put `new` in the place of the relation `old` of an edge; NOTHING disables it."""
        relations = tuple(
            new if known == old else known for known in self.succ[first][then]["relations"]
        )
        data = self._shared.setdefault(relations, {"relations": relations})
        self.succ[first][then] = data
        self.pred[then][first] = data

    def before(self, then: int) -> list[tuple[int, Relations]]:
        """What comes before an action, newest edge first, as (action, relations)."""
        row = self.pred.get(then)
        if not row:
            return []
        return [(first, data["relations"]) for first, data in reversed(row.items())]

    def after(self, first: int) -> list[tuple[int, Relations]]:
        """What comes after an action, newest edge first."""
        row = self.succ.get(first)
        if not row:
            return []
        return [(then, data["relations"]) for then, data in reversed(row.items())]

    def merged_after(self, first: int) -> list[tuple[int, int]]:
        """What comes after an action, oldest edge first, with all relations united."""
        row = self.succ.get(first)
        if not row:
            return []
        return [(then, united(data["relations"])) for then, data in row.items()]

    def followers(self, first: int) -> list[int]:
        """The actions after an action, oldest edge first."""
        return list(self.succ.get(first, ()))

    def enabled_before(self, then: int) -> list[tuple[int, int]]:
        """Every relation before an action that is not disabled, oldest edge first."""
        row = self.pred.get(then)
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
        row = self.succ.get(first)
        data = row.get(then) if row else None
        return data["relations"] if data else ()

    def _add_row(self, number: int) -> Row:
        row: Row = {}
        self.succ[number] = row
        self.pred[number] = {}
        return row
