"""Which resource agents are installed: answered from folder listings, without starting anything.

Also the one place that turns an agent's name into a path (engine 14.3): the real path stays
below the agents' folders, and the file is a program that only its owner (root, or us) can change.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.agents.builtin import built_in, built_in_types
from engine.agents.names import (
    PLUGIN_KINDS,
    AgentName,
    agent_name_from_text,
    check_agent_name,
    is_safe_part,
)
from engine.base.errors import BadInput
from engine.base.exitcodes import ExitStatus

OCF_ROOT = "/usr/lib/ocf"
PLUGIN_PROGRAM = "stonith"
_COMPILED = "stonith2"
PREFERRED_PROVIDERS = ("heartbeat", "pacemaker")


@dataclass(frozen=True, slots=True)
class AgentFolders:
    """Where agents are looked for, in this order."""

    ocf_root: str = OCF_ROOT
    lsb: tuple[str, ...] = ("/etc/init.d",)
    systemd: tuple[str, ...] = (
        "/etc/systemd/system",
        "/run/systemd/system",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
    )
    fence: tuple[str, ...] = ("/usr/sbin", "/sbin")
    plugins: str = "/usr/lib/stonith/plugins"

    @property
    def ocf(self) -> str:
        return os.path.join(self.ocf_root, "resource.d")


def folders_from_environment(variables: Mapping[str, str]) -> AgentFolders:
    """The usual folders; `OCF_ROOT` moves the OCF ones, as it does for the agents themselves."""
    root = variables.get("OCF_ROOT", "")
    return AgentFolders(ocf_root=root if root.startswith("/") else OCF_ROOT)


class Catalog:
    """Answers about installed agents; folders are read when asked for, and once."""

    def __init__(self, folders: AgentFolders = AgentFolders()) -> None:
        self._folders = folders
        self._listings: dict[str, tuple[str, ...]] = {}

    @property
    def folders(self) -> AgentFolders:
        return self._folders

    def providers(self) -> list[str]:
        """Providers of class ocf."""
        return [
            name
            for name in self._listing(self._folders.ocf)
            if os.path.isdir(os.path.join(self._folders.ocf, name))
        ]

    def types(self, standard: str, provider: str = "") -> list[str]:
        """Sorted types of a class; for ocf of one provider, or of all of them."""
        if standard == "ocf":
            providers = [provider] if provider else self.providers()
            return _sorted(name for each in providers for name in self._ocf_types(each))
        if standard == "lsb":
            return _sorted(self._programs(self._folders.lsb))
        if standard == "systemd":
            return self._units()
        if standard == "service":
            return _sorted([*self._programs(self._folders.lsb), *self._units()])
        if standard == "stonith":
            agents = [
                name for name in self._programs(self._folders.fence) if name.startswith("fence_")
            ]
            return _sorted([*agents, *self._plugins()])
        return []

    def providers_of(self, type_: str) -> list[str]:
        """Providers of class ocf that have an agent of this type."""
        return [each for each in self.providers() if self._has_ocf(each, type_)]

    def resolve(self, text: str) -> AgentName:
        """The full name of a name that may leave class and provider out; it need not be installed.

        A bare `fence_*` is a fencing agent; any other bare type is of class ocf, of provider
        heartbeat if that has it or nobody has, else of pacemaker, else of the first that has it.
        """
        if ":" in text:
            standard, _, rest = text.partition(":")
            if standard == "ocf" and ":" not in rest:
                return check_agent_name("ocf", self._best_provider(rest), rest)
            return agent_name_from_text(text)
        if text.startswith(("fence_", *PLUGIN_KINDS)):
            return check_agent_name("stonith", "", text)
        return check_agent_name("ocf", self._best_provider(text), text)

    def path_of(self, name: AgentName) -> str:
        """The program behind a name; raises `BadInput` (NOT_INSTALLED, INSUFFICIENT_PRIV).

        A name that was made without the check of `names` is checked here, before any path is.
        """
        check_agent_name(name.standard, name.provider, name.type)
        if name.standard == "ocf":
            base = os.path.join(self._folders.ocf, name.provider)
            return _checked_program(name, (base,), (self._folders.ocf,))
        if name.standard in {"lsb", "service"}:
            return _checked_program(name, self._folders.lsb, self._folders.lsb)
        if name.standard == "stonith" and name.type.startswith("fence_"):
            return _checked_program(name, self._folders.fence, self._folders.fence)
        if name.standard == "stonith" and name.type.startswith(PLUGIN_KINDS):
            return _checked_program(name, (self._folders.plugins,), (self._folders.plugins,))
        if name.standard == "stonith" and name.type in self._plugins():
            return os.path.join(self._folders.plugins, _COMPILED, f"{name.type}.so")
        raise _not_installed(name)

    def plugin_program(self) -> str:
        """The program of cluster-glue that describes and runs its fencing plug-ins.

        Raises `BadInput` (NOT_INSTALLED, INSUFFICIENT_PRIV).
        """
        name = AgentName("stonith", "", PLUGIN_PROGRAM)
        return _checked_program(name, self._folders.fence, self._folders.fence)

    def is_installed(self, name: AgentName) -> bool:
        """Whether there is such an agent (a unit counts for systemd and service)."""
        if built_in(name) or (name.standard in {"systemd", "service"} and self.unit_of(name)):
            return True
        try:
            self.path_of(name)
        except BadInput:
            return False
        return True

    def unit_of(self, name: AgentName) -> str:
        """Path of the unit file behind a systemd or service name, "" if there is none."""
        if name.standard not in {"systemd", "service"} or not is_safe_part(name.type):
            return ""
        unit = name.type if name.type.endswith(".service") else f"{name.type}.service"
        names = [unit]
        if "@" in unit:
            names.append(f"{unit.split('@', 1)[0]}@.service")
        for folder in self._folders.systemd:
            for each in names:
                path = os.path.join(folder, each)
                if os.path.isfile(path):
                    return path
        return ""

    # -- inside -----------------------------------------------------------------------------

    def _best_provider(self, type_: str) -> str:
        if not is_safe_part(type_):
            return PREFERRED_PROVIDERS[0]
        for provider in PREFERRED_PROVIDERS:
            if self._has_ocf(provider, type_):
                return provider
        have = self.providers_of(type_)
        return have[0] if have else PREFERRED_PROVIDERS[0]

    def _has_ocf(self, provider: str, type_: str) -> bool:
        path = os.path.join(self._folders.ocf, provider, type_)
        return is_safe_part(type_) and (
            os.access(path, os.X_OK) or type_ in built_in_types(provider)
        )

    def _ocf_types(self, provider: str) -> list[str]:
        if not is_safe_part(provider):
            return []
        installed = self._programs((os.path.join(self._folders.ocf, provider),))
        return [*installed, *built_in_types(provider)]

    def _programs(self, folders: Iterable[str]) -> list[str]:
        return [
            name
            for folder in folders
            for name in self._listing(folder)
            if _is_program(os.path.join(folder, name))
        ]

    def _plugins(self) -> list[str]:
        """The fencing plug-ins of cluster-glue: scripts by kind, and compiled ones."""
        folder = self._folders.plugins
        scripts = [
            f"{kind}{name}"
            for kind in PLUGIN_KINDS
            for name in self._programs((os.path.join(folder, kind.rstrip("/")),))
        ]
        compiled = [
            name.removesuffix(".so")
            for name in self._listing(os.path.join(folder, _COMPILED))
            if name.endswith(".so") and f"{name.removesuffix('.so')}/" not in PLUGIN_KINDS
        ]
        return [*scripts, *compiled]

    def _units(self) -> list[str]:
        return _sorted(
            name.removesuffix(".service")
            for folder in self._folders.systemd
            for name in self._listing(folder)
            if name.endswith(".service")
        )

    def _listing(self, folder: str) -> tuple[str, ...]:
        known = self._listings.get(folder)
        if known is None:
            try:
                names = sorted(os.listdir(folder))
            except OSError:
                names = []
            known = tuple(name for name in names if is_safe_part(name))
            self._listings[folder] = known
        return known


def _sorted(names: Iterable[str]) -> list[str]:
    """Without doubles, capitals among small letters as in a dictionary."""
    return sorted(dict.fromkeys(names), key=lambda name: (name.lower(), name))


def _is_program(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & 0o111)


def _not_installed(name: AgentName) -> BadInput:
    return BadInput(f"{name}: no such agent is installed", status=ExitStatus.NOT_INSTALLED)


def _checked_program(name: AgentName, places: Iterable[str], below: Iterable[str]) -> str:
    allowed = [os.path.realpath(folder) for folder in below]
    for place in places:
        path = os.path.join(place, name.type)
        real = os.path.realpath(path)
        try:
            status = os.stat(real)
        except OSError:
            continue
        if not any(real.startswith(folder + os.sep) for folder in allowed):
            raise BadInput(
                f"{name}: {path} leads to {real}, outside the agents' folders",
                status=ExitStatus.INSUFFICIENT_PRIV,
            )
        _check_owner(name, real, status)
        return path
    raise _not_installed(name)


def _check_owner(name: AgentName, path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o111:
        raise BadInput(f"{name}: {path} is not an executable file", status=ExitStatus.NOT_INSTALLED)
    # In a user namespace the system's root has another number: that of the owner of `/`.
    owners = {0, os.geteuid(), os.stat("/").st_uid}
    if status.st_uid not in owners or status.st_mode & 0o022:
        raise BadInput(
            f"{name}: {path} can be changed by others than root, it is not run",
            status=ExitStatus.INSUFFICIENT_PRIV,
        )
