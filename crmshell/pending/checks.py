"""Checks of single resources against what their agents say (shell 5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from crmshell.grammar.errors import nearest_word
from crmshell.pending.changes import PendingCib
from crmshell.pending.tree import Element
from engine.agents.fence_parameters import FENCE_PARAMETERS, SET_BY_THE_CLUSTER
from engine.agents.metadata import AgentMetadata, Parameter
from engine.agents.names import AgentName, check_agent_name
from engine.base.digits import is_digits, is_whole
from engine.base.errors import BadInput, EngineError
from engine.base.reports import Report, Severity
from engine.base.timespec import milliseconds_from_text
from engine.cib.options import OPERATION_OPTIONS

DEFAULT_TIMEOUT = "20s"
_ALWAYS_RUN = ("start", "stop", "monitor")
_WITHOUT_INTERVAL = frozenset(
    ("start", "stop", "promote", "demote", "notify", "migrate_to", "migrate_from")
)
_KNOWN_ACTIONS = frozenset(
    ("notify", "reload", "reload-agent", "validate-all", "meta-data", "metadata")
)
_OP_WORDS: dict[str, tuple[str, ...]] = {
    "on-fail": (
        "ignore",
        "block",
        "stop",
        "restart",
        "restart-container",
        "standby",
        "fence",
        "demote",
    ),
    "enabled": ("true", "false", "yes", "no", "on", "off", "1", "0", "y", "n"),
    "record-pending": ("true", "false", "yes", "no", "on", "off", "1", "0", "y", "n"),
    "role": ("Stopped", "Started", "Promoted", "Unpromoted", "Master", "Slave"),
}
_TIME_WORDS = re.compile(
    r"time|interval|delay|dampen|second|period|(?:\b|_)(?:wait|sleep|age|ttl|duration)(?:\b|_)"
)
_USUAL_PROVIDERS = ("heartbeat", "pacemaker")
_BOOLEANS = frozenset(_OP_WORDS["enabled"])
_FENCE_PARAMETERS = {parameter.name: parameter for parameter in FENCE_PARAMETERS}


def no_types(_standard: str, _provider: str) -> Sequence[str]:
    """Nothing is known of what is installed."""
    return ()


@dataclass(slots=True)
class Facts:
    """What checks know beside the tree. `metadata` raises `EngineError` for an agent that cannot
    be asked; `types` are the installed agents of a class and provider; `strict`: what crmsh calls strict findings are errors; `may_lack`: agents need not be
    installed here; `op_timeout`: the timeout of operations that say nothing;
    `now`: epoch seconds, for rules with dates."""

    metadata: Callable[[AgentName], AgentMetadata]
    types: Callable[[str, str], Sequence[str]] = no_types
    strict: bool = True
    may_lack: bool = False
    op_timeout: str = DEFAULT_TIMEOUT
    now: float = 0.0
    shared: dict[str, Element] = field(default_factory=dict)
    _agents: dict[tuple[str, str, str], AgentMetadata | str] = field(default_factory=dict)

    def agent(self, key: tuple[str, str, str]) -> AgentMetadata | str:
        """The agent's description, or the line that says why there is none."""
        known = self._agents.get(key)
        if known is None:
            try:
                known = self.metadata(check_agent_name(*key))
            except EngineError as problem:
                known = str(problem)
            self._agents[key] = known
        return known


def check_primitive(tree: PendingCib, element: Element, facts: Facts) -> Iterator[Report]:
    """All findings about one primitive."""
    name = element.get("id", "")
    template = element.get("template")
    sources = [element]
    if template is not None:
        found = tree.objects.get(template)
        if found is None or found.tag != "template":
            templates = [key for key, value in tree.objects.items() if value.tag == "template"]
            yield _strict(
                facts,
                "no-template",
                name,
                f"{template}: no such resource template",
                nearest_word(template, templates),
            )
            return
        sources.append(found)
    origin = sources[-1]
    key = (origin.get("class", ""), origin.get("provider", ""), origin.get("type", ""))
    agent = facts.agent(key)
    if isinstance(agent, str):
        if not facts.may_lack:
            label = ":".join(part for part in key if part)
            why = agent.removeprefix(f"{label}: ")
            installed = facts.types(key[0], key[1])
            nearest = "" if key[2] in installed else nearest_word(key[2], installed)
            yield _strict(
                facts,
                "no-agent",
                name,
                f"{label}: got no meta-data, does this RA exist? ({why})",
                nearest or _other_provider(key, facts),
            )
        yield from _check_operations(element, name, None, facts)
        return
    yield from _check_parameters(name, sources, agent, key, facts)
    yield from _check_operations(element, name, agent, facts, template=sources[1:])


