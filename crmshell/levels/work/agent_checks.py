"""What the commands of level configure do that ask or run agents; loaded when one of them is called."""

from __future__ import annotations

from lxml import etree

from crmshell.errors import ShellError
from crmshell.grammar.ids import fill_ids
from crmshell.levels.frame.registry import Answer, Call
from crmshell.levels.work.remote import is_here, run_on
from crmshell.pending.changes import PendingCib
from crmshell.pending.edits import running_among
from crmshell.pending.problems import Refused
from crmshell.pending.tree import Element
from crmshell.ra.actions import try_action, validate_parameters
from crmshell.session import Session
from engine.agents.metadata import AgentMetadata
from engine.agents.names import AgentName, check_agent_name
from engine.base.digits import is_digits
from engine.base.exitcodes import OcfStatus
from engine.cib.edits import values_of

# What every resource needs, whether configured or not; others only where they are configured.
_ALWAYS = ("start", "stop")
_RUNNING = (int(OcfStatus.OK), int(OcfStatus.RUNNING_PROMOTED))


def _primitive(session: Session, call: Call, name: str) -> Element:
    """The primitive of that name; raises `ShellError` with the place of the word."""
    try:
        found = session.pending.require(name, "primitive")
    except Refused as refusal:
        raise refusal.at(call.line, call.tokens) from None
    if found.tag not in ("primitive", "template"):
        raise ShellError(f"{name} is a {found.tag!s}, expected a primitive", code="not-primitive")
    return found


def _agent_of(pending: PendingCib, element: Element) -> AgentName:
    template = pending.find(element.get("template", "")) if element.get("template") else None
    owner = element if template is None else template
    return check_agent_name(
        owner.get("class", ""), owner.get("provider", ""), owner.get("type", "")
    )


def _parameters(pending: PendingCib, element: Element) -> dict[str, str]:
    """Parameters of a primitive, those of its template below its own."""
    template = pending.find(element.get("template", "")) if element.get("template") else None
    inherited = {} if template is None else values_of(template, "instance_attributes")
    return {**inherited, **values_of(element, "instance_attributes")}


def default_timeouts(session: Session, call: Call) -> None:
    pending = session.pending
    elements = [_primitive(session, call, name) for name in call.args]
    advice = [session.agents.metadata(_agent_of(pending, element)) for element in elements]
    pending.begin(call.line.text.strip())
    for element, metadata in zip(elements, advice, strict=True):
        _set_timeouts(pending, element, metadata)


def _set_timeouts(pending: PendingCib, element: Element, metadata: AgentMetadata) -> None:
    operations = element.find("operations")
    configured = [] if operations is None else operations.findall("op")
    for op in configured:
        action = metadata.action(op.get("name", ""), op.get("role", ""))
        if action is not None and action.timeout:
            pending.set(op, "timeout", _with_unit(action.timeout))
    for name in _ALWAYS:
        action = metadata.action(name)
        if action and action.timeout and all(op.get("name") != name for op in configured):
            _add_op(pending, element, name, _with_unit(action.timeout))


def _add_op(pending: PendingCib, element: Element, name: str, timeout: str) -> None:
    made = etree.Element("operations")
    op = etree.SubElement(made, "op", {"name": name, "timeout": timeout, "interval": "0s"})
    fill_ids(made, element.get("id", ""), pending.ids)
    operations = element.find("operations")
    if operations is None:
        pending.insert(element, made)
    else:
        pending.insert(operations, op)


def _with_unit(text: str) -> str:
    return f"{text}s" if is_digits(text) else text


def validate_all(session: Session, call: Call) -> Answer:
    element = _primitive(session, call, call.args[0])
    name = _agent_of(session.pending, element)
    parameters = _parameters(session.pending, element)
    status, text = validate_parameters(session.environment, session.agents, name, parameters)
    return Answer(text or f"{call.args[0]}: its agent finds nothing wrong", status=status)


def rsctest(session: Session, call: Call) -> Answer:
    """Probe, start and monitor each, then stop them in reverse; on other nodes over ssh."""
    pending = session.pending
    nodes = [word for word in call.args if pending.find(word) is not None and word in pending.nodes]
    names = [word for word in call.args if word not in nodes]
    elements = [_primitive(session, call, name) for name in names]
    running = running_among(pending, names)
    if running:
        raise ShellError(f"{', '.join(running)}: running, stop it first", code="running")
    lines: list[str] = []
    worst = 0
    for node in nodes or [session.environment.hostname]:
        if not is_here(session, node):
            done = run_on(session, node, ["crm", "configure", "rsctest", *names], timeout=600.0)
            lines += (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
            worst = max(worst, int(done.status != 0))
            continue
        worst = max(worst, _try_here(session, node, elements, lines))
    return Answer("\n".join(lines), status=worst)


def _try_here(session: Session, node: str, elements: list[Element], lines: list[str]) -> int:
    """Run the tests here, telling them in `lines`; 1 if one failed."""
    started: list[Element] = []
    failed = 0
    for element in elements:
        for action, wanted in (
            ("monitor", (int(OcfStatus.NOT_RUNNING),)),
            ("start", (int(OcfStatus.OK),)),
            ("monitor", _RUNNING),
        ):
            if action == "start":
                started.append(element)
            if not _step(session, node, element, action, wanted, lines):
                failed = 1
                break
        if failed:
            break
    for element in reversed(started):
        if not _step(session, node, element, "stop", (int(OcfStatus.OK),), lines):
            failed = 1
    return failed


def _step(
    session: Session,
    node: str,
    element: Element,
    action: str,
    wanted: tuple[int, ...],
    lines: list[str],
) -> bool:
    name = _agent_of(session.pending, element)
    parameters = _parameters(session.pending, element)
    rsc = element.get("id", "")
    code, text = try_action(session.environment, session.agents, name, action, parameters, rsc)
    what = "probe" if wanted == (int(OcfStatus.NOT_RUNNING),) else action
    good = code in wanted
    lines.append(f"{node}: {what} of {rsc}: {'ok' if good else f'FAILED, rc={code}'}")
    if not good and text:
        lines += [f"  {line}" for line in text.splitlines()[-5:]]
    return good
