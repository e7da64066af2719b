"""The command `crm_node`: names, numbers and membership of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.change import Caller, agent, change
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from lxml import etree

    from engine.cib.document import Cib
    from engine.ipc.client import Client

OPTIONS = (
    option("-n --name", "show the name of this node"),
    option("-i --cluster-id", "show the number of this node"),
    option("-l --list", "show number, name and state of all nodes"),
    option("-p --partition", "show the names of the members"),
    option("-q --quorum", "show 1 with quorum, 0 without"),
    option("-N --name-for-id", "show the name of the node with this number", value="ID"),
    option("-R --remove", "forget a node that has left for good (with --force)", value="NAME"),
    option("-f --force", "really forget it"),
    option("-Q --quiet", "without effect", advanced=True),
)
_COMMANDS = ("name", "cluster-id", "list", "partition", "quorum", "name-for-id", "remove")
_HERE = "OCF_RESKEY_CRM_meta_on_node"


def _main(call: Call) -> int:
    command = call.options.last_of(_COMMANDS)
    if not command:
        text = "expected one of -n, -i, -l, -p, -q, -N, -R"
        raise EngineError(text, status=ExitStatus.USAGE)
    if command == "remove":
        return _remove(call, call.options.get("remove"))
    if command == "name" and call.environment.get(_HERE):
        return _say_name(call, call.environment[_HERE])
    with agent(call.environment) as client:
        return _show(call, client, command)


def _say_name(call: Call, name: str) -> int:
    call.out.line(name)
    call.out.element("node-info", {"uname": name})
    return ExitStatus.OK


def _show(call: Call, client: Client, command: str) -> int:
    out = call.out
    if command == "name":
        return _say_name(call, str(client.demand("hello").get("node", "")))
    if command == "quorum":
        quorate = bool(client.demand("hello").get("quorate"))
        out.line(str(int(quorate)))
        out.element("cluster-info", {"quorum": "true" if quorate else "false"})
        return ExitStatus.OK
    if command == "name-for-id":
        return _name_for(call, client, call.options.get("name-for-id"))
    if command == "cluster-id":
        here = str(client.demand("hello").get("node", ""))
        for number, name in _nodes(client):
            if name == here:
                out.line(number)
                out.element("node-info", {"nodeid": number})
                return ExitStatus.OK
        raise EngineError("the number of this node is not known yet", status=ExitStatus.NOHOST)
    members = [str(name) for name in client.demand("status").get("members") or ()]
    if command == "partition":
        out.line(" ".join(members) + " ")
        _add_nodes(call, [("", name, "member") for name in members])
        return ExitStatus.OK
    rows = [
        (number, name, "member" if name in members else "lost") for number, name in _nodes(client)
    ]
    for row in rows:
        out.line(" ".join(row))
    _add_nodes(call, rows)
    return ExitStatus.OK


def _add_nodes(call: Call, rows: Sequence[tuple[str, str, str]]) -> None:
    holder = call.out.element("nodes")
    for number, name, state in rows:
        values = {"id": number, "name": name, "state": state}
        shown = {key: value for key, value in values.items() if value}
        call.out.element("node", shown, parent=holder)


def _name_for(call: Call, client: Client, number: str) -> int:
    for known, name in _nodes(client):
        if known == number:
            return _say_name(call, name)
    raise EngineError(f"Node {number} is not known", status=ExitStatus.NOHOST)


def _nodes(client: Client) -> list[tuple[str, str]]:
    """Number and name of the configured cluster nodes, in the order of their names."""
    from engine.base.values import name_key

    rows = [
        (node.get("id", ""), node.get("uname", ""))
        for node in _cib(client).section("nodes").iterfind("node")
        if node.get("type", "member") != "remote"
    ]
    return sorted(rows, key=lambda row: name_key(row[1]))


def _cib(client: Client) -> Cib:
    from engine.cib.document import Cib as Document

    reply = client.demand("cib", scope="configuration", sync=False)
    return Document.from_bytes(bytes(reply["cib"]), "the cluster's CIB")


# -- forgetting ---------------------------------------------------------------------------------------


def _remove(call: Call, node: str) -> int:
    if "force" not in call.options:
        text = (
            "The supplied command is considered dangerous. To prevent accidental destruction of "
            "the cluster, the --force flag is required in order to proceed."
        )
        raise EngineError(text, status=ExitStatus.USAGE)
    with agent(call.environment) as client:
        members = {str(name) for name in client.demand("status").get("members") or ()}

    def edit(root: etree._Element) -> etree._Element:
        for each in root.findall("configuration/nodes/node"):
            if node not in (each.get("id"), each.get("uname")):
                continue
            if each.get("uname") in members:
                text = f"{each.get('uname')} is a member of the cluster: stop it first"
                raise EngineError(text, status=ExitStatus.UNSAFE)
            parent = each.getparent()
            if parent is not None:
                parent.remove(each)
        return root

    change(Caller(call.environment, "crm_node"), edit)
    return ExitStatus.OK


PROGRAM = Program(
    "crm_node",
    "Show names, numbers and membership of nodes, and forget nodes.",
    OPTIONS,
    _main,
    usage="COMMAND",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
