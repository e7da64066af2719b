"""What the parts of one controller share: who it is, the CIB, the view, and the event at hand with its effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from lxml import etree

from engine.base.digits import is_digits
from engine.base.events import StatusChange, View
from engine.cib.document import Cib
from engine.cib.status import change_status
from engine.controller.events import ChangeStatus, Effect, SetTimer, StopTimer, Story, Tell
from engine.controller.messages import Message
from engine.controller.options import ControllerOptions, controller_options
from engine.controller.remotes import RemoteHosts
from engine.controller.status import find_state, find_state_by_name
from engine.scheduler.model.transition import GraphAction


@dataclass(slots=True)
class Desk:
    """Node `me` of `names`; `uuid` names this life, `now` and `wall` are seconds of the event at hand."""

    me: int
    names: Mapping[int, str]
    cluster: str
    uuid: str
    cib: Callable[[], Cib]
    view: View | None = None
    now: float = 0.0
    wall: float = 0.0
    effects: list[Effect] = field(default_factory=list)
    remotes: RemoteHosts = field(default_factory=RemoteHosts)

    def begin(self, now: float, wall: float) -> None:
        """Another event: its time, and no effects yet."""
        self.now, self.wall = now, wall
        self.effects = []

    @property
    def status(self) -> etree._Element | None:
        """The status section as it is now."""
        return self.cib().root.find("status")

    @property
    def options(self) -> ControllerOptions:
        """The options in force when the event came."""
        return controller_options(self.cib().root, self.wall)

    @property
    def term(self) -> int:
        """The term of the active view, 0 without one."""
        return self.view.term if self.view is not None else 0

    @property
    def members(self) -> tuple[int, ...]:
        """The members of the active view, none without one."""
        return tuple(self.view.members) if self.view is not None else ()

    def name_of(self, node: int) -> str:
        return self.names.get(node, str(node))

    def add(self, *effects: Effect) -> None:
        self.effects.extend(effects)

    def tell(self, node: int, message: Message) -> None:
        self.effects.append(Tell(node, message))

    def change(self, *changes: StatusChange) -> None:
        if changes:
            self.effects.append(ChangeStatus(changes))

    def story(self, text: str, fields: Mapping[str, object], *, is_warning: bool = False) -> None:
        self.effects.append(Story(text, dict(fields), is_warning))

    def set_timer(self, name: str, delay: float) -> None:
        self.effects.append(SetTimer(name, delay))

    def stop_timer(self, name: str) -> None:
        self.effects.append(StopTimer(name))

    def node_of(self, action: GraphAction) -> int | None:
        """The member that an action is for, or through which it goes to a remote node."""
        if action.router_node:
            return self._number_of(action.router_node)
        if is_digits(action.node_uuid) and int(action.node_uuid) in self.names:
            return int(action.node_uuid)
        if action.node not in self.names.values():
            return self.remotes.of(action.node)
        return self._number_of(action.node)

    def state_of(self, action: GraphAction) -> etree._Element | None:
        """The state of the node that an action concerns."""
        is_member = not action.router_node and self.node_of(action) is not None
        if is_member and action.node in self.names.values():
            return find_state(self.status, str(self.node_of(action)))
        return find_state_by_name(self.status, action.node)

    def as_changed(self, state: etree._Element) -> etree._Element:
        """The state of a node with the changes that the event at hand has made so far."""
        mine = [
            change
            for effect in self.effects
            if isinstance(effect, ChangeStatus)
            for change in effect.changes
            if change.path[:1] == (("node_state", state.get("id", "")),)
        ]
        if not mine:
            return state
        root = etree.Element("cib")
        etree.SubElement(root, "status").append(deepcopy(state))
        for change in mine:
            change_status(root, change)
        changed = find_state(root.find("status"), state.get("id", ""))
        return state if changed is None else changed

    def _number_of(self, name: str) -> int | None:
        return next((number for number, known in self.names.items() if known == name), None)
