"""What a source knows about the cluster beyond its CIB, for the head of the status."""

from __future__ import annotations

from crmshell.sources.api import CibSource
from crmshell.views.status import Background


def background_of(source: CibSource) -> Background:
    """Stack, designated controller and quorum as the source sees them now."""
    facts = source.describe()
    return Background(stack=facts.stack, dc=facts.dc, quorate=facts.quorate, durable=facts.durable)
