"""The node agent's command line: `crm-agent`, or `python -m engine`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence
from typing import Any

from engine.base.digits import is_digits
from engine.base.errors import BadInput, EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.nodeconf import Address, NodeConfig, PeerConfig, load_node_config
from engine.base.timespec import milliseconds_from_text
from engine.lrm.command import SECRETS_FOLDER, AgentPaths

NODE_FILE = "etc/crmshell/node.conf"
TOOL_FOLDER = "run/crmshell/bin"
KEY_FILE = "etc/crmshell/cluster.key"
REMOTE_KEY_FILE = "etc/crmshell/remote.key"
REMOTE_PORT = 3121
# All pages, also later ones, but only once they were used: what is never used takes no memory.
MCL_CURRENT_FUTURE_ONFAULT = 1 | 2 | 4
AGENT_NICE = -10
OOM_SCORE = "-900"
# OLD: the store was blank or an old copy, and is now one of a later life than peers ever saw.
# IOERR: the disk failed and works again. Both times the process is sound and goes on by itself;
# after a bug (SOFTWARE) it is not, and whoever started it starts another.
BEGIN_ANEW = (ExitStatus.OLD, ExitStatus.IOERR)

_log = logging.getLogger("engine")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the agent until it is told to stop; an `ExitStatus`."""
    options = _parser().parse_args(arguments)
    _start_log(options.log_level)
    try:
        if options.make_key:
            return _make_key(options.make_key)
        return _run(options)
    except EngineError as problem:
        sys.stderr.write(f"crm-agent: {problem}\n")
        return int(problem.status)
    except OSError as problem:
        sys.stderr.write(f"crm-agent: {problem.filename or 'start'}: {problem.strerror}\n")
        return int(ExitStatus.OSERR)


def _parser() -> argparse.ArgumentParser:
    env = os.environ
    parser = argparse.ArgumentParser(prog="crm-agent", description="The node agent of a cluster.")
    add = parser.add_argument
    add("--root", default=env.get("CRMSHELL_ROOT", "/"), help="where state and sockets are")
    add("--node-file", help=f"default ROOT/{NODE_FILE}")
    add("--name", default=env.get("TESTHOST_NAME"), help="name of this node")
    add("--id", type=int, help="number of this node")
    add("--cluster", help="name of the cluster")
    add("--bind", default=env.get("TESTHOST_IP"), help="address[:port] of this node")
    add("--port", type=int, help="UDP and TCP port where an address names none")
    add("--peers", help="all nodes: name=id@address[:port],...")
    add("--key", help=f"the cluster's key file, default ROOT/{KEY_FILE}")
    add("--dead-time", help="a node not heard for so long is lost, for example 3s")
    add("--ocf-root", default="/usr/lib/ocf", help="where OCF agents are")
    add("--fence-dir", default="/usr/sbin", help="where fence agents are")
    add("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    add("--foreground", action="store_true", help="stay attached (the agent always does)")
    add(
        "--remote",
        action="store_true",
        help="carry out operations for a cluster without being a member",
    )
    add("--make-key", metavar="FILE", help="make a key for a new cluster and end")
    add("--version", action="version", version=_version())
    return parser


def _run(options: argparse.Namespace) -> int:
    root = os.path.abspath(options.root)
    if options.remote:
        return _run_remote(options, root)
    config = _config(options, root)
    for text in config.warnings:
        _log.warning("%s", text)
    from engine.edges.looptime import TimedSelector, timed_loop
    from engine.node.agent import Node
    from engine.node.paths import Places

    paths = _prepare(options, root)
    places = Places(root, _key_path(options, root, config), paths)

    async def serve(selector: TimedSelector, *, renew: bool = False) -> int:
        node = Node(config, places, selector.take_longest_ms, renew=renew)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, node.shut_down, "signal")
        return await node.run()

    def live(*, renew: bool) -> int:
        selector = TimedSelector()
        with asyncio.Runner(loop_factory=lambda: timed_loop(selector)) as runner:
            return runner.run(serve(selector, renew=renew))

    status = live(renew=False)
    while status in BEGIN_ANEW:
        status = live(renew=status == ExitStatus.IOERR)
    return status


def _prepare(options: argparse.Namespace, root: str) -> AgentPaths:
    """What every agent does first: the programs for its resource agents, and its own protection."""
    from engine.edges.toolbox import write_tools

    paths = AgentPaths(
        ocf_root=options.ocf_root,
        fence_dir=options.fence_dir,
        resource_state=os.path.join(root, "run/resource-agents"),
        var_run=os.path.join(root, "run"),
        tools=os.path.join(root, TOOL_FOLDER),
        secrets=os.path.join(root, SECRETS_FOLDER),
    )
    write_tools(paths.tools, root)
    _protect()
    os.umask(0o077)
    return paths


