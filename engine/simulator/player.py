"""A transition is played against a copy of the CIB: what would be done, and what comes of it (C20).

Everything is synchronous: a fired action succeeds at once (or fails, where asked to), and its
result is written into the history like a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from engine.cib.digests import parameters_digest
from engine.cib.document import FEATURE_SET, Cib
from engine.scheduler.model.model import INFINITY
from engine.scheduler.model.transition import (
    CRM_EVENT,
    PSEUDO_EVENT,
    GraphAction,
    Synapse,
    Transition,
)
from engine.simulator.inject import Modification, OpSpec, inject_failure
from engine.simulator.status_tree import StatusTree

_UUID = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
_FENCING_OFF = frozenset(("off", "reboot", "poweroff"))
_RELOADS = frozenset(("reload", "reload-agent"))
_MIGRATIONS = frozenset(("migrate_to", "migrate_from"))


@dataclass(frozen=True, slots=True)
class Done:
    """One line of the list of executed actions; `action` None for a remark between them.

    `aside`: the remark is about the simulation itself and no item of the list. `change`: the remark
    is about what an action changed beside its history.
    """

    text: str
    action: GraphAction | None = None
    resource: str = ""
    aside: bool = False
    change: Modification | None = None


@dataclass(slots=True)
class Player:
    """What playing a transition needs; `cib` is edited.

    `is_known` tells whether the state before the transition has a resource, or history, of a name;
    `failures` are the operations that shall fail. `done` grows while it plays.
    """

    cib: Cib
    now: float
    is_known: Callable[[str], bool]
    failures: Sequence[OpSpec] = ()
    start_failure_is_fatal: bool = True
    status: StatusTree = field(init=False)
    aborted: bool = field(init=False, default=False)
    done: list[Done] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.status = StatusTree(self.cib)

    def play(self, transition: Transition) -> bool:
        """Fire all synapses in Pacemaker's order; False if some never get their inputs (C20.5)."""
        synapses = transition.synapses
        place = {synapse.action.id: number for number, synapse in enumerate(synapses)}
        missing = [len(synapse.inputs) for synapse in synapses]
        waiting: list[list[int]] = [[] for _ in synapses]
        for number, synapse in enumerate(synapses):
            for action_id in synapse.inputs:
                if action_id in place:
                    waiting[place[action_id]].append(number)
        ready = [number for number, count in enumerate(missing) if count == 0]
        fired = 0
        while ready:
            later: list[int] = []
            heapify(ready)
            while ready:
                number = heappop(ready)
                if not self._may_fire(synapses[number]):
                    continue
                failed = self._fire(synapses[number])
                fired += 1
                for follower in waiting[number]:
                    if failed and synapses[follower].priority < INFINITY:
                        continue  # what fails counts as done only for what must follow in any case
                    missing[follower] -= 1
                    if missing[follower] == 0:
                        heappush(ready if follower > number else later, follower)
            ready = later
        return fired == len(synapses) or self.aborted

    def _may_fire(self, synapse: Synapse) -> bool:
        """After a failure only what must follow in any case goes on (C20.7)."""
        return (
            not self.aborted or synapse.action.tag == PSEUDO_EVENT or synapse.priority >= INFINITY
        )

    def _fire(self, synapse: Synapse) -> bool:
        """Do an action; whether it failed."""
        action = synapse.action
        name = self._name(action)
        self.done.append(Done(action_line(action, name), action, name))
        if action.tag == PSEUDO_EVENT or action.operation == "delete":
            return False
        if action.tag == CRM_EVENT:
            if action.operation == "stonith" and action.meta("stonith_action") in _FENCING_OFF:
                self.status.take_down(self.status.node_state(action.node, action.node_uuid))
            return False
        return self._record(action, name)

    def _name(self, action: GraphAction) -> str:
        """The resource's name in lines and history (C20.2)."""
        primitive = action.primitive
        if primitive is None:
            return ""
        if primitive.long_id and not self.is_known(primitive.id):
            return primitive.long_id
        return primitive.id

    def _record(self, action: GraphAction, name: str) -> bool:
        """Write the result of an agent's action into the history (C20.4); whether it failed."""
        primitive = action.primitive
        if primitive is None:
            return False
        node_id = action.node if action.router_node else action.node_uuid
        state = self.status.node_state(action.node, node_id)
        agent = {"class": primitive.agent_class}
        if primitive.provider:
            agent["provider"] = primitive.provider
        agent["type"] = primitive.type
        resource = self.status.history(state, (name, primitive.id), agent)
        target_rc = int(action.meta("op_target_rc", "0"))
        rc = self._outcome(action, name, target_rc)
        # A notification is recorded as done, whatever came of it.
        recorded = target_rc if action.operation == "notify" else rc
        call_id = self.status.next_call(resource)
        values = entry_values(action, recorded, target_rc, call_id, self.now)
        if rc != target_rc:
            remarks = inject_failure(
                self.status,
                state,
                OpSpec(primitive.id, action.operation, action.interval_ms, action.node, rc),
                self.now,
                start_is_fatal=self.start_failure_is_fatal,
            )
            self.done.extend([Done(each.text, change=each) for each in remarks])
        for entry_id in entry_ids(action, primitive.id, failed=rc != target_rc):
            self.status.record(resource, entry_id, values)
        return rc != target_rc

    def _outcome(self, action: GraphAction, name: str, target_rc: int) -> int:
        primitive = action.primitive
        for spec in self.failures:
            if primitive is not None and spec.matches(
                (name, primitive.id, primitive.long_id), action
            ):
                self.aborted = True
                text = f"Pretending action {action.id} failed with rc={spec.rc}"
                self.done.append(Done(text, aside=True))
                return spec.rc
        return target_rc


