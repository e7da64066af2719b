"""The commands `crm_attribute`, `crm_master` and `attrd_updater`, as resource agents call them.

Promotion scores (`--promotion -v 10`), transient and permanent attributes of nodes, and cluster
properties. A thin client of the node agent; Pacemaker's option names and exit statuses.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.score import add_scores, score_from_text, score_to_text
from engine.base.timespec import milliseconds_from_text
from engine.ipc.client import Client

SOCKET = "run/crmshell/admin.sock"
PATIENCE = 20.0
USAGE = """\
usage: crm_attribute -n NAME [-v VALUE | -D | -G] [OPTIONS]
       crm_attribute --promotion [RSC] [-v VALUE | -D | -G]
       crm_master [-v VALUE | -D | -G] [-r RSC]
       attrd_updater -n NAME [-U VALUE [-d DELAY] | -D | -Q]

  -n, --name NAME        the attribute
  -p, --promotion [RSC]  the promotion score of a resource (default OCF_RESOURCE_INSTANCE)
  -v, --update VALUE     set it; VALUE may be value++ or value+=N
  -D, --delete           delete it
  -G, --query            show it (the default)
  -N, --node NODE        the node (default: this one)
  -l, --lifetime WHEN    reboot or forever
  -t, --type SECTION     status, nodes or crm_config
  -d, --default VALUE    what a query shows for an attribute that is not there
  -s, --set-name ID      the set of a cluster property
  -q, --quiet            show the value only
"""


@dataclass(slots=True)
class Wishes:
    """What the command line asks for."""

    name: str = ""
    action: str = "query"
    value: str = ""
    node: str = ""
    section: str = ""
    default: str | None = None
    quiet: bool = False
    private: bool = False
    updater: bool = False
    set_id: str = ""
    resource: str = ""
    promotion: bool = False
    delay: float = 0.0
    help: bool = False


_FLAGS = {
    "-D": "delete",
    "--delete": "delete",
    "-G": "query",
    "--query": "query",
    "--get-value": "query",
    "-q": "quiet",
    "-Q": "quiet",
    "--quiet": "quiet",
    "-?": "help",
    "--help": "help",
    "-V": "verbose",
    "--verbose": "verbose",
}
_VALUES = {
    "-n": "name",
    "--name": "name",
    "-v": "update",
    "--update": "update",
    "-N": "node",
    "--node": "node",
    "-U": "node",
    "--uname": "node",
    "-l": "lifetime",
    "--lifetime": "lifetime",
    "-t": "section",
    "--type": "section",
    "-d": "default",
    "--default": "default",
    "-r": "resource",
    "--resource-id": "resource",
    "-s": "set",
    "--set-name": "set",
}
# attrd_updater gives some letters another meaning; it knows transient attributes only.
_UPDATER_FLAGS = {**_FLAGS, "-Q": "query", "-p": "private", "--private": "private"}
_UPDATER_VALUES = {
    **_VALUES,
    "-U": "update",
    "-B": "update",
    "--update-both": "update",
    "-d": "delay",
    "--delay": "delay",
    "-S": "lifetime",
}
_SECTIONS = {"reboot": "status", "status": "status", "forever": "nodes", "nodes": "nodes"}


def main(argv: Sequence[str] | None = None, program: str = "") -> int:
    """Run the command; the result is its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    name = program or os.path.basename(sys.argv[0])
    try:
        wishes = wishes_from_words(words, dict(os.environ), name)
        if wishes.help:
            sys.stdout.write(USAGE)
            return ExitStatus.OK
        path = os.path.join(os.environ.get("CRMSHELL_ROOT") or "/", SOCKET)
        with Client(path) as client:
            return _do(client, wishes)
    except EngineError as problem:
        sys.stderr.write(f"{name}: {problem}\n")
        return int(problem.status)


def wishes_from_words(
    words: Sequence[str], variables: dict[str, str], program: str = "crm_attribute"
) -> Wishes:
    """The options of one of the commands taken apart; raises `EngineError` (USAGE)."""
    is_updater = program == "attrd_updater"
    flags = _UPDATER_FLAGS if is_updater else _FLAGS
    values = _UPDATER_VALUES if is_updater else _VALUES
    wishes = Wishes(promotion=program == "crm_master", section="status" if is_updater else "")
    rest = _separated(words, values)
    while rest:
        word = rest.pop(0)
        if word in {"-p", "--promotion"} and not is_updater:
            wishes.promotion = True
            if rest and not rest[0].startswith("-"):
                wishes.resource = rest.pop(0)
        elif word in flags:
            _take_flag(wishes, flags[word])
        elif word in values:
            if not rest:
                raise _usage(f"{word} needs a value")
            _take_value(wishes, values[word], rest.pop(0))
        else:
            raise _usage(f"'{word}' is unknown, --help lists the options")
    wishes.updater = is_updater
    if wishes.promotion:
        resource = wishes.resource or variables.get("OCF_RESOURCE_INSTANCE", "")
        if not resource:
            raise _usage("name the resource, or set OCF_RESOURCE_INSTANCE")
        wishes.name = f"master-{resource}"
        wishes.section = wishes.section or "status"
    if not wishes.name and not wishes.help:
        raise _usage("name the attribute with -n NAME")
    wishes.section = wishes.section or "nodes"
    return wishes


