"""The default membership backend: heartbeats by datagram, control messages by stream, full mesh.

Knows which connection is which node and keeps one per peer; the bytes are the edges' (`Streams`,
`Datagrams`, by the protocols here). A node that starts soon dials everybody: a peer may still hold
the stream of its former life for alive. After that the higher id dials (engine 3.2, 14.2).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from engine.base.errors import BadInput
from engine.base.nodeconf import Address, NodeConfig
from engine.base.seams import Chance, Clock
from engine.base.wire import PROTOCOL_VERSION, Codec, Envelope
from engine.membership.api import LostHandler, ReceivedHandler
from engine.membership.refusals import Refusals

HELLO_KIND = 100
REFUSED_KIND = 101
# How many dead times a node waits for one with a higher id to dial before it dials itself, and how
# many it is told that its id is another's before it believes that.
PATIENCE = 3.0
DOUBLED = "two agents claim to be node "
# How long a node that starts leaves it to those with a higher id to dial.
FIRST_WAIT = 1.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame of a stream, both ways: who speaks, and half of the heartbeat keys.

    `known` is the highest incarnation of the other side that the sender has seen.
    """

    store_id: bytes
    seed: bytes
    known: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer to a hello that is not accepted: why, for the log of who said it."""

    reason: str


HELLO_MESSAGES: dict[int, type] = {HELLO_KIND: Hello, REFUSED_KIND: Refused}


class Carrier(Protocol):
    """An authenticated stream.

    `dialed` is the node that was dialed, None when it came in; `node` who it turned out to be, and
    `seed` what this side said in its hello, are this module's to set.
    """

    host: str
    dialed: int | None
    node: int | None
    seed: bytes
    on_frame: Any
    on_close: Any

    @property
    def is_open(self) -> bool: ...

    def send(self, frame: bytes) -> None: ...

    def close(self) -> None: ...


class StreamEdge(Protocol):
    """Listens and dials."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def dial(self, node: int, link: int, address: Address) -> bool: ...

    def forget(self, connection: Any) -> None: ...


class DatagramEdge(Protocol):
    """Seals, sends and opens heartbeats."""

    counts: Counter[str]

    async def start(self) -> None: ...

    def stop(self) -> None: ...

    def use_seeds(self, node: int, mine: bytes, theirs: bytes) -> None: ...

    def send(self, node: int, data: bytes) -> None: ...


@dataclass(slots=True)
class PeerLink:
    """What this node has with one peer."""

    name: str
    addresses: tuple[Address, ...]
    connection: Carrier | None = None
    store_id: bytes = b""
    known: int = 0
    heard_at: float = 0.0
    attempts: int = 0


