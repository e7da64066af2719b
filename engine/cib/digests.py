"""Digests of parameters: the MD5 sum of a canonical line of text (26.1)."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

EMPTY_DIGEST: Final = "f2317cad3d54cec5d7d7aa7d0bf35cf8"
_SPECIAL: Final = re.compile('[<>&"\x00-\x1f\x7f]')
_ENTITIES: Final = {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;"}
_NOT_DIGESTED: Final = frozenset(
    ("id", "crm_feature_set", "op-digest", "on_node", "on_node_uuid", "pcmk_external_ip")
)
TIMEOUT_NAME: Final = "CRM_meta_timeout"
DEFAULT_PRIVATE: Final = ("passwd", "password", "user")


def _md5_of_python() -> Callable[..., Any]:
    """Python's own MD5. `hashlib` prefers that of OpenSSL, which takes 4 MiB and 8 ms to load."""
    try:
        module = importlib.import_module("_md5")
    except ImportError:
        module = importlib.import_module("hashlib")
    found: Callable[..., Any] = module.md5
    return found


_md5: Final = _md5_of_python()


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return _ENTITIES.get(character) or f"&#x{ord(character):02X};"


def canonical_text(parameters: Mapping[str, str]) -> str:
    """The line that is digested: one element, attributes sorted by name in byte order."""
    pieces = [" <parameters"]
    for name in sorted(parameters, key=str.encode):
        value = _SPECIAL.sub(_escape, parameters[name])
        pieces.append(f' {name}="{value}"')
    pieces.append("/>\n")
    return "".join(pieces)


def parameters_digest(parameters: Mapping[str, str]) -> str:
    """MD5 in lower-case hexadecimal of the canonical text."""
    if not parameters:
        return EMPTY_DIGEST
    return md5_of_text(canonical_text(parameters))


def md5_of_text(text: str) -> str:
    """MD5 in lower-case hexadecimal of a text."""
    return str(_md5(text.encode(), usedforsecurity=False).hexdigest())


def digestible(parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters that enter a digest, without those the cluster adds itself (26.2)."""
    return {
        name: value
        for name, value in parameters.items()
        if name not in _NOT_DIGESTED and not name.startswith("CRM_meta_")
    }
