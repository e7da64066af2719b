"""The format of the log file: records with checksums, chained (engine 6.4). Pure.

A record: magic u32, payload length u32, CRC32C of the header u32, kind u8, term u64, index u64,
synced u64, digest of the previous record (16 bytes), payload, digest of the payload (16 bytes);
little endian. `synced` is how much of the file was on stable storage when the record was made: a
bad record below that is damage, one above it was never acknowledged. A file begins with FORMAT.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from engine.base.errors import BadInput
from engine.base.events import Entry, View, Write, WriteCommit, WriteEntry, WriteTerm
from engine.base.wire import decode_value, encode_value

MAGIC = 0x31425243  # "CRB1"
FORMAT_VERSION = 1
DIGEST_SIZE = 16
MAX_PAYLOAD = 64 * 1024 * 1024
START = bytes(DIGEST_SIZE)

_HEAD = struct.Struct("<III")
_BODY = struct.Struct("<BQQQ16s")
HEADER_SIZE = _HEAD.size + _BODY.size


class Kind(IntEnum):
    """What a record says."""

    FORMAT = 1
    INCARNATION = 2
    PROMISE = 3
    VIEW = 4
    ENTRY = 5
    COMMIT = 6


@dataclass(frozen=True, slots=True)
class Record:
    """One record as read or to be written."""

    kind: int
    term: int
    index: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Format:
    """Payload of FORMAT: whose store this is."""

    version: int
    cluster: str
    store_id: bytes


@dataclass(frozen=True, slots=True)
class SnapshotRef:
    """A snapshot file: the state is in `snap-<index>-<first 16 of sha256>.xml`, the rest here."""

    index: int
    digest: bytes
    sha256: str
    side: bytes

    @property
    def file(self) -> str:
        return f"snap-{self.index}-{self.sha256[:16]}.xml"


@dataclass(frozen=True, slots=True)
class ViewRecord:
    """Payload of VIEW: the log was adopted by a quorate view; atomic as one record."""

    view: View
    base: int
    entries: tuple[Entry, ...]
    snapshot: SnapshotRef | None


@dataclass(frozen=True, slots=True)
class Scan:
    """What a file holds: records up to byte `end`; `damage` is empty, or says what is wrong.

    `torn` tells that bytes after `end` are an unfinished record, which was never acknowledged.
    """

    records: tuple[Record, ...]
    end: int
    last_digest: bytes
    torn: bool = False
    damage: str = ""


def encode_record(record: Record, previous: bytes, synced: int) -> tuple[bytes, bytes]:
    """The bytes of a record, and its digest for the chain."""
    body = _BODY.pack(record.kind, record.term, record.index, synced, previous)
    length = len(record.payload)
    crc = crc32c(struct.pack("<II", MAGIC, length) + body)
    data = _HEAD.pack(MAGIC, length, crc) + body + record.payload
    data += sha256(record.payload).digest()[:DIGEST_SIZE]
    return data, sha256(data).digest()[:DIGEST_SIZE]


def encode_records(records: Iterable[Record], previous: bytes, synced: int) -> tuple[bytes, bytes]:
    """Several records in a row, to be written with one fsync."""
    parts = []
    for record in records:
        data, previous = encode_record(record, previous, synced)
        parts.append(data)
    return b"".join(parts), previous


def scan(data: bytes) -> Scan:
    """Read a file (engine 6.5): damage with valid records behind it is told from a torn end."""
    records: list[Record] = []
    place, previous = 0, START
    while place < len(data):
        found = _record_at(data, place)
        if found is None:
            if any(synced > place for synced in _syncs_behind(data, place + 1)):
                text = f"a damaged record at byte {place} with later ones behind it"
                return Scan(tuple(records), place, previous, damage=text)
            return Scan(tuple(records), place, previous, torn=True)
        record, size, chain, _ = found
        if chain != previous:
            text = f"the record at byte {place} does not follow the one before it"
            return Scan(tuple(records), place, previous, damage=text)
        records.append(record)
        previous = sha256(data[place : place + size]).digest()[:DIGEST_SIZE]
        place += size
    return Scan(tuple(records), place, previous)


def _record_at(data: bytes, place: int) -> tuple[Record, int, bytes, int] | None:
    """The valid record that begins there, its size, the digest that it follows, and `synced`."""
    if place + HEADER_SIZE + DIGEST_SIZE > len(data):
        return None
    magic, length, crc = _HEAD.unpack_from(data, place)
    if magic != MAGIC or length > MAX_PAYLOAD:
        return None
    size = HEADER_SIZE + length + DIGEST_SIZE
    body = data[place + _HEAD.size : place + HEADER_SIZE]
    if place + size > len(data) or crc32c(struct.pack("<II", magic, length) + body) != crc:
        return None
    payload = data[place + HEADER_SIZE : place + HEADER_SIZE + length]
    if sha256(payload).digest()[:DIGEST_SIZE] != data[place + HEADER_SIZE + length : place + size]:
        return None
    kind, term, index, synced, chain = _BODY.unpack(body)
    return Record(kind, term, index, payload), size, chain, synced


def _syncs_behind(data: bytes, place: int) -> Iterator[int]:
    """`synced` of each valid record from there on."""
    mark = struct.pack("<I", MAGIC)
    place = data.find(mark, place)
    while place >= 0:
        found = _record_at(data, place)
        if found is not None:
            yield found[3]
        place = data.find(mark, place + 1)


# ---- records and writes


def record_of_write(write: Write, ref: SnapshotRef | None = None) -> Record:
    """The record for a write; `ref` stands for the snapshot of a `WriteView`, if it has one."""
    if isinstance(write, WriteTerm):
        return Record(Kind.PROMISE, write.term, 0, b"")
    if isinstance(write, WriteCommit):
        return Record(Kind.COMMIT, 0, write.index, b"")
    if isinstance(write, WriteEntry):
        entry = write.entry
        return Record(Kind.ENTRY, entry.term, entry.index, entry.digest + entry.payload)
    payload = encode_value(ViewRecord(write.view, write.base, write.entries, ref))
    return Record(Kind.VIEW, write.view.term, write.base, payload)


def write_of_record(record: Record) -> WriteTerm | WriteCommit | WriteEntry | ViewRecord:
    """The inverse; raises `BadInput` for a record that makes no sense."""
    if record.kind == Kind.PROMISE:
        return WriteTerm(record.term)
    if record.kind == Kind.COMMIT:
        return WriteCommit(record.index)
    if record.kind == Kind.ENTRY:
        digest, payload = record.payload[:DIGEST_SIZE], record.payload[DIGEST_SIZE:]
        return WriteEntry(Entry(record.index, record.term, payload, digest))
    if record.kind == Kind.VIEW:
        found: ViewRecord = decode_value(ViewRecord, record.payload, "view record")
        return found
    raise BadInput(f"a record of unknown kind {record.kind}")


def format_record(cluster: str, store_id: bytes) -> Record:
    payload = encode_value(Format(FORMAT_VERSION, cluster, store_id))
    return Record(Kind.FORMAT, 0, 0, payload)


def incarnation_record(incarnation: int) -> Record:
    return Record(Kind.INCARNATION, 0, incarnation, b"")


# ---- CRC32C (Castagnoli), reflected


def _table() -> tuple[int, ...]:
    rows = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ 0x82F63B78 if value & 1 else value >> 1
        rows.append(value)
    return tuple(rows)


_CRC = _table()


def crc32c(data: bytes) -> int:
    """CRC32C of a few bytes (headers only: plain Python is quick enough)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF
