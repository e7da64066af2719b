"""What the modules that read a CIB share while they do so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from engine.base.reports import Report, Reporter, Severity
from engine.cib.refs import References
from engine.cib.rules import RuleContext
from engine.scheduler.model.model import Model, Node, Resource
from engine.scheduler.reading.requests import ActionRequests


@dataclass(slots=True)
class Reading:
    """One pass over a CIB: where the values come from and where findings go.

    `configuration` is in today's form, whatever the CIB's own schema is.
    """

    model: Model
    refs: References
    requests: ActionRequests
    reporter: Reporter
    configuration: etree._Element | None = None
    templates: dict[str, etree._Element] = field(default_factory=dict)

    def config_error(self, code: str, message: str, subject: str = "") -> None:
        """Something in the configuration is wrong; reading goes on without it."""
        self.reporter.report(Report(code, Severity.ERROR, message, subject=subject))

    def config_warning(self, code: str, message: str, subject: str = "") -> None:
        """Something in the configuration is doubtful; reading goes on."""
        self.reporter.report(Report(code, Severity.WARNING, message, subject=subject))


def rule_context(
    model: Model,
    resource: Resource | None = None,
    node: Node | None = None,
    *,
    op_name: str | None = None,
    op_interval_ms: int = 0,
    attributes: Mapping[str, str] | None = None,
) -> RuleContext:
    """The context of a rule: node attributes only where a node is given (5.3)."""
    return RuleContext(
        now=model.now,
        zone=model.zone,
        attributes=node.attributes if node is not None else attributes,
        agent_class=(resource.agent_class or None) if resource is not None else None,
        provider=(resource.agent_provider or None) if resource is not None else None,
        agent_type=(resource.agent_type or None) if resource is not None else None,
        op_name=op_name,
        op_interval_ms=op_interval_ms,
        note_change=model.want_recheck,
    )
