"""What the pending configuration asks about agents, answered from their meta-data."""

from __future__ import annotations

from crmshell.grammar.ast import Op
from crmshell.pending.changes import Agent, AgentFacts
from crmshell.ra.meta import AgentShelf
from engine.agents.metadata import AgentMetadata
from engine.agents.names import check_agent_name
from engine.base.digits import is_digits
from engine.base.errors import EngineError

_NEVER_CONFIGURED = frozenset(
    ("meta-data", "metadata", "validate-all", "notify", "reload", "reload-agent", "status")
)


def agent_facts(shelf: AgentShelf, agent: Agent, advised: tuple[bool, bool]) -> AgentFacts:
    """Facts about an agent, nothing when it cannot be asked. `advised`: whether operations are
    wanted for resource agents, and for fence agents."""
    try:
        found = shelf.metadata(check_agent_name(*agent))
    except EngineError:
        return AgentFacts()
    names = frozenset(parameter.name for parameter in found.parameters)
    wanted = advised[1] if agent[0] == "stonith" else advised[0]
    ops = advised_operations(found) if wanted else ()
    return AgentFacts(names, found.is_promotable, ops)


def advised_operations(found: AgentMetadata) -> tuple[Op, ...]:
    """The operations to configure, with the interval and timeout that the agent advises."""
    ops: list[Op] = []
    seen: set[tuple[str, str]] = set()
    for action in found.actions:
        interval = _time(action.interval) if action.name == "monitor" else "0s"
        key = (action.name, interval)
        if action.name in _NEVER_CONFIGURED or key in seen:
            continue
        seen.add(key)
        attrs = [("interval", interval)]
        if action.timeout:
            attrs.insert(0, ("timeout", _time(action.timeout)))
        if action.role:
            attrs.append(("role", action.role))
        ops.append(Op(action.name, tuple(attrs)))
    return tuple(ops)


def _time(text: str) -> str:
    """A time with its unit; what is not given is 0s."""
    if not text:
        return "0s"
    return f"{text}s" if is_digits(text) else text
