"""The `<alerts>` of a configuration as values: what each one wants to hear of, and how it is told. Pure (live L5.5 to L5.7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from engine.alerts.happenings import AttributeWritten, Happening
from engine.base.values import interval_milliseconds, is_true
from engine.cib.nvsets import apply_sets, read_sets
from engine.cib.refs import References
from engine.cib.rules import RuleContext

DEFAULT_TIMEOUT_MS = 30_000
DEFAULT_TIMESTAMP = "%H:%M:%S.%06N"
_KINDS = {
    "select_nodes": "node",
    "select_fencing": "fencing",
    "select_resources": "resource",
    "select_attributes": "attribute",
}
_USUAL = frozenset(("node", "fencing", "resource"))


@dataclass(frozen=True, slots=True)
class Selection:
    """Kinds of happenings; `attributes` empty: attributes of any name."""

    kinds: frozenset[str] = _USUAL
    attributes: frozenset[str] = frozenset()

    def wants(self, happening: Happening) -> bool:
        if happening.kind not in self.kinds:
            return False
        if isinstance(happening, AttributeWritten) and self.attributes:
            return happening.name in self.attributes
        return True


@dataclass(frozen=True, slots=True)
class Receiver:
    """One script with one recipient ("" when the alert names none); `timestamp` "" for no time of day."""

    alert: str
    path: str
    recipient: str
    selection: Selection
    timeout_ms: int
    timestamp: str
    environment: tuple[tuple[str, str], ...]


def receivers(root: etree._Element, wall: float) -> tuple[Receiver, ...]:
    """Everybody whom the alerts of a `<cib>` tell, as its rules have it at `wall`."""
    alerts = root.find("configuration/alerts")
    if alerts is None:
        return ()
    reader = _Reader(References(root), RuleContext(now=wall))
    return tuple(found for alert in alerts.iterfind("alert") for found in reader.of_alert(alert))


@dataclass(frozen=True, slots=True)
class _Reader:
    references: References
    context: RuleContext

    def of_alert(self, alert: etree._Element) -> Iterator[Receiver]:
        meta, environment = self._meta(alert), self._values(alert, "instance_attributes")
        if not is_true(meta.get("enabled", "true")):
            return
        selection = _selection(alert, Selection())
        recipients = alert.findall("recipient")
        if not recipients:
            yield _receiver(alert, "", selection, meta, environment)
        for recipient in recipients:
            own = {**meta, **self._meta(recipient)}
            if not is_true(own.get("enabled", "true")):
                continue
            variables = {**environment, **self._values(recipient, "instance_attributes")}
            wanted = _selection(recipient, selection)
            yield _receiver(alert, recipient.get("value", ""), wanted, own, variables)

    def _meta(self, element: etree._Element) -> dict[str, str]:
        return self._values(element, "meta_attributes")

    def _values(self, element: etree._Element, tag: str) -> dict[str, str]:
        table: dict[str, str] = {}
        apply_sets(read_sets((element,), tag, self.references), table, self.context)
        return table


def _selection(element: etree._Element, otherwise: Selection) -> Selection:
    select = element.find("select")
    kinds = (
        [_KINDS[str(child.tag)] for child in select if child.tag in _KINDS]
        if select is not None
        else []
    )
    if select is None or not kinds:
        return otherwise
    names = [child.get("name", "") for child in select.iterfind("select_attributes/attribute")]
    return Selection(frozenset(kinds), frozenset(names))


def _receiver(
    alert: etree._Element,
    recipient: str,
    selection: Selection,
    meta: dict[str, str],
    environment: dict[str, str],
) -> Receiver:
    timeout = interval_milliseconds(meta.get("timeout", ""))
    return Receiver(
        alert.get("id", ""),
        alert.get("path", ""),
        recipient,
        selection,
        timeout if timeout is not None and timeout > 0 else DEFAULT_TIMEOUT_MS,
        meta.get("timestamp-format", DEFAULT_TIMESTAMP),
        tuple(environment.items()),
    )
