"""Clients that change the configuration and read it, one request after the other, and note what they were told."""

from __future__ import annotations

import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib
from engine.cib.patch import diff, patch_to_bytes
from engine.ipc.client import Client
from soak.history import Change, End, Read, Version

UNKNOWN = (
    ExitStatus.INDETERMINATE,
    ExitStatus.TIMEOUT,
    ExitStatus.DISCONNECT,
    ExitStatus.UNSATISFIED,
)
SET = "soak"


@dataclass(slots=True)
class Record:
    """What all clients saw."""

    changes: list[Change] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seen: Change | Read) -> None:
        with self._lock:
            if isinstance(seen, Change):
                self.changes.append(seen)
            else:
                self.reads.append(seen)


def prepare(cib: Cib) -> None:
    """The set that holds the items and the counter."""
    kept = etree.SubElement(cib.section("rsc_defaults"), "meta_attributes", id=SET)
    etree.SubElement(kept, "nvpair", id=f"{SET}-count", name="count", value="0")


def read(host: Any, patience: float = 30.0) -> tuple[Read, Cib, list[int]]:
    """A read with `sync` at a host; raises `EngineError`."""
    began = time.monotonic()
    with Client(f"/proc/{host.pid}/root/run/crmshell/admin.sock") as client:
        reply = client.demand("cib", patience, scope="configuration", sync=True)
    cib = Cib.from_bytes(reply["cib"])
    pairs = {
        str(p.get("id")): str(p.get("value")) for p in cib.root.iterfind(f".//*[@id='{SET}']/*")
    }
    count = int(pairs.pop(f"{SET}-count", "0"))
    version = _version(reply["epoch"])
    seen = Read(began, time.monotonic(), version, frozenset(pairs), count, host.name)
    return seen, cib, reply["epoch"]


class Worker(threading.Thread):
    """One client: at a host chosen by chance, a change or a read."""

    def __init__(self, name: str, hosts: list[Any], record: Record, seed: str) -> None:
        super().__init__(name=name, daemon=True)
        self._hosts = hosts
        self._record = record
        self._chance = random.Random(seed)
        self._ending = threading.Event()
        self._mine: list[str] = []
        self._number = 0

    def finish(self) -> None:
        self._ending.set()
        self.join()

    def run(self) -> None:
        while not self._ending.wait(self._chance.uniform(0.0, 0.3)):
            up = [host for host in self._hosts if host.pid]
            if not up:
                continue
            try:
                seen, cib, base = read(self._chance.choice(up))
            except (EngineError, OSError):
                continue  # nothing was said that could be wrong
            self._record.add(seen)
            up = [host for host in self._hosts if host.pid]
            if up and self._chance.random() < 0.7:
                self._change(self._chance.choice(up), seen, cib, base)

    def _change(self, host: Any, seen: Read, cib: Cib, base: list[int]) -> None:
        kept = sorted(seen.items.intersection(self._mine))
        new = cib.copy()
        [place] = new.root.iterfind(f".//*[@id='{SET}']")
        fields: dict[str, Any] = {}
        kind: str = self._chance.choice(["add", "add", "drop", "count"])
        count = 0
        if kind == "drop" and kept:
            item = self._chance.choice(kept)
            [pair] = place.iterfind(f"nvpair[@id='{item}']")
            place.remove(pair)
            self._mine.remove(item)
        elif kind == "count":
            item, count = "count", seen.count + 1
            [pair] = place.iterfind(f"nvpair[@id='{SET}-count']")
            pair.set("value", str(count))
            fields["expected"] = base
        else:
            kind = "add"
            self._number += 1
            item = f"{self.name}-{self._number}"
            etree.SubElement(place, "nvpair", id=item, name=item, value="x")
            self._mine.append(item)
        patch = patch_to_bytes(diff(cib.root, new.root))
        self._record.add(_submit(host, kind, item, count, {"base": base, "patch": patch, **fields}))


def _submit(host: Any, kind: Any, item: str, count: int, fields: dict[str, Any]) -> Change:
    began = time.monotonic()
    end: End = "ok"
    version, why = (0, 0), ""
    try:
        with Client(f"/proc/{host.pid}/root/run/crmshell/admin.sock") as client:
            reply = client.demand("submit", 60.0, request_id=uuid.uuid4().hex, **fields)
        version = _version(reply["epoch"])
    except EngineError as problem:
        end = "unknown" if problem.status in UNKNOWN else "refused"
        why = f"{problem.status} {problem}"
    return Change(kind, item, began, time.monotonic(), end, version, count, why)


def _version(epoch: list[int]) -> Version:
    return epoch[0], epoch[1]
