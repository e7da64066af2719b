"""The level `options`: settings shown, changed, and kept in the user's own crm.conf."""

from __future__ import annotations

import os
from collections.abc import Mapping

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Call, command
from crmshell.options import OPTIONS, Option, full_name, unknown_option
from crmshell.session import Session

_SETTERS = {
    "editor": ("core.editor", "<program>", "choose the editor"),
    "pager": ("core.pager", "<program>", "choose the pager"),
    "skill-level": ("core.skill_level", "<level>", "choose how much is offered"),
    "output": ("color.style", "<style>", "choose plain or coloured output"),
    "check-frequency": ("core.check_frequency", "<when>", "choose when to check"),
    "check-mode": ("core.check_mode", "<mode>", "choose how strictly to check"),
    "wait": ("core.wait", "<bool>", "wait for the cluster after each change"),
    "sort-elements": ("core.sort_elements", "<bool>", "sort the output of show"),
    "add-quotes": ("core.add_quotes", "<bool>", "quote command line arguments again"),
    "manage-children": ("core.manage_children", "<how>", "treat members that contradict"),
}


@command("options", "show", usage="[all|<name>]", args=(0, 1), help="show settings")
def show(session: Session, call: Call) -> str:
    """Settings that differ from their default, all, or the value of one."""
    options = session.options
    wanted = call.args[0] if call.args else ""
    if wanted == "all":
        return "\n".join(f"{name} = {options.text(name)}" for name in OPTIONS)
    if wanted:
        name = _known(wanted).name
        return f"{name} = {options.text(name)}"
    return "\n".join(f"{name} = {value}" for name, value in options.changed())


@command(
    "options", "set", usage="<name> <value>", args=(2, 2), help="change a setting and store it"
)
def change(session: Session, call: Call) -> None:
    _store(session, *call.args)


def _named_setter(session: Session, call: Call) -> None:
    _store(session, _SETTERS[call.name][0], call.args[0])


for _name, (_, _usage, _help) in _SETTERS.items():
    command("options", _name, usage=_usage, args=(1, 1), help=_help)(_named_setter)


@command("options", "user", usage="[<name>]", args=(0, 1), help="run the cluster's tools as a user")
def user(session: Session, call: Call) -> None:
    _store(session, "core.user", call.args[0] if call.args else "")


@command("options", "colorscheme", usage="<name>=<colour>...", args=(1, -1), help="choose colours")
def colour_scheme(session: Session, call: Call) -> None:
    """`keyword=yellow "score=red bold"`: all are checked before one is stored."""
    wanted: list[tuple[str, str]] = []
    for word in call.args:
        name, mark, value = word.partition("=")
        option = OPTIONS.get(f"color.{name}")
        if not mark or option is None or option.kind != "colour":
            names = ", ".join(n.split(".")[1] for n, o in OPTIONS.items() if o.kind == "colour")
            raise ShellError(f"'{word}' sets no colour; expected NAME=COLOUR, NAME one of {names}")
        problem = option.problem_with(value)
        if problem:
            raise ShellError(f"{word}: {problem}", code="bad-option")
        wanted.append((option.name, value))
    for name, value in wanted:
        _store(session, name, value)


@command("options", "reset", usage="[<name>]", args=(0, 1), help="go back to the default")
def reset(session: Session, call: Call) -> None:
    """Drop one setting of the user's file, or all."""
    options = session.options
    names = [_known(call.args[0]).name] if call.args else list(OPTIONS)
    for name in names:
        options.user_values.pop(name, None)
        options.run_values.pop(name, None)
    _write(session)


@command("options", "save", args=(0, 0), help="write the settings of this run to the user's file")
def save(session: Session, call: Call) -> None:
    del call
    options = session.options
    options.user_values.update(options.run_values)
    _write(session)


def _store(session: Session, name: str, value: str) -> None:
    """Check, set and write; raises `ShellError` and keeps the old value."""
    option = _known(name)
    if option.kind == "program" and value and not _is_program(session, value):
        raise ShellError(f"{option.name}: there is no program '{value}'", code="bad-option")
    session.options.set(option.name, value, keep=True)
    _write(session)


def _known(name: str) -> Option:
    option = OPTIONS.get(full_name(name))
    if option is None:
        raise ShellError(unknown_option(name), code="unknown-option")
    return option


def _is_program(session: Session, text: str) -> bool:
    import shlex

    try:
        words = shlex.split(text)
    except ValueError:
        return False
    return bool(words) and bool(session.environment.find_program(words[0]))


def settings_path(session: Session) -> str:
    """The user's own crm.conf."""
    environment = session.environment
    given = environment.variables.get("CRM_CONFIG_FILE", "")
    return given or os.path.join(environment.config_folder, "crm.conf")


def _write(session: Session) -> None:
    environment = session.environment
    path = settings_path(session)
    old = environment.read_text(path) if environment.is_file(path) else ""
    environment.make_folder(os.path.dirname(path))
    text = merged_ini(old, session.options.user_values)
    if text != old:
        environment.write_file(path, text.encode())
    session.restyle()


def merged_ini(old: str, values: Mapping[str, str]) -> str:
    """The text of a crm.conf with these values; comments and foreign lines stay as they are."""
    left = dict(values)
    lines: list[str] = []
    section = ""
    for raw in old.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            lines += _rest_of(section, left)
            section = line[1:-1].strip()
        name, mark, _ = line.partition("=")
        full = f"{section}.{name.strip()}"
        if not mark or line[0] in "#;" or full not in OPTIONS:
            lines.append(raw)
        elif full in left:
            lines.append(f"{name.strip()} = {left.pop(full)}")
        elif full not in values:
            continue
    lines += _rest_of(section, left)
    for name in OPTIONS:
        head = name.split(".", 1)[0]
        rest = _rest_of(head, left)
        if rest:
            lines += [f"[{head}]", *rest]
    return "\n".join(lines) + "\n" if lines else ""


def _rest_of(section: str, left: dict[str, str]) -> list[str]:
    """Lines for what a section lacks; taken out of `left`."""
    names = [name for name in left if name.split(".", 1)[0] == section]
    return [f"{name.split('.', 1)[1]} = {left.pop(name)}" for name in names]
