"""The command `cluster rotate-key`: another key for all nodes, while what they run keeps running.

An agent accepts one key, so all agents stop, get the new one and start again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from crmshell.errors import ShellError
from crmshell.levels.commands.cluster import (
    is_this_node,
    make_key,
    on_nodes,
    start_here,
    stop_here,
)
from crmshell.levels.frame.registry import Call, command
from crmshell.levels.work.member_locks import members_locked
from crmshell.levels.work.membership import places_of
from crmshell.levels.work.node_files import config_from_text, key_file, node_file, own_config
from crmshell.levels.work.remote import read_from, write_to
from crmshell.levels.work.rolling_restart import undisturbed
from crmshell.session import Session


@dataclass(frozen=True, slots=True)
class _Key:
    """Where a node has its key, and the key that it has."""

    node: str
    path: str
    data: bytes


@command("cluster", "rotate-key", args=(0, 0), drops=True, help="give all nodes a new key")
def rotate_key(session: Session, call: Call) -> None:
    del call
    session.require("All agents are stopped and started with a new key (resources keep running)")
    here = session.environment.hostname
    with members_locked(session, lambda: places_of(own_config(session), here)):
        _rotate(session)


def _rotate(session: Session) -> None:
    config = own_config(session)
    nodes = [node.name for node in config.everyone()]
    old = [_key_of(session, node) for node in nodes]
    new = _new_key(session, key_file(session, config))
    with undisturbed(session, session.environment.hostname):
        try:
            on_nodes(session, "stop", nodes, stop_here, together=True)
            _replace(session, old, new)
        finally:
            # Whatever happened, the agents run again with keys that are the same everywhere.
            on_nodes(session, "start", nodes, start_here, together=True)
    session.info(f"{len(nodes)} nodes have a new key")


def _key_of(session: Session, node: str) -> _Key:
    if is_this_node(session, node):
        path = key_file(session, own_config(session))
        return _Key(node, path, session.environment.read_file(path))
    place = node_file(session)
    text = read_from(session, node, place).decode("utf-8", "replace")
    path = key_file(session, config_from_text(text, f"{node}:{place}"))
    return _Key(node, path, read_from(session, node, path))


def _new_key(session: Session, path: str) -> bytes:
    """A key that is nowhere yet."""
    made = os.path.join(os.path.dirname(path), "new.key")
    session.environment.remove_file(made)
    make_key(session, made)
    try:
        return session.environment.read_file(made)
    finally:
        session.environment.remove_file(made)


def _replace(session: Session, old: list[_Key], new: bytes) -> None:
    """The new key for all of them; when one cannot be written, all have the old one."""
    done: list[_Key] = []
    try:
        for key in old:
            _write(session, key, new)
            done.append(key)
    except ShellError:
        for key in done:
            try:
                _write(session, key, key.data)
            except ShellError as problem:
                session.warn(f"{key.node}: {key.path} has the new key: {problem}", "key")
        raise


def _write(session: Session, key: _Key, data: bytes) -> None:
    if is_this_node(session, key.node):
        session.environment.write_file(key.path, data, private=True)
    else:
        write_to(session, key.node, key.path, data, mode="600")