def _other_provider(key: tuple[str, str, str], facts: Facts) -> str:
    """The agent by its full name, when one of the usual providers has it."""
    for provider in _USUAL_PROVIDERS if key[0] == "ocf" else ():
        if provider != key[1] and key[2] in facts.types("ocf", provider):
            return f"ocf:{provider}:{key[2]}"
    return ""


# -- parameters -----------------------------------------------------------------------------------


def _check_parameters(
    name: str,
    sources: list[Element],
    agent: AgentMetadata,
    key: tuple[str, str, str],
    facts: Facts,
) -> Iterator[Report]:
    known = {parameter.name: parameter for parameter in agent.parameters}
    actions = {action.name for action in agent.actions}
    given: dict[str, str | None] = {}
    complete = True
    for source in sources:
        for pairs in source.findall("instance_attributes"):
            holder = _resolved(pairs, facts)
            if holder is None:
                complete = False
                continue
            for pair in holder.findall("nvpair"):
                found = _resolved(pair, facts)
                if found is None:
                    complete = False
                else:
                    label = pair.get("name") or found.get("name") or ""
                    given.setdefault(label, found.get("value"))
    fencing = key[0] == "stonith"
    if complete:
        for parameter in agent.parameters:
            if not parameter.required or parameter.name in given or parameter.deprecated:
                continue
            if fencing and parameter.name in SET_BY_THE_CLUSTER:
                continue
            if any(_replaces(known.get(other), parameter.name) for other in given):
                continue
            yield _strict(
                facts,
                "required-parameter",
                name,
                f'required parameter "{parameter.name}" not defined',
            )
    for label, value in given.items():
        found_parameter = known.get(label) or (_FENCE_PARAMETERS.get(label) if fencing else None)
        if found_parameter is None:
            if not (
                label.startswith(("CRM_meta_", "trace_", "OCF_CHECK_LEVEL"))
                or (fencing and label.startswith("pcmk_"))
            ):
                is_action = value is None and label in actions
                yield _strict(
                    facts,
                    "unknown-parameter",
                    name,
                    f'parameter "{label}" is not known',
                    f"op {label}" if is_action else nearest_word(label, known),
                )
        elif value is not None and not _fits(value, found_parameter):
            yield _warning("bad-value", name, _value_text(label, value, found_parameter))
    if key == ("ocf", "heartbeat", "IPaddr") and not given.keys() & {"cidr_netmask", "netmask"}:
        yield _warning(
            "no-netmask",
            name,
            "IPaddr without cidr_netmask fails at run time where the route to the address is the"
            " default route; give for example cidr_netmask=24",
        )


def _replaces(given: Parameter | None, name: str) -> bool:
    return given is not None and name in given.replaced_with


def _resolved(element: Element, facts: Facts) -> Element | None:
    ref = element.get("id-ref")
    return element if ref is None else facts.shared.get(ref)


def _fits(value: str, parameter: Parameter) -> bool:
    kind = parameter.type
    if kind == "integer":
        return is_whole(value) or not value or (_is_a_time(parameter) and _is_time(value))
    if kind == "boolean":
        return value.lower() in _BOOLEANS or not value
    if kind == "select" and parameter.values:
        return value in parameter.values
    return True


def _is_a_time(parameter: Parameter) -> bool:
    """Many agents declare times as whole numbers and take `5s`: by their default, name or words."""
    default = parameter.default or ""
    if default and not is_whole(default):
        return _is_time(default)
    said = f"{parameter.name} {parameter.shortdesc} {parameter.longdesc}".lower()
    return _TIME_WORDS.search(said) is not None


def _is_time(text: str) -> bool:
    return _milliseconds(text) is not None


def _value_text(label: str, value: str, parameter: Parameter) -> str:
    if parameter.type == "select":
        return f'parameter "{label}": "{value}" is not one of {", ".join(parameter.values)}'
    wanted = "a whole number" if parameter.type == "integer" else "a boolean (true or false)"
    return f'parameter "{label}": "{value}" is not {wanted}'


# -- operations -----------------------------------------------------------------------------------


