"""The user's settings: built-in < /etc/crm/crm.conf < the user's crm.conf < the command line.

Same file format and names as crmsh (doc/rules/shell.md: "History, pager, options"). A value that is not
legal is reported and the one below it stays in force.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from crmshell.errors import ShellError
from engine.base.digits import is_digits
from engine.base.reports import Report, Severity

_TRUE = frozenset({"yes", "true", "on", "1"})
_FALSE = frozenset({"no", "false", "off", "0"})
# From the least to the most.
SKILLS = ("operator", "administrator", "expert")
COLOURS = (
    "normal",
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bold",
    "dim",
    "underline",
)


@dataclass(frozen=True, slots=True)
class Option:
    """One setting; `kind` is text, program, bool, number, colour, or one or several of `choices`."""

    name: str
    default: str
    help: str
    kind: str = "text"
    choices: tuple[str, ...] = ()

    def problem_with(self, value: str) -> str:
        """Why a value is not legal, "" if it is."""
        word = value.strip().lower()
        if self.kind == "bool" and word not in _TRUE | _FALSE:
            return "expected yes or no"
        if self.kind == "number" and not is_digits(word):
            return "expected a whole number"
        chosen = {word} if self.kind == "choice" else set(word.split(","))
        if self.choices and not chosen <= set(self.choices):
            return f"expected one of {', '.join(self.choices)}"
        if self.kind == "colour" and not set(word.split()) <= set(COLOURS):
            return f"expected colour words ({', '.join(COLOURS)})"
        return ""


def _flag(name: str, default: str, text: str) -> Option:
    return Option(name, default, text, "bool")


def _colour(name: str, default: str, text: str) -> Option:
    return Option(f"color.{name}", default, f"colour of {text}", "colour")


OPTIONS: Mapping[str, Option] = {
    option.name: option
    for option in (
        Option("core.editor", "", "program for edit ($EDITOR when empty)", "program"),
        Option("core.pager", "", "program for long output ($PAGER when empty)", "program"),
        Option("core.user", "", "run Pacemaker's tools as this user"),
        Option(
            "core.skill_level",
            "expert",
            "who uses the shell: operator steers, administrator configures, expert does all",
            "choice",
            SKILLS,
        ),
        _flag("core.sort_elements", "yes", "sort show by kind and id"),
        Option(
            "core.check_frequency",
            "always",
            "when to check what is typed",
            "choice",
            ("always", "on-verify", "never"),
        ),
        Option("core.check_mode", "strict", "how hard to check", "choice", ("strict", "relaxed")),
        _flag("core.wait", "no", "wait for the transition after each change"),
        _flag("core.add_quotes", "yes", "quote command line arguments with blanks again"),
        Option(
            "core.manage_children",
            "ask",
            "what to do with attributes of members that contradict the container",
            "choice",
            ("ask", "always", "never"),
        ),
        Option("core.ptest", "", "program that simulates (ours when empty)", "program"),
        Option("core.dotty", "", "viewer for dot graphs", "program"),
        Option("core.dot", "", "graphviz's dot", "program"),
        _flag("core.ignore_missing_metadata", "no", "agents that are not installed are no error"),
        Option("core.lock_timeout", "120", "seconds to wait for a lock", "number"),
        _flag("core.has_ra_advised_op", "no", "add the agent's advised operations"),
        _flag("core.has_fa_advised_op", "no", "add the fence agent's advised operations"),
        Option("core.obscure_pattern", "passw*", "names whose values are hidden on a terminal"),
        _flag("core.debug", "no", "debug output"),
        _flag("core.force", "no", "answer yes to everything"),
        _flag("core.prompt_host", "no", "show the local host in the prompt"),
        Option(
            "core.batch_errors",
            "atomic",
            "what a script does after an error",
            "choice",
            ("atomic", "stop", "continue"),
        ),
        Option(
            "color.style",
            "color",
            "how keywords are set off",
            "choices",
            ("plain", "color", "color-always", "uppercase"),
        ),
        _colour("error", "red bold", "the word ERROR"),
        _colour("ok", "green bold", "the word OK"),
        _colour("warn", "yellow bold", "the word WARNING"),
        _colour("info", "cyan", "the word INFO"),
        _colour("help_keyword", "blue bold underline", "keywords in help"),
        _colour("help_header", "normal bold", "headings in help"),
        _colour("help_topic", "yellow bold", "topics in help"),
        _colour("help_block", "cyan", "examples in help"),
        _colour("keyword", "yellow", "keywords"),
        _colour("identifier", "normal", "ids"),
        _colour("attr_name", "cyan", "attribute names"),
        _colour("attr_value", "red", "attribute values"),
        _colour("resource_reference", "green", "references to resources"),
        _colour("id_reference", "green", "references to ids"),
        _colour("score", "magenta", "scores"),
        _colour("ticket", "magenta", "tickets"),
    )
}


@dataclass(slots=True)
class Options:
    """Settings in force. `user_values` are those of the user's own file, `run_values` of this run."""

    system_values: dict[str, str] = field(default_factory=dict)
    user_values: dict[str, str] = field(default_factory=dict)
    run_values: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The value in force of an option of the table."""
        for layer in (self.run_values, self.user_values, self.system_values):
            if name in layer:
                value = layer[name]
                return value.strip().lower() if OPTIONS[name].choices else value
        return OPTIONS[name].default

    def flag(self, name: str) -> bool:
        return self.text(name).strip().lower() in _TRUE

    def number(self, name: str) -> int:
        return int(self.text(name))

    def set(self, name: str, value: str, *, keep: bool = False) -> None:
        """Set for this run, or (keep) in the user's layer; raises `ShellError` for a bad one."""
        option = OPTIONS.get(full_name(name))
        if option is None:
            raise ShellError(unknown_option(name), code="unknown-option")
        problem = option.problem_with(value)
        if problem:
            raise ShellError(f"{option.name}: '{value}' is not legal, {problem}", code="bad-option")
        if keep:
            self.user_values[option.name] = value
            self.run_values.pop(option.name, None)
        else:
            self.run_values[option.name] = value

    def changed(self) -> Iterator[tuple[str, str]]:
        """Names and values that differ from the built-in ones."""
        for name, option in OPTIONS.items():
            value = self.text(name)
            if value != option.default:
                yield name, value


