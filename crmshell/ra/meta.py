"""Meta-data of agents for the shell: read once, kept on disk by path, size and time of change.

An agent that hangs or prints nonsense costs its time limit once per run and one line.
"""

from __future__ import annotations

import os

from crmshell.environment import Environment
from crmshell.errors import ShellError
from engine.agents.catalog import Catalog, folders_from_environment
from engine.agents.metadata import AgentMetadata
from engine.agents.names import AgentName
from engine.base.errors import EngineError

CACHE_FOLDER = "agents"
METADATA_TIMEOUT = 15.0
"""Seconds that an agent may take to describe itself; some fence agents need several."""


class AgentShelf:
    """Agents of this machine and what they say about themselves."""

    def __init__(self, environment: Environment, timeout: float = METADATA_TIMEOUT) -> None:
        self._environment = environment
        self._timeout = timeout
        self._known: dict[AgentName, AgentMetadata | EngineError] = {}
        self.catalog = Catalog(folders_from_environment(environment.variables))

    def resolve(self, text: str) -> AgentName:
        """The full name of an agent; raises `EngineError` for what is no name."""
        return self.catalog.resolve(text)

    def metadata(self, name: AgentName) -> AgentMetadata:
        """What an agent says; raises `EngineError` with one line (the same one each time)."""
        known = self._known.get(name)
        if known is None:
            try:
                known = self._read(name)
            except EngineError as problem:
                known = problem
            self._known[name] = known
        if isinstance(known, EngineError):
            raise known
        return known

    def metadata_or_none(self, name: AgentName) -> AgentMetadata | None:
        """What an agent says, None when it cannot be asked."""
        try:
            return self.metadata(name)
        except EngineError:
            return None

    def _read(self, name: AgentName) -> AgentMetadata:
        from engine.agents.run import metadata_from_bytes, metadata_source, read_metadata

        source = metadata_source(self.catalog, name)
        stamp = self._environment.stamp_of(source).encode("utf-8", "surrogateescape")
        kept = self._kept_file(name)
        data = self._from_cache(kept, stamp)
        if data is not None:
            try:
                return metadata_from_bytes(data, name, source)
            except EngineError:
                self._environment.remove_file(kept)
        data = read_metadata(self.catalog, name, self._environment.variables, timeout=self._timeout)
        parsed = metadata_from_bytes(data, name, source)
        self._into_cache(kept, stamp, data)
        return parsed

    def _kept_file(self, name: AgentName) -> str:
        return os.path.join(self._environment.cache_folder, CACHE_FOLDER, str(name))

    def _from_cache(self, kept: str, stamp: bytes) -> bytes | None:
        if not self._environment.exists(kept):
            return None
        try:
            head, _, data = self._environment.read_file(kept).partition(b"\n")
        except ShellError:
            return None
        return data if head == stamp and data else None

    def _into_cache(self, kept: str, stamp: bytes, data: bytes) -> None:
        if not self._environment.make_folder(os.path.dirname(kept)):
            return
        try:
            self._environment.write_file(kept, stamp + b"\n" + data)
        except ShellError:
            return
