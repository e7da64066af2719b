"""The commands `cluster join` and `remove`: one change of who is a node at a time, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crmshell.errors import ShellError
from crmshell.levels.commands.cluster import (
    START_SECONDS,
    STOP_SECONDS,
    addresses_of,
    ask,
    crm_on,
    has_controller,
    is_running,
    refuse_member,
    restart_here,
    short_host,
    start_at_boot,
    start_here,
    stop_here,
    store_config,
    take_options,
    until,
)
from crmshell.levels.frame.registry import Call, command
from crmshell.levels.work.member_locks import members_locked
from crmshell.levels.work.membership import (
    as_peer,
    joining_node,
    knows,
    places_of,
    with_node,
    without_node,
)
from crmshell.levels.work.node_files import (
    Change,
    change_all,
    changes_of,
    config_from_text,
    key_file,
    node_file,
    own_config,
    set_back,
)
from crmshell.levels.work.own_files import OwnFiles, own_files, put_back
from crmshell.levels.work.remote import must_run_on, read_from
from crmshell.levels.work.rolling_restart import undisturbed
from crmshell.session import Session
from engine.base.nodeconf import NodeConfig

if TYPE_CHECKING:
    from engine.cib.document import Cib

SYNC_SECONDS = 120.0


@command(
    "cluster",
    "join",
    usage="<seed> [--addr <address>] [--node <name>] [--port <port>] [--no-start]",
    help="make this machine a node of a cluster",
)
def join(session: Session, call: Call) -> None:
    """The key and the list of nodes come from the seed; every member is told of this node.

    Every member must be reachable, so that all know the same nodes. What fails is taken back, here
    and on the members. When this returns, the configuration is on the disk of this node.
    """
    options, words = take_options(call, ("--addr", "--node", "--port"), ("--no-start",))
    if len(words) != 1:
        raise ShellError("cluster.join: expected the name of one member", code="arguments")
    seed = words[0]
    refuse_member(session)
    _planned(session, seed, options)  # What is wrong with it is said without waiting for a lock.
    with members_locked(session, lambda: places_of(_config_at(session, seed), seed)):
        refuse_member(session)
        theirs, mine = _planned(session, seed, options)
        key = read_from(session, seed, key_file(session, theirs))
        places = places_of(theirs, seed)
        changes = changes_of(session, places, lambda config: with_node(config, as_peer(mine)))
        joining = _Joining(session, seed, places, changes, mine, own_files(session, mine))
        joining.run(key, start="--no-start" not in options)


def _planned(session: Session, seed: str, options: dict[str, str]) -> tuple[NodeConfig, NodeConfig]:
    """The seed's node file, and this machine's as it will be; raises `ShellError`."""
    theirs = _config_at(session, seed)
    if len(theirs.addresses) > 1 and "--addr" not in options:
        raise ShellError(
            f"the nodes of {theirs.cluster} have {len(theirs.addresses)} addresses each, say those "
            "of this one: --addr ADDRESS,ADDRESS",
            code="arguments",
        )
    addresses = addresses_of(session, options, towards=theirs.addresses[0].host)
    return theirs, joining_node(theirs, options.get("--node", short_host(session)), addresses)


def _config_at(session: Session, place: str) -> NodeConfig:
    path = node_file(session)
    text = read_from(session, place, path).decode("utf-8", "replace")
    return config_from_text(text, f"{place}:{path}")


@dataclass(slots=True)
class _Joining:
    """One join under the members' locks, and how far it has come."""

    session: Session
    seed: str
    places: list[str]
    changes: list[Change]
    mine: NodeConfig
    before: OwnFiles
    is_told: bool = False
    restarts: bool = False

    def run(self, key: bytes, *, start: bool) -> None:
        """Do it; what fails, or is broken off by a signal, is taken back."""
        session = self.session
        with (
            session.environment.ends_by_exception(),
            undisturbed(session, self.seed) if start else nullcontext(),
        ):
            try:
                self._write(key)
                if start:
                    self._start()
            except BaseException:
                with session.environment.finishes("the join has failed and is taken back"):
                    self._take_back()
                raise
        for peer in self.mine.peers:
            session.info(f"{peer.name} knows {self.mine.name}")
        if start:
            start_at_boot(session)
        else:
            session.info("the agents of all nodes must be restarted: crm cluster restart --all")

    def _write(self, key: bytes) -> None:
        environment = self.session.environment
        environment.make_folder(os.path.dirname(node_file(self.session)))
        environment.write_file(key_file(self.session, self.mine), key, private=True)
        store_config(self.session, self.mine)
        change_all(self.session, self.changes)
        self.is_told = True

    def _start(self) -> None:
        session = self.session
        self.restarts = True
        self._restart_members()
        start_here(session)
        if not until(session, SYNC_SECONDS, lambda: _is_durable(session, self.mine.name)):
            raise ShellError(
                f"{self.mine.name} has not got the configuration after {SYNC_SECONDS:g} s "
                f"({_reason(session)}); is the port open between all nodes?",
                code="timeout",
            )

    def _restart_members(self) -> None:
        if len(self.places) == 1:
            # Alone it has no quorum any more until this node is there: nothing to wait for.
            crm_on(self.session, self.seed, "stop")
            crm_on(self.session, self.seed, "start")
            return
        for place in self.places:
            crm_on(self.session, place, "restart")

    def _take_back(self) -> None:
        """Everything as it was: this machine's agent and files, the members' files and agents."""
        session = self.session
        if self.restarts:
            self._try("the agent was not stopped", lambda: stop_here(session))
        put_back(session, self.before)
        if self.is_told:
            set_back(session, self.changes)
        if self.restarts:
            self._try("agents were not restarted", self._restart_members)
            self._try("it may still be in the configuration", self._forget)

    def _forget(self) -> None:
        """A node that was there for a moment may be in the configuration."""
        name = self.mine.name
        crm = ["crm", "-F"]
        must_run_on(self.session, self.seed, [*crm, "cluster", "wait_for_startup", "60"])
        shown = must_run_on(self.session, self.seed, [*crm, "configure", "show", "type:node"])
        if name in shown.replace(":", " ").split():
            must_run_on(self.session, self.seed, [*crm, "node", "delete", name])

    def _try(self, otherwise: str, step: Callable[[], None]) -> None:
        try:
            step()
        except ShellError as problem:
            self.session.warn(f"{otherwise}: {problem}", "cluster")


