"""Level ra: which resource agents there are and what they want; works without a cluster (shell 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Answer, Call, command
from crmshell.output.tables import in_columns
from crmshell.session import Session
from engine.agents.names import STANDARDS, AgentName
from engine.base.errors import EngineError

if TYPE_CHECKING:
    from crmshell.ra.meta import AgentShelf

_CLASSES = ("lsb", "ocf", "service", "stonith", "systemd")
_PIPE_WIDTH = 80


@command("ra", "classes", args=(0, 0), help="classes of agents, and providers of class ocf")
def classes(session: Session, call: Call) -> str:
    del call
    catalog = session.agents.catalog
    lines: list[str] = []
    for name in _CLASSES:
        if name == "ocf":
            lines.append(f"ocf / {' '.join(catalog.providers())}".rstrip(" /"))
        elif name == "stonith" or catalog.types(name):
            lines.append(name)
    return "\n".join(lines)


@command(
    "ra",
    "list",
    usage="<class> [<provider>]",
    args=(1, 2),
    help="agents of a class",
)
def list_agents(session: Session, call: Call) -> str:
    catalog = session.agents.catalog
    standard = call.args[0]
    provider = call.args[1] if len(call.args) > 1 else ""
    if standard not in STANDARDS:
        raise ShellError(f"class {standard} does not exist, expected one of {', '.join(_CLASSES)}")
    if provider and standard != "ocf":
        raise ShellError(f"ra list: class {standard} has no providers")
    if provider and provider not in catalog.providers():
        raise ShellError(
            f"there is no provider {provider} for class ocf, there are "
            + (", ".join(catalog.providers()) or "none")
        )
    screen = session.environment.screen()
    width = screen[0] if screen is not None else _PIPE_WIDTH
    return in_columns(catalog.types(standard, provider), width)


@command(
    "ra",
    "providers",
    usage="<type> [<class>]",
    args=(1, 2),
    help="providers that have an agent of this type",
)
def providers(session: Session, call: Call) -> str:
    if len(call.args) > 1 and call.args[1] != "ocf":
        return ""
    found = session.agents.catalog.providers_of(call.args[0])
    if not found:
        raise ShellError(f"no provider has an agent {call.args[0]}")
    return " ".join(found)


@command(
    "ra",
    "info",
    usage="[<class>:[<provider>:]]<type>",
    aliases=("meta",),
    args=(1, 3),
    help="what an agent does, its parameters and operations",
)
def info(session: Session, call: Call) -> str:
    from crmshell.ra.info import describe_agent

    shelf = session.agents
    name = _agent_meant(shelf, call.args)
    try:
        data = shelf.metadata(name)
    except EngineError as problem:
        raise _no_metadata(shelf, name, problem) from None
    screen = session.environment.screen()
    return describe_agent(data, min(screen[0], 100) if screen is not None else _PIPE_WIDTH)


@command(
    "ra",
    "validate",
    usage="<agent> [<name>=<value>...]",
    args=(1, -1),
    help="let an agent check parameters",
)
def validate(session: Session, call: Call) -> Answer:
    from crmshell.ra.actions import validate_parameters

    shelf = session.agents
    name = _agent_meant(shelf, call.args[:1])
    parameters: dict[str, str] = {}
    for word in call.args[1:]:
        key, mark, value = word.partition("=")
        if not mark or not key:
            raise ShellError(f"validate: '{word}': expected NAME=VALUE")
        parameters[key] = value
    status, text = validate_parameters(session.environment, shelf, name, parameters)
    return Answer(text, status=status)


def _agent_meant(shelf: AgentShelf, words: list[str]) -> AgentName:
    """`info IPaddr2`, `info ocf:heartbeat:IPaddr2`, and crmsh's old `meta IPaddr2 ocf heartbeat`."""
    type_, *rest = words
    return shelf.resolve(":".join([*rest, type_]))


def _no_metadata(shelf: AgentShelf, name: AgentName, problem: EngineError) -> ShellError:
    """Not installed: say so in crmsh's words with the nearest name; else the agent's failure."""
    from crmshell.grammar.errors import nearest_word

    if shelf.catalog.is_installed(name):
        return ShellError(str(problem), code="no-metadata")
    near = nearest_word(name.type, shelf.catalog.types(name.standard, name.provider))
    hint = f" (did you mean {near}?)" if near else ""
    return ShellError(f"{name}: got no meta-data, does this RA exist?{hint}", code="no-metadata")
