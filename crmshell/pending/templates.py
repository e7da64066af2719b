"""Templates of configuration: texts with parameters, and the statements that they make. Pure.

The format is crmsh's (shell 6): `%name`, `%short`, `%desc`, `%depends_on T [as N]`,
`%required`, `%optional`, `%generate`; `%% PARAM [DEFAULT]` declares a parameter, the comment lines
before it explain it. In what is generated `%_` is the configuration's name, `%_:P` the value of a
parameter, `%N:P` that of another template; a line that begins with `opt ` is left out unless every
parameter on it has a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from crmshell.errors import ShellError
from engine.base.reports import Report, Severity, Span

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_FIELD = re.compile(r"%(_|[A-Za-z0-9][A-Za-z0-9-]*)(?::([A-Za-z0-9_-]+))?")
_SECTIONS = ("required", "optional", "generate")


@dataclass(frozen=True, slots=True)
class TemplateParameter:
    """A blank to fill in."""

    name: str
    text: str = ""
    default: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """One template; `depends` are (template, name under which its values are used)."""

    name: str
    short: str = ""
    text: str = ""
    depends: tuple[tuple[str, str], ...] = ()
    parameters: tuple[TemplateParameter, ...] = ()
    lines: tuple[str, ...] = ()

    def parameter(self, name: str) -> TemplateParameter | None:
        return next((one for one in self.parameters if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Filled:
    """A template with values, as one section of a configuration."""

    template: str
    label: str
    values: Mapping[str, str]
    line: int = field(default=0, compare=False)


def is_name(word: str) -> bool:
    """Whether a word may be the name of a template or configuration, and so of a file."""
    return _NAME.match(word) is not None and ".." not in word


def template_from_text(text: str, file: str) -> Template:
    """Parse; raises `ShellError` with all mistakes and their lines."""
    reader = _Reader(file)
    for number, line in enumerate(text.splitlines(), 1):
        reader.line(number, line)
    if not reader.fields.get("name"):
        reader.problem(1, "a template needs a line '%name NAME'")
    if reader.problems:
        raise ShellError(reports=tuple(reader.problems))
    return Template(
        name=reader.fields["name"],
        short=reader.fields.get("short", ""),
        text="\n".join(reader.description).strip(),
        depends=tuple(reader.depends),
        parameters=tuple(reader.parameters),
        lines=tuple(reader.generated),
    )


class _Reader:
    """The parser's state: the section that is open, and the comment above the next parameter."""

    def __init__(self, file: str) -> None:
        self.fields: dict[str, str] = {}
        self.description: list[str] = []
        self.depends: list[tuple[str, str]] = []
        self.parameters: list[TemplateParameter] = []
        self.generated: list[str] = []
        self.problems: list[Report] = []
        self._file = file
        self._section = ""
        self._comment: list[str] = []

    def line(self, number: int, raw: str) -> None:
        line = raw.rstrip()
        if self._section == "generate":
            if not line.startswith("#"):
                self.generated.append(line)
        elif line.startswith("%%"):
            self._parameter(number, line[2:].strip())
        elif line.startswith("%"):
            word, _, rest = line[1:].partition(" ")
            self._directive(number, word, rest.strip())
        elif line.startswith("#"):
            self._comment.append(line.lstrip("#").strip())
        elif self._section == "desc":
            self.description.append(line)
        elif line:
            self.problem(number, f"'{line[:60]}' stands in no section")

    def _directive(self, number: int, word: str, rest: str) -> None:
        self._comment = []
        if word in ("name", "short"):
            self.fields[word] = rest
            if word == "name" and not is_name(rest):
                self.problem(number, f"'{rest}' is no name")
        elif word == "desc":
            self._section = "desc"
            self.description.append(rest)
        elif word == "depends_on":
            parts = rest.split()
            label = parts[2] if len(parts) == 3 and parts[1] == "as" else "".join(parts[:1])
            if len(parts) not in (1, 3) or not is_name(parts[0]) or not is_name(label):
                self.problem(number, "expected '%depends_on TEMPLATE [as NAME]'")
            else:
                self.depends.append((parts[0], label))
        elif word in _SECTIONS:
            self._section = word
        else:
            self.problem(
                number, f"'%{word}' is not one of %name %short %desc %depends_on %required"
            )

    def _parameter(self, number: int, rest: str) -> None:
        name, _, default = rest.partition(" ")
        if self._section not in ("required", "optional") or not name:
            self.problem(number, "'%% PARAM' belongs under %required or %optional")
            return
        text = " ".join(word for word in self._comment if word)
        required = self._section == "required"
        self.parameters.append(TemplateParameter(name, text, default.strip(), required))
        self._comment = []

    def problem(self, number: int, message: str) -> None:
        span = Span(self._file, number, 1)
        self.problems.append(Report("template", Severity.ERROR, message, span=span))


# -- configurations -----------------------------------------------------------------------------------


def fill(
    templates: Mapping[str, Template], wanted: Sequence[str], values: Mapping[str, str]
) -> tuple[Filled, ...]:
    """A configuration of these templates and what they depend on; raises `ShellError`.

    `values` are of all templates that have such a parameter; `LABEL:PARAM` means one of them.
    """
    filled: dict[str, Filled] = {}
    for template in wanted:
        _add(template, template, templates, filled, ())
    names = {one.name for each in filled.values() for one in templates[each.template].parameters}
    for key in values:
        label, mark, parameter = key.rpartition(":")
        known = templates[filled[label].template] if label in filled else None
        if (mark and (known is None or known.parameter(parameter) is None)) or (
            not mark and key not in names
        ):
            raise ShellError(_unknown_parameter(key, sorted(names)), code="no-such-parameter")
    return tuple(
        Filled(one.template, label, _values_of(templates[one.template], label, values))
        for label, one in filled.items()
    )


