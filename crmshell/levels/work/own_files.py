"""What makes this machine a node: its node file, key and store, as they were before a join."""

from __future__ import annotations

from dataclasses import dataclass

from crmshell.levels.work.node_files import key_file, node_file
from crmshell.session import Session
from engine.base.nodeconf import NodeConfig

STATE = "/var/lib/crmshell"


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """Files and their content (None: there was none), and what was in the folder of the store."""

    files: tuple[tuple[str, bytes | None], ...]
    stored: frozenset[str]


def own_files(session: Session, config: NodeConfig) -> OwnFiles:
    """How this machine's files are now."""
    environment = session.environment
    paths = (node_file(session), key_file(session, config))
    files = [(p, environment.read_file(p) if environment.is_file(p) else None) for p in paths]
    return OwnFiles(tuple(files), frozenset(_stored(session)))


def put_back(session: Session, before: OwnFiles) -> None:
    """Everything as it was; what the agent has made in its store since then goes."""
    environment = session.environment
    for path, data in before.files:
        if data is None:
            environment.remove_file(path)
        else:
            environment.write_file(path, data, private=path.endswith(".key"))
    state = environment.under_root(STATE)
    made = [f"{state}/{name}" for name in _stored(session) if name not in before.stored]
    if made:
        environment.run(["rm", "-rf", "--", *made])


def _stored(session: Session) -> list[str]:
    found = session.environment.list_folder(session.environment.under_root(STATE))
    return [name for name, _ in found]