def full_name(name: str) -> str:
    """`core.pager` for `pager`: the section may be left out where the rest is unique."""
    if name in OPTIONS or "." in name:
        return name
    dashed = name.replace("-", "_")
    found = [known for known in OPTIONS if known.split(".", 1)[1] == dashed]
    return found[0] if len(found) == 1 else name


def unknown_option(name: str) -> str:
    """The error text for a name that is no option, with the nearest one."""
    from difflib import get_close_matches

    bare = {known.split(".", 1)[1]: known for known in OPTIONS}
    near = get_close_matches(name, list(OPTIONS), 1) or [
        bare[word] for word in get_close_matches(name, list(bare), 1)
    ]
    hint = f", did you mean {near[0]}?" if near else ""
    return f"no option '{name}'{hint}"


def values_from_ini(text: str, file: str) -> tuple[dict[str, str], tuple[Report, ...]]:
    """Option values of a crm.conf text, and warnings for lines that say nothing legal."""
    values: dict[str, str] = {}
    findings: list[Report] = []
    section = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
            continue
        name, mark, value = line.partition("=")
        option = OPTIONS.get(f"{section}.{name.strip()}")
        problem = "" if mark else "expected NAME = VALUE"
        if option is not None and not problem:
            problem = option.problem_with(value)
        if problem:
            findings.append(
                Report("bad-option", Severity.WARNING, f"{file}:{number}: {line}: {problem}")
            )
        elif option is not None:
            values[option.name] = value.strip()
    return values, tuple(findings)
