"""Where templates and filled-in configurations are, and their statements made pending."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from crmshell.errors import ShellError
from crmshell.pending.templates import Template, is_name, template_from_text
from crmshell.session import Session
from engine.base.reports import Severity

SUFFIX = ".tmpl"
SYSTEM_FOLDER = "/usr/share/crmshell/templates"


def load_templates(session: Session) -> dict[str, Template]:
    """All templates by name; the user's hide those of the system, those hide ours."""
    environment = session.environment
    found: dict[str, Template] = {}
    ours = os.path.join(os.path.dirname(os.path.dirname(__file__)), "wizards")
    for folder in (ours, SYSTEM_FOLDER, os.path.join(environment.data_folder, "templates")):
        for name, is_folder in environment.list_folder(folder):
            if name.endswith(SUFFIX) and not is_folder:
                path = os.path.join(folder, name)
                try:
                    template = template_from_text(environment.read_text(path), path)
                except ShellError as problem:
                    session.report(*problem.reports)
                else:
                    found[template.name] = template
    return found


def values_from_words(words: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` words; raises `ShellError` for others."""
    values: dict[str, str] = {}
    for word in words:
        name, mark, value = word.partition("=")
        if not mark or not name:
            raise ShellError(f"'{word}' is not NAME=VALUE", code="arguments")
        values[name] = value
    return values


def configuration_path(session: Session, name: str) -> str:
    """The file of a filled-in configuration; raises `ShellError` for what is no name."""
    if not is_name(name):
        raise ShellError(f"'{name}' is no name of a configuration", code="bad-name")
    return os.path.join(session.environment.data_folder, "configurations", name)


def make_pending(session: Session, lines: Sequence[str], what: str, method: str = "update") -> None:
    """Apply generated statements to the pending configuration, all or none."""
    from crmshell.pending.textedit import load_text

    pending = session.pending
    pending.begin(what)
    for note in load_text(pending, lines, what, method):
        if session.interactive or note.severity > Severity.INFO:
            session.report(note)
    if session.interactive:
        session.info("the statements are pending; configure, show changed, verify and commit")


def parameter_lines(template: Template, templates: Mapping[str, Template]) -> list[str]:
    """What a user must know to fill a template in."""
    lines = [f"{template.name}: {template.short}", ""]
    if template.text:
        lines += [template.text, ""]
    for part in (*(templates[name] for name, _ in template.depends if name in templates), template):
        labels = dict(template.depends)
        head = f"{part.name} (as {labels[part.name]})" if part.name in labels else part.name
        lines.append(f"Parameters of {head} (*: required, []: default):")
        for one in part.parameters:
            star = "*" if one.required else ""
            default = f" [{one.default}]" if one.default else ""
            lines.append(f"  {one.name}{star}{default}: {one.text}")
        lines.append("")
    return lines[:-1]
