"""The working object of the action phases: model, actions, ordering records and the order graph.

Orderings between resources are first kept as records, in order of creation, because most actions do
not exist yet when they are decided; `resolve_records` turns them into edges (C4.1, C4.4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.cib.history import OpRecord
from engine.scheduler.model.model import Colocation, Model, Node, Resource, Role
from engine.scheduler.model.order_graph import (
    FIRST_THEN,
    IF_UNMIGRATABLE,
    ORDERED,
    OrderGraph,
)
from engine.scheduler.planning.action_table import ABORTS_MIGRATION, Action, ActionTable
from engine.scheduler.reading.activity import role_of


class Record:
    """An ordering before its actions are known: each side is a resource and a key, or an action."""

    __slots__ = (
        "first_action",
        "first_rsc",
        "first_suffix",
        "relation",
        "then_action",
        "then_rsc",
        "then_suffix",
    )

    def __init__(
        self,
        first_rsc: Resource | None,
        first_suffix: str,
        first_action: Action | None,
        then_rsc: Resource | None,
        then_suffix: str,
        then_action: Action | None,
        relation: int,
    ) -> None:
        self.first_rsc = first_rsc
        self.first_suffix = first_suffix
        self.first_action = first_action
        self.then_rsc = then_rsc
        self.then_suffix = then_suffix
        self.then_action = then_action
        self.relation = relation


class NotifyEvents:
    """The four pseudo-actions around one kind of operation of a clone; absent ones are None."""

    __slots__ = ("post", "post_done", "pre", "pre_done")

    def __init__(
        self,
        pre: Action | None,
        pre_done: Action | None,
        post: Action | None,
        post_done: Action | None,
    ) -> None:
        self.pre = pre
        self.pre_done = pre_done
        self.post = post
        self.post_done = post_done

    def each(self) -> list[Action]:
        """Those that exist."""
        return [a for a in (self.pre, self.pre_done, self.post, self.post_done) if a is not None]


class Plan:
    """What the phases after state reading share during one run."""

    __slots__ = (
        "actions",
        "deferred_checks",
        "disabled",
        "graph",
        "kept",
        "loops",
        "model",
        "notices",
        "notifications",
        "records",
        "stuck",
        "with_this",
    )

    def __init__(self, model: Model, actions: ActionTable) -> None:
        self.model = model
        self.actions = actions
        self.with_this: Callable[[Resource], Sequence[Colocation]] = _own_dependents
        """All colocations with a resource as the primary; placement knows those of its parents."""
        self.deferred_checks: list[tuple[Resource, Node, OpRecord]] = []  # (16.13)
        self.notices: list[str] = []  # lines for the user that are no findings
        # What became of the orderings when the graph was made (C16), by number of the action:
        self.kept: dict[int, list[int]] = {}  # an action in the graph → what it waits for there
        self.disabled: set[tuple[int, int]] = set()  # (first, then) that the graph does without
        self.stuck: list[Action] = []  # waiting for a loop or for what cannot happen, left out
        self.loops: list[list[Action]] = []  # actions that wait for each other, left out
        self.graph = OrderGraph()
        self.records: list[Record] = []
        self.notifications: dict[int, dict[str, NotifyEvents]] = {}  # by clone index and task
        for first, then in actions.early_edges:
            self.graph.add_order(first.id, then.id, FIRST_THEN)

    # -- making orderings -----------------------------------------------------------------------

    def order(
        self, first: Resource, first_suffix: str, then: Resource, then_suffix: str, relation: int
    ) -> None:
        """`first`'s action before `then`'s action, whichever exist in the end."""
        self.records.append(Record(first, first_suffix, None, then, then_suffix, None, relation))
        self._consider_migration(first, first_suffix, then, then_suffix)

    def order_action_before(
        self, first: Action, then: Resource, then_suffix: str, relation: int
    ) -> None:
        """A known action before a resource's action."""
        self.records.append(Record(first.rsc, "", first, then, then_suffix, None, relation))
        if first.rsc is not None:
            self._consider_migration(first.rsc, first.suffix, then, then_suffix)

    def order_before_action(
        self, first: Resource, first_suffix: str, then: Action, relation: int
    ) -> None:
        """A resource's action before a known action."""
        self.records.append(Record(first, first_suffix, None, then.rsc, "", then, relation))
        if then.rsc is not None:
            self._consider_migration(first, first_suffix, then.rsc, then.suffix)

    def order_actions(self, first: Action, then: Action, relation: int) -> None:
        """A record between two known actions; becomes an edge when its turn comes (C4.5)."""
        self.records.append(Record(first.rsc, "", first, then.rsc, "", then, relation))

    def link(self, first: Action | None, then: Action | None, relation: int) -> bool:
        """An edge at once (C4.3); False if nothing was added."""
        if first is None or then is None:
            return False
        return self.graph.add_order(first.id, then.id, relation)

    def _consider_migration(
        self, first: Resource, first_suffix: str, then: Resource, then_suffix: str
    ) -> None:
        if then.allow_migrate and not _related(first, then):
            self._order_migration(first, first_suffix, then, then_suffix)

    def _order_migration(
        self, first: Resource, first_suffix: str, then: Resource, then_suffix: str
    ) -> None:
        """Companions of an ordering for resources that may migrate (C14.5)."""
        both = ORDERED | (IF_UNMIGRATABLE if first.allow_migrate else 0)
        pair = (first_suffix, then_suffix)
        if pair == ("start_0", "start_0"):
            if first.allow_migrate:
                self._append(first, "migrate_from_0", then, "migrate_to_0", ORDERED)
            self._append(first, "start_0", then, "migrate_to_0", both)
        elif pair == ("stop_0", "stop_0"):
            self._append(first, "stop_0", then, "migrate_to_0", both)
            if then.migration_target is not None:
                self._append(first, "stop_0", then, "migrate_from_0", both)
        elif pair == ("promote_0", "start_0"):
            self._append(first, "promote_0", then, "migrate_to_0", ORDERED)
        elif pair == ("demote_0", "stop_0"):
            self._append(first, "demote_0", then, "migrate_to_0", ORDERED)
            if then.migration_target is not None:
                self._append(first, "demote_0", then, "migrate_from_0", ORDERED)

    def _append(
        self, first: Resource, first_suffix: str, then: Resource, then_suffix: str, relation: int
    ) -> None:
        self.records.append(Record(first, first_suffix, None, then, then_suffix, None, relation))

    # -- from records to edges ------------------------------------------------------------------

    def resolve_records(self) -> None:
        """Make the edges of all records, in order of creation (C4.4)."""
        for record in self.records:
            firsts = self._first_actions(record)
            if not firsts:
                continue
            thens = self._then_actions(record)
            add = self.graph.add_order
            for first in firsts:
                relation = record.relation
                if first.flags & ABORTS_MIGRATION and first.rsc is record.then_rsc:
                    relation &= ~FIRST_THEN
                for then in thens:
                    add(first.id, then.id, relation)

    def _first_actions(self, record: Record) -> list[Action]:
        if record.first_action is not None:
            return [record.first_action]
        rsc = record.first_rsc
        if rsc is None:
            return []
        found = self.actions.with_key(rsc, record.first_suffix)
        if found:
            return found
        task, _, interval = record.first_suffix.rpartition("_")
        if rsc is record.then_rsc:
            return []
        if task == "stop" and role_of(rsc) is Role.STOPPED:
            return []
        if task == "demote" and role_of(rsc) is Role.UNPROMOTED:
            return []
        return [
            self.actions.obtain(
                rsc,
                task,
                None,
                optional=True,
                interval_ms=int(interval),
                suffix=record.first_suffix,
            )
        ]

    def _then_actions(self, record: Record) -> list[Action]:
        if record.then_action is not None:
            return [record.then_action]
        if record.then_rsc is None:
            return []
        return self.actions.with_key(record.then_rsc, record.then_suffix)


def _own_dependents(rsc: Resource) -> Sequence[Colocation]:
    return rsc.with_this


def _related(first: Resource, then: Resource) -> bool:
    """The same resource, or one inside the other."""
    if first is then:
        return True
    up = first.parent
    while up is not None:
        if up is then:
            return True
        up = up.parent
    up = then.parent
    while up is not None:
        if up is first:
            return True
        up = up.parent
    return False
