"""Which fence devices unfence nodes, and whether their definition changed since (27.2)."""

from __future__ import annotations

from typing import NamedTuple

from engine.scheduler.model.model import Model, Node, Resource, leaves
from engine.scheduler.reading.digests import calculate

_TASK = "stonith-on"


class DeviceDigests(NamedTuple):
    """`DEVICE:AGENT:DIGEST,` of all unfencing devices; `mismatch`: the node was unfenced by others."""

    all: str
    secure: str
    mismatch: bool


def device_digests(model: Model, node: Node) -> DeviceDigests:
    """Digests of the unfencing devices as they are configured for a node."""
    all_texts: list[str] = []
    secure_texts: list[str] = []
    mismatch = False
    recorded_all = node.attributes.get("#digests-all")
    recorded_secure = node.attributes.get("#digests-secure", "")
    for device in _devices(model):
        digests = calculate(model, device, node, _TASK, 0, secure=True)
        name = f"{device.id}:{device.agent_type}:"
        all_text, secure_text = name + digests.all, f"{name}{digests.secure}"
        if (
            recorded_all is not None
            and all_text not in recorded_all
            and secure_text not in recorded_secure
        ):
            mismatch = True
        all_texts.append(all_text + ",")
        secure_texts.append(secure_text + ",")
    return DeviceDigests("".join(all_texts), "".join(secure_texts), mismatch)


def _devices(model: Model) -> list[Resource]:
    """Fence devices that need unfencing themselves or provide it, the last one first."""
    found = []
    for top in model.resources:
        for rsc in leaves(top):
            provides = rsc.meta.get("provides", "").lower() == "unfencing"
            if rsc.is_fence_device and (rsc.needs_unfencing or provides):
                found.append(rsc)
    found.reverse()
    return found
