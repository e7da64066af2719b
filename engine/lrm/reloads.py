"""Which changes of parameters an agent takes while its resource runs, and what the history says of it.

An entry of the history tells the scheduler in `op-force-restart` and `op-restart-digest` which
parameters need a restart and what they were, and in `op-secure-params` and `op-secure-digest` which
ones are private and what the others were (26.3, 26.5). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.agents.metadata import AgentMetadata
from engine.base.values import version_key
from engine.cib.digests import DEFAULT_PRIVATE, TIMEOUT_NAME, digestible, parameters_digest
from engine.lrm.api import LrmOp

# The name in OCF 1.1; before, agents that could do it called it `reload`.
RELOAD_AGENT = "reload-agent"
LEGACY_RELOAD = "reload"
# Agents name the version of the API; where they name none they follow the first one.
_FIRST_API = "1.0"
_FIRST_WITH_RELOADABLE = version_key("1.1")


@dataclass(frozen=True, slots=True)
class ReloadRules:
    """What an agent says about changes of its parameters.

    `action` is what it calls the reload, "" if it has none; `forcing` are the parameters that
    no reload can change; `private` those whose values are kept out of reports.
    """

    action: str = ""
    forcing: tuple[str, ...] = ()
    private: tuple[str, ...] = ()


def rules_from_metadata(metadata: AgentMetadata) -> ReloadRules:
    """OCF 1.1: all but what is `reloadable` forces a restart; OCF 1.0: what is `unique` does."""
    is_modern = version_key(metadata.api_version or _FIRST_API) >= _FIRST_WITH_RELOADABLE
    action = RELOAD_AGENT if is_modern else LEGACY_RELOAD
    private = tuple(each.name for each in metadata.parameters if each.private)
    if not private:
        private = tuple(e.name for e in metadata.parameters if e.name in DEFAULT_PRIVATE)
    if metadata.action(action) is None:
        return ReloadRules(private=private)
    forcing = tuple(
        each.name
        for each in metadata.parameters
        if (not each.reloadable if is_modern else each.unique)
    )
    return ReloadRules(action, forcing, private)


def digest_attributes(op: LrmOp, rules: ReloadRules) -> dict[str, str]:
    """What the history entry of `op` says besides `op-digest`; nothing of a reload if repeated.

    An agent that can change everything gets an empty list: its restart digest never differs.
    """
    table = digestible(op.parameters)
    found: dict[str, str] = {}
    if rules.action and op.interval_ms == 0:
        kept = {name: table[name] for name in rules.forcing if name in table}
        found["op-force-restart"] = _word_list(rules.forcing)
        found["op-restart-digest"] = parameters_digest(kept)
    if rules.private:
        if op.interval_ms > 0:
            table[TIMEOUT_NAME] = str(op.timeout_ms)
        public = {name: value for name, value in table.items() if name not in rules.private}
        found["op-secure-params"] = _word_list(rules.private)
        found["op-secure-digest"] = parameters_digest(public)
    return found


def _word_list(names: tuple[str, ...]) -> str:
    """Blanks around every name, so that a search for ` name ` finds it."""
    return f" {' '.join(names)} " if names else ""
