"""Carries a transition out on the nodes: orders, their results, what is overdue or lost on the way. Pure.

Which actions may start is the executor's to know; this part tells the nodes and keeps the history.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.base.digits import is_digits, is_whole
from engine.controller import dispatch
from engine.controller.cluster_actions import effects_of_cluster_action
from engine.controller.desk import Desk
from engine.controller.executor import (
    ABORT_ALL,
    Completion,
    Executor,
    allowance_ms,
    waits_for_nothing,
)
from engine.controller.messages import CancelOp, ForgetResource, Message, NodeLoad, RunOp
from engine.controller.outcomes import effects_of_silence
from engine.controller.remotes import fenced_remote_state, remote_names
from engine.controller.status import entry_changes, forget_entry, forget_resource
from engine.controller.throttle import LoadMode, batch_limit, job_limit, mode_of_number
from engine.lrm.api import LrmResult
from engine.lrm.state import ResourceRecords, pending_entries
from engine.scheduler.model.transition import RSC_OP, GraphAction

AUTOMATIC_BATCH = 16


@dataclass(slots=True)
class Player:
    """The transition that is under way, if one is.

    `number` is the highest number of a transition that this node knows of, `last` says how the
    last one ended.
    """

    desk: Desk
    number: int = 0
    last: str = ""
    _executor: Executor | None = None  # None between two transitions
    _loads: dict[int, NodeLoad] = field(default_factory=dict)  # the last word of each member

    @property
    def pending(self) -> tuple[GraphAction, ...]:
        """The actions that were begun and have no result."""
        return self._executor.pending if self._executor is not None else ()

    def counts(self) -> dict[str, int]:
        return self._executor.counts() if self._executor is not None else {}

    def begin(self, executor: Executor) -> None:
        """Start with what waits for nothing."""
        executor.limit(*self._limits(executor))
        self._executor = executor
        count = len(executor.transition.synapses)
        if count:
            self.desk.story("transition begins", {"transition": self.number, "actions": count})
        self._dispatch(executor.start())

    def drop(self) -> None:
        """Forget the transition: another DC, or this one in a new view, begins anew."""
        for action in self.pending:
            self.desk.stop_timer(f"action {action.id}")
        self._executor = None

    def forget_loads(self) -> None:
        """Another view: its members tell anew how busy they are."""
        self._loads = {}

    def take_load(self, node: int, load: NodeLoad) -> None:
        """A member told how busy it is: what is under way follows that."""
        self._loads[node] = load
        if self._executor is not None:
            self._dispatch(self._executor.limit(*self._limits(self._executor)))

    def _limits(self, executor: Executor) -> tuple[int, int, dict[str, int]]:
        """How many actions may be pending at once, migrations per node (-1: any number), and actions per node.

        Without a batch limit of the user's, enough to keep all nodes busy and no more: one huge batch
        would hold up everything else that the DC has to do.
        """
        attributes, options = executor.transition.attributes, self.desk.options
        members = len(self.desk.members) or 1
        batch, migrations = (
            attributes.get("batch-limit", "0"),
            attributes.get("migration-limit", "-1"),
        )
        modes = {node: mode_of_number(load.mode) for node, load in self._loads.items()}
        worst = max(modes.values(), default=LoadMode.NONE)
        configured = int(batch) if is_digits(batch) else 0
        per_node: dict[str, int] = {}
        for node in self.desk.members:
            load = self._loads.get(node)
            most = options.node_action_limit or (load.most if load is not None else 0)
            if most and (options.node_action_limit or options.load_threshold):
                per_node[self.desk.name_of(node)] = job_limit(modes.get(node, LoadMode.NONE), most)
        return (
            batch_limit(configured, AUTOMATIC_BATCH * members, members, worst),
            int(migrations) if is_whole(migrations) else -1,
            per_node,
        )

    def take_ended(self) -> Executor | None:
        """The transition if it is over, once: from then on there is none."""
        executor = self._executor
        if executor is None or not executor.is_over:
            return None
        self._executor = None
        return executor

    def abort(self, reason: str) -> None:
        """Let nothing more start; a new transition follows when nothing is pending."""
        executor = self._executor
        if executor is not None and executor.abort(ABORT_ALL, Completion.RESTART, reason):
            fields = {"transition": self.number, "pending": len(executor.pending)}
            self.desk.story(f"transition aborted: {reason}", fields)

    def give_up(self, reason: str) -> None:
        """Let nothing more start, and nothing follow of itself."""
        if self._executor is not None:
            self._executor.abort(ABORT_ALL, Completion.DONE, reason)

    def confirm(self, number: int) -> None:
        """An action had the result that was expected: begin what waited for it."""
        executor = self._executor
        if executor is None or not executor.is_pending(number):
            return
        self.desk.stop_timer(f"action {number}")
        self._dispatch(executor.confirm(number))

    def fail(self, number: int) -> None:
        """An action went wrong; whoever says so has aborted the transition before, or given it up."""
        if self._executor is not None:
            self.desk.stop_timer(f"action {number}")
            self._dispatch(self._executor.fail(number))

    def lock_of(self, result: LrmResult) -> str:
        """The shutdown lock of the action whose result this is, "" for none."""
        action = self._awaited(result)
        return action.shutdown_lock if action is not None else ""

    def _awaited(self, result: LrmResult) -> GraphAction | None:
        """The pending action of this transition that a result is of."""
        number, transition, uuid = dispatch.transition_of_key(result.op.transition_key)
        executor = self._executor
        is_ours = uuid == self.desk.uuid and transition == self.number
        if executor is None or not is_ours or not executor.is_pending(number):
            return None
        return executor.action(number)

    def take_result(self, result: LrmResult) -> bool:
        """The result of an operation; whether this transition waited for it."""
        action = self._awaited(result)
        if action is None:
            return False
        # A repeated operation that is not wanted any more before its first result did no harm.
        if result.is_success or (result.is_cancelled and result.op.interval_ms > 0):
            self.confirm(action.id)
        else:
            self.abort(f"{result.op.key} had result {result.rc}")
            self.fail(action.id)
        return True

    def lose_orders(self, node: int, known: tuple[str, ...]) -> None:
        """Orders to a node that knows nothing of them were lost on the way."""
        self.abort("an order to a node was lost")
        for action in self.pending:
            if self.desk.node_of(action) == node and action.key not in known:
                self.fail(action.id)

    def lose_remote(self, name: str) -> None:
        """Results of a remote node come with its history at the next connection, if they come at all."""
        lost = [a for a in self.pending if a.router_node and a.node == name]
        if lost:
            self.abort(f"the connection to {name} was lost")
        for action in lost:
            self.fail(action.id)

    def overdue(self, number: int) -> None:
        """The allowance of an action has passed without a result: it counts as failed."""
        executor = self._executor
        if executor is None or not executor.is_pending(number):
            return
        action = executor.action(number)
        key = action.key if action else str(number)
        self.desk.story(f"no result of {key}", {"transition": self.number}, is_warning=True)
        if action is not None:
            self._record_silence(action)
        self.abort(f"no result of {key}")
        self.fail(number)

    def _record_silence(self, action: GraphAction) -> None:
        state = self.desk.state_of(action)
        order = dispatch.order_from_action(action, 0, self.number, self.desk.uuid)
        if isinstance(order, RunOp) and state is not None:
            allowance = self._allowance(action)
            wall = self.desk.wall
            self.desk.add(*effects_of_silence(order.op, state, allowance=allowance, wall=wall))

    def _allowance(self, action: GraphAction) -> float:
        """For how many seconds the result of an action is waited for."""
        return allowance_ms(action, int(self.desk.options.cluster_delay * 1000)) / 1000

    def _dispatch(self, actions: list[GraphAction]) -> None:
        todo = list(actions)
        self._take_downed()
        while todo:
            action = todo.pop(0)
            if action.tag == RSC_OP:
                is_done = self._dispatch_operation(action)
            else:
                is_done = self._dispatch_cluster_action(action)
            if self._executor is not None and is_done:
                self.desk.stop_timer(f"action {action.id}")
                todo.extend(self._executor.confirm(action.id))
                self._take_downed()

    def _take_downed(self) -> None:
        """Guest nodes whose container is stopped or failed are down without anybody fencing them."""
        executor = self._executor
        if executor is None or not executor.downed:
            return
        names = remote_names(self.desk.cib().root)
        for name in executor.downed:
            if name in names:
                self.desk.change(fenced_remote_state(name, self.desk.wall))
        executor.downed.clear()

    def _dispatch_operation(self, action: GraphAction) -> bool:
        """Send an order to a node; whether the action is thereby confirmed."""
        desk, executor = self.desk, self._executor
        if desk.view is None or executor is None:
            return False
        node = desk.node_of(action)
        order = dispatch.order_from_action(action, desk.term, self.number, desk.uuid)
        if node is None or node not in desk.members or order is None:
            why = f"{action.router_node or action.node} is no member"
            desk.story(f"cannot do {action.key}: {why}", {}, is_warning=True)
            self.abort(f"{action.key} cannot be done")
            executor.fail(action.id)
            return False
        self._note_order(action, order)
        desk.tell(node, order)
        desk.set_timer(f"action {action.id}", self._allowance(action))
        return waits_for_nothing(action)

    def _note_order(self, action: GraphAction, order: Message) -> None:
        """What the history of a node says as soon as an order was given."""
        state = self.desk.state_of(action)
        if state is None:
            return
        match order:
            case RunOp(op=op):
                records = ResourceRecords(op.resource, op.standard, op.provider, op.type)
                entries = pending_entries(op, action.node, self.desk.wall)
                if entries:
                    self.desk.change(*entry_changes(state, records, entries))
            case ForgetResource(resource=resource):
                self.desk.change(*forget_resource(state, resource))
            case CancelOp():
                # A record that stays would say that the operation is still repeated.
                entry = f"{order.resource}_{order.operation}_{order.interval_ms}"
                self.desk.change(*forget_entry(state, order.resource, entry))

    def _dispatch_cluster_action(self, action: GraphAction) -> bool:
        node, state = self.desk.node_of(action), self.desk.state_of(action)
        if state is not None and action.operation == dispatch.SHUTDOWN:
            # The whole state is written again: it must not take back what the last result changed.
            state = self.desk.as_changed(state)
        wanted, is_done = effects_of_cluster_action(action, node, state, self.desk.term)
        self.desk.add(*wanted)
        return is_done
