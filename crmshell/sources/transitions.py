"""Stored scheduler inputs: of the running agent, of a folder, or of a report's archive.

A folder holds `pe-input-N.bz2` (or `.xml`, and `pe-warn-`, `pe-error-`), as Pacemaker and the
engine keep them. Each input is a whole CIB; its `execution-date` says when it was used.
"""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from crmshell.environment import Environment
from crmshell.errors import ShellError
from crmshell.sources.agent import AgentSource
from crmshell.sources.find import SOCKET
from engine.base.errors import EngineError
from engine.cib.document import Cib

PACEMAKER_FOLDER = "/var/lib/pacemaker/pengine"
MAX_INPUT = 256 * 1024 * 1024
_NAME = re.compile(r"(pe-(?:input|warn|error)-([0-9]+))(?:\.(?:bz2|xml))*$")


@dataclass(frozen=True, slots=True)
class StoredInput:
    """One stored input: its number, name, time (seconds since the epoch, 0 if unknown), outcome and
    the node that keeps it ("" if that is not known).
    """

    number: int
    name: str
    time: float
    note: str = ""
    node: str = ""


class TransitionStore(Protocol):
    """Where stored inputs come from; everything may raise `ShellError`."""

    @property
    def place(self) -> str: ...

    def inputs(self) -> list[StoredInput]:
        """All of them, the oldest first."""
        ...

    def load(self, stored: StoredInput) -> Cib: ...


def open_store(environment: Environment, source: str = "") -> TransitionStore:
    """The store that `source` names: `live` or nothing, a folder, or an archive."""
    if source and source != "live":
        if os.path.isdir(source):
            return FolderStore(environment, source)
        if os.path.isfile(source):
            return ArchiveStore(source)
        raise ShellError(f"{source}: no such folder or archive; or say live", code="no-source")
    socket = environment.under_root(SOCKET)
    if os.path.exists(socket):
        return AgentStore(environment, socket)
    folder = environment.under_root(PACEMAKER_FOLDER)
    if os.path.isdir(folder):
        return FolderStore(environment, folder)
    raise ShellError(
        "there are no stored transitions: no agent runs here; name a folder or a report's archive "
        "with: history source PATH",
        code="no-source",
    )


class AgentStore:
    """The inputs that the running agent keeps."""

    def __init__(self, environment: Environment, socket: str) -> None:
        self._agent = AgentSource(environment, socket)

    @property
    def place(self) -> str:
        return "live"

    def inputs(self) -> list[StoredInput]:
        found = []
        for each in self._agent.ask("transitions").get("transitions") or ():
            number = int(each.get("number", 0))
            actions = each.get("actions")
            note = " ".join(
                part
                for part in (
                    "" if actions is None else f"{actions} actions",
                    str(each.get("result") or ""),
                    f"on {each['node']}" if each.get("node") else "",
                )
                if part
            )
            found.append(
                StoredInput(
                    number,
                    f"pe-input-{number}",
                    float(each.get("time") or 0),
                    note,
                    str(each.get("node") or ""),
                )
            )
        return sorted(found, key=lambda one: (one.time, one.number))

    def load(self, stored: StoredInput) -> Cib:
        reply = self._agent.ask("transition", number=stored.number, node=stored.node)
        return _cib(bytes(reply["input"]), stored.name)


class FolderStore:
    """The inputs in a folder."""

    def __init__(self, environment: Environment, folder: str) -> None:
        self._environment = environment
        self._folder = folder

    @property
    def place(self) -> str:
        return self._folder

    def inputs(self) -> list[StoredInput]:
        found = []
        for name, is_folder in self._environment.list_folder(self._folder):
            match = _NAME.match(name)
            if match and not is_folder:
                time = os.stat(os.path.join(self._folder, name)).st_mtime
                found.append(StoredInput(int(match[2]), name, time))
        return sorted(found, key=lambda one: (one.time, one.number))

    def load(self, stored: StoredInput) -> Cib:
        path = os.path.join(self._folder, stored.name)
        return _cib(self._environment.read_file(path), path)


class ArchiveStore:
    """The inputs in a report's archive; of the same name on several nodes the newest counts."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._members: dict[str, tarfile.TarInfo] = {}

    @property
    def place(self) -> str:
        return self._path

    def inputs(self) -> list[StoredInput]:
        with self._opened() as archive:
            for member in archive.getmembers():
                match = _NAME.match(os.path.basename(member.name))
                if match and member.isfile() and member.size <= MAX_INPUT:
                    known = self._members.get(match[1])
                    if known is None or known.mtime < member.mtime:
                        self._members[match[1]] = member
        found = [
            StoredInput(int(name.rpartition("-")[2]), name, float(member.mtime))
            for name, member in self._members.items()
        ]
        return sorted(found, key=lambda one: (one.time, one.number))

    def load(self, stored: StoredInput) -> Cib:
        with self._opened() as archive:
            stream = archive.extractfile(self._members[stored.name])
            data = stream.read() if stream else b""
        return _cib(data, stored.name)

    def _opened(self) -> tarfile.TarFile:
        try:
            return tarfile.open(self._path)
        except (OSError, tarfile.TarError) as problem:
            raise ShellError(f"{self._path}: no archive: {problem}", code="no-source") from None


def choose(inputs: Iterable[StoredInput], word: str) -> StoredInput:
    """The input of a number, a name, or of a count from the end (`-1` is the one before the last)."""
    listed = list(inputs)
    if not listed:
        raise ShellError("there are no stored transitions yet", code="no-transition")
    if re.fullmatch(r"-?[0-9]+|0", word or "0") and (
        not word or word.startswith("-") or word == "0"
    ):
        back = -int(word or "0") + 1
        if back <= len(listed):
            return listed[-back]
    for one in reversed(listed):
        if word in (str(one.number), one.name, one.name.partition(".")[0]):
            return one
    first, last = listed[0].number, listed[-1].number
    raise ShellError(
        f"there is no transition '{word}'; there are {len(listed)}, {first} to {last}",
        code="no-transition",
    )


def _cib(data: bytes, what: str) -> Cib:
    try:
        return Cib.from_bytes(data, what)
    except EngineError as problem:
        raise ShellError(str(problem), code="bad-input") from None
