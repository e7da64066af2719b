"""Answers for completion that are fetched when asked for; failures count as "nothing known"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmshell.errors import ShellError
from crmshell.session import Session
from crmshell.views.names import Names, names_from_cib
from engine.base.errors import EngineError

if TYPE_CHECKING:
    from crmshell.ra.meta import AgentShelf
    from engine.agents.catalog import Catalog
    from engine.agents.metadata import AgentMetadata

METADATA_TIMEOUT = 2.0


class DirectLookups:
    """Reads the CIB and asks agents when that is wanted, once each; for a call that ends soon."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._names: Names | None = None
        self._known_shelf: AgentShelf | None = None

    @property
    def _shelf(self) -> AgentShelf:
        """Made when an agent is first asked for: most completions ask for none."""
        if self._known_shelf is None:
            from crmshell.ra.meta import AgentShelf

            self._known_shelf = AgentShelf(self._session.environment, METADATA_TIMEOUT)
        return self._known_shelf

    def names(self) -> Names:
        if self._names is None:
            try:
                self._names = names_from_cib(self._session.cib().root)
            except (ShellError, EngineError, OSError):
                self._names = Names()
        return self._names

    def catalog(self) -> Catalog:
        return self._shelf.catalog

    def metadata(self, agent: str) -> AgentMetadata | None:
        return load_metadata(self._shelf, agent)


def load_metadata(shelf: AgentShelf, agent: str) -> AgentMetadata | None:
    """Meta-data of an agent by its (perhaps short) name, None when it cannot be had."""
    try:
        return shelf.metadata_or_none(shelf.resolve(agent))
    except (EngineError, OSError):
        return None
