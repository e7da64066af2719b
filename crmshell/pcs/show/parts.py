"""Parts of bundles, for all forms of output."""

from __future__ import annotations

from crmshell.pcs.frame.book import Element

_CONTAINERS = ("docker", "podman", "rkt")
_FIRST = ("image", "replicas", "replicas-per-host", "promoted-max", "run-command", "network",
          "options", "ip-range-start", "control-port", "host-interface", "host-netmask", "add-host",
          "port", "internal-port", "range", "source-dir", "source-dir-root", "target-dir")  # fmt: skip


def option_pairs(element: Element) -> list[tuple[str, str]]:
    """Attributes of a part of a bundle in the order in which they are shown."""
    names = [name for name in _FIRST if name in element.attrib and name != "options"]
    names += [name for name in element.attrib if name not in names and name != "id"]
    return [(name, element.get(name, "")) for name in names]


def container_of(bundle: Element) -> Element | None:
    """The container part of a bundle."""
    return next((each for each in bundle if each.tag in _CONTAINERS), None)
