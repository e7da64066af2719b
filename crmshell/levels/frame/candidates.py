"""Kinds of things into names: the candidates for what `grammar.expect` says may come next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from crmshell.grammar import expect as e
from crmshell.grammar.expect import Want
from crmshell.help.meanings import meaning
from crmshell.levels.frame.registry import Candidate
from crmshell.views.lookups import Lookups
from crmshell.views.names import CONTAINERS, NamedResource, Names
from engine.base.digits import is_digits

if TYPE_CHECKING:
    from engine.agents.metadata import AgentMetadata, Parameter
    from engine.cib.options import Option

_OP_DEFAULT_NAMES = ("timeout", "on-fail", "record-pending", "enabled", "start-delay")
_BOOLEAN = ("true", "false")
_CLONE_ONLY = frozenset(
    (
        "clone-max",
        "clone-node-max",
        "clone-min",
        "globally-unique",
        "promotable",
        "promoted-max",
        "promoted-node-max",
        "notify",
        "ordered",
        "interleave",
    )
)


def candidates(want: Want, typed: str, lookups: Lookups) -> Iterable[Candidate]:
    """The candidates for one want; not yet narrowed to what is typed."""
    make = _KINDS.get(want.kind)
    return make(want, typed, lookups) if make else ()


def plain(words: Iterable[str]) -> Iterator[Candidate]:
    return (Candidate(word) for word in words)


def _keywords(want: Want, typed: str, lookups: Lookups) -> Iterable[Candidate]:
    del lookups
    head = typed.partition("=")[0] + "=" if "=" in typed else ""
    return (_keyword(word if word.startswith(head) else head + word) for word in want.words)


def _keyword(word: str) -> Candidate:
    name, equals, value = word.partition("=")
    return Candidate(word, meaning(name, value) if equals else meaning("order kind", word))


# -- objects of the CIB -----------------------------------------------------------------------------


def _ids(want: Want, typed: str, lookups: Lookups) -> Iterable[Candidate]:
    del typed
    names = dict.fromkeys(lookups.names().objects())
    return (Candidate(want.name + name) for name in names if name not in want.given)


def _resources(want: Want, typed: str, lookups: Lookups) -> Iterator[Candidate]:
    names = lookups.names()
    fits = _RESOURCE_TESTS.get(want.subject)
    begun = typed.removeprefix(want.name).lower()
    for one in names.resources:
        if not one.id.lower().startswith(begun):
            continue
        if (fits is None or fits(one)) and one.id not in want.given:
            yield Candidate(want.name + one.id, describe_resource(one, names))
    if want.subject == e.ANY:
        for template, agent in names.templates.items():
            if template not in want.given:
                yield Candidate(template, f"template of {agent}")


def describe_resource(one: NamedResource, names: Names) -> str:
    """The remark beside a resource: its agent, or its kind, and its container."""
    what = one.agent or one.kind
    where = f" in {one.parent}" if one.parent else ""
    state = ", running" if names.is_active(one.id) else ""
    return what + where + state


_RESOURCE_TESTS: dict[str, Callable[[NamedResource], bool]] = {
    e.FREE_PRIMITIVE: lambda one: one.kind == "primitive" and not one.parent,
    e.FREE: lambda one: one.kind in ("primitive", "group") and not one.parent,
    e.PRIMITIVE: lambda one: one.kind == "primitive",
    e.GROUP: lambda one: one.kind == "group",
    e.TOP: lambda one: not one.parent,
    e.DEVICE: lambda one: one.agent.startswith("stonith:"),
    "container": lambda one: one.kind in CONTAINERS,
}


def _nodes(want: Want, typed: str, lookups: Lookups) -> Iterable[Candidate]:
    del typed
    return plain(node + want.name for node in lookups.names().nodes)


def _tickets(want: Want, typed: str, lookups: Lookups) -> Iterable[Candidate]:
    del want, typed
    return plain(f"{ticket}:" for ticket in lookups.names().tickets)


def _acl_roles(want: Want, typed: str, lookups: Lookups) -> Iterable[Candidate]:
    del typed
    return plain(role for role in lookups.names().roles if role not in want.given)


def _node_attributes(want: Want, typed: str, lookups: Lookups) -> Iterator[Candidate]:
    """Names (bare in rules, with `=` in a node), or the values seen of the attribute `name`."""
    known = lookups.names().node_attributes
    head = typed.partition("=")[0] + "=" if "=" in typed else ""
    if want.name in ("bare", "pair"):
        end = "" if want.name == "bare" else "="
        yield from plain(head + word for word in want.words)
        for name, values in known.items():
            if name not in want.given:
                yield Candidate(head + name + end, ", ".join(values)[:60])
    else:
        yield from plain(head + value for value in known.get(want.name, ()))


# -- agents -----------------------------------------------------------------------------------------


def agents(want: Want, typed: str, lookups: Lookups) -> Iterator[Candidate]:
    """Agent names part by part: classes with a colon and heartbeat's types, then provider, then type."""
    del want
    catalog = lookups.catalog()
    head, _, _ = typed.rpartition(":")
    parts = head.split(":") if ":" in typed else []
    if typed.startswith("@"):
        for name, agent in lookups.names().templates.items():
            yield Candidate(f"@{name}", agent)
    elif not parts:
        yield from plain(f"{one}:" for one in ("ocf", "systemd", "stonith", "lsb", "service"))
        yield from plain(f"@{name}" for name in lookups.names().templates)
        if typed:
            yield from plain([*catalog.types("ocf", "heartbeat"), *catalog.types("stonith")])
    elif parts[0] == "ocf" and len(parts) == 1:
        yield from plain(f"ocf:{provider}:" for provider in catalog.providers())
    elif len(parts) == (2 if parts[0] == "ocf" else 1):
        provider = parts[1] if len(parts) == 2 else ""
        yield from plain(f"{head}:{name}" for name in catalog.types(parts[0], provider))


