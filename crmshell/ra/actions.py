"""Running an agent's action on this machine at the user's wish: validate-all, and by hand in maintenance."""

from __future__ import annotations

from collections.abc import Mapping

from crmshell.environment import Environment
from crmshell.errors import ShellError
from crmshell.ra.meta import AgentShelf
from engine.agents.names import AgentName, check_agent_name
from engine.agents.run import AgentRun, agent_variables, run_program
from engine.base.exitcodes import OcfStatus
from engine.base.timespec import milliseconds_from_text
from engine.cib.document import Cib
from engine.cib.edits import find_resource, values_of

DEFAULT_TIMEOUT = 20.0


def validate_parameters(
    environment: Environment, shelf: AgentShelf, name: AgentName, parameters: Mapping[str, str]
) -> tuple[int, str]:
    """Status and text of an agent's validate-all with these parameters."""
    done = _run(environment, shelf, name, "validate-all", parameters)
    text = _output(done)
    if done.timed_out:
        return 1, f"{name}: no answer to validate-all within {DEFAULT_TIMEOUT:g}s"
    if done.status == 0:
        return 0, text
    return 1, f"{text}\n{name}: validate-all: {_status_word(done.status)}".lstrip("\n")


def run_action(environment: Environment, cib: Cib, resource: str, action: str) -> str:
    """Run an action of a resource's agent here; refused unless the cluster leaves it alone."""
    element = find_resource(cib, resource)
    if element.tag != "primitive":
        raise ShellError(f"{resource} is a {element.tag!s}, only primitives have actions")
    if not _left_alone(cib, resource, environment.clock()):
        raise ShellError(
            f"{resource} is not in maintenance, the cluster would interfere: "
            f"first 'maintenance on {resource}'"
        )
    shelf = AgentShelf(environment)
    name = check_agent_name(
        element.get("class") or "", element.get("provider") or "", element.get("type") or ""
    )
    parameters = values_of(element, "instance_attributes")
    done = _run(environment, shelf, name, action, parameters, instance=resource)
    if done.timed_out:
        raise ShellError(f"{resource}: {action} did not end in time")
    text = _output(done)
    if done.status not in {0, int(OcfStatus.RUNNING_PROMOTED), int(OcfStatus.NOT_RUNNING)}:
        raise ShellError(f"{resource}: {action}: {_status_word(done.status)}: {text}")
    return f"{text}\n{resource}: {action}: {_status_word(done.status)}".lstrip("\n")


def try_action(
    environment: Environment,
    shelf: AgentShelf,
    name: AgentName,
    action: str,
    parameters: Mapping[str, str],
    instance: str,
) -> tuple[int, str]:
    """Return code (-1: no answer in time) and output of an action, whatever the cluster does."""
    done = _run(environment, shelf, name, action, parameters, instance=instance)
    return (-1 if done.timed_out else done.status), _output(done)


def _run(
    environment: Environment,
    shelf: AgentShelf,
    name: AgentName,
    action: str,
    parameters: Mapping[str, str],
    *,
    instance: str = "validate",
) -> AgentRun:
    path = shelf.catalog.path_of(name)
    advised = None
    data = shelf.metadata_or_none(name)
    if data is not None:
        advised = data.action(action)
    timeout = DEFAULT_TIMEOUT
    if advised is not None and advised.timeout:
        timeout = max(timeout, milliseconds_from_text(advised.timeout) / 1000)
    variables = agent_variables(
        environment.variables, shelf.catalog.folders.ocf_root, name, parameters
    )
    if name.standard == "stonith":
        text = "".join(f"{key}={value}\n" for key, value in parameters.items())
        return run_program(
            [path], variables, timeout=timeout, stdin=f"{text}action={action}\n".encode()
        )
    variables["OCF_RESOURCE_INSTANCE"] = instance
    return run_program([path, action], variables, timeout=timeout)


def _left_alone(cib: Cib, resource: str, now: float) -> bool:
    """Whether the cluster manages none of the resource's instances, as its scheduler reads it."""
    from engine.scheduler.reading.unpack import unpack_cib

    return not any(one.managed for one in unpack_cib(cib, now).find_all(resource))


def _output(done: AgentRun) -> str:
    return (done.stdout + done.stderr).decode("utf-8", "replace").strip()


def _status_word(status: int) -> str:
    try:
        word = OcfStatus(status).name.lower().replace("_", " ")
    except ValueError:
        word = "unknown"
    return f"{word} ({status})"
