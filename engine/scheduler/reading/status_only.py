"""Reading a status without planning: requests for actions matter only where they change the status."""

from __future__ import annotations

from engine.scheduler.model.model import Model, Node, Resource, Variant
from engine.scheduler.reading.nodes import mark_for_fencing
from engine.scheduler.reading.requests import NoActions


class StatusRequests(NoActions):
    """Forgets the actions, but a stop that no one can execute still lets its node be fenced (28.2)."""

    __slots__ = ("_model",)

    def __init__(self, model: Model) -> None:
        self._model = model

    def stop(self, resource: Resource, node: Node, *, optional: bool) -> None:
        for child in resource.children:
            self.stop(child, node, optional=optional)
        if (
            resource.variant is Variant.PRIMITIVE
            and resource.managed
            and not node.online
            and not node.unclean
            and (node.remote_reset or not node.is_guest)
        ):
            mark_for_fencing(self._model, self, node, "stop is unrunnable")
