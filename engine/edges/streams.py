"""Control streams: frames over TLS 1.3, both sides with the cluster's certificate.

Knows connections, not nodes. A frame is a length (u32) and that many bytes. Handshakes are limited
per source address and in time, so that somebody without the key costs little.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Callable

from engine.base.nodeconf import Address
from engine.base.wire import MAX_FRAME
from engine.edges.clock import random_bytes
from engine.edges.droplist import DropList
from engine.edges.keys import ClusterKey
from engine.edges.tasks import Owner

# Handshakes at a time from one address: of programs of root there, of others there, and from all
# addresses together that are no node's. A newcomer takes the place of the oldest.
HANDSHAKES_PER_ADDRESS = 16
HANDSHAKES_OF_STRANGERS = 64
# Only root may dial from these ports (as for `bindresvport`): nobody else can take a node's place.
RESERVED_PORTS = range(665, 1024)
FIRST_OPEN_PORT = 1024
HANDSHAKE_SECONDS = 5.0
CONNECT_SECONDS = 2.0
MAX_UNSENT = MAX_FRAME + 1024 * 1024
DROP_CHECK_SECONDS = 0.05
# What one peer sends must not keep the loop from everything else for longer.
TURN_SECONDS = 0.01
_LENGTH = struct.Struct("!I")


class Connection(asyncio.Protocol):
    """One authenticated stream. The callbacks are set by its owner before any data comes."""

    def __init__(self, host: str, dialed: int | None, drops: DropList) -> None:
        self.host = host
        self.dialed = dialed
        self.node: int | None = None
        self.seed = b""
        self.on_frame: Callable[[Connection, bytes], None] | None = None
        self.on_close: Callable[[Connection], None] | None = None
        self._drops = drops
        self._transport: asyncio.Transport | None = None
        self._input = bytearray()
        self._held: list[bytes] = []
        self._stalled = False
        self._is_waiting = False
        self.closed = False

    @property
    def is_open(self) -> bool:
        return not self.closed

    def attach(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        if self._drops.is_used:
            self._watch_drops()

    def begin(self) -> None:
        """The callbacks are set: hand on what came before."""
        self.data_received(b"")

    def send(self, frame: bytes) -> None:
        """Queue a frame; a peer that takes nothing for too long loses the connection."""
        transport = self._transport
        if self.closed or transport is None:
            return
        if self._stalled or self._drops.drops(self.host):
            self._held.append(frame)
            return
        transport.write(_LENGTH.pack(len(frame)) + frame)
        if transport.get_write_buffer_size() > MAX_UNSENT:
            self.close()

    def close(self) -> None:
        """End it at once, without waiting for the other side."""
        if not self.closed and self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._input += data
        if self._is_waiting:
            return
        if not (self._stalled or self._drops.drops(self.host)):
            self._take_frames()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.closed:
            return
        self.closed = True
        if self.on_close is not None:
            self.on_close(self)

    def _take_frames(self) -> None:
        """Hand on the frames that are complete, for a moment; the rest in the loop's next round."""
        if self.on_frame is None or self._transport is None:
            return
        loop = asyncio.get_running_loop()
        end_of_turn = loop.time() + TURN_SECONDS
        place = 0
        while len(self._input) - place >= _LENGTH.size and not self.closed:
            (size,) = _LENGTH.unpack_from(self._input, place)
            if size > MAX_FRAME:
                self.close()
                return
            end = place + _LENGTH.size + size
            if len(self._input) < end:
                break
            if loop.time() > end_of_turn:
                self._take_the_rest_later()
                break
            frame = bytes(self._input[place + _LENGTH.size : end])
            place = end
            self.on_frame(self, frame)
        del self._input[:place]

    def _take_the_rest_later(self) -> None:
        if self._is_waiting:
            return
        self._is_waiting = True
        if self._transport is not None:
            self._transport.pause_reading()
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._is_waiting = False
        if self.closed:
            return
        if not (self._stalled or self._drops.drops(self.host)):
            self._take_frames()
        if not self._is_waiting and self._transport is not None:
            self._transport.resume_reading()

    def _watch_drops(self) -> None:
        """While the peer's address is dropped the stream stalls; it is not closed."""
        if self.closed:
            return
        stalled = self._drops.drops(self.host)
        if self._stalled and not stalled:
            self._stalled = False
            held, self._held = self._held, []
            for frame in held:
                self.send(frame)
            self._take_frames()
        self._stalled = stalled
        asyncio.get_running_loop().call_later(DROP_CHECK_SECONDS, self._watch_drops)


