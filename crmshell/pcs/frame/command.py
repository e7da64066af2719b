"""What a `pcs` command is: one row of a table, from which usage, help, hints and completion follow."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import cast


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    `path` is its name (`resource group add`), `run` names its function (`module:function` below
    crmshell.pcs), `options` are the long options it takes besides those that every command takes.
    `now`: the spelling of today, where this one is of pcs 0.9 or 0.10.
    """

    path: str
    run: str
    usage: str = ""
    help: str = ""
    options: str = ""
    least: int = 0
    most: int = -1
    now: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.path.split())

    @property
    def synopsis(self) -> str:
        """`pcs resource delete <id>...`"""
        return f"pcs {self.path} {self.usage}".rstrip()

    def function(self) -> Callable[..., int | None]:
        """The function behind it; its module is imported now."""
        module, _, name = self.run.partition(":")
        found = getattr(import_module(f"crmshell.pcs.{module}"), name)
        return cast("Callable[..., int | None]", found)


def rows(module: str, text: str) -> tuple[Command, ...]:
    """Commands from a text: `path | function | usage | help | options | least most | now` a line."""
    found = []
    for line in text.strip().splitlines():
        cells = [cell.strip() for cell in re.split(r"\s\|(?=\s|$)", line)]
        cells += [""] * (7 - len(cells))
        path, function, usage, help_, options, count, now = cells
        least, _, most = count.partition(" ")
        where = function if ":" in function else f"{module}:{function}"
        found.append(
            Command(path, where, usage, help_, options, int(least or 0), int(most or -1), now)
        )
    return tuple(found)