def _is_durable(session: Session, name: str) -> bool:
    """Whether the log of the cluster is on this node's disk, in a view with quorum and a controller."""
    try:
        told = ask(session, "status", 5.0)
    except ShellError:
        return False
    durable = told.get("durable")
    is_there = isinstance(durable, list | tuple) and name in durable
    return bool(told.get("quorate") and told.get("dc") and is_there)


def _reason(session: Session) -> str:
    try:
        return str(ask(session, "status", 5.0).get("reason") or "no quorum")
    except ShellError as problem:
        return str(problem)


@command(
    "cluster", "remove", usage="<node>", args=(1, 1), drops=True, help="take a node out for good"
)
def remove(session: Session, call: Call) -> None:
    """Stop it if it can be reached, take it out of every node file and of the configuration."""
    name = call.args[0]
    without_node(own_config(session), name)
    session.require(f"Remove {name} from the cluster")
    here = session.environment.hostname
    # Also the lock of the one that leaves, if it lives: it may be about to remove others.
    with members_locked(session, lambda: places_of(own_config(session), here), may_lack=name):
        _remove(session, name)


def _remove(session: Session, name: str) -> None:
    rest = without_node(own_config(session), name)
    changes = changes_of(
        session,
        [peer.name for peer in rest.peers],
        lambda theirs: without_node(theirs, name) if knows(theirs, name) else theirs,
        agree=False,
    )
    try:
        crm_on(session, name, "stop")
        must_run_on(session, name, ["rm", "-f", "--", node_file(session)])
    except ShellError as problem:
        session.warn(f"{name} was not stopped: {problem}; make sure that it does not start again")
    _settle(session)
    change_all(session, changes)
    store_config(session, rest)
    with undisturbed(session, session.environment.hostname):
        for peer in rest.peers:
            crm_on(session, peer.name, "restart")
        restart_here(session)
    # Only agents that do not know the node any more leave it out of the configuration.
    if not until(session, START_SECONDS, lambda: has_controller(session)):
        raise ShellError(f"{name} is still in the configuration: crm node delete {name}")
    _delete_from_cib(session, name)
    session.info(f"{name} is no node of cluster {rest.cluster} any more")


def _settle(session: Session) -> None:
    """What ran on the node that has left is started elsewhere first."""
    if not is_running(session):
        return
    if not session.source.wait(STOP_SECONDS):
        session.warn(f"the cluster has not settled within {STOP_SECONDS:g} s", "timeout")


def _delete_from_cib(session: Session, name: str) -> None:
    from engine.cib.edits import delete_node, node_names

    if name in node_names(session.cib()):

        def without(cib: Cib) -> None:
            delete_node(cib, name)

        session.edit(without)
