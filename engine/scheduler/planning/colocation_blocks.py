"""What must be together with something that cannot start does not start either (C7.17)."""

from __future__ import annotations

from collections.abc import Callable

from engine.scheduler.model.model import INFINITY, Resource, Role, Variant
from engine.scheduler.planning.action_table import RUNNABLE, Action
from engine.scheduler.planning.plan import Plan

_Step = Callable[[], None]
_Review = Callable[[Action], None]


class ColocationBlocks:
    """Takes RUNNABLE from the dependents of what cannot start or be promoted.

    Chains of colocations are followed with an explicit stack of steps.
    """

    __slots__ = ("plan",)

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def block(self, action: Action, review: _Review) -> None:
        """Look at the dependents of an action that is not runnable.

        `review` is called for each action that lost the flag, after everything that depends on
        that one.
        """
        if action.flags & RUNNABLE:
            return
        steps: list[_Step] = []
        self._block(action, steps, review)
        while steps:
            steps.pop()()

    def _block(self, action: Action, steps: list[_Step], review: _Review) -> None:
        rsc = action.rsc
        if action.flags & RUNNABLE or rsc is None or action.task not in ("start", "promote"):
            return
        top = rsc.top
        if top.parent is not None:
            top = top.parent
        for child in top.children:
            start = self.plan.actions.first(child, f"{action.task}_0")
            if start is None or start.flags & RUNNABLE:
                return
        for colocation in reversed(self.plan.with_this(top)):
            if colocation.score < INFINITY:
                continue
            if action.task == "promote" and colocation.primary_role is not Role.PROMOTED:
                continue
            task = "promote" if colocation.dependent_role is Role.PROMOTED else "start"
            self._later_mark(colocation.dependent, task, rsc, steps, review)

    def _later_mark(
        self, rsc: Resource, task: str, primary: Resource, steps: list[_Step], review: _Review
    ) -> None:
        steps.append(lambda: self._mark(rsc, task, primary, steps, review))

    def _mark(
        self, rsc: Resource, task: str, primary: Resource, steps: list[_Step], review: _Review
    ) -> None:
        """Block a task of a resource and of everything in it."""
        if rsc.variant is not Variant.PRIMITIVE:
            for child in reversed(rsc.children):
                self._later_mark(child, task, primary, steps, review)
        for action in reversed(self.plan.actions.with_key(rsc, f"{task}_0")):
            self._later_clear(action, primary, steps, review)

    def _later_clear(
        self, action: Action, primary: Resource, steps: list[_Step], review: _Review
    ) -> None:
        def clear() -> None:
            if not action.flags & RUNNABLE:
                return
            action.flags &= ~RUNNABLE
            action.reason = action.reason or f"colocation with {primary.id}"
            self.plan.actions.changed(action.rsc)
            steps.append(lambda: review(action))
            self._block(action, steps, review)

        steps.append(clear)
