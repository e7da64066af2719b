"""The real disk: plain files, one thread that does what blocks, in order.

Results come back on the event loop. The store's directory is made for its owner alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class RealDisk:
    """The `Disk` seam on the file system."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="disk")
        self._open: dict[str, int] = {}

    def read(self, path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read()

    def append(self, path: str, data: bytes) -> None:
        handle = self._handle(path)
        os.lseek(handle, 0, os.SEEK_END)
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]

    def pwrite(self, path: str, offset: int, data: bytes) -> None:
        os.pwrite(self._handle(path), data, offset)

    def truncate(self, path: str, size: int) -> None:
        os.truncate(self._handle(path), size)

    def fsync(self, path: str) -> None:
        os.fdatasync(self._handle(path))

    def rename(self, old: str, new: str) -> None:
        self._forget(old)
        self._forget(new)
        os.rename(old, new)

    def fsync_dir(self, path: str) -> None:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def unlink(self, path: str) -> None:
        self._forget(path)
        os.unlink(path)

    def listdir(self, path: str) -> list[str]:
        return sorted(os.listdir(path))

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def makedirs(self, path: str) -> None:
        os.makedirs(path, mode=0o700, exist_ok=True)

    def run(self, job: Callable[[], object], done: Callable[[Exception | None], None]) -> None:
        """Do the job in the disk's thread; jobs keep their order. `done` is called on the loop."""
        loop = asyncio.get_running_loop()

        def work() -> None:
            problem: Exception | None = None
            try:
                job()
            except Exception as error:  # whatever it is, who waits for the disk must hear of it
                problem = error
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(done, problem)

        self._thread.submit(work)

    def close(self) -> None:
        """Finish what is queued and close the files."""
        self._thread.shutdown(wait=True)
        for handle in self._open.values():
            os.close(handle)
        self._open.clear()

    def _handle(self, path: str) -> int:
        handle = self._open.get(path)
        if handle is None:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._open[path] = handle
        return handle

    def _forget(self, path: str) -> None:
        handle = self._open.pop(path, None)
        if handle is not None:
            os.close(handle)
