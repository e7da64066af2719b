"""A disk in memory that forgets what was not synced, in the ways that real ones do."""

from __future__ import annotations

import random
from collections.abc import Callable

SECTOR = 512


class PowerLoss(BaseException):
    """The machine stops in the middle of a call; not an `Exception`, so that nobody survives it."""


class _File:
    def __init__(self) -> None:
        self.durable = b""
        self.data = b""

    def copy(self) -> _File:
        other = _File()
        other.durable, other.data = self.durable, self.data
        return other


class MemoryDisk:
    """The `Disk` seam.

    `lose_power_at` counts mutating calls: that one does not happen, `PowerLoss` is raised instead.
    """

    def __init__(self, lose_power_at: int | None = None) -> None:
        self.calls = 0
        self.lose_power_at = lose_power_at
        self.fail_with: OSError | None = None
        self._names: dict[str, _File] = {}
        self._durable_names: dict[str, _File] = {}
        self._folders: set[str] = set()

    # ---- the seam

    def read(self, path: str) -> bytes:
        if path not in self._names:
            raise FileNotFoundError(2, "No such file", path)
        return self._names[path].data

    def append(self, path: str, data: bytes) -> None:
        self._count()
        file = self._names.setdefault(path, _File())
        file.data += data

    def pwrite(self, path: str, offset: int, data: bytes) -> None:
        self._count()
        file = self._names.setdefault(path, _File())
        file.data = file.data[:offset].ljust(offset, b"\0") + data + file.data[offset + len(data) :]

    def truncate(self, path: str, size: int) -> None:
        self._count()
        self._names[path].data = self._names[path].data[:size]

    def fsync(self, path: str) -> None:
        self._count()
        file = self._names[path]
        file.durable = file.data

    def rename(self, old: str, new: str) -> None:
        self._count()
        self._names[new] = self._names.pop(old)

    def fsync_dir(self, path: str) -> None:
        self._count()
        for name in [name for name in self._durable_names if _folder(name) == path]:
            del self._durable_names[name]
        for name, file in self._names.items():
            if _folder(name) == path:
                self._durable_names[name] = file

    def unlink(self, path: str) -> None:
        self._count()
        del self._names[path]

    def listdir(self, path: str) -> list[str]:
        inside = {name[len(path) + 1 :].split("/")[0] for name in self._names if _below(name, path)}
        inside |= {
            name[len(path) + 1 :].split("/")[0] for name in self._folders if _below(name, path)
        }
        return sorted(inside)

    def exists(self, path: str) -> bool:
        return path in self._names or path in self._folders

    def makedirs(self, path: str) -> None:
        self._folders.add(path)

    def run(self, job: Callable[[], object], done: Callable[[Exception | None], None]) -> None:
        problem: Exception | None = None
        try:
            job()
        except Exception as error:
            problem = error
        done(problem)

    def _count(self) -> None:
        if self.fail_with is not None:
            raise self.fail_with
        self.calls += 1
        if self.calls == self.lose_power_at:
            raise PowerLoss

    # ---- what is left

    def after_power_loss(self, rng: random.Random) -> MemoryDisk:
        """A new disk with what survived: unsynced data by sectors, names one by one, by chance."""
        left = MemoryDisk()
        left._folders = set(self._folders)
        kept: dict[int, _File] = {}
        for name in sorted({*self._names, *self._durable_names}):
            new, old = self._names.get(name), self._durable_names.get(name)
            chosen = new if new is old or rng.random() < 0.5 else old
            if chosen is None:
                continue
            if id(chosen) not in kept:
                kept[id(chosen)] = self._survivor(chosen, rng)
            left._names[name] = left._durable_names[name] = kept[id(chosen)].copy()
        return left

    def _survivor(self, file: _File, rng: random.Random) -> _File:
        data = bytearray(file.durable)
        size = max(len(file.data), len(data))
        if file.data != file.durable and rng.random() < 0.8:
            if len(file.data) < len(data) and rng.random() < 0.5:
                data = data[: len(file.data)]
            for place in range(0, size, SECTOR):
                if rng.random() < 0.5 and file.data[place : place + SECTOR]:
                    piece = file.data[place : place + SECTOR]
                    data = data.ljust(place, b"\0")
                    data[place : place + len(piece)] = piece
        found = _File()
        found.durable = found.data = bytes(data)
        return found


def _folder(path: str) -> str:
    return path.rsplit("/", 1)[0]


def _below(name: str, path: str) -> bool:
    return name.startswith(path + "/")
