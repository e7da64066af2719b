"""What agents say, as `pcs resource create` and `update` need it: names, parameters, operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crmshell.pcs.frame.book import Work
from engine.agents.fence_parameters import FENCE_PARAMETERS
from engine.agents.metadata import AgentAction, AgentMetadata
from engine.agents.names import AgentName
from engine.base.errors import BadInput, EngineError
from engine.base.timespec import milliseconds_from_text

NEVER_WRITTEN = frozenset(("meta-data", "metadata", "validate-all", "status"))
MONITOR_INTERVAL = "60s"
_FENCE_OF_EVERY_AGENT = ("action", "method", "port", "plug", "debug", "verbose", "help", "version")
_FENCE_NAMES = (("ip", "ipaddr"), ("username", "login"), ("password", "passwd"), ("plug", "port"),
                ("password_script", "passwd_script"), ("ssh", "secure"))  # fmt: skip
_ROLES = {"master": "Promoted", "slave": "Unpromoted"}

OpValues = dict[str, str]


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent and what it says; `data` is None when it cannot be asked."""

    name: AgentName
    data: AgentMetadata | None

    @property
    def is_fencing(self) -> bool:
        return self.name.standard == "stonith"


def find_agent(work: Work, text: str, *, fencing: bool = False) -> Agent | None:
    """The agent of this name; findings for one that is not installed or means two."""
    name = _resolved(work, text, fencing=fencing)
    if name is None:
        return None
    try:
        return Agent(name, work.session.agents.metadata(name))
    except EngineError as problem:
        kind = "fence agent" if fencing else "agent"
        known = work.session.agents.catalog.types(name.standard, name.provider)
        reason = "is not installed" if name.type not in known else f"does not answer: {problem}"
        shown = name.type if fencing else str(name)
        work.refuse_name(f"{kind} '{shown}' {reason}", text, known, forceable=True)
        return Agent(name, None)


def _resolved(work: Work, text: str, *, fencing: bool) -> AgentName | None:
    try:
        if fencing:
            return AgentName("stonith", "", text.removeprefix("stonith:"))
        if ":" in text:
            return work.session.agents.resolve(text)
        catalog = work.session.agents.catalog
        providers = catalog.providers_of(text)
        if len(providers) > 1:
            named = ", ".join(f"ocf:{provider}:{text}" for provider in providers)
            work.refuse(f"'{text}' means several agents: {named}; write one of them", text)
            return None
        if providers:
            found = AgentName("ocf", providers[0], text)
            work.info(f"the agent '{text}' is taken to be {found}")
            return found
        known = [each for one in catalog.providers() for each in catalog.types("ocf", one)]
        work.refuse_name(f"agent '{text}' is not installed", text, known)
    except EngineError as problem:
        work.refuse(str(problem), text)
    return None


def agent_of(work: Work, standard: str, provider: str, type_: str) -> Agent:
    """The agent of a resource that exists."""
    name = AgentName(standard, provider, type_)
    return Agent(name, work.session.agents.metadata_or_none(name))


def check_parameters(
    work: Work, agent: Agent, values: Mapping[str, str], present: Mapping[str, str] | None = None
) -> None:
    """Parameters that the agent does not know, and required ones that are missing or taken away.

    `present`: what the resource had, for an update.
    """
    if agent.data is None:
        return
    known = {each.name: each for each in agent.data.parameters}
    fence = {each.name for each in FENCE_PARAMETERS} if agent.is_fencing else set()
    for name, value in values.items():
        if value and name not in known and name not in fence:
            work.refuse_name(f"{agent.name} has no parameter '{name}'", name, known, forceable=True)
    if present is None:
        after = dict(values)
    else:
        after = {**present, **values}
    missing = [
        each.name
        for each in agent.data.parameters
        if each.required
        and not each.deprecated
        and not (agent.is_fencing and each.name in _FENCE_OF_EVERY_AGENT)
        and not any(after.get(name) for name in _same(agent.data, each.name))
        and (present is None or any(name in values for name in _same(agent.data, each.name)))
    ]
    if missing:
        names = ", ".join(f"'{name}'" for name in missing)
        work.refuse(f"{agent.name} requires the parameters {names}", forceable=True)


def _same(data: AgentMetadata, name: str) -> set[str]:
    """A parameter under all its names: the new one and those that it replaces."""
    found = {name}
    if data.name.standard == "stonith":
        found.update(next((pair for pair in _FENCE_NAMES if name in pair), ()))
    for each in data.parameters:
        if name in each.replaced_with:
            found.add(each.name)
        if each.name == name:
            found.update(each.replaced_with)
    return found


def default_operations(work: Work, agent: Agent, *, only_needed: bool) -> list[OpValues]:
    """The operations that the agent advises; only the first monitor ones when `only_needed`."""
    actions = agent.data.actions if agent.data is not None else ()
    found = [
        _values_of(action)
        for action in actions
        if action.name not in NEVER_WRITTEN
        and (action.name == "monitor" or not (only_needed or agent.is_fencing))
    ]
    if agent.is_fencing or not any(op["name"] == "monitor" for op in found):
        found = [op for op in found if op["name"] != "monitor"]
        found.append({"name": "monitor", "interval": MONITOR_INTERVAL})
    return _with_own_intervals(work, found)


def _values_of(action: AgentAction) -> OpValues:
    default = MONITOR_INTERVAL if action.name == "monitor" else "0s"
    values = {"name": action.name, "interval": action.interval or default}
    if action.start_delay:
        values["start-delay"] = action.start_delay
    if action.timeout:
        values["timeout"] = action.timeout
    if action.role:
        values["role"] = _ROLES.get(action.role.lower(), action.role)
    if action.depth not in ("", "0"):
        values["OCF_CHECK_LEVEL"] = action.depth
    return values


def _with_own_intervals(work: Work, ops: list[OpValues]) -> list[OpValues]:
    """No two operations of one name with one interval: a later one gets a second more."""
    used: set[tuple[str, int]] = set()
    for op in ops:
        interval = interval_of(op["interval"])
        if interval is None:
            continue
        wanted = interval
        while (op["name"], interval) in used:
            interval += 1000
        used.add((op["name"], interval))
        if interval != wanted:
            work.warn(
                f"{op['name']}: interval {op['interval']} is taken, {interval // 1000} is used"
            )
            op["interval"] = str(interval // 1000)
    return ops


def interval_of(text: str) -> int | None:
    """Milliseconds, None for what is no time."""
    try:
        return milliseconds_from_text(text)
    except BadInput:
        return None
