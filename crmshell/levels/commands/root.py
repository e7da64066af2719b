"""Commands of the top level: the state of the cluster and its checks (shell 7)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crmshell.errors import ShellError
from crmshell.levels.frame.output_format import wanted_form
from crmshell.levels.frame.registry import Answer, Call, command
from crmshell.session import Session
from engine.base.reports import Report, Severity

if TYPE_CHECKING:
    from crmshell.views.status import Parts

_STATUS_WORDS = (
    "full",
    "bynode",
    "inactive",
    "active",
    "ops",
    "timing",
    "failcounts",
    "attributes",
    "bans",
    "verbose",
    "quiet",
    "xml",
    "json",
    "simple",
    "tickets",
    "noheaders",
    "detail",
    "brief",
    "metrics",
)


_COMPLETIONS = {"bash": "crm", "zsh": "_crm", "fish": "crm.fish"}


@command(
    "root",
    "status",
    usage=f"[watch [<seconds>]] [{'|'.join(_STATUS_WORDS)}]... [--output-as json|xml]",
    help="the state of the cluster: nodes, resources, failures",
)
def status(session: Session, call: Call) -> Answer:
    """As `crm_mon -1`; `xml`, `json` or --output-as for programs, `simple` for one line, `metrics` for Prometheus."""
    form, given = wanted_form(session, call.args)
    words = [word.lower() for word in given]
    if words[:1] == ["watch"]:
        from crmshell.levels.work.watching import watch

        return watch(session, words[1:], lambda parts: _status(session, form, parts))
    return _status(session, form, words)


def _status(session: Session, form: str, words: list[str]) -> Answer:
    from crmshell.views.background import background_of
    from crmshell.views.status import simple_line, status_text

    for word in words:
        if word not in _STATUS_WORDS:
            raise _unknown_part(word)
    now = session.environment.clock()
    cib = session.cib()
    background = background_of(session.source)
    form = next((word for word in ("xml", "json") if word in words), form)
    if form in {"xml", "json"}:
        from crmshell.views.status_machine import status_json, status_xml

        render = status_xml if form == "xml" else status_json
        return Answer(data=render(cib, now, background).encode())
    if "metrics" in words:
        from crmshell.views.metrics import status_metrics

        return Answer(data=status_metrics(cib, now, session.source).encode())
    if "simple" in words:
        line, code = simple_line(cib, now, background)
        return Answer(line, status=code)
    return Answer(status_text(cib, now, background, _parts(words)))


def _parts(words: list[str]) -> Parts:
    from crmshell.views.status import Parts

    full = "full" in words
    return Parts(
        headers="noheaders" not in words and "quiet" not in words,
        by_node="bynode" in words,
        inactive="active" not in words and "brief" not in words,
        operations=full or "ops" in words or "timing" in words,
        timing=full or "timing" in words,
        fail_counts=full or "failcounts" in words,
        attributes=full or "attributes" in words or "verbose" in words,
        tickets=full or "tickets" in words,
        bans=full or "bans" in words or "detail" in words,
    )


def _unknown_part(word: str) -> ShellError:
    from crmshell.grammar.errors import nearest_word

    near = nearest_word(word, _STATUS_WORDS)
    hint = f", did you mean {near}?" if near else f", expected {', '.join(_STATUS_WORDS)}"
    return ShellError(f"status: '{word}' is unknown{hint}")


@command(
    "root",
    "simulate",
    usage="all-single-failures [--output-as json]",
    args=(1, 3),
    help="what would be down if one node or one resource failed",
)
def simulate(session: Session, call: Call) -> Answer:
    """Exit status 1 if something would be: for checks of configurations."""
    from crmshell.levels.work.trials import all_single_failures

    form, words = wanted_form(session, call.args)
    if words != ["all-single-failures"] or form == "xml":
        raise ShellError(
            "simulate: expected all-single-failures, as text or json; for one change: configure, simulate",
            code="arguments",
        )
    text, status = all_single_failures(session.cib(), session.environment.clock, form)
    return Answer(text, status=status)


@command(
    "root",
    "completion",
    usage="bash|zsh|fish",
    args=(1, 1),
    help="print the completion script for your shell",
)
def completion(session: Session, call: Call) -> str:
    """As `source <(crm completion bash)`."""
    del session
    from importlib.resources import files

    shell = call.args[0]
    if shell not in _COMPLETIONS:
        raise ShellError(f"completion: '{shell}': expected {', '.join(_COMPLETIONS)}")
    folder = files("crmshell.levels").joinpath("shells").joinpath(shell)
    return folder.joinpath(_COMPLETIONS[shell]).read_text("utf-8")


@command(
    "root",
    "verify",
    usage="[scores]",
    args=(0, 1),
    help="check the configuration and the state of the cluster",
)
def verify(session: Session, call: Call) -> Answer:
    """Schema, then what the scheduler finds; errors make the status 1.

    Old names that still mean the same are not remarked on: `configure verify` does that. A file has
    no quorum to miss.
    """
    if call.args and call.args != ["scores"]:
        raise ShellError(f"verify: '{call.args[0]}' is unknown, expected scores or nothing")
    from engine.scheduler.views.findings import findings

    cib = session.cib()
    now = session.environment.clock()
    found = findings(cib, now)
    text = ""
    if call.args:
        from crmshell.levels.work.simulation import scores_text

        text = scores_text(cib, now)
    worst = max((report.severity for report in found), default=Severity.INFO)
    hidden = set() if session.source.live else {"no-quorum"}
    shown = tuple(
        _with_remedy(report)
        for report in found
        if report.severity is not Severity.DEPRECATION and report.code not in hidden
    )
    return Answer(text, shown, 1 if worst >= Severity.ERROR else 0)


def _with_remedy(report: Report) -> Report:
    """The first thing that a new user meets, with what to type."""
    if report.code != "no-fencing-resources":
        return report
    text = (
        "no fencing resource is defined, so no resource will be started: define one "
        "(crm configure primitive fence stonith:fence_...), or, where no data can be damaged, "
        "type: crm configure property stonith-enabled=false"
    )
    return replace(report, message=text)
