"""Actions that reading the status already asks for (29.4).

The order of the requests is part of the result: ids of actions are drawn from one counter, and the
first reason given wins. The store of actions implements `ActionRequests`; readers that only want a
status (the resource list of a command) use `NoActions`.
"""

from __future__ import annotations

from typing import Protocol

from engine.scheduler.model.model import Node, Resource


class ActionRequests(Protocol):
    """What state reading may ask of the store of actions."""

    def stop(self, resource: Resource, node: Node, *, optional: bool) -> None:
        """Stop the primitive on the node; collectives hand the wish on to their primitives."""

    def demote(self, resource: Resource, node: Node, *, optional: bool) -> None:
        """Demote the primitive on the node."""

    def relax_stops(self, resource: Resource, node: Node) -> None:
        """Every stop of the resource asked for on the node so far becomes optional (23.6)."""

    def recurring(self, resource: Resource, node: Node, task: str, interval_ms: int) -> None:
        """A recurring action of the active history, as an optional action (18.13)."""

    def fence(
        self,
        node: Node,
        action: str | None,
        *,
        optional: bool,
        reason: str,
        priority_delay: bool,
    ) -> None:
        """Fence the node; `action` None means the cluster's fencing action (9.4)."""

    def clear_fail_count(self, resource: Resource, node: Node, reason: str) -> None:
        """Clear the fail count of the resource on the node (25.10)."""

    def order_clear_after_fencing(self, resource: Resource, node: Node) -> None:
        """The clearing just asked for waits for the fencing of the remote node (25.10)."""

    def delete_history(self, resource_id: str, resource: Resource | None, node: Node) -> None:
        """Delete the resource's history on the node from the CIB (27.3)."""


class NoActions:
    """Takes the requests and forgets them."""

    def stop(self, resource: Resource, node: Node, *, optional: bool) -> None:
        pass

    def demote(self, resource: Resource, node: Node, *, optional: bool) -> None:
        pass

    def relax_stops(self, resource: Resource, node: Node) -> None:
        pass

    def recurring(self, resource: Resource, node: Node, task: str, interval_ms: int) -> None:
        pass

    def fence(
        self,
        node: Node,
        action: str | None,
        *,
        optional: bool,
        reason: str,
        priority_delay: bool,
    ) -> None:
        pass

    def clear_fail_count(self, resource: Resource, node: Node, reason: str) -> None:
        pass

    def order_clear_after_fencing(self, resource: Resource, node: Node) -> None:
        pass

    def delete_history(self, resource_id: str, resource: Resource | None, node: Node) -> None:
        pass
