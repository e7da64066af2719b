"""The product's replicated CIB in the simulation: clients add primitives, the DC writes status."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from lxml import etree

from engine.base.events import Entry, StatusChange
from engine.cib.patch import diff, patch_to_bytes
from engine.replica.machine import Applied
from engine.replica.state import ReplicatedCib
from tests.sim.listmachine import ListMachine

if TYPE_CHECKING:
    from tests.sim.world import Config

KEPT = 12


class CibMachine(ReplicatedCib):
    """As the product's, and remembers what was applied where."""

    def __init__(self) -> None:
        super().__init__()
        self.fresh: list[Entry] = []
        self._applied: dict[int, str] = {}

    def apply(self, entry: Entry) -> Applied:
        applied = super().apply(entry)
        self.fresh.append(entry)
        self._applied[entry.index] = applied.request_id
        return applied

    def patch_for(self, request: str) -> bytes:
        """Add a primitive in the middle, let the oldest go, and count in a shared attribute.

        The counter makes changes from the same version conflict.
        """
        root = self.cib.root
        new = deepcopy(root)
        resources = new.find("configuration/resources")
        options = new.find("configuration/crm_config")
        assert resources is not None
        assert options is not None
        for oldest in resources[: max(0, len(resources) - KEPT)]:
            resources.remove(oldest)
        place = len(resources) // 2
        resources.insert(place, etree.Element("primitive", {"id": request, "type": "Dummy"}))
        options.set("count", str(int(options.get("count", "0")) + 1))
        return patch_to_bytes(diff(root, new))

    def has_at(self, request: str, index: int) -> bool:
        return self._applied.get(index, request) == request

    def has(self, request: str) -> bool:
        """Whether the request was applied here."""
        return request in self._applied.values()

    def has_twice(self) -> bool:
        known = list(self._applied.values())
        return len(set(known)) != len(known)


def make_machine(config: Config) -> ListMachine | CibMachine:
    return CibMachine() if config.machine == "cib" else ListMachine(has_large=config.large)


def status_changes(number: int, dc: int, whole: bool) -> tuple[StatusChange, ...]:
    """One operation's result, or the whole section anew, as at the begin of a view."""
    if whole:
        text = f'<status><node_state id="{dc}" uname="n{dc}" at="{number}"/></status>'
        return (StatusChange((), text.encode()),)
    path = (("node_state", str(dc)), ("lrm", str(dc)), ("lrm_rsc_op", f"op{number % 7}"))
    return (StatusChange(path, f'<lrm_rsc_op id="op{number % 7}" call="{number}"/>'.encode()),)
