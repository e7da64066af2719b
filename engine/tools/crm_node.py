"""The command `crm_node`, as resource agents call it: names, numbers and membership of nodes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.ipc.client import Client

SOCKET = "run/crmshell/admin.sock"
USAGE = """\
usage: crm_node -n | -i | -l | -p | -q

  -n, --name         the name of this node
  -i, --cluster-id   the number of this node
  -l, --list         number, name and state of all nodes
  -p, --partition    the names of the members
  -q, --quorum       1 with quorum, 0 without
"""
_LONG = {
    "--name": "-n",
    "--cluster-id": "-i",
    "--list": "-l",
    "--partition": "-p",
    "--quorum": "-q",
    "--help": "-?",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    words = [_LONG.get(word, word) for word in (sys.argv[1:] if argv is None else argv)]
    if words == ["-?"]:
        sys.stdout.write(USAGE)
        return ExitStatus.OK
    if words and all(word in _LONG.values() for word in words):
        words = words[-1:]  # agents name two; the last one counts
    if len(words) != 1 or words[0] not in _LONG.values():
        sys.stderr.write("crm_node: expected one of -n, -i, -l, -p, -q\n")
        return ExitStatus.USAGE
    path = os.path.join(os.environ.get("CRMSHELL_ROOT") or "/", SOCKET)
    try:
        with Client(path) as client:
            sys.stdout.write(_answer(client, words[0]))
    except EngineError as problem:
        sys.stderr.write(f"crm_node: {problem}\n")
        return int(problem.status)
    return ExitStatus.OK


def _answer(client: Client, word: str) -> str:
    if word == "-n":
        return f"{client.demand('hello').get('node', '')}\n"
    if word in {"-p", "-q"}:
        status = client.demand("status")
        if word == "-q":
            return f"{int(bool(status.get('quorate')))}\n"
        return " ".join(str(name) for name in status.get("members") or ()) + " \n"
    return _from_the_cib(client, word)


def _from_the_cib(client: Client, word: str) -> str:
    from engine.cib.document import Cib

    hello = client.demand("hello")
    members = {str(name) for name in client.demand("status").get("members") or ()}
    cib = Cib.from_bytes(bytes(client.demand("cib", scope="configuration", sync=False)["cib"]))
    rows = [
        (node.get("id", ""), node.get("uname", ""))
        for node in cib.section("nodes").iterfind("node")
    ]
    if word == "-i":
        return "".join(f"{number}\n" for number, name in rows if name == hello.get("node"))
    return "".join(
        f"{number} {name} {'member' if name in members else 'lost'}\n" for number, name in rows
    )


if __name__ == "__main__":
    sys.exit(main())
