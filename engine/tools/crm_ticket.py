"""The command `crm_ticket`: tickets of a site in a cluster of clusters, shown, granted and revoked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.change import Caller, agent, change, patiently, visible_cib
from engine.tools.frame.cib import file_of, read_cib
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from lxml import etree

    from engine.cib.status import Ticket

OPTIONS = (
    option("-l --info", "show the tickets"),
    option("-L --details", "show the tickets with all they hold"),
    option("-w --raw", "show the names of the tickets"),
    option("-q --query-xml", "show the state of the tickets as XML"),
    option("-c --constraints", "show the constraints that depend on tickets"),
    option("-g --grant", "grant a ticket to this site"),
    option("-r --revoke", "take a ticket from this site"),
    option("-s --standby", "let resources stop, as if the ticket were revoked with policy stop"),
    option("-a --activate", "end the standby of a ticket"),
    option("-G --get-attr", "show an attribute of a ticket", value="NAME"),
    option("-S --set-attr", "set an attribute of a ticket, to the value of the next -v", value="NAME"),
    option("-D --delete-attr", "delete an attribute of a ticket", value="NAME"),
    option("-C --cleanup", "delete all state of a ticket"),
    option("-v --attr-value", "the value for --set-attr", value="VALUE"),
    option("-d --default", "with --get-attr: the value to show where none is set", value="VALUE"),
    option("-f --force", "grant and revoke without asking whether that is safe"),
    option("-t --ticket", "the ticket", value="NAME"),
    option("-n --set-name", "without effect", value="ID", advanced=True),
    option("-i --nvpair", "without effect", value="ID", advanced=True),
    option("-Q --quiet", "show the value only"),
)  # fmt: skip
_QUERIES = ("info", "details", "raw", "query-xml", "constraints", "get-attr")
_CHANGES = ("grant", "revoke", "standby", "activate", "set-attr", "delete-attr", "cleanup")
_GRANT = """\
This command cannot help you verify whether '{0}' has been already granted elsewhere.
If you really want to grant '{0}' to this site now, and you know what you are doing,
please specify --force."""
_REVOKE = """\
Revoking '{0}' can trigger the specified 'loss-policy'(s) relating to '{0}'.

You can check that with:
crm_ticket --ticket {0} --constraints

Otherwise before revoking '{0}', you may want to make '{0}' standby with:
crm_ticket --ticket {0} --standby

