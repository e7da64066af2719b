"""Node files of several nodes: what they will be is made first, then all are written or none.

The node file is engine D-23.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from crmshell.errors import ShellError
from crmshell.levels.work.membership import check_agreement
from crmshell.levels.work.remote import read_from, replace_on
from crmshell.session import Session
from crmshell.sources.find import NODE_FILE
from engine.base.errors import EngineError
from engine.base.nodeconf import NodeConfig, load_node_config, node_config_to_text


def node_file(session: Session) -> str:
    return session.environment.under_root(NODE_FILE)


def config_from_text(text: str, what: str) -> NodeConfig:
    try:
        return load_node_config(text, what)
    except EngineError as problem:
        raise ShellError(str(problem), reports=problem.reports) from None


def key_file(session: Session, config: NodeConfig) -> str:
    return os.path.join(os.path.dirname(node_file(session)), config.key_file)


def own_config(session: Session) -> NodeConfig:
    """The node file of this machine; raises `ShellError`."""
    path = node_file(session)
    if not session.environment.is_file(path):
        raise ShellError(
            f"this machine is no node of a cluster ({path} is missing): crm cluster init, or join",
            code="no-node",
        )
    return config_from_text(session.environment.read_text(path), path)


def all_nodes(session: Session) -> list[str]:
    """The nodes of this machine's cluster, of our agents or of Pacemaker's."""
    from crmshell.levels.work.pacemaker_cluster import configured_nodes, on_pacemaker

    if on_pacemaker(session):
        return configured_nodes(session)
    return [node.name for node in own_config(session).everyone()]


@dataclass(frozen=True, slots=True)
class Change:
    """The node file of a place, as it is and as it will be."""

    place: str
    old: bytes
    new: bytes


def changes_of(
    session: Session,
    places: list[str],
    change: Callable[[NodeConfig], NodeConfig],
    *,
    agree: bool = True,
) -> list[Change]:
    """The changes of the node files of these nodes; nothing is written.

    `agree`: the files must name the same nodes; raises `ShellError` otherwise.
    """
    path = node_file(session)
    old = {place: read_from(session, place, path) for place in places}
    configs = {
        place: config_from_text(data.decode("utf-8", "replace"), f"{place}:{path}")
        for place, data in old.items()
    }
    if agree:
        check_agreement(configs)
    return [
        Change(place, old[place], node_config_to_text(change(config)).encode())
        for place, config in configs.items()
    ]


def change_all(session: Session, changes: list[Change]) -> None:
    """Write all of them, each over the file that was read; else those before it are as they were."""
    path = node_file(session)
    written: list[Change] = []
    try:
        for change in changes:
            replace_on(session, change.place, path, change.old, change.new)
            written.append(change)
    except BaseException:
        set_back(session, written)
        raise


def set_back(session: Session, changes: list[Change]) -> None:
    """The files as they were before these changes; a warning for each that cannot be written."""
    path = node_file(session)
    for change in changes:
        try:
            replace_on(session, change.place, path, change.new, change.old)
        except ShellError as problem:
            session.warn(f"{change.place}: {path} could not be set back: {problem}", "cluster")
