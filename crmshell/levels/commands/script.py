"""The level `script`: ready-made configurations from their parameters, in one command.

A script is a template whose values stand on the command line. It produces statements, nothing else.
"""

from __future__ import annotations

import json

from crmshell.errors import ShellError
from crmshell.levels.commands.configure_commit import leave_generator
from crmshell.levels.frame.registry import Answer, Call, command, on_leave
from crmshell.levels.work.wizard_files import (
    load_templates,
    make_pending,
    parameter_lines,
    values_from_words,
)
from crmshell.pending.templates import Template, fill, generate, is_name
from crmshell.session import Session


def _known(session: Session, name: str) -> dict[str, Template]:
    """All scripts, after a look that there is this one."""
    templates = load_templates(session)
    if name not in templates:
        from difflib import get_close_matches

        near = get_close_matches(name, list(templates), 1)
        hint = f", did you mean '{near[0]}'?" if near else "; script list names them"
        raise ShellError(f"there is no script '{name}'{hint}", code="no-such-script")
    return templates


@command("script", "list", usage="[all|names]", args=(0, 1), help="list the scripts")
def list_(session: Session, call: Call) -> str:
    templates = load_templates(session)
    if call.args == ["names"]:
        return "\n".join(sorted(templates))
    if call.args not in ([], ["all"]):
        raise ShellError(f"script.list: '{call.args[0]}', expected all or names", code="arguments")
    wide = max((len(name) for name in templates), default=0)
    return "\n".join(f"{name.ljust(wide)}  {templates[name].short}" for name in sorted(templates))


@command("script", "show", usage="<script>", args=(1, 1), help="describe a script")
def show(session: Session, call: Call) -> str:
    templates = _known(session, call.args[0])
    return "\n".join(parameter_lines(templates[call.args[0]], templates))


def _statements(session: Session, call: Call) -> list[str]:
    name = call.args[0]
    templates = _known(session, name)
    values = values_from_words(call.args[1:])
    made = values.pop("id", name)
    if not is_name(made):
        raise ShellError(f"'{made}' is no id", code="bad-name")
    return generate(made, fill(templates, [name], values), templates)


@command(
    "script",
    "verify",
    usage="<script> [id=<id>] [<name>=<value>...]",
    args=(1, -1),
    help="check the parameters and print the statements",
)
def verify(session: Session, call: Call) -> str:
    return "\n".join(_statements(session, call))


@command(
    "script",
    "run",
    usage="<script> [id=<id>] [<name>=<value>...]",
    args=(1, -1),
    help="put the statements into the configuration",
)
def run(session: Session, call: Call) -> None:
    make_pending(session, _statements(session, call), f"script {call.args[0]}")


@command(
    "script", "json", usage="[<script>]", args=(0, 1), help="describe the scripts for programs"
)
def as_json(session: Session, call: Call) -> Answer:
    templates = _known(session, call.args[0]) if call.args else load_templates(session)
    chosen = [templates[call.args[0]]] if call.args else [templates[n] for n in sorted(templates)]
    data = [
        {
            "name": one.name,
            "short": one.short,
            "text": one.text,
            "depends": [{"script": name, "as": label} for name, label in one.depends],
            "parameters": [
                {
                    "name": parameter.name,
                    "required": parameter.required,
                    "default": parameter.default,
                    "text": parameter.text,
                }
                for parameter in one.parameters
            ],
        }
        for one in chosen
    ]
    return Answer(data=(json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode())


@on_leave("script")
def leave_script(session: Session) -> bool:
    return leave_generator(session)