def _check_operations(
    element: Element,
    name: str,
    agent: AgentMetadata | None,
    facts: Facts,
    *,
    template: Iterable[Element] = (),
) -> Iterator[Report]:
    operations = element.find("operations")
    ops = [] if operations is None else operations.findall("op")
    referenced = operations is not None and operations.get("id-ref") is not None
    for source in template:
        ops += source.findall("operations/op")
    actions = {action.name for action in agent.actions} if agent is not None else set()
    fencing = agent is not None and agent.name.standard == "stonith"
    intervals: dict[tuple[str, str], str] = {}
    for op in ops:
        action = op.get("name", "")
        known = action in actions | _KNOWN_ACTIONS or (fencing and action in ("start", "stop"))
        if actions and not known:
            yield Report(
                "unknown-action",
                Severity.ERROR,
                f"{name}: Action '{action}' not found in Resource Agent meta-data"
                + _hint(nearest_word(action, actions)),
                subject=name,
            )
        yield from _check_op(op, name, action, intervals)
        if agent is not None:
            yield from _check_timeout(
                op.get("timeout") or _meta_timeout(op), name, op, agent, facts
            )
    if agent is None or referenced:
        return
    configured = {op.get("name", "") for op in ops}
    for action in _ALWAYS_RUN:
        if action not in configured:
            yield from _check_timeout(None, name, {"name": action}, agent, facts)


def _check_op(
    op: Element, name: str, action: str, intervals: dict[tuple[str, str], str]
) -> Iterator[Report]:
    interval = op.get("interval", "0")
    length = _milliseconds(interval)
    for label in ("interval", "timeout", "start-delay"):
        value = op.get(label)
        if value is not None and _milliseconds(value) is None:
            yield Report(
                "bad-time",
                Severity.ERROR,
                f"{name}: op '{action}' {label} '{value}' is not a time (for example 30s or 2min)",
                subject=name,
            )
    for label, legal in _OP_WORDS.items():
        value = op.get(label)
        if value is not None and value not in legal:
            yield _warning(
                "bad-op-value",
                name,
                f"op '{action}' attribute '{label}' value '{value}' not recognized"
                + _hint(nearest_word(value, legal)),
            )
    yield from _check_slips(op, name, action)
    if length is None:
        return
    if action in _WITHOUT_INTERVAL and length:
        yield _warning(
            "op-interval", name, f"Specified interval for {action} is {interval}, it must be 0"
        )
    if action != "monitor":
        return
    if not length:
        yield _warning("monitor-interval", name, "interval in monitor should be larger than 0")
    key = (str(length), "")
    if key in intervals:
        yield _warning(
            "monitor-interval",
            name,
            f"interval in monitor must be unique, {interval} is given twice",
        )
    intervals[key] = interval


def _check_slips(op: Element, name: str, action: str) -> Iterator[Report]:
    """What looks like an attribute of the operation and is handed to the agent instead."""
    for pair in op.iterfind("instance_attributes/nvpair"):
        label = pair.get("name") or ""
        nearest = nearest_word(label, [each for each in OPERATION_OPTIONS if each != "name"])
        if nearest and not label.startswith("OCF_"):
            yield _warning(
                "unknown-op-attribute",
                name,
                f"'{label}' of op {action} is handed to the agent, the cluster does not know it"
                + _hint(nearest),
            )


def _check_timeout(
    given: str | None,
    name: str,
    op: Element | Mapping[str, str],
    agent: AgentMetadata,
    facts: Facts,
) -> Iterator[Report]:
    action = op.get("name") or ""
    advised_action = agent.action(action, op.get("role") or "")
    advised = advised_action.timeout if advised_action is not None else ""
    timeout = given or facts.op_timeout
    have, want = _milliseconds(timeout), _milliseconds(advised) if advised else None
    if have is None or want is None or have >= want or not have:
        return
    short = f"timeout {timeout} for {action} is smaller than the advised {advised}"
    if given:
        remedy = f"specified {short} (set {name}.{action}.timeout {_with_unit(advised)})"
    else:
        remedy = f"default {short}"
    yield _warning("short-timeout", name, remedy)


def _with_unit(text: str) -> str:
    return f"{text}s" if is_digits(text) else text


def _meta_timeout(op: Element) -> str | None:
    for pair in op.iterfind("meta_attributes/nvpair"):
        if pair.get("name") == "timeout":
            return pair.get("value")
    return None


def _milliseconds(text: str) -> int | None:
    try:
        return milliseconds_from_text(text)
    except BadInput:
        return None


def _hint(nearest: str) -> str:
    return f" (did you mean '{nearest}'?)" if nearest else ""


def _strict(facts: Facts, code: str, name: str, text: str, nearest: str = "") -> Report:
    severity = Severity.ERROR if facts.strict else Severity.WARNING
    message = f"{name}: {text}{_hint(nearest)}"
    return Report(code, severity, message, subject=name, nearest=nearest, force_code="force")


def _warning(code: str, name: str, text: str) -> Report:
    return Report(code, Severity.WARNING, f"{name}: {text}", subject=name)
