"""The log of one node on disk: written with fsync before anything is said of it (rule R1).

By the Disk seam only. One file `log-<index>.wal` is current; compaction writes a snapshot, then a
new log that rests on it, then drops the old ones (engine 6.4, 6.5). After an error nothing
is written again (rule R9).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from engine.base.digits import is_digits
from engine.base.errors import BadInput, EngineError
from engine.base.events import (
    Snapshot,
    Write,
    WriteCommit,
    WriteEntry,
    WriteTerm,
    WriteView,
)
from engine.base.exitcodes import ExitStatus
from engine.base.seams import Disk
from engine.base.wire import decode_value
from engine.replica.image import StoreImage, StoreState
from engine.replica.log import (
    FORMAT_VERSION,
    START,
    Format,
    Kind,
    Record,
    Scan,
    SnapshotRef,
    ViewRecord,
    encode_records,
    format_record,
    incarnation_record,
    record_of_write,
    scan,
    write_of_record,
)

Done = Callable[[str | None], None]
KEPT_HISTORY = 100
TRIAL_BYTES = 1024 * 1024


@dataclass(slots=True)
class _Found:
    """What the files of a store say."""

    image: StoreImage = field(default_factory=StoreImage)
    store_id: bytes = b""
    incarnation: int = 0
    damage: str = ""


class Store:
    """The store in one directory; `open` first, then `persist` and `compact`."""

    def __init__(
        self, disk: Disk, directory: str, cluster: str, new_id: Callable[[], bytes]
    ) -> None:
        self._disk = disk
        self._directory = directory
        self._cluster = cluster
        self._new_id = new_id
        self._log = ""
        self._chain = START
        self._size = 0
        self._image = StoreImage()
        self._store_id = b""
        self._incarnation = 0
        self._queue: list[tuple[tuple[Write, ...] | Snapshot, Done | None]] = []
        self._busy = False
        self._broken = ""

    # ---- start

    def open(self, *, renew: bool = False) -> StoreState:
        """Read the store, or make one; this life's incarnation is on disk when it returns.

        With `renew` the log is written once more to another file: after an error of the disk
        what can be read may be in the machine's memory only.

        Raises `EngineError` with one line when the store is of another cluster, of a newer format,
        or cannot be written. Damaged files go to `quarantine/` and the node starts blank.
        """
        try:
            return self._open(renew=renew)
        except OSError as problem:
            raise EngineError(
                f"{problem.filename or self._directory}: {problem.strerror or problem}",
                status=ExitStatus.OSFILE,
            ) from None

    def raise_incarnation(self, least: int) -> StoreState:
        """A peer saw a later life of this node than the store knows: the store is an old copy (R7).

        It is put aside and a blank one begun, with an incarnation above what was seen.
        """
        self._quarantine()
        self._incarnation = least
        return self._begin("the store is older than what other nodes saw of it")

    def _open(self, *, renew: bool) -> StoreState:
        disk = self._disk
        disk.makedirs(self._directory)
        for name in disk.listdir(self._directory):
            if name.endswith(".tmp"):
                disk.unlink(self._path(name))
        logs = sorted(
            (name for name in disk.listdir(self._directory) if _is_log(name)), key=_log_index
        )
        if not logs:
            return self._begin("")
        found = self._read(logs[-1])
        if found.damage:
            self._quarantine()
            self._incarnation = found.incarnation
            return self._begin(found.damage)
        self._log, self._image = logs[-1], found.image
        self._store_id, self._incarnation = found.store_id, found.incarnation + 1
        self._drop_old()
        if renew:
            self._appear(self._log, self._disk.read(self._path(self._log)))
        self._append([incarnation_record(self._incarnation)])
        return self._image.state(self._store_id, self._incarnation)

    def _begin(self, problem: str) -> StoreState:
        """A new, blank store."""
        self._store_id = self._new_id()
        self._incarnation += 1
        self._image = StoreImage()
        self._start_log(0, [])
        problems = (f"store-damaged: {problem}; starting blank",) if problem else ()
        return self._image.state(self._store_id, self._incarnation, problems)

    def _read(self, name: str) -> _Found:
        data = self._disk.read(self._path(name))
        content = scan(data)
        found = _Found(damage=content.damage)
        for record in content.records:
            if record.kind == Kind.INCARNATION:
                found.incarnation = max(found.incarnation, record.index)
        if not found.damage:
            self._fold(content, found)
        if not found.damage and content.torn:
            self._disk.truncate(self._path(name), content.end)
            self._disk.fsync(self._path(name))
        self._chain, self._size = content.last_digest, content.end
        return found

    def _fold(self, content: Scan, found: _Found) -> None:
        if not content.records or content.records[0].kind != Kind.FORMAT:
            found.damage = "the log does not begin with its format"
            return
        head: Format = decode_value(Format, content.records[0].payload, "log format")
        self._check_format(head)
        found.store_id = head.store_id
        try:
            writes = [
                write_of_record(record)
                for record in content.records[1:]
                if record.kind != Kind.INCARNATION
            ]
            for write in self._since_last_snapshot(writes, found.image):
                found.image.apply(write)
        except (BadInput, ValueError) as problem:
            found.damage = str(problem)

    def _since_last_snapshot(
        self, writes: list[WriteTerm | WriteCommit | WriteEntry | ViewRecord], image: StoreImage
    ) -> Iterator[Write]:
        """Only the last snapshot is still on disk: of what is before it, the promises count."""
        start = 0
        for place, write in enumerate(writes):
            if isinstance(write, ViewRecord) and write.snapshot is not None:
                start = place
        for write in writes[:start]:
            if isinstance(write, WriteTerm | WriteCommit):
                image.apply(write)
            elif isinstance(write, ViewRecord):
                image.apply(WriteTerm(write.view.term))
        for write in writes[start:]:
            if isinstance(write, ViewRecord):
                snapshot = self._load_snapshot(write.snapshot) if write.snapshot else None
                yield WriteView(write.view, write.base, write.entries, snapshot)
            else:
                yield write

    def _check_format(self, head: Format) -> None:
        where = self._directory
        if head.version > FORMAT_VERSION:
            raise EngineError(
                f"{where}: store format {head.version}, this version reads up to {FORMAT_VERSION}",
                status=ExitStatus.CONFIG,
            )
        if head.cluster != self._cluster:
            raise EngineError(
                f"{where}: the store is of cluster '{head.cluster}', not '{self._cluster}'",
                status=ExitStatus.CONFIG,
            )

    def _load_snapshot(self, ref: SnapshotRef) -> Snapshot:
        path = self._path(ref.file)
        if not self._disk.exists(path):
            raise BadInput(f"snapshot {ref.file} is missing")
        state = self._disk.read(path)
        if sha256(state).hexdigest() != ref.sha256:
            raise BadInput(f"snapshot {ref.file} is damaged")
        return Snapshot(ref.index, ref.digest, state, ref.side)

    def _quarantine(self) -> None:
        """Damaged files are kept for people, never deleted here."""
        disk = self._disk
        folder = self._path("quarantine")
        disk.makedirs(folder)
        taken = disk.listdir(folder)
        for name in sorted(disk.listdir(self._directory)):
            if _is_log(name) or _is_snapshot(name):
                number = 1
                while f"{name}.{number}" in taken:
                    number += 1
                disk.rename(self._path(name), f"{folder}/{name}.{number}")
        disk.fsync_dir(folder)
        disk.fsync_dir(self._directory)

    # ---- writing

    def persist(self, writes: tuple[Write, ...], done: Done) -> None:
        """Append and fsync off the loop, then `done(None)`; `done(reason)` when it failed.

        All that is queued when a write begins shares its fsync.
        """
        self._enqueue(writes, done)

    def compact(self, snapshot: Snapshot) -> None:
        """Let the log rest on a snapshot; in order with the writes, nobody waits for it."""
        self._enqueue(snapshot, None)

    def try_again(self, done: Done) -> None:
        """Whether the disk takes a megabyte durably: `done(None)`, or the reason why not.

        Beside the log, which stays as it is: after an error only a new `open` writes to it.
        """
        path = self._path("trial.tmp")

        def job() -> None:
            disk = self._disk
            try:
                disk.append(path, bytes(TRIAL_BYTES))
                disk.fsync(path)
            finally:
                if disk.exists(path):
                    disk.unlink(path)

        self._disk.run(job, lambda problem: done(str(problem) if problem is not None else None))

    def _enqueue(self, work: tuple[Write, ...] | Snapshot, done: Done | None) -> None:
        self._queue.append((work, done))
        if not self._busy:
            self._work()

    def _work(self) -> None:
        batch, self._queue = self._queue, []
        if not batch:
            return
        self._busy = True

        def job() -> None:
            if self._broken:
                raise OSError(self._broken)
            self._write_batch([work for work, _ in batch])

        def finished(problem: Exception | None) -> None:
            self._busy = False
            if problem is not None:
                self._broken = self._broken or str(problem) or type(problem).__name__
            reason = self._broken or None
            for _, done in batch:
                if done is not None:
                    done(reason)
            if not self._busy:
                self._work()

        self._disk.run(job, finished)

    def _write_batch(self, batch: list[tuple[Write, ...] | Snapshot]) -> None:
        records: list[Record] = []
        for work in batch:
            if isinstance(work, Snapshot):
                self._append(records)
                records = []
                self._compact(work)
                continue
            for write in work:
                ref = None
                if isinstance(write, WriteView) and write.snapshot is not None:
                    ref = self._save_snapshot(write.snapshot)
                records.append(record_of_write(write, ref))
                self._image.apply(write)
        self._append(records)

    def _append(self, records: list[Record]) -> None:
        if not records:
            return
        data, self._chain = encode_records(records, self._chain, self._size)
        path = self._path(self._log)
        self._disk.append(path, data)
        self._disk.fsync(path)
        self._size += len(data)

    def _compact(self, snapshot: Snapshot) -> None:
        view = self._image.view
        if view is None:
            return
        self._image.compact(snapshot)
        ref = self._save_snapshot(snapshot)
        entries = tuple(self._image.entries)
        write = WriteView(view, snapshot.index, entries, snapshot)
        records = [
            Record(Kind.PROMISE, self._image.promised, 0, b""),
            record_of_write(write, ref),
            Record(Kind.COMMIT, 0, self._image.commit, b""),
        ]
        self._start_log(snapshot.index, records)
        self._drop_old()

    def _start_log(self, index: int, records: list[Record]) -> None:
        """A complete new log appears by its rename, or not at all."""
        head = [
            format_record(self._cluster, self._store_id),
            incarnation_record(self._incarnation),
        ]
        data, self._chain = encode_records([*head, *records], START, 0)
        self._size = len(data)
        self._log = f"log-{index + 1}.wal"
        self._appear(self._log, data)

    def _save_snapshot(self, snapshot: Snapshot) -> SnapshotRef:
        ref = SnapshotRef(
            snapshot.index, snapshot.digest, sha256(snapshot.state).hexdigest(), snapshot.side
        )
        self._appear(ref.file, snapshot.state)
        return ref

    def _appear(self, name: str, data: bytes) -> None:
        """Write a file under another name, make it durable, then give it its name, durably."""
        disk, path = self._disk, self._path(name)
        temporary = path + ".tmp"
        if disk.exists(temporary):
            disk.unlink(temporary)
        disk.append(temporary, data)
        disk.fsync(temporary)
        disk.rename(temporary, path)
        disk.fsync_dir(self._directory)

    def _drop_old(self) -> None:
        """Logs before the current one, and snapshots that it does not rest on."""
        start = self._image.start
        keep = {self._log, SnapshotRef(start.index, b"", sha256(start.state).hexdigest(), b"").file}
        for name in sorted(self._disk.listdir(self._directory)):
            if (_is_log(name) or _is_snapshot(name)) and name not in keep:
                self._disk.unlink(self._path(name))

    # ---- for people

    def archive(self, version: tuple[int, int, int], wall: float, state: bytes) -> None:
        """Keep a configuration in `history/` and as `cib.xml`; off the loop, errors are no harm."""
        day = datetime.fromtimestamp(wall, UTC).strftime("%Y%m%dT%H%M%SZ")
        name = f"cib-{version[0]}.{version[1]}-{day}.xml.gz"

        def job() -> None:
            disk, folder = self._disk, self._path("history")
            disk.makedirs(folder)
            for path, data in (
                (f"{folder}/{name}", gzip.compress(state, 6, mtime=0)),
                (self._path("cib.xml"), state),
            ):
                if disk.exists(path + ".tmp"):
                    disk.unlink(path + ".tmp")
                disk.append(path + ".tmp", data)
                disk.rename(path + ".tmp", path)
            for old in sorted(disk.listdir(folder), key=_history_order)[:-KEPT_HISTORY]:
                disk.unlink(f"{folder}/{old}")

        self._disk.run(job, lambda problem: None)

    def _path(self, name: str) -> str:
        return f"{self._directory}/{name}"


def _is_log(name: str) -> bool:
    return name.startswith("log-") and name.endswith(".wal") and is_digits(name[4:-4])


def _log_index(name: str) -> int:
    return int(name[4:-4])


def _is_snapshot(name: str) -> bool:
    return name.startswith("snap-") and name.endswith(".xml")


def _history_order(name: str) -> tuple[int, int, str]:
    numbers = name.removeprefix("cib-").split("-")[0].split(".")
    if len(numbers) == 2 and all(is_digits(number) for number in numbers):
        return int(numbers[0]), int(numbers[1]), name
    return 0, 0, name