def _add(
    name: str,
    label: str,
    templates: Mapping[str, Template],
    filled: dict[str, Filled],
    above: tuple[str, ...],
) -> None:
    template = templates.get(name)
    if template is None:
        raise ShellError(_unknown_template(name, sorted(templates)), code="no-such-template")
    if name in above:
        loop = " -> ".join((*above, name))
        raise ShellError(f"templates depend on each other: {loop}", code="template")
    for other, inner in template.depends:
        _add(other, inner, templates, filled, (*above, name))
    filled.setdefault(label, Filled(name, label, {}))


def _values_of(template: Template, label: str, values: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for one in template.parameters:
        value = values.get(f"{label}:{one.name}", values.get(one.name, one.default))
        if value:
            found[one.name] = value
    return found


def configuration_to_text(
    name: str, filled: Iterable[Filled], templates: Mapping[str, Template]
) -> str:
    """The file that a user fills in."""
    lines = [f"%name {name}", ""]
    for each in filled:
        template = templates[each.template]
        alias = f" as {each.label}" if each.label != each.template else ""
        lines += [
            f"# {template.short}" if template.short else "#",
            f"%template {each.template}{alias}",
        ]
        for one in template.parameters:
            kind = "required" if one.required else "optional"
            lines += ["", f"# ({kind}) {one.text}".rstrip()]
            lines.append(f"%% {one.name} {each.values.get(one.name, '')}".rstrip())
        lines.append("")
    return "\n".join(lines)


def configuration_from_text(text: str, file: str) -> tuple[str, tuple[Filled, ...]]:
    """Name and sections of a filled-in file; raises `ShellError` with all mistakes and lines."""
    name = ""
    filled: list[Filled] = []
    problems: list[Report] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        words = line.split()
        if not line or line.startswith("#"):
            continue
        if words[0] == "%name" and len(words) == 2:
            name = words[1]
        elif words[0] == "%template" and (
            len(words) == 2 or (len(words) == 4 and words[2] == "as")
        ):
            filled.append(Filled(words[1], words[-1], {}, number))
        elif words[0] == "%%" and len(words) > 1 and filled:
            last = filled[-1]
            value = line[2:].strip()[len(words[1]) :].strip()
            pairs = {**last.values, words[1]: value} if value else dict(last.values)
            filled[-1] = Filled(last.template, last.label, pairs, last.line)
        else:
            message = f"'{line[:60]}' is none of %name NAME, %template NAME, %% PARAM VALUE"
            problems.append(Report("template", Severity.ERROR, message, span=Span(file, number, 1)))
    if problems:
        raise ShellError(reports=tuple(problems))
    return name, tuple(filled)


def generate(name: str, filled: Sequence[Filled], templates: Mapping[str, Template]) -> list[str]:
    """The statements, a line each (continued lines end with a backslash); raises `ShellError`."""
    problems = [problem for each in filled for problem in _missing(each, templates)]
    if problems:
        raise ShellError(
            reports=tuple(Report("template", Severity.ERROR, problem) for problem in problems)
        )
    by_label = {each.label: each for each in filled}
    lines: list[str] = []
    for each in filled:
        object_name = name if len(filled) == 1 or each is filled[-1] else f"{name}-{each.label}"
        for line in templates[each.template].lines:
            made = _substituted(line, name, object_name, each, by_label)
            if made is not None and (made.strip() or not lines or lines[-1]):
                lines.append(made)
    return _continued(lines)


def _missing(each: Filled, templates: Mapping[str, Template]) -> list[str]:
    template = templates.get(each.template)
    if template is None:
        return [_unknown_template(each.template, sorted(templates))]
    known = [one.name for one in template.parameters]
    problems = [_unknown_parameter(key, known) for key in each.values if key not in known]
    problems += [
        f"{each.label}: the required parameter '{one.name}' has no value ({one.text})"
        for one in template.parameters
        if one.required and not each.values.get(one.name)
    ]
    return problems


def _substituted(
    line: str, name: str, object_name: str, each: Filled, by_label: Mapping[str, Filled]
) -> str | None:
    """A line with its values; None for an optional one that lacks a value."""
    body = line.lstrip()
    optional = body.startswith("opt ")
    text = line if not optional else line[: len(line) - len(body)] + body[4:]
    lacking: list[str] = []

    def value(match: re.Match[str]) -> str:
        label, parameter = match.groups()
        if parameter is None:
            if label == "_":
                return object_name
            return f"{name}-{label}" if label in by_label else match.group()
        source = each if label == "_" else by_label.get(label)
        found = source.values.get(parameter, "") if source else ""
        if not found:
            lacking.append(parameter)
        return f'"{_escaped(found)}"' if re.search(r"[\s\"'\\]", found) else found

    made = _FIELD.sub(value, text)
    return None if lacking and optional else made


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _continued(lines: Sequence[str]) -> list[str]:
    """Indented lines continue the statement above them."""
    made: list[str] = []
    for line in lines:
        if line[:1] in (" ", "\t") and made and made[-1].strip() and line.strip():
            made[-1] = made[-1].rstrip("\\").rstrip() + " \\"
        made.append(line.rstrip())
    return [line for line in made if line.strip()]


def _unknown_template(name: str, known: Sequence[str]) -> str:
    return f"there is no template '{name}'{_near(name, known)}"


def _unknown_parameter(name: str, known: Sequence[str]) -> str:
    return f"no template here has a parameter '{name}'{_near(name, known)}"


def _near(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), 1)
    return f", did you mean '{near[0]}'?" if near else f"; there are {', '.join(known) or 'none'}"