def _run_remote(options: argparse.Namespace, root: str) -> int:
    """An agent without a membership: a name, an address to listen at, and a key."""
    from engine.node.paths import Places
    from engine.node.remote import RemoteNode

    if not options.name:
        raise BadInput("--remote needs --name NAME", status=ExitStatus.USAGE)
    address = _address(options.bind or "0.0.0.0", options.port or REMOTE_PORT)
    key = options.key or _first_file(
        os.path.join(root, REMOTE_KEY_FILE), os.path.join(root, KEY_FILE)
    )
    places = Places(root, os.path.abspath(key), _prepare(options, root))

    async def serve() -> int:
        node = RemoteNode(options.name, address, places)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, node.shut_down, "signal")
        return await node.run()

    return asyncio.run(serve())


def _first_file(*paths: str) -> str:
    """The first of these files that is there, else the last."""
    return next((path for path in paths if os.path.exists(path)), paths[-1])


def _config(options: argparse.Namespace, root: str) -> NodeConfig:
    path = options.node_file or os.path.join(root, NODE_FILE)
    text = ""
    if options.node_file or os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
    return load_node_config(text, path, **_overrides(options))


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of the node file that the command line gives."""
    found: dict[str, Any] = {"name": options.name, "id": options.id, "cluster": options.cluster}
    if options.dead_time:
        found["dead_time"] = milliseconds_from_text(options.dead_time)
    peers = tuple(_peer(word, options.port) for word in (options.peers or "").split(",") if word)
    if peers:
        found["peers"] = peers
        mine = [peer for peer in peers if peer.name == options.name]
        if mine:
            found["id"] = options.id or mine[0].id
            found["addresses"] = mine[0].addresses
    if options.bind:
        found["addresses"] = (_address(options.bind, options.port),)
    return found


def _peer(word: str, port: int | None) -> PeerConfig:
    """`name=id@address[:port]`."""
    name, equals, rest = word.partition("=")
    number, at, address = rest.partition("@")
    if not equals or not at or not is_digits(number):
        raise BadInput(f"--peers: '{word}' is not name=id@address[:port]", status=ExitStatus.USAGE)
    return PeerConfig(name.strip(), int(number), (_address(address, port),))


def _address(text: str, port: int | None) -> Address:
    host, number = text, ""
    if text.startswith("["):
        host, _, number = text[1:].partition("]")
        number = number.removeprefix(":")
    elif text.count(":") == 1:
        host, _, number = text.partition(":")
    if number and not is_digits(number):
        raise BadInput(f"'{text}' is not an address", status=ExitStatus.USAGE)
    if number or port:
        return Address(host, int(number or port or 0))
    return Address(host)


def _key_path(options: argparse.Namespace, root: str, config: NodeConfig) -> str:
    """The key lies beside the node file unless said otherwise."""
    given: str | None = options.key
    if given:
        return os.path.abspath(given)
    node_file: str = options.node_file or os.path.join(root, NODE_FILE)
    return os.path.join(os.path.dirname(node_file), config.key_file)


def _make_key(path: str) -> int:
    from engine.edges.keys import create_key_file

    create_key_file(path)
    return int(ExitStatus.OK)


def _protect() -> None:
    """Hold the agent in memory, before others on the processor, and out of the way of the
    out-of-memory killer, where permitted. Programs that it starts get nothing of this."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the key is in memory
    if os.getuid() != 0:
        return
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    if limit == resource.RLIM_INFINITY:
        ctypes.CDLL(None, use_errno=True).mlockall(MCL_CURRENT_FUTURE_ONFAULT)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, AGENT_NICE)
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write(OOM_SCORE)
    except OSError as problem:
        _log.debug("oom_score_adj not set: %s", problem.strerror)


def _start_log(level: str) -> None:
    # Under systemd the journal has the time already.
    stamp = "" if os.environ.get("JOURNAL_STREAM") else "%(asctime)s.%(msecs)03d "
    logging.basicConfig(
        level=level.upper(),
        format=stamp + "%(levelname)-7s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _version() -> str:
    from importlib.metadata import version

    return f"crm-agent {version('crmshell')}"


if __name__ == "__main__":
    sys.exit(main())
