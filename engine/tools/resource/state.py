"""The state of the cluster as `crm_resource` needs it, and the resource that is meant."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus

if TYPE_CHECKING:
    from engine.cib.document import Cib
    from engine.scheduler.model.model import Model, Node, Resource


@dataclass(frozen=True, slots=True)
class State:
    """A CIB and what it means."""

    cib: Cib
    model: Model

    def resource(self, name: str) -> Resource:
        """The resource of that name, or the first instance that has it; raises `EngineError`."""
        from engine.scheduler.views.status_parts import printed_id, tree_of

        found = self.model.find(name)
        if found is not None:
            return found
        for top in self.model.resources:
            for each in tree_of(top):
                if name in {each.id, printed_id(each)}:
                    return each
        raise EngineError(f"Resource '{name}' not found", status=ExitStatus.NOSUCH)

    def instances(self, name: str) -> list[Resource]:
        """All instances that go by a name."""
        from engine.scheduler.views.status_parts import printed_id, tree_of

        named = self.resource(name)
        if named.id == name:
            return [named]
        found = [each for top in self.model.resources for each in tree_of(top)]
        return [each for each in found if printed_id(each) == name]

    def node(self, name: str) -> Node:
        """The node of that name; raises `EngineError`."""
        node = self.model.node_named(name)
        if node is None:
            raise EngineError(f"Node '{name}' not found", status=ExitStatus.NOSUCH)
        return node


def read_state(environment: Mapping[str, str]) -> State:
    """The state with its constraints; raises `EngineError`."""
    from engine.ipc.live import local_zone
    from engine.scheduler.model.model import Model
    from engine.scheduler.reading.constraints import unpack_constraints
    from engine.scheduler.reading.unpack import fill_model
    from engine.tools.frame.cib import read_cib

    cib = read_cib(environment)
    model = Model(time.time(), local_zone())
    unpack_constraints(fill_model(cib, model))
    return State(cib, model)
