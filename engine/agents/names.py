"""Names of resource agents, and the pattern that keeps them away from the rest of the file system.

Engine-design 14.3: class, provider and type are plain words without `/` and without `..`; nothing
else ever becomes part of a path. Only a fencing plug-in of cluster-glue has one `/`, after a fixed word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.base.errors import BadInput
from engine.base.exitcodes import ExitStatus

STANDARDS = ("ocf", "stonith", "systemd", "service", "lsb")
"""The agent classes that this engine runs."""

PLUGIN_KINDS = ("external/", "rhcs/")
"""What the names of some fencing plug-ins of cluster-glue begin with, as in `external/ipmi`."""

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:+-]{0,63}")


@dataclass(frozen=True, slots=True, order=True)
class AgentName:
    """`ocf:heartbeat:IPaddr2`, `systemd:nginx`; provider is "" for all classes but ocf."""

    standard: str
    provider: str
    type: str

    def __str__(self) -> str:
        return ":".join(part for part in (self.standard, self.provider, self.type) if part)


def is_safe_part(word: str) -> bool:
    """Whether a word may be a class, provider or type of an agent."""
    return _SAFE.fullmatch(word) is not None and ".." not in word


def without_plugin_kind(type_: str) -> str:
    """The type of a fencing agent without the fixed word that some plug-ins have in front."""
    kind = next((each for each in PLUGIN_KINDS if type_.startswith(each)), "")
    return type_.removeprefix(kind)


def check_agent_name(standard: str, provider: str, type_: str) -> AgentName:
    """The name of these three parts (provider "" where the class has none); `BadInput` if unsafe."""
    for what, word in (("class", standard), ("provider", provider), ("type", type_)):
        if what == "provider" and not word and standard != "ocf":
            continue
        part = word
        if what == "type" and standard == "stonith":
            part = without_plugin_kind(word)
        if not is_safe_part(part):
            raise BadInput(
                f"'{word}' is not a {what} of an agent: expected letters, digits and _.@:+- "
                "without '..', 64 at most",
                status=ExitStatus.INVALID_PARAM,
            )
    if provider and standard != "ocf":
        raise BadInput(
            f"{standard}:{provider}:{type_}: only agents of class ocf have a provider",
            status=ExitStatus.INVALID_PARAM,
        )
    return AgentName(standard, provider, type_)


def agent_name_from_text(text: str) -> AgentName:
    """The name in a full text `CLASS:[PROVIDER:]TYPE`; `BadInput` in one line for anything else."""
    parts = text.split(":")
    if len(parts) == 2:
        return check_agent_name(parts[0], "", parts[1])
    if len(parts) == 3:
        return check_agent_name(parts[0], parts[1], parts[2])
    raise BadInput(
        f"'{text}' is no agent: expected CLASS:PROVIDER:TYPE or CLASS:TYPE",
        status=ExitStatus.INVALID_PARAM,
    )