class Streams:
    """Listens and dials; `opened(connection)` for each stream that has passed its handshake."""

    def __init__(
        self,
        key: ClusterKey,
        addresses: tuple[Address, ...],
        drops: DropList,
        owner: Owner,
        opened: Callable[[Connection], None],
        known: frozenset[str] = frozenset(),
        turned_away: Callable[[str, str], None] = lambda host, reason: None,
    ) -> None:
        """`known` are the addresses of other nodes; `turned_away(host, reason)` who has no key."""
        self._known = known
        self._turned_away = turned_away
        self._key = key
        self._addresses = addresses
        self._drops = drops
        self._owner = owner
        self._opened = opened
        self._servers: list[asyncio.Server] = []
        self._handshakes: dict[tuple[str, str], dict[asyncio.Transport, None]] = {}
        self._open: list[Connection] = []
        self.counts: Counter[str] = Counter()

    async def start(self) -> None:
        """Listen on every link; `OSError` when an address cannot be bound."""
        loop = asyncio.get_running_loop()
        for address in self._addresses:
            server = await loop.create_server(
                lambda: _Arrival(self), address.host, address.port, reuse_address=True
            )
            self._servers.append(server)

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for connection in list(self._open):
            connection.close()
        # Their tasks end with this node's, some of them before they have begun.
        for places in self._handshakes.values():
            for transport in list(places):
                transport.abort()
        for server in self._servers:
            await server.wait_closed()

    def arrived(self, transport: asyncio.Transport, raw: asyncio.Protocol) -> None:
        """Somebody connected: hold him to the handshake."""
        host, port = transport.get_extra_info("peername")[:2]
        kind = "reserved" if port < FIRST_OPEN_PORT else "open"
        is_known = host in self._known
        room = HANDSHAKES_PER_ADDRESS if is_known else HANDSHAKES_OF_STRANGERS
        places = self._handshakes.setdefault((host if is_known else "", kind), {})
        if len(places) >= room:
            self.counts["too many handshakes"] += 1
            oldest = next(iter(places))
            del places[oldest]
            oldest.abort()
        places[transport] = None
        transport.pause_reading()
        self._owner.start(f"handshake {host}", self._shake_hands(transport, raw, host, places))

    async def _shake_hands(
        self,
        transport: asyncio.Transport,
        raw: asyncio.Protocol,
        host: str,
        places: dict[asyncio.Transport, None],
    ) -> None:
        try:
            await self._secure(transport, raw, Connection(host, None, self._drops), server=True)
        except (TimeoutError, OSError, ssl.SSLError) as problem:
            self.counts["handshake failed"] += 1
            self._turned_away(host, _why(problem))
            transport.abort()
        except BaseException:
            transport.abort()
            raise
        finally:
            places.pop(transport, None)

    async def dial(self, node: int, link: int, address: Address) -> bool:
        """Connect to a node on a link; False when that does not succeed in time."""
        if self._drops.drops(address.host):
            return False
        own = self._addresses[link].host
        try:
            await self.connect(Connection(address.host, node, self._drops), address, own)
        except ssl.SSLError as problem:
            self._turned_away(address.host, _why(problem))
            return False
        except (TimeoutError, OSError):
            return False
        return True

    async def connect(
        self,
        connection: Connection,
        address: Address,
        own: str = "",
        seconds: float = CONNECT_SECONDS,
    ) -> None:
        """Connect to an address, from `own` if that is given, and hold both sides to the handshake.

        Raises `OSError` (`ssl.SSLError` for another key) or `TimeoutError`.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds):
            transport, raw = await loop.create_connection(
                asyncio.Protocol, sock=await _dialed(address, own)
            )
            try:
                await self._secure(transport, raw, connection, server=False)
            except BaseException:
                transport.abort()
                raise

    async def _secure(
        self,
        transport: asyncio.Transport,
        raw: asyncio.BaseProtocol,
        connection: Connection,
        *,
        server: bool,
    ) -> None:
        loop = asyncio.get_running_loop()
        secured = await loop.start_tls(
            transport,
            connection,
            self._key.server if server else self._key.client,
            server_side=server,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
        )
        if secured is None:
            raise ConnectionResetError
        shown = secured.get_extra_info("ssl_object").getpeercert(binary_form=True)
        if shown not in self._key.accepted:
            secured.abort()
            raise ConnectionRefusedError("another certificate")
        self._open.append(connection)
        connection.attach(secured)
        self._opened(connection)
        connection.begin()

    def forget(self, connection: Connection) -> None:
        with contextlib.suppress(ValueError):
            self._open.remove(connection)


class _Arrival(asyncio.Protocol):
    """A connection before its handshake."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._streams.arrived(transport, self)


async def _dialed(address: Address, own: str) -> socket.socket:
    """A connected socket, from a reserved port of `own` if this process may have one."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    family, _, _, _, place = found[0]
    dialing = socket.socket(family, socket.SOCK_STREAM)
    try:
        dialing.setblocking(False)
        dialing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(dialing, own)
        await loop.sock_connect(dialing, place)
    except BaseException:
        dialing.close()
        raise
    return dialing


def _bind(dialing: socket.socket, own: str) -> None:
    if not own:
        return
    ports = list(RESERVED_PORTS)
    for _ in range(8):
        with contextlib.suppress(OSError):
            dialing.bind((own, ports[int.from_bytes(random_bytes(4)) % len(ports)]))
            return
    dialing.bind((own, 0))


def _why(problem: Exception) -> str:
    """Why a handshake failed, in words that do not depend on who tried how.

    Who does not like the other's key may hang up before he says so.
    """
    if isinstance(problem, TimeoutError):
        return "no handshake in time"
    return "no handshake: it has another key, or is no agent"
