"""Decisions about colour: which parts of a text are set off, and by which terminal codes.

A `Style` is a value made once per run; text that is not for a terminal passes through unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crmshell.environment import Environment
from crmshell.options import Options

_CODES: Mapping[str, str] = {
    "normal": "0",
    "bold": "1",
    "dim": "2",
    "underline": "4",
    "black": "30",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "white": "37",
}


@dataclass(frozen=True, slots=True)
class Style:
    """How the parts of a text are shown; `paint` is the one method the rest needs."""

    colour: bool = False
    uppercase: bool = False
    words: Mapping[str, str] = field(default_factory=dict)

    def paint(self, part: str, text: str) -> str:
        """The text of a part (`keyword`, `identifier`, `error`, …) as it goes to the terminal."""
        if self.uppercase and part == "keyword":
            text = text.upper()
        if not self.colour:
            return text
        codes = ";".join(
            _CODES[word] for word in self.words.get(part, "").split() if word in _CODES
        )
        return f"\033[{codes}m{text}\033[0m" if codes and codes != "0" else text


def style_for(environment: Environment, options: Options, *, stderr: bool = False) -> Style:
    """The style for stdout, or for messages on stderr."""
    wanted = {word.strip() for word in options.text("color.style").lower().split(",")}
    terminal = environment.stderr_tty if stderr else environment.stdout_tty
    plain = environment.dumb or bool(environment.variables.get("NO_COLOR"))
    colour = "color-always" in wanted or ("color" in wanted and terminal and not plain)
    if not colour:
        return Style(uppercase="uppercase" in wanted)
    return Style(
        colour=True,
        uppercase="uppercase" in wanted,
        words={name.split(".", 1)[1]: options.text(name) for name in _colour_names() if name},
    )


def _colour_names() -> tuple[str, ...]:
    from crmshell.options import OPTIONS

    return tuple(name for name, option in OPTIONS.items() if option.kind == "colour")
