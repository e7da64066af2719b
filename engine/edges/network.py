"""Puts the embedded membership together with its sockets."""

from __future__ import annotations

import os
from collections.abc import Callable

from engine.base.nodeconf import NodeConfig
from engine.base.seams import Clock, Rng
from engine.base.wire import Codec
from engine.edges.clock import random_bytes
from engine.edges.datagrams import SEED_SIZE, Datagrams
from engine.edges.droplist import DropList
from engine.edges.keys import ClusterKey
from engine.edges.streams import Streams
from engine.edges.tasks import Owner
from engine.membership.api import LostHandler, ReceivedHandler
from engine.membership.embedded import Embedded
from engine.membership.view import timing_of


def embedded_membership(
    config: NodeConfig,
    incarnation: int,
    store_id: bytes,
    codec: Codec,
    key: ClusterKey,
    clock: Clock,
    rng: Rng,
    owner: Owner,
    received: ReceivedHandler,
    lost: LostHandler,
    outlived: Callable[[int], None],
) -> Embedded:
    """The backend of a node, not yet started.

    `outlived(incarnation)` is called when a peer saw a later life of this node than this one: its
    store is blank or an old copy, and it must begin anew above that incarnation (rule R7).
    """
    drops = DropList(os.environ.get("TESTHOST_DROP"))
    embedded = Embedded(
        config,
        incarnation,
        store_id,
        codec,
        clock,
        rng.stream("dial"),
        lambda: random_bytes(SEED_SIZE),
        timing_of(config).dead_time,
        received,
        lost,
        outlived,
    )
    datagrams = Datagrams(
        config.id,
        config.addresses,
        {peer.id: peer.addresses for peer in config.peers},
        drops,
        embedded.datagram,
    )
    streams = Streams(key, config.addresses, drops, owner, embedded.opened)
    embedded.use(streams, datagrams, owner.start)
    return embedded
