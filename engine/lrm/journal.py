"""What must survive a crash of the agent (not of the machine): operations in flight, and the history.

Pure: values to bytes and back. The files lie below `/run`, so a reboot forgets them, and so it
should: nothing runs any more then.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.base.wire import decode_value, encode_value
from engine.lrm.api import LrmOp
from engine.lrm.state import ResourceRecords


@dataclass(frozen=True, slots=True)
class InFlight:
    """An operation whose program was started: the process and how long it may take.

    `start_ticks` is field 22 of `/proc/PID/stat`: a number that was given to another process since
    is not taken for ours. `deadline` is monotonic seconds of this machine.
    """

    op: LrmOp
    run: int
    pid: int
    start_ticks: int
    deadline: float


@dataclass(frozen=True, slots=True)
class LrmMemory:
    """What the resource manager knows: its history, what it repeats, its counter."""

    last_call: int
    history: tuple[ResourceRecords, ...]
    recurring: tuple[LrmOp, ...]


def bytes_from_inflight(entry: InFlight) -> bytes:
    """A journal file."""
    return encode_value(entry)


def inflight_from_bytes(data: bytes) -> InFlight:
    """The entry in a journal file; `BadInput` for one that was cut short."""
    entry: InFlight = decode_value(InFlight, data, "journal entry")
    return entry


def bytes_from_memory(memory: LrmMemory) -> bytes:
    """The state file."""
    return encode_value(memory)


def memory_from_bytes(data: bytes) -> LrmMemory:
    """The state in a file; `BadInput` for one that was cut short."""
    memory: LrmMemory = decode_value(LrmMemory, data, "state of the resource manager")
    return memory