def _separated(words: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """`--name=x` and `-nx` as two words."""
    found: list[str] = []
    for word in words:
        if word.startswith("--") and "=" in word:
            name, _, value = word.partition("=")
            found += [name, value]
        elif len(word) > 2 and word[:2] in values and not word.startswith("--"):
            found += [word[:2], word[2:]]
        else:
            found.append(word)
    return found


def _take_flag(wishes: Wishes, flag: str) -> None:
    if flag in {"delete", "query"}:
        wishes.action = flag
    elif flag == "private":
        wishes.private = True
    elif flag == "quiet":
        wishes.quiet = True
    elif flag == "help":
        wishes.help = True


def _take_value(wishes: Wishes, name: str, value: str) -> None:
    if name == "update":
        wishes.action, wishes.value = "update", value
    elif name == "name":
        wishes.name = value
    elif name == "node":
        wishes.node = value
    elif name == "set":
        wishes.set_id = value
    elif name == "default":
        wishes.default = value
    elif name == "resource":
        wishes.resource = value
    elif name == "delay":
        wishes.delay = milliseconds_from_text(value) / 1000
    elif value == "crm_config" and name == "section":
        wishes.section = value
    elif value in _SECTIONS:
        wishes.section = _SECTIONS[value]
    else:
        raise _usage(f"'{value}' is unknown, expected reboot, forever or crm_config")


def _usage(text: str) -> EngineError:
    return EngineError(text, status=ExitStatus.USAGE)


def _do(client: Client, wishes: Wishes) -> int:
    node = wishes.node
    if not node and wishes.section != "crm_config":
        node = str(client.demand("hello").get("node", ""))
    if wishes.action == "query":
        return _query(client, wishes, node)
    value: str | None = None
    if wishes.action == "update":
        value = wishes.value
        counts = value.endswith("++") or "+=" in value
        if counts and wishes.section != "status":  # the DC counts transient ones itself
            value = _increased(_present(client, wishes, node), value)
    if wishes.section == "status":
        fields = {"node": node, "name": wishes.name, "value": value, "delay": wishes.delay}
        if wishes.private:
            fields["private"] = True
        _patiently(client, "attribute", set="status", **fields)
    else:
        _commit(client, wishes, node, value)
    return ExitStatus.OK


def _query(client: Client, wishes: Wishes, node: str) -> int:
    value = _present(client, wishes, node)
    if value is None:
        value = wishes.default
    if value is None:
        raise EngineError(f"{wishes.name} is not set", status=ExitStatus.NOSUCH)
    if wishes.updater:
        sys.stdout.write(f'name="{wishes.name}" host="{node}" value="{value}"\n')
    elif wishes.quiet:
        sys.stdout.write(f"{value}\n")
    else:
        sys.stdout.write(f"scope={wishes.section}  name={wishes.name} value={value}\n")
    return ExitStatus.OK


def _present(client: Client, wishes: Wishes, node: str) -> str | None:
    if wishes.updater:
        found = _patiently(client, "attribute-value", node=node, name=wishes.name).get("value")
        return None if found is None else str(found)
    from engine.cib.document import Cib
    from engine.cib.edits import find_node, property_value, transient_attributes, values_of

    cib = Cib.from_bytes(bytes(client.demand("cib", scope="all", sync=False)["cib"]))
    if wishes.section == "crm_config":
        return property_value(cib, wishes.name)
    if wishes.section == "status":
        return transient_attributes(cib, node).get(wishes.name)
    return values_of(find_node(cib, node), "instance_attributes").get(wishes.name)


def _increased(now: str | None, change: str) -> str:
    """`value++` and `value+=N`, with saturating arithmetic."""
    step = 1 if change.endswith("++") else score_from_text(change.partition("+=")[2])
    return score_to_text(add_scores(score_from_text(now) if now else 0, step))


def _commit(client: Client, wishes: Wishes, node: str, value: str | None) -> None:
    """An edit of the configuration, by the difference to what was read."""
    from engine.cib.document import Cib
    from engine.cib.edits import set_node_attribute, set_property
    from engine.cib.patch import diff, patch_to_bytes

    reply = _patiently(client, "cib", scope="configuration", sync=True)
    base = Cib.from_bytes(bytes(reply["cib"]))
    new = base.copy()
    if wishes.section == "crm_config":
        set_property(new, wishes.name, value, wishes.set_id)
    else:
        set_node_attribute(new, node, wishes.name, value)
    client.demand(
        "submit",
        30.0,
        request_id=os.urandom(12).hex(),
        base=list(base.version),
        patch=patch_to_bytes(diff(base.root, new.root)),
        force=False,
        user="",
    )


def _patiently(client: Client, kind: str, **fields: Any) -> dict[str, Any]:
    """A request that is repeated while the cluster chooses its controller."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return dict(client.demand(kind, PATIENCE, **fields))
        except EngineError as problem:
            if problem.status is not ExitStatus.TEMPFAIL or time.monotonic() >= deadline:
                raise
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main(program=os.environ.get("CRMSHELL_TOOL", "")))