def action_line(action: GraphAction, name: str) -> str:
    """What the list of executed actions says of one action (C20.2)."""
    if action.tag == PSEUDO_EVENT:
        where = f" on {action.node}" if action.node else ""
        return f"Pseudo action:   {action.key}{where}"
    if action.tag == CRM_EVENT and action.operation == "stonith":
        return f"Fencing {action.node} ({action.meta('stonith_action')})"
    if action.tag == CRM_EVENT:
        what = f" for {action.primitive.id}" if action.primitive is not None else ""
        return f"Cluster action:  {action.operation}{what} on {action.node}"
    interval = action.interval_ms
    every = f"={interval}" if interval and action.operation != "delete" else ""
    return f"Resource action: {name:<15} {action.operation}{every} on {action.node}"


def entry_ids(action: GraphAction, resource_id: str, *, failed: bool) -> tuple[str, ...]:
    """Ids of the history entries that an action leaves (C20.4)."""
    task, interval_ms = action.operation, action.interval_ms
    if task == "notify":
        kind, about = action.meta("notify_type"), action.meta("notify_operation")
        return (f"{resource_id}_{kind}_notify_{about}_0",)
    if task in _MIGRATIONS:
        return (_entry_key(resource_id, task, interval_ms),)
    if failed:
        last_failure = f"{resource_id}_last_failure_0"
        return (last_failure,) if interval_ms else (last_failure, f"{resource_id}_last_0")
    if interval_ms:
        return (_entry_key(resource_id, task, interval_ms),)
    return (f"{resource_id}_last_0",)


def entry_values(
    action: GraphAction, rc: int, target_rc: int, call_id: int, now: float
) -> dict[str, str]:
    """The attributes of a history entry, but for its id."""
    primitive = action.primitive
    task = action.operation
    if task in _RELOADS:
        task = "start" if rc == target_rc else "monitor"
    key = action.key
    if primitive is not None:
        # Not the graph's key: that may have another name of the resource, and that of a cancelled
        # monitor.
        key = _entry_key(primitive.id, task, action.interval_ms)
    transition_key = f"{call_id}:-1:{target_rc}:{_UUID}"
    moment = str(int(now))
    values = {
        "operation_key": key,
        "operation": task,
        "crm-debug-origin": "crm_simulate",
        "crm_feature_set": FEATURE_SET,
        "transition-key": transition_key,
        "transition-magic": f"0:{rc};{transition_key}",
        "exit-reason": "" if rc == target_rc else "User-injected result",
        "on_node": action.node,
        "call-id": str(call_id),
        "rc-code": str(rc),
        "op-status": "0",
        "interval": str(action.interval_ms),
        "last-rc-change": moment,
        "exec-time": "0",
        "queue-time": "0",
        "op-digest": parameters_digest(_digested(action)),
    }
    if task in _MIGRATIONS:
        values["migrate_source"] = action.meta("migrate_source")
        values["migrate_target"] = action.meta("migrate_target")
    return values


def _entry_key(resource_id: str, task: str, interval_ms: int) -> str:
    return f"{resource_id}_{task}_{interval_ms}"


def _digested(action: GraphAction) -> dict[str, str]:
    """The parameters that count for the digest of an operation (26.2)."""
    found = {name: value for name, value in action.parameters.items() if name != "pcmk_external_ip"}
    if action.interval_ms and "CRM_meta_timeout" in action.attributes:
        found["CRM_meta_timeout"] = action.attributes["CRM_meta_timeout"]
    return found