def _metadata(want: Want, lookups: Lookups) -> AgentMetadata | None:
    agent = lookups.names().resolve_agent(want.subject)
    return lookups.metadata(agent) if agent else None


def _params(want: Want, typed: str, lookups: Lookups) -> Iterator[Candidate]:
    """Parameter names: required ones first, then by name, deprecated ones last."""
    del typed
    metadata = _metadata(want, lookups)
    listed = metadata.parameters if metadata else ()
    for one in sorted(listed, key=lambda one: (one.deprecated, not one.required, one.name)):
        if one.name not in want.given:
            yield Candidate(f"{one.name}=", describe_parameter(one))


def describe_parameter(one: Parameter) -> str:
    """`required, integer [default]: what it is`."""
    marks = ["required"] if one.required else []
    marks += ["deprecated"] if one.deprecated else []
    kind = ", ".join([*marks, one.type])
    default = f" [{one.default}]" if one.default else ""
    text = " ".join((one.shortdesc or one.longdesc).split())
    return f"{kind}{default}: {text}"[:120]


def _param_values(want: Want, typed: str, lookups: Lookups) -> Iterator[Candidate]:
    metadata = _metadata(want, lookups)
    one = metadata.parameter(want.name) if metadata else None
    if one is None:
        return
    remark = describe_parameter(one)
    values = list(one.values)
    if one.type == "boolean" and not values:
        values = list(_BOOLEAN)
    if one.default and one.default not in values:
        values.insert(0, one.default)
    quoted = (
        value if value.isprintable() and " " not in value else f'"{value}"' for value in values
    )
    found = [Candidate(f"{want.name}={value}", remark) for value in quoted]
    yield from found or [Candidate(typed, remark)]


def _actions(want: Want, typed: str, lookups: Lookups) -> Iterator[Candidate]:
    del typed
    metadata = _metadata(want, lookups)
    skip = ("meta-data", "validate-all")
    if metadata is None:
        yield from plain(("monitor", "start", "stop"))
        return
    seen: set[str] = set()
    for action in metadata.actions:
        if action.name not in seen and action.name not in skip:
            seen.add(action.name)
            advised = f"timeout {action.timeout}" if action.timeout else ""
            interval = f", interval {action.interval}" if action.interval else ""
            yield Candidate(action.name, advised + interval)


