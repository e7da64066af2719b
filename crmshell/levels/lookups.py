"""Answers for completion that are fetched when asked for; failures count as "nothing known"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmshell.errors import ShellError
from crmshell.session import Session
from crmshell.views.names import Names, names_from_cib
from engine.agents.catalog import Catalog, folders_from_environment
from engine.base.errors import EngineError

if TYPE_CHECKING:
    from engine.agents.metadata import AgentMetadata

METADATA_TIMEOUT = 2.0


class DirectLookups:
    """Reads the CIB and runs agents when asked, once each; for a call that ends soon."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._names: Names | None = None
        self._catalog: Catalog | None = None
        self._metadata: dict[str, AgentMetadata | None] = {}

    def names(self) -> Names:
        if self._names is None:
            try:
                self._names = names_from_cib(self._session.cib().root)
            except (ShellError, EngineError, OSError):
                self._names = Names()
        return self._names

    def catalog(self) -> Catalog:
        if self._catalog is None:
            folders = folders_from_environment(self._session.environment.variables)
            self._catalog = Catalog(folders)
        return self._catalog

    def metadata(self, agent: str) -> AgentMetadata | None:
        if agent not in self._metadata:
            self._metadata[agent] = self._load(agent)
        return self._metadata[agent]

    def _load(self, agent: str) -> AgentMetadata | None:
        variables = self._session.environment.variables
        try:
            return load_metadata(self.catalog(), agent, variables)
        except (EngineError, OSError):
            return None


def load_metadata(catalog: Catalog, agent: str, variables: Mapping[str, str]) -> AgentMetadata:
    """Meta-data of an agent by its (perhaps short) name; raises `EngineError`."""
    from engine.agents.run import metadata_from_bytes, metadata_source, read_metadata

    name = catalog.resolve(agent)
    data = read_metadata(catalog, name, variables, timeout=METADATA_TIMEOUT)
    return metadata_from_bytes(data, name, metadata_source(catalog, name))
