"""The command `crm_resource`, as resource agents call it: values of a resource, and where it is active."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.cib import read_cib

if TYPE_CHECKING:
    from engine.scheduler.model.model import Resource

USAGE = """\
usage: crm_resource -r RSC [--meta | --utilization] -g NAME
       crm_resource -r RSC --locate

  -r, --resource RSC        the resource
  -g, --get-parameter NAME  show one of its parameters
  -m, --meta                of its meta attributes
  -z, --utilization         of its utilization
  -W, --locate              show where it is active
  -Q, --quiet               show the value only
  -?, --help                this text
"""
_FLAGS = {
    "-m": "meta",
    "--meta": "meta",
    "-z": "utilization",
    "--utilization": "utilization",
    "-W": "locate",
    "--locate": "locate",
    "-Q": "quiet",
    "-q": "quiet",
    "--quiet": "quiet",
}
_VALUES = {"-r": "resource", "--resource": "resource", "-g": "get", "--get-parameter": "get"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        wishes = _wishes(words)
        if "help" in wishes:
            sys.stdout.write(USAGE)
            return ExitStatus.OK
        sys.stdout.write(_answer(wishes))
    except EngineError as problem:
        sys.stderr.write(f"crm_resource: {problem}\n")
        return int(problem.status)
    return ExitStatus.OK


def _wishes(words: Sequence[str]) -> dict[str, str]:
    rest, found = list(words), {}
    while rest:
        word = rest.pop(0)
        name, _, value = word.partition("=")
        if word in {"-?", "--help"}:
            return {"help": ""}
        if word in _FLAGS:
            found[_FLAGS[word]] = ""
        elif name in _VALUES and (value or rest):
            found[_VALUES[name]] = value or rest.pop(0)
        else:
            text = f"'{word}' is unknown, --help lists the options"
            raise EngineError(text, status=ExitStatus.USAGE)
    if "resource" not in found or not found.keys() & {"get", "locate"}:
        raise EngineError("expected -r RSC and -g NAME or --locate", status=ExitStatus.USAGE)
    return found


def _answer(wishes: dict[str, str]) -> str:
    from engine.scheduler.reading.parameters import parameters
    from engine.scheduler.reading.unpack import unpack_cib

    name = wishes["resource"]
    model = unpack_cib(read_cib(os.environ), time.time())
    resource = model.find(name)
    if resource is None:
        raise EngineError(f"there is no resource '{name}'", status=ExitStatus.NOSUCH)
    if "locate" in wishes:
        return _places(resource, quiet="quiet" in wishes)
    if "meta" in wishes:
        values = dict(resource.meta)
    elif "utilization" in wishes:
        values = {key: str(value) for key, value in resource.utilization.items()}
    else:
        values = parameters(model, resource)
    value = values.get(wishes["get"])
    if value is None:
        raise EngineError(f"'{name}' has no '{wishes['get']}'", status=ExitStatus.NOSUCH)
    return f"{value}\n"


def _places(resource: Resource, *, quiet: bool) -> str:
    from engine.scheduler.model.model import Role, leaves
    from engine.scheduler.reading.activity import active_nodes

    lines = []
    for leaf in leaves(resource):
        promoted = leaf.role is Role.PROMOTED
        for node in active_nodes(leaf):
            words = (
                f"resource {leaf.id} is running on: {node.name}{' Promoted' if promoted else ' '}"
            )
            lines.append(node.name if quiet else words)
    if not lines and not quiet:
        lines = [f"resource {resource.id} is NOT running"]
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
