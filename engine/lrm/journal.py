"""What must survive a crash of the agent (not of the machine): operations in flight, and the history.

Pure: values to bytes and back. The files lie below `/run`, so a reboot forgets them, and so it
should: nothing runs any more then.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.base.wire import decode_value, encode_value
from engine.lrm.api import LrmOp
from engine.lrm.state import ResourceRecords


@dataclass(frozen=True, slots=True)
class InFlight:
    """An operation whose program was started: the process and how long it may take.

    `start_ticks` is field 22 of `/proc/PID/stat`: a number that was given to another process since
    is not taken for ours. `deadline` is monotonic seconds of this machine. While `pid` is 0 the program
    is found by its words and by the resource's name in its environment.
    """

    op: LrmOp
    run: int
    pid: int
    start_ticks: int
    deadline: float
    argv: tuple[str, ...] = ()
    instance: str = ""


@dataclass(frozen=True, slots=True)
class LrmMemory:
    """What the resource manager knows: its history, what it repeats, its counter."""

    last_call: int
    history: tuple[ResourceRecords, ...]
    recurring: tuple[LrmOp, ...]


@dataclass(frozen=True, slots=True)
class _Packed:
    """The state file: each value packed by itself, so that one change costs one value."""

    last_call: int
    history: tuple[bytes, ...]
    recurring: tuple[bytes, ...]


@dataclass(slots=True)
class MemoryWriter:
    """Packs the state again and again; what did not change since the last time is not packed anew."""

    _known: dict[int, tuple[object, bytes]] = field(default_factory=dict)

    def pack(self, memory: LrmMemory) -> bytes:
        """The content of the state file."""
        known, self._known = self._known, {}
        history = tuple([self._value(item, known) for item in memory.history])
        recurring = tuple([self._value(item, known) for item in memory.recurring])
        return encode_value(_Packed(memory.last_call, history, recurring))

    def _value(self, value: object, known: dict[int, tuple[object, bytes]]) -> bytes:
        # The value itself is kept beside its number, so the number cannot be given to another one.
        found = known.get(id(value)) or (value, encode_value(value))
        self._known[id(value)] = found
        return found[1]


def bytes_from_inflight(entry: InFlight) -> bytes:
    """A journal file."""
    return encode_value(entry)


def inflight_from_bytes(data: bytes) -> InFlight:
    """The entry in a journal file; `BadInput` for one that was cut short."""
    entry: InFlight = decode_value(InFlight, data, "journal entry")
    return entry


def memory_from_bytes(data: bytes) -> LrmMemory:
    """The state in a file; `BadInput` for one that was cut short."""
    what = "state of the resource manager"
    packed: _Packed = decode_value(_Packed, data, what)
    return LrmMemory(
        packed.last_call,
        tuple([decode_value(ResourceRecords, item, what) for item in packed.history]),
        tuple([decode_value(LrmOp, item, what) for item in packed.recurring]),
    )