def _op_attributes(want: Want, typed: str, lookups: Lookups) -> Iterator[Candidate]:
    """Names, and in front those with the advised value."""
    del typed
    metadata = _metadata(want, lookups)
    action = metadata.action(want.words[0]) if metadata and want.words else None
    advised = {"interval": action.interval, "timeout": action.timeout} if action else {}
    for name, value in advised.items():
        if value and name not in want.given:
            yield Candidate(f"{name}={with_unit(value)}", "advised by the agent")
    for name, text in e.OP_ATTRIBUTES.items():
        if name not in want.given and not advised.get(name):
            yield Candidate(f"{name}=", text)


def with_unit(value: str) -> str:
    return f"{value}s" if is_digits(value) else value


def _op_values(want: Want, typed: str, lookups: Lookups) -> Iterator[Candidate]:
    del typed
    metadata = _metadata(want, lookups)
    action = metadata.action(want.words[0]) if metadata and want.words else None
    advised = {"interval": action.interval, "timeout": action.timeout} if action else {}
    if advised.get(want.name):
        yield Candidate(f"{want.name}={with_unit(advised[want.name])}", "advised by the agent")
    for value in e.OP_VALUES.get(want.name, ()):
        yield Candidate(f"{want.name}={value}", meaning(want.name, value))


# -- options of the cluster ---------------------------------------------------------------------------


def _known_options(subject: str) -> Mapping[str, Option]:
    """The options that `subject` (property, primitive, clone, op, …) takes, by name."""
    from engine.cib.options import CLUSTER_OPTIONS, OPERATION_OPTIONS, RESOURCE_META

    if subject == "property":
        return CLUSTER_OPTIONS
    if subject in ("op", "op_defaults"):
        return {name: OPERATION_OPTIONS[name] for name in _OP_DEFAULT_NAMES}
    if subject in ("clone", "rsc_defaults"):
        return RESOURCE_META
    return {name: one for name, one in RESOURCE_META.items() if name not in _CLONE_ONLY}


def _options(want: Want, typed: str, lookups: Lookups) -> Iterator[Candidate]:
    """Names, everyday ones first; old names only for who types one that no new one begins like."""
    del lookups
    known = _known_options(want.subject).values()
    ordered = sorted(known, key=lambda one: (one.advanced, one.name))
    offered = [one for one in ordered if one.name not in want.given and not one.deprecated]
    for one in offered:
        yield Candidate(f"{one.name}=", describe_option(one))
    if typed and not any(one.name.startswith(typed) for one in offered):
        for one in ordered:
            if one.old_name and one.old_name not in want.given:
                yield Candidate(f"{one.old_name}=", f"old name of {one.name}")


def describe_option(one: Option) -> str:
    """`type [default]: what it is`."""
    default = f" [{one.default}]" if one.default else ""
    return f"{one.kind}{default}: {one.summary}"


def _option_values(want: Want, typed: str, lookups: Lookups) -> Iterator[Candidate]:
    del lookups
    known = _known_options(want.subject)
    one = known.get(want.name) or next(
        (each for each in known.values() if each.old_name == want.name), None
    )
    if one is None:
        return
    remark = describe_option(one)
    values = list(_BOOLEAN) if one.kind == "boolean" else list(one.words)
    values += ["INFINITY", "-INFINITY"] if one.kind == "score" else []
    if want.name == "target-role":
        values = list(e.ROLES)
    if one.default and one.default not in values:
        values.insert(0, one.default)
    found = [
        Candidate(f"{want.name}={value}", meaning(one.name, value) or remark) for value in values
    ]
    yield from found or [Candidate(typed, remark)]


_KINDS: dict[str, Callable[[Want, str, Lookups], Iterable[Candidate]]] = {
    e.KEYWORD: _keywords,
    e.ID: _ids,
    e.RESOURCE: _resources,
    e.NODE: _nodes,
    e.TICKET: _tickets,
    e.ACL_ROLE: _acl_roles,
    e.NODE_ATTRIBUTE: _node_attributes,
    e.AGENT: agents,
    e.PARAM: _params,
    e.PARAM_VALUE: _param_values,
    e.OP_ACTION: _actions,
    e.OP_ATTRIBUTE: _op_attributes,
    e.OP_VALUE: _op_values,
    e.META: _options,
    e.META_VALUE: _option_values,
    e.PROPERTY: _options,
    e.PROPERTY_VALUE: _option_values,
}