If you really want to revoke '{0}' from this site now, and you know what you are doing,
please specify --force."""


def _main(call: Call) -> int:
    options = call.options
    if any(key in options for key in _CHANGES):
        return _change(call)
    query = options.last_of(_QUERIES)
    if not query:
        raise _usage("Must supply a command, --help lists them")
    caller = Caller(call.environment, "crm_ticket")
    root = visible_cib(caller, read_cib(call.environment)).root
    name = options.get("ticket")
    if query == "get-attr":
        return _get(call, root, name, options.get("get-attr"))
    if query == "query-xml":
        return _state_xml(call, root, name)
    if query == "constraints":
        return _constraints(call, root, name)
    return _list(call, root, name, query)


def _usage(text: str) -> EngineError:
    return EngineError(text, status=ExitStatus.USAGE)


def _no_such(text: str = "No such device or address") -> EngineError:
    return EngineError(text, status=ExitStatus.NOSUCH)


# -- queries ------------------------------------------------------------------------------------------


def _list(call: Call, root: etree._Element, name: str, how: str) -> int:
    from engine.cib.status import tickets_of

    tickets = [each for each in tickets_of(root) if name in ("", each.name)]
    if name and not tickets:
        raise _no_such(f"No such ticket '{name}'")
    holder = call.out.element("tickets")
    for ticket in tickets:
        call.out.line(ticket.name if how == "raw" else _line(ticket, details=how == "details"))
        values = {
            "id": ticket.name,
            "status": "granted" if ticket.is_granted else "revoked",
            "standby": "true" if ticket.is_standby else "false",
            **{key: value for key, value in ticket.values.items() if key != "standby"},
        }
        call.out.element("ticket", values, parent=holder)
    return ExitStatus.OK


def _line(ticket: Ticket, *, details: bool) -> str:
    text = f"{ticket.name}\t{'granted' if ticket.is_granted else 'revoked'}"
    text += " [standby]" if ticket.is_standby else ""
    if details:
        shown = (f"{name}={_shown(name, value)}" for name, value in ticket.values.items())
        return f"{text} ({', '.join(shown)})" if ticket.values else text
    if "last-granted" in ticket.values:
        text += f" last-granted={_shown('last-granted', ticket.values['last-granted'])}"
    return text


def _shown(name: str, value: str) -> str:
    from engine.base.digits import is_digits

    if name in ("last-granted", "expires") and is_digits(value) and len(value) < 12:
        return f"'{time.strftime('%a %b %e %H:%M:%S %Y', time.localtime(int(value)))}'"
    return value


def _get(call: Call, root: etree._Element, name: str, attribute: str) -> int:
    from engine.cib.status import tickets_of

    if not name:
        raise _usage("Must supply ticket ID with -t")
    values = next((each.values for each in tickets_of(root) if each.name == name), {})
    if attribute in values:
        value = values[attribute]
    elif "default" in call.options:
        value = call.options.get("default")
    else:
        raise _no_such(f"ticket '{name}' has no attribute '{attribute}'")
    call.out.line(value)
    holder = call.out.element("tickets")
    ticket = call.out.element("ticket", {"id": name}, parent=holder)
    call.out.element("attribute", {"name": attribute, "value": value}, parent=ticket)
    return ExitStatus.OK


def _state_xml(call: Call, root: etree._Element, name: str) -> int:
    found = root.find("status/tickets")
    if name and found is not None:
        found = next((each for each in found if each.get("id") == name), None)
    if found is None:
        raise _no_such("Could not query ticket XML: No such device or address")
    _show_xml(call, "State XML:", found)
    holder = call.out.element("tickets")
    for state in [found] if name else found:
        call.out.element("ticket", dict(state.attrib.items()), parent=holder)
    return ExitStatus.OK


def _constraints(call: Call, root: etree._Element, name: str) -> int:
    from copy import deepcopy

    from lxml import etree

    found = [
        each
        for each in root.iterfind("configuration/constraints/rsc_ticket")
        if name in ("", each.get("ticket"))
    ]
    if not found:
        raise _no_such("Could not show ticket constraints: No such device or address")
    shown = found[0]
    if len(found) > 1:
        shown = etree.Element("xpath-query")
        shown.extend(deepcopy(found))
    _show_xml(call, "Constraints XML:", shown)
    if call.out.is_xml:
        _constraints_in_document(call, found)
    return ExitStatus.OK


def _constraints_in_document(call: Call, found: Sequence[etree._Element]) -> None:
    from copy import deepcopy

    tickets = call.out.element("tickets")
    for name in dict.fromkeys(each.get("ticket") or "" for each in found):
        ticket = call.out.element("ticket", {"id": name}, parent=tickets)
        holder = call.out.element("constraints", parent=ticket)
        if holder is not None:
            holder.extend(deepcopy([each for each in found if each.get("ticket") == name]))
    resources = call.out.element("resources")
    for name in dict.fromkeys(each.get("rsc") or "" for each in found):
        if name:
            call.out.element("resource", {"id": name}, parent=resources)


def _show_xml(call: Call, head: str, element: etree._Element) -> None:
    from lxml import etree

    text = etree.tostring(element, pretty_print=True, encoding="unicode", with_tail=False)
    call.out.line(f"{head}\n\n{text.rstrip()}")


# -- changes ------------------------------------------------------------------------------------------


def _change(call: Call) -> int:
    from engine.cib.status import change_ticket, forget_ticket, tickets_of

    name = call.options.get("ticket")
    if not name:
        raise _usage("Must supply ticket ID with -t")
    new, gone = _wanted(call)
    root = read_cib(call.environment).root
    present = next((each for each in tickets_of(root) if each.name == name), None)
    if "force" not in call.options:
        _refuse_unsafe(call, name, {*new, *gone}, bool(present and present.is_granted), new)
    everything = "cleanup" in call.options

    def edit(tree: etree._Element) -> etree._Element:
        if everything:
            forget_ticket(tree, name)
        else:
            change_ticket(tree, name, new, gone, time.time())
        return tree

    if not file_of(call.environment):
        fields = {"ticket": name, "values": new, "gone": gone, "forget": everything}
        with agent(call.environment) as client:
            patiently(client, "ticket", **fields)
        return ExitStatus.OK
    change(Caller(call.environment, "crm_ticket"), edit)
    return ExitStatus.OK


def _wanted(call: Call) -> tuple[dict[str, str], list[str]]:
    """The attributes to set and to delete; each --set-attr takes the value that follows it."""
    new: dict[str, str] = {}
    gone: list[str] = []
    waiting = ""
    for key, value in call.options.given:
        if key == "attr-value" and waiting:
            new[waiting], waiting = value, ""
        elif waiting:
            break
        elif key in ("grant", "revoke"):
            new["granted"] = "true" if key == "grant" else "false"
        elif key in ("standby", "activate"):
            new["standby"] = "true" if key == "standby" else "false"
        elif key == "set-attr":
            waiting = value
        elif key == "delete-attr":
            gone.append(value)
    if waiting:
        raise _usage(f"Must supply value with -v for -S {waiting}")
    return new, gone


def _refuse_unsafe(
    call: Call, name: str, touched: set[str], is_granted: bool, new: dict[str, str]
) -> None:
    """Granting may start resources twice, revoking may stop them: only with --force."""
    from engine.base.values import is_true

    if "cleanup" in call.options:
        text = _REVOKE if is_granted else ""
    elif "granted" in touched:
        text = _GRANT if is_true(new.get("granted")) else _REVOKE
    else:
        text = ""
    if text:
        raise EngineError(
            f"Ticket modification not allowed\n{text.format(name)}", status=ExitStatus.UNSAFE
        )


PROGRAM = Program(
    "crm_ticket",
    "Show, grant, revoke and change the tickets of this site.",
    OPTIONS,
    _main,
    usage="COMMAND [OPTIONS]",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
