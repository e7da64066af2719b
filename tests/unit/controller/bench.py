"""A controller with a CIB, a scheduler that the test writes by hand, and nodes that do what they are told."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from engine.base.events import StatusChange, View
from engine.cib.document import Cib, empty_cib
from engine.controller.core import Controller
from engine.controller.events import (
    ChangeStatus,
    Effect,
    Event,
    FromNode,
    NewView,
    Schedule,
    Scheduled,
    SetTimer,
    Story,
    Tell,
    TimerFired,
)
from engine.controller.messages import JoinState, Message, OpReport, RunOp
from engine.lrm.api import LrmOp, LrmResult, OpStatus

UUID = "11111111-2222-3333-4444-555555555555"
NAMES = {1: "n1", 2: "n2", 3: "n3"}


def rsc_op(
    number: int, rsc: str, task: str, node: int, inputs: tuple[int, ...] = (), **meta: str
) -> str:
    interval = meta.get("interval", "0")
    attributes = "".join(f' CRM_meta_{k}="{v}"' for k, v in meta.items())
    body = (
        f'<rsc_op id="{number}" operation="{task}" operation_key="{rsc}_{task}_{interval}" '
        f'on_node="n{node}" on_node_uuid="{node}"><primitive id="{rsc}" class="ocf" '
        f'provider="heartbeat" type="Dummy"/><attributes{attributes} CRM_meta_timeout="20000"/></rsc_op>'
    )
    return synapse(number, body, inputs)


def crm_event(
    number: int, task: str, key: str, node: int, inputs: tuple[int, ...] = (), **meta: str
) -> str:
    attributes = "".join(f' CRM_meta_{k}="{v}"' for k, v in meta.items())
    body = (
        f'<crm_event id="{number}" operation="{task}" operation_key="{key}" on_node="n{node}" '
        f'on_node_uuid="{node}"><attributes{attributes}/></crm_event>'
    )
    return synapse(number, body, inputs)


def synapse(number: int, body: str, inputs: tuple[int, ...]) -> str:
    triggers = "".join(f'<trigger><rsc_op id="{n}"/></trigger>' for n in inputs)
    return f'<synapse id="{number}"><action_set>{body}</action_set><inputs>{triggers}</inputs></synapse>'


def graph(*synapses: str, batch_limit: int = 0) -> bytes:
    inside = "".join(synapses)
    return f'<transition_graph batch-limit="{batch_limit}">{inside}</transition_graph>'.encode()


@dataclass
class Bench:
    nodes: int = 3
    cib: Cib = field(default_factory=empty_cib)
    told: list[tuple[int, Message]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    timers: dict[str, float] = field(default_factory=dict)
    now: float = 100.0
    wall: float = 1_000_000.0
    term: int = 64

    def __post_init__(self) -> None:
        names = {n: NAMES[n] for n in range(1, self.nodes + 1)}
        self.core = Controller(1, names, "test", UUID, lambda: self.cib)

    def do(self, event: Event) -> list[Effect]:
        """Handle an event and apply what it wants to the CIB."""
        effects = self.core.handle(event, self.now, self.wall)
        self.effects = effects
        for effect in effects:
            match effect:
                case ChangeStatus(changes=changes):
                    for change in changes:
                        apply(self.cib.root, change)
                case Tell(to=to, message=message):
                    self.told.append((to, message))
                case SetTimer(name=name, delay=delay):
                    self.timers[name] = delay
                case _:
                    pass
        return effects

    def view(self, *members: int, dc: int = 1) -> None:
        self.term += 64
        self.do(NewView(View(self.term, members, members, dc, len(members) * 2 > self.nodes)))

    def join(self, node: int, **fields: object) -> None:
        lrm = fields.pop("lrm", b"<lrm><lrm_resources/></lrm>")
        message = JoinState(self.term, NAMES[node], "life", lrm, **fields)  # type: ignore[arg-type]
        self.do(FromNode(node, message))

    def settle(self, *members: int) -> None:
        """A view of these nodes, all joined."""
        self.view(*members)
        for member in members:
            self.join(member)

    def schedule(self, *synapses: str, batch_limit: int = 0) -> Schedule:
        """Let the trigger's time pass and answer with this graph."""
        self.do(TimerFired("schedule"))
        [asked] = [e for e in self.effects if isinstance(e, Schedule)]
        self.do(Scheduled(asked.number, graph(*synapses, batch_limit=batch_limit)))
        return asked

    def result(
        self, node: int, op: LrmOp, rc: int, status: OpStatus = OpStatus.DONE
    ) -> list[Effect]:
        return self.do(FromNode(node, OpReport(self.term, LrmResult(op, 5, rc, status))))

    def cancelled(self, node: int, op: LrmOp) -> list[Effect]:
        result = LrmResult(op, 5, 0, OpStatus.CANCELLED, is_recorded=False)
        return self.do(FromNode(node, OpReport(self.term, result)))

    def ops(self) -> list[tuple[int, LrmOp]]:
        """The operations ordered since the last call."""
        found = [(to, m.op) for to, m in self.told if isinstance(m, RunOp)]
        self.told = []
        return found

    def find(self, path: str) -> list[etree._Element]:
        return self.cib.root.findall(f"status/{path}")

    def stories(self) -> list[str]:
        return [e.text for e in self.effects if isinstance(e, Story)]


def apply(root: etree._Element, change: StatusChange) -> None:
    """Put or remove an element of the status section."""
    element = etree.fromstring(change.xml) if change.xml else None
    status = root.find("status")
    assert status is not None
    if not change.path:
        assert element is not None
        root.replace(status, element)
        return
    parent = status
    for tag, identity in change.path[:-1]:
        found = [c for c in parent if c.tag == tag and (not identity or c.get("id") == identity)]
        assert found, f"{change.path} has no {tag}"
        parent = found[0]
    tag, identity = change.path[-1]
    old = [c for c in parent if c.tag == tag and (not identity or c.get("id") == identity)]
    for item in old[:1]:
        if element is not None:
            parent.replace(item, element)
        else:
            parent.remove(item)
    if not old and element is not None:
        parent.append(element)
