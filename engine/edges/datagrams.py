"""Heartbeat datagrams: AES-256-GCM over UDP, one socket per link (engine 14.2).

Keys come from the control streams. What does not authenticate is dropped and counted, and never
answered.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.base.nodeconf import Address
from engine.edges.droplist import DropList

WINDOW = 1024
MAX_DATAGRAM = 64 * 1024
SEED_SIZE = 32
_HEADER = struct.Struct("!IIQ")  # sender, key number, counter

Received = Callable[[int, int, bytes], None]


class ReplayWindow:
    """Accepts each counter once, and none that is more than 1024 behind the highest."""

    __slots__ = ("_bits", "_highest")

    def __init__(self) -> None:
        self._highest = -1
        self._bits = 0

    def accepts(self, counter: int) -> bool:
        """Whether the counter is new; remembers it."""
        ahead = counter - self._highest
        if ahead > 0:
            self._bits = ((self._bits << min(ahead, WINDOW)) | 1) & ((1 << WINDOW) - 1)
            self._highest = counter
            return True
        if -ahead >= WINDOW or self._bits >> -ahead & 1:
            return False
        self._bits |= 1 << -ahead
        return True


def derive_key(seed_from: bytes, seed_to: bytes, frm: int, to: int) -> tuple[int, bytes]:
    """Key number and key for one direction, from the 32 random bytes that each side sent."""
    info = b"crmshell heartbeat" + frm.to_bytes(8, "big") + to.to_bytes(8, "big")
    material = HKDF(SHA256(), 36, salt=None, info=info).derive(seed_from + seed_to)
    return int.from_bytes(material[:4], "big"), material[4:]


class _Key:
    __slots__ = ("aead", "number", "window")

    def __init__(self, number: int, key: bytes) -> None:
        self.number = number
        self.aead = AESGCM(key)
        self.window = ReplayWindow()


class _Peer:
    """Keys with one peer; the key before the newest still opens what was under way."""

    __slots__ = ("addresses", "counter", "open_with", "seal_with")

    def __init__(self, addresses: tuple[Address, ...]) -> None:
        self.addresses = addresses
        self.counter = 0
        self.seal_with: _Key | None = None
        self.open_with: list[_Key] = []


class Datagrams:
    """The UDP side of the embedded membership."""

    def __init__(
        self,
        me: int,
        addresses: tuple[Address, ...],
        peers: dict[int, tuple[Address, ...]],
        drops: DropList,
        received: Received,
    ) -> None:
        self._me = me
        self._addresses = addresses
        self._peers = {node: _Peer(places) for node, places in peers.items()}
        self._drops = drops
        self._received = received
        self._transports: list[asyncio.DatagramTransport] = []
        self.counts: Counter[str] = Counter()

    async def start(self) -> None:
        """Bind one socket per link; `OSError` when an address cannot be bound."""
        loop = asyncio.get_running_loop()
        for link, address in enumerate(self._addresses):
            transport, _ = await loop.create_datagram_endpoint(
                lambda link=link: _Socket(self, link),  # type: ignore[misc]  # bound now
                local_addr=(address.host, address.port),
            )
            self._transports.append(transport)

    def stop(self) -> None:
        for transport in self._transports:
            transport.close()
        self._transports.clear()

    def use_seeds(self, node: int, mine: bytes, theirs: bytes) -> None:
        """Both sides of a new control stream sent their seeds: new keys for both directions."""
        peer = self._peers[node]
        peer.seal_with = _Key(*derive_key(mine, theirs, self._me, node))
        peer.counter = 0
        peer.open_with = [_Key(*derive_key(theirs, mine, node, self._me)), *peer.open_with[:1]]

    def send(self, node: int, data: bytes) -> None:
        """Seal and send on every link; nothing happens while there is no key."""
        peer = self._peers.get(node)
        if peer is None or peer.seal_with is None or len(data) > MAX_DATAGRAM:
            return
        for link, address in enumerate(peer.addresses):
            if self._drops.drops(address.host) or link >= len(self._transports):
                continue
            header = _HEADER.pack(self._me, peer.seal_with.number, peer.counter)
            nonce = peer.counter.to_bytes(12, "big")
            peer.counter += 1
            sealed = peer.seal_with.aead.encrypt(nonce, data, header)
            self._transports[link].sendto(header + sealed, (address.host, address.port))
            self.counts["sent"] += 1

    def datagram(self, link: int, data: bytes, host: str) -> None:
        """Something came in on a link."""
        if self._drops.drops(host):
            return
        opened = self._open(data)
        if opened is None:
            self.counts["refused"] += 1
            return
        self.counts["received"] += 1
        self._received(opened[0], link, opened[1])

    def _open(self, data: bytes) -> tuple[int, bytes] | None:
        if len(data) <= _HEADER.size:
            return None
        node, number, counter = _HEADER.unpack_from(data)
        peer = self._peers.get(node)
        for key in peer.open_with if peer is not None else ():
            if key.number != number:
                continue
            try:
                nonce = counter.to_bytes(12, "big")
                plain = key.aead.decrypt(nonce, data[_HEADER.size :], data[: _HEADER.size])
            except InvalidTag:
                return None
            return (node, plain) if key.window.accepts(counter) else None
        return None


class _Socket(asyncio.DatagramProtocol):
    """One bound socket."""

    def __init__(self, owner: Datagrams, link: int) -> None:
        self._owner = owner
        self._link = link

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._owner.datagram(self._link, data, addr[0])

    def error_received(self, exc: Exception) -> None:
        """A peer's machine says that nobody listens there: what silence says, too."""
        self._owner.counts["unreachable"] += 1
