"""`--output-as text|json|xml`, which may stand before the command or among its words."""

from __future__ import annotations

from collections.abc import Sequence

from crmshell.errors import ShellError
from crmshell.session import Session

FORMS = ("text", "json", "xml")
_OPTION = "--output-as"


def wanted_form(session: Session, words: Sequence[str]) -> tuple[str, list[str]]:
    """The form that was asked for, and the other words; raises `ShellError` for an unknown one."""
    form = session.switches.output_as
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        name, mark, value = word.partition("=")
        if name != _OPTION:
            rest.append(word)
            continue
        form = value if mark else left.pop(0) if left else ""
        if form not in FORMS:
            raise ShellError(f"{_OPTION} {form}: expected text, json or xml", code="arguments")
    return form, rest
