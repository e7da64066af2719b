"""The level `template`: configurations from templates, filled in by an editor, then applied."""

from __future__ import annotations

import os

from crmshell.errors import ShellError
from crmshell.levels.commands.configure_commit import leave_generator
from crmshell.levels.frame.editor import edit_text
from crmshell.levels.frame.registry import Call, command, on_leave
from crmshell.levels.work.wizard_files import (
    configuration_path,
    load_templates,
    make_pending,
    values_from_words,
)
from crmshell.pending.templates import (
    configuration_from_text,
    configuration_to_text,
    fill,
    generate,
)
from crmshell.session import Session

CURRENT = "template.configuration"


@command(
    "template", "list", usage="[templates|configs]", args=(0, 1), help="templates, configurations"
)
def list_(session: Session, call: Call) -> str:
    kind = call.args[0] if call.args else ""
    if kind not in ("", "templates", "configs"):
        raise ShellError(
            f"template.list: '{kind}', expected templates or configs", code="arguments"
        )
    lines: list[str] = []
    if kind in ("", "templates"):
        templates = load_templates(session)
        wide = max((len(name) for name in templates), default=0)
        lines += ["Templates:"] if not kind else []
        lines += [f"  {name.ljust(wide)}  {templates[name].short}" for name in sorted(templates)]
    if kind in ("", "configs"):
        folder = os.path.dirname(configuration_path(session, "x"))
        names = [name for name, inner in session.environment.list_folder(folder) if not inner]
        current = session.remembered.get(CURRENT)
        lines += ["", "Configurations:"] if not kind else []
        lines += [f"  {name}{' (in use)' if name == current else ''}" for name in names]
    return "\n".join(lines)


@command(
    "template",
    "new",
    usage="<config> <template>... [params <name>=<value>...]",
    args=(2, -1),
    help="begin a configuration from templates",
)
def new(session: Session, call: Call) -> None:
    name, *words = call.args
    cut = words.index("params") if "params" in words else len(words)
    path = configuration_path(session, name)
    if session.environment.exists(path) and not session.force:
        raise ShellError(f"there is a configuration '{name}' already", code="exists")
    templates = load_templates(session)
    filled = fill(templates, words[:cut], values_from_words(words[cut + 1 :]))
    session.environment.make_folder(os.path.dirname(path))
    text = configuration_to_text(name, filled, templates)
    session.environment.write_file(path, text.encode(), private=True)
    session.remembered[CURRENT] = name


def _name(session: Session, words: list[str]) -> str:
    """The configuration that is named, else the one in use."""
    name = words[0] if words else session.remembered.get(CURRENT, "")
    if not name:
        raise ShellError("no configuration is in use: name one, or template load CONFIG")
    path = configuration_path(session, name)
    if not session.environment.is_file(path):
        raise ShellError(
            f"there is no configuration '{name}'; template list configs", code="no-such"
        )
    return name


@command("template", "load", usage="<config>", args=(1, 1), help="choose the configuration")
def load(session: Session, call: Call) -> None:
    session.remembered[CURRENT] = _name(session, call.args)


@command("template", "edit", usage="[<config>]", args=(0, 1), help="edit a configuration")
def edit(session: Session, call: Call) -> None:
    path = configuration_path(session, _name(session, call.args))
    text = edit_text(session, session.environment.read_text(path), ".conf")
    configuration_from_text(text, path)
    session.environment.write_file(path, text.encode(), private=True)


def _statements(session: Session, name: str) -> list[str]:
    path = configuration_path(session, name)
    _, filled = configuration_from_text(session.environment.read_text(path), path)
    return generate(name, filled, load_templates(session))


@command("template", "show", usage="[<config>]", args=(0, 1), help="the statements that it makes")
def show(session: Session, call: Call) -> str:
    return "\n".join(_statements(session, _name(session, call.args)))


@command(
    "template",
    "apply",
    usage="[replace|update] [<config>]",
    args=(0, 2),
    help="make the statements pending changes",
)
def apply(session: Session, call: Call) -> None:
    words = call.args
    method = words.pop(0) if words[:1] in (["replace"], ["update"]) else "update"
    name = _name(session, words)
    make_pending(session, _statements(session, name), f"template {name}", method)


@command("template", "delete", usage="<config> [force]", args=(1, 2), drops=True, help="delete one")
def delete(session: Session, call: Call) -> None:
    name = _name(session, call.args[:1])
    if session.remembered.get(CURRENT) == name:
        if call.args[1:] != ["force"] and not session.force:
            raise ShellError(f"'{name}' is in use; 'delete {name} force' deletes it", code="in-use")
        session.remembered.pop(CURRENT)
    session.environment.remove_file(configuration_path(session, name))


@on_leave("template")
def leave_template(session: Session) -> bool:
    return leave_generator(session)
