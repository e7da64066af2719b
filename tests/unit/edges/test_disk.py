"""The real disk: what is said to be on stable storage was handed to the kernel to be put there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.edges.disk import RealDisk


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files and directories that the kernel was asked to write out, by path."""
    seen: list[str] = []

    def spy(name: str) -> None:
        real = getattr(os, name)

        def call(descriptor: int) -> None:
            seen.append(os.readlink(f"/proc/self/fd/{descriptor}"))
            real(descriptor)

        monkeypatch.setattr(os, name, call)

    spy("fsync")
    spy("fdatasync")
    return seen


def test_a_file_is_synced_when_the_store_says_so(tmp_path: Path, synced: list[str]) -> None:
    disk, path = RealDisk(), str(tmp_path / "log")
    disk.append(path, b"one")
    assert synced == []
    disk.fsync(path)
    assert synced == [path]
    disk.close()


def test_a_directory_is_synced_so_that_a_new_name_stays(tmp_path: Path, synced: list[str]) -> None:
    disk = RealDisk()
    disk.append(str(tmp_path / "a"), b"x")
    disk.rename(str(tmp_path / "a"), str(tmp_path / "b"))
    disk.fsync_dir(str(tmp_path))
    assert synced == [str(tmp_path)]
    disk.close()
