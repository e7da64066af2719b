"""Puts the embedded membership and its edges together; a node without peers needs neither.

The key file is read here, before anything listens.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable
from typing import Any

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.nodeconf import NodeConfig
from engine.base.seams import Clock, Rng
from engine.base.wire import Codec
from engine.edges.clock import random_bytes
from engine.edges.datagrams import Datagrams
from engine.edges.droplist import DropList
from engine.edges.keys import load_key_file
from engine.edges.streams import Streams
from engine.edges.tasks import Owner
from engine.membership.api import LostHandler, ReceivedHandler, Transport
from engine.membership.embedded import Embedded

ID_BYTES = 16
SEED_BYTES = 32


class Alone:
    """The transport of a cluster of one node."""

    async def start(self) -> None:
        """Nothing listens."""

    async def stop(self) -> None:
        """Nothing to stop."""

    def beat(self, to: int, message: Any) -> None:
        """There is nobody to hear it."""

    def send(self, to: int, message: Any) -> bool:
        """There is nobody to get it."""
        return False

    def describe(self) -> dict[str, Any]:
        return {"links": {}, "counts": {}}


def build_mesh(
    config: NodeConfig,
    key_path: str,
    codec: Codec,
    clock: Clock,
    rng: Rng,
    owner: Owner,
    *,
    incarnation: int,
    store_id: bytes,
    dead_time: float,
    received: ReceivedHandler,
    lost: LostHandler,
    outlived: Callable[[int], None],
    doubled: Callable[[str], None],
) -> Transport:
    """The transport that a node file asks for; `EngineError` for a key file that cannot be used."""
    if not config.peers:
        return Alone()
    key = load_key_file(key_path)
    mesh = Embedded(
        config,
        incarnation,
        store_id,
        codec,
        clock,
        rng.stream("mesh"),
        lambda: random_bytes(SEED_BYTES),
        dead_time,
        received,
        lost,
        outlived,
        doubled,
    )
    drops = DropList(os.environ.get("TESTHOST_DROP"))
    peers = {peer.id: peer.addresses for peer in config.peers}
    known = frozenset(address.host for peer in config.peers for address in peer.addresses)
    streams = Streams(key, config.addresses, drops, owner, mesh.opened, known, mesh.turned_away)
    datagrams = Datagrams(config.id, config.addresses, peers, drops, mesh.datagram)
    mesh.use(streams, datagrams, owner.start)
    return mesh


def new_id() -> bytes:
    """A random identity, of a store for example."""
    return random_bytes(ID_BYTES)


def new_uuid() -> str:
    """A random identity in the form that transition keys have."""
    return str(uuid.UUID(bytes=random_bytes(ID_BYTES), version=4))


def lasting_id(path: str) -> str:
    """The identity in a file, made when it is missing: below `/run` it lasts as long as the kernel."""
    with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
        found = file.read().strip()
        if found:
            return found
    made = new_id().hex()
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(made + "\n")
        os.chmod(path, 0o600)
    except OSError as problem:
        with contextlib.suppress(OSError):
            os.unlink(path)  # an empty one would tell the next start nothing
        text = f"{path}: {problem.strerror}"
        raise EngineError(text, status=ExitStatus.CANTCREAT) from None
    return made