class Embedded:
    """The backend of one node; `use` gives it its edges before `start`."""

    def __init__(
        self,
        config: NodeConfig,
        incarnation: int,
        store_id: bytes,
        codec: Codec,
        clock: Clock,
        chance: Chance,
        new_seed: Callable[[], bytes],
        dead_time: float,
        received: ReceivedHandler,
        lost: LostHandler,
        outlived: Callable[[int], None],
        doubled: Callable[[str], None],
    ) -> None:
        self._me = config.id
        self._cluster = config.cluster
        self._incarnation = incarnation
        self._store_id = store_id
        self._codec = codec
        self._clock = clock
        self._chance = chance
        self._new_seed = new_seed
        self._dead_time = dead_time
        self._received = received
        self._lost = lost
        self._outlived = outlived
        self._doubled = doubled
        self._doubled_since = 0.0
        self._refusals = Refusals()
        self._links = {peer.id: PeerLink(peer.name, peer.addresses) for peer in config.peers}
        self._streams: StreamEdge | None = None
        self._datagrams: DatagramEdge | None = None
        self._start_task: Callable[[str, Coroutine[Any, Any, Any]], Any] | None = None
        self._running = False
        self.counts: Counter[str] = Counter()

    def use(
        self,
        streams: StreamEdge,
        datagrams: DatagramEdge,
        start_task: Callable[[str, Coroutine[Any, Any, Any]], Any],
    ) -> None:
        self._streams, self._datagrams, self._start_task = streams, datagrams, start_task

    # ---- the Transport of engine.membership.api

    async def start(self) -> None:
        """Bind and begin to dial; `OSError` when an address cannot be bound."""
        self._running = True
        await self._edges()[1].start()
        await self._edges()[0].start()
        for node in self._links:
            wait = 0.0 if self._me > node else FIRST_WAIT
            self._clock.call_later(wait, partial(self._begin_dial, node))
        self._clock.call_later(self._dead_time / 4, self._watch)

    async def stop(self) -> None:
        self._running = False
        self._edges()[1].stop()
        await self._edges()[0].stop()

    def beat(self, to: int, message: Any) -> None:
        self._edges()[1].send(to, self._encode(to, message))

    def send(self, to: int, message: Any) -> bool:
        link = self._links.get(to)
        if link is None or link.connection is None:
            return False
        link.connection.send(self._encode(to, message))
        return True

    def describe(self) -> dict[str, Any]:
        return {
            "links": {link.name: link.connection is not None for link in self._links.values()},
            "counts": dict(sorted((self.counts + self._edges()[1].counts).items())),
            "refused": self._refusals.recent(self._clock.now()),
        }

    def turned_away(self, host: str, reason: str) -> None:
        """Somebody was refused, here or before a hello could be said."""
        self.counts["connections refused"] += 1
        line = self._refusals.note(host, reason, self._clock.now())
        if line:
            _log.warning("%s", line)

    # ---- dialing

    def _dial_later(self, node: int, pause: float) -> None:
        """The higher id dials; the other one only when that does not happen for long."""
        if self._running:
            pause = pause if self._me > node else max(pause, PATIENCE * self._dead_time)
            self._clock.call_later(pause, lambda: self._begin_dial(node))

    def _begin_dial(self, node: int) -> None:
        if self._running and self._start_task is not None:
            self._start_task(f"dial {self._links[node].name}", self._dial(node))

    async def _dial(self, node: int) -> None:
        link = self._links[node]
        if link.connection is not None:
            return
        number = link.attempts % len(link.addresses)
        link.attempts += 1
        if not await self._edges()[0].dial(node, number, link.addresses[number]):
            self._dial_later(node, self._pause(link))

    def _pause(self, link: PeerLink) -> float:
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(link.attempts, 10))
        return self._chance.uniform(longest / 2, longest)

    # ---- connections

    def opened(self, connection: Carrier) -> None:
        """A stream passed its handshake: whoever dialed says hello first."""
        connection.on_frame = self._frame
        connection.on_close = self._closed
        if connection.dialed is not None:
            self._say_hello(connection, connection.dialed)

    def _say_hello(self, connection: Carrier, node: int) -> None:
        connection.seed = self._new_seed()
        hello = Hello(self._store_id, connection.seed, self._links[node].known)
        connection.send(self._encode(node, hello))

    def _frame(self, connection: Carrier, data: bytes) -> None:
        try:
            envelope = self._codec.decode(data)
        except BadInput as problem:
            self._refuse(connection, str(problem))
            return
        if envelope is None:
            return
        node = connection.node
        if node is None and isinstance(envelope.message, Refused):
            self._was_refused(connection, envelope.message)
        elif node is None:
            self._hello(connection, envelope)
        elif self._is_for_me(envelope, node):
            self._links[node].heard_at = self._clock.now()
            self._received(node, envelope.incarnation, envelope.message)
        else:
            self._refuse(connection, "a message with another sender, addressee or cluster")

    def _is_for_me(self, envelope: Envelope, node: int) -> bool:
        return (envelope.frm, envelope.to, envelope.cluster) == (node, self._me, self._cluster)

    def _refuse(self, connection: Carrier, why: str) -> None:
        self.turned_away(connection.host, why)
        connection.close()

    def _was_refused(self, connection: Carrier, message: Refused) -> None:
        """A peer does not accept this agent.

        When another agent is this node: the old life of this node looks so for a moment, and dies.
        """
        connection.close()
        if not message.reason.startswith(DOUBLED):
            self.turned_away(connection.host, f"refused by it: {message.reason}")
            return
        now = self._clock.now()
        self._doubled_since = self._doubled_since or now
        if now - self._doubled_since > PATIENCE * self._dead_time:
            self._doubled(message.reason)

    def _hello(self, connection: Carrier, envelope: Envelope) -> None:
        hello, node = envelope.message, envelope.frm
        why = self._objection(connection, envelope)
        if why:
            connection.send(self._encode(node, Refused(why)))
            self._refuse(connection, why)
            return
        link = self._links[node]
        if self._is_second(connection, node, envelope):
            self._leave_unused(connection, node)
            return
        if connection.dialed is None:
            self._say_hello(connection, node)
        if hello.known > self._incarnation:
            _log.error("peer=%s saw incarnation %s of this node", link.name, hello.known)
            connection.close()
            self._outlived(hello.known)
            return
        if envelope.incarnation < link.known:
            return  # the hello told it: it comes back with a higher one
        self._adopt(connection, node, envelope)

    def _is_second(self, connection: Carrier, node: int, envelope: Envelope) -> bool:
        """Whether both sides dialed at once and the other stream, the higher id's, is in use.

        Both sides have to choose the same one, whichever hello came first to whom.
        """
        link = self._links[node]
        used = link.connection
        if used is None or (envelope.incarnation, envelope.message.store_id) != (
            link.known,
            link.store_id,
        ):
            return False
        return self._is_of_higher(used, node) and not self._is_of_higher(connection, node)

    def _is_of_higher(self, connection: Carrier, node: int) -> bool:
        """Whether the node with the higher id, of this one and that one, dialed the stream."""
        return (connection.dialed is None) == (node > self._me)

    def _leave_unused(self, connection: Carrier, node: int) -> None:
        """The accepting side closes the second stream; the dialing one listens until it does.

        A dialer that closed it could be seen before its hello on the other stream: as a loss.
        """
        if connection.dialed is None:
            connection.close()
        else:
            connection.node = node

    def _adopt(self, connection: Carrier, node: int, envelope: Envelope) -> None:
        """This is the connection with that node from now on."""
        link = self._links[node]
        old, link.connection = link.connection, connection
        link.known, link.store_id = envelope.incarnation, envelope.message.store_id
        link.heard_at, link.attempts = self._clock.now(), 0
        connection.node = node
        self._doubled_since = 0.0
        self._edges()[1].use_seeds(node, connection.seed, envelope.message.seed)
        if old is not None:
            old.close()
        _log.info("connected node=%s incarnation=%s", link.name, link.known)

    def _objection(self, connection: Carrier, envelope: Envelope) -> str:
        hello, node = envelope.message, envelope.frm
        if not isinstance(hello, Hello):
            return "no hello"
        if envelope.cluster != self._cluster:
            return f"it is of cluster '{envelope.cluster}'"
        if envelope.version != PROTOCOL_VERSION:
            return f"it speaks protocol version {envelope.version}, not {PROTOCOL_VERSION}"
        if node not in self._links or envelope.to != self._me:
            return f"node id {node} is not a peer"
        if connection.dialed not in (None, node):
            return f"node id {node} answers at the address of node {connection.dialed}"
        link = self._links[node]
        alive = self._clock.now() - link.heard_at < self._dead_time
        if link.connection is not None and alive and link.store_id != hello.store_id:
            return f"{DOUBLED}{link.name}"
        return ""

    def _closed(self, connection: Carrier) -> None:
        self._edges()[0].forget(connection)
        node = connection.node if connection.node is not None else connection.dialed
        if node is None:
            return
        link = self._links[node]
        if link.connection is connection:
            link.connection = None
            _log.info("disconnected node=%s", link.name)
            self._lost(node)
        if link.connection is None:
            self._dial_later(node, self._pause(link))

    def _watch(self) -> None:
        """A stream whose peer is silent may be half open: make a new one."""
        if not self._running:
            return
        limit = self._clock.now() - self._dead_time
        for link in self._links.values():
            if link.connection is not None and link.heard_at < limit:
                link.connection.close()
        self._clock.call_later(self._dead_time / 4, self._watch)

    # ---- heartbeats

    def datagram(self, node: int, link: int, data: bytes) -> None:
        """An authenticated datagram of a node."""
        try:
            envelope = self._codec.decode(data)
        except BadInput:
            self.counts["bad datagrams"] += 1
            return
        if envelope is not None and self._is_for_me(envelope, node):
            self._links[node].heard_at = self._clock.now()
            self._received(node, envelope.incarnation, envelope.message)

    def _encode(self, to: int, message: Any) -> bytes:
        return self._codec.encode(Envelope(self._cluster, self._me, self._incarnation, to, message))

    def _edges(self) -> tuple[StreamEdge, DatagramEdge]:
        if self._streams is None or self._datagrams is None:
            raise RuntimeError("the backend has no edges yet")
        return self._streams, self._datagrams
