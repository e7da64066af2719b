"""A program to start, as a value, and the rules of names that may become part of a path."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
REASON_LIMIT = 512

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Command:
    """A program to start. The real path of `argv[0]` must lie below `below`."""

    argv: tuple[str, ...]
    below: str
    env: dict[str, str] = field(default_factory=dict)
    stdin: bytes = b""


def is_safe_name(text: str) -> bool:
    """Whether a class, provider or type may become part of a path (engine 14.3)."""
    return _SAFE_NAME.fullmatch(text) is not None and ".." not in text
