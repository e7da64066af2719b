"""How a new DC learns what every member runs, and who of them still runs what nobody knows of (engine 8.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from engine.base.events import StatusChange, View
from engine.cib.patch import patch_to_bytes
from engine.controller.desk import Desk
from engine.controller.events import Propose
from engine.controller.join import build_status, joined_state, missing_nodes, unseen_operations
from engine.controller.locks import add_locks, kept_locks
from engine.controller.messages import JoinState, TellState
from engine.controller.status import find_state, put_node_state

JOIN_SECONDS = 60.0
JOIN_ASK_SECONDS = 2.0


@dataclass(slots=True)
class Joining:
    """What the members of a view have told the DC."""

    desk: Desk
    _is_cold: bool = True  # no node of this cluster was seen to work since this one started
    _is_held: bool = False  # the DC of a cold start waits for more nodes (dc-deadtime)
    _joined: set[int] = field(default_factory=set)  # members whose own word is in the status
    _asked: int = 0  # how often the silent were asked since the last warning
    _in_flight: dict[int, set[str]] = field(default_factory=dict)  # running, unseen in the history

    @property
    def is_held(self) -> bool:
        """Whether nothing may be scheduled yet: more nodes may come."""
        return self._is_held

    @property
    def is_anything_unseen(self) -> bool:
        """Whether an operation may still run whose begin no history shows: its result is waited for."""
        return any(self._in_flight.values())

    def in_flight(self) -> dict[str, list[str]]:
        """Keys of unseen operations by the name of the node."""
        return {self.desk.name_of(node): sorted(keys) for node, keys in self._in_flight.items()}

    def warm(self) -> None:
        """The cluster works already: a later DC has nobody to wait for."""
        self._is_cold = False

    def stop_waiting(self) -> None:
        """No more nodes came within the time."""
        self._is_held = self._is_cold = False

    def drop(self) -> None:
        """This node acts for no view any more, or for another one."""
        self._is_held = False

    def begin(self) -> None:
        """This node became DC of a view: its members tell their state."""
        # Status lives as long as somebody of this cluster does: if it knows this node, it is not cold.
        self._is_cold = self._is_cold and find_state(self.desk.status, str(self.desk.me)) is None
        self._joined, self._in_flight, self._asked = set(), {}, 0
        self.desk.set_timer("join", JOIN_ASK_SECONDS)

    def take(self, frm: int, message: JoinState, *, is_integrating: bool) -> bool:
        """A member told its state; whether everybody has now, and the status was built."""
        self._in_flight[frm] = unseen_operations(message)
        name = self.desk.names.get(frm, message.name)
        if is_integrating:
            self._joined.add(frm)
            if all(member in self._joined for member in self.desk.members):
                return self._integrate({frm: message})
        locks = self._locks_of(find_state(self.desk.status, str(frm)))
        self.desk.change(put_node_state(add_locks(joined_state(frm, name, message), locks)))
        if not is_integrating and self._in_flight[frm]:
            self.desk.set_timer("in-flight", self.desk.options.cluster_delay)
        return False

    def see(self, node: int, key: str) -> None:
        """The result of an operation is known."""
        self._in_flight.get(node, set()).discard(key)

    def ask_the_silent(self) -> bool:
        """Nothing is decided before every member has told what it runs, or can be fenced.

        Whether it can be, and the status was built without them.
        """
        view = self.desk.view
        if view is None:
            return False
        silent = [m for m in view.members if m not in self._joined]
        self._asked += 1
        if self._asked * JOIN_ASK_SECONDS >= JOIN_SECONDS:
            names = " ".join(self.desk.name_of(m) for m in silent)
            text = "members do not tell their state"
            self.desk.story(text, {"nodes": names}, is_warning=True)
            self._asked = 0
            if self.desk.options.fencing_enabled:
                return self._integrate({})
        for member in silent:
            self.desk.tell(member, TellState(view.term))
        self.desk.set_timer("join", JOIN_ASK_SECONDS)
        return False

    def ask_the_busy(self) -> None:
        """A result may be lost, but what runs must not be taken as over: its node knows (C2)."""
        view = self.desk.view
        if view is None or not self.is_anything_unseen:
            return
        for member in view.members:
            if self._in_flight.get(member):
                self.desk.tell(member, TellState(view.term))
        self.desk.set_timer("in-flight", self.desk.options.cluster_delay)

    def _integrate(self, fresh: Mapping[int, JoinState]) -> bool:
        desk, view = self.desk, self.desk.view
        if view is None:
            return False
        desk.stop_timer("join")
        status = build_status(
            desk.status, desk.names, view.members, self._joined, fresh, self._locks_of
        )
        desk.change(StatusChange((), etree.tostring(status)))
        members = " ".join(desk.name_of(m) for m in view.members)
        desk.story("joined", {"term": view.term, "members": members})
        if view.quorate:
            missing = missing_nodes(desk.cib(), desk.names, desk.cluster)
            if missing:
                desk.add(Propose(patch_to_bytes(missing), "nodes of the cluster"))
        self._hold_back(view)
        if self.is_anything_unseen:
            desk.set_timer("in-flight", desk.options.cluster_delay)
        return True

    def _locks_of(self, state: etree._Element | None) -> dict[str, etree._Element]:
        return kept_locks(state, self.desk.options, self.desk.wall)

    def _hold_back(self, view: View) -> None:
        if self._is_cold and len(view.members) < len(self.desk.names):
            self._is_held = True
            wait = self.desk.options.dc_deadtime
            self.desk.set_timer("dc-deadtime", wait)
            self.desk.story("waiting for more nodes", {"seconds": wait})
