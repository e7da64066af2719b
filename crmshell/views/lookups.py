"""What completion asks of the world: names in the CIB, installed agents, what an agent takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from crmshell.views.names import Names
    from engine.agents.catalog import Catalog
    from engine.agents.metadata import AgentMetadata


class Lookups(Protocol):
    """Answers at once with what is known; nothing is raised and nothing printed.

    The interactive shell's implementation reads in the background and may answer "nothing yet".
    """

    def names(self) -> Names: ...

    def catalog(self) -> Catalog: ...

    def metadata(self, agent: str) -> AgentMetadata | None:
        """Meta-data of an agent by its name, class and provider may be left out; None if unknown."""
        ...
