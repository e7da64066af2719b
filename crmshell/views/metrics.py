"""The state of the cluster as numbers for Prometheus (`crm status metrics`)."""

from __future__ import annotations

from crmshell.errors import ShellError
from crmshell.sources.agent import AgentSource
from crmshell.sources.api import CibSource
from crmshell.views.status import read_model
from engine.base.exposition import Metric, metrics_text
from engine.cib.document import Cib
from engine.scheduler.views.metrics import cluster_metrics

_SCRAPE = "ha_cluster_scrape"


def status_metrics(cib: Cib, now: float, source: CibSource) -> str:
    """The numbers of the CIB and, where an agent answers, those of this node. `now` is epoch seconds."""
    text = metrics_text(cluster_metrics(read_model(cib, now), cib))
    if not isinstance(source, AgentSource):
        return text + metrics_text([_success("pacemaker", is_well=True)])
    try:
        own = str(source.ask("metrics")["text"])
    except ShellError:
        own = ""
    results = [_success("pacemaker", is_well=True), _success("corosync", is_well=bool(own))]
    return text + own + metrics_text(results)


def _success(collector: str, *, is_well: bool) -> Metric:
    text = "Whether a collector succeeded."
    return Metric("success", text, is_well, (("collector", collector),), family=_SCRAPE)
