#!/usr/bin/env python3
"""Makes doc/reference and doc/man from what the programs themselves know.

    python doc/generate.py            write the files
    python doc/generate.py --check    status 1 if one is not up to date

Sources: the help topics, the tables of cluster options and settings, the option tables of the
commands. Nothing in the files made here is written by hand.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from crmshell import __version__  # noqa: E402 - the folder above comes first
from crmshell.app import USAGE  # noqa: E402
from crmshell.help.topics import ROOT as TOP  # noqa: E402
from crmshell.help.topics import Page, Topics  # noqa: E402
from crmshell.options import OPTIONS as SETTINGS  # noqa: E402
from engine import tools  # noqa: E402
from engine.__main__ import _parser as agent_parser  # noqa: E402
from engine.cib.options import (  # noqa: E402
    CLUSTER_OPTIONS,
    OPERATION_OPTIONS,
    RESOURCE_META,
    Option,
)
from engine.simulator.options import OPTIONS as SIMULATE  # noqa: E402
from engine.tools.frame.program import Program  # noqa: E402

NOTE = "<!-- made by doc/generate.py from the help topics; change those -->\n\n"
TOPICS = Topics()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    check = parser.parse_args().check
    stale = 0
    for path, text in made_files():
        if path.suffix == ".md":
            text = squeezed(text)
        known = path.read_text() if path.exists() else None
        if known != text:
            stale += 1
            print(f"{'not up to date' if check else 'written'}: {path.relative_to(ROOT)}")
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    return int(bool(check and stale))


def made_files() -> Iterator[tuple[Path, str]]:
    """Every file and its text."""
    reference, man = ROOT / "doc/reference", ROOT / "doc/man"
    yield reference / "index.md", index_text()
    for level in (TOP, *TOPICS.levels()):
        yield reference / f"{level}.md", level_text(level)
    for name in TOPICS.overviews():
        yield reference / "topics" / f"{name}.md", overview_text(name)
    yield reference / "cluster-options.md", options_text()
    yield reference / "settings.md", settings_text()
    yield man / "crm.8", crm_man()
    yield man / "crm-agent.8", agent_man()
    yield man / "crm_simulate.8", simulate_man()
    for program in programs():
        yield man / f"{program.name}.8", program_man(program)


def squeezed(text: str) -> str:
    """Without more than one empty line in a row."""
    return re.sub(r"\n{3,}", "\n\n", text)


# -- reference ----------------------------------------------------------------------------------------


def index_text() -> str:
    lines = [NOTE + "# Reference", "", "The same texts as `crm help`.", "", "## Levels", ""]
    for level in (TOP, *TOPICS.levels()):
        page = TOPICS.level(level)
        lines.append(f"- [{level}]({level}.md): {page.summary if page else ''}")
    lines += ["", "## Topics", ""]
    for name in TOPICS.overviews():
        page = TOPICS.overview(name)
        lines.append(f"- [{name}](topics/{name}.md): {page.summary if page else ''}")
    lines += [
        "",
        "## Tables",
        "",
        "- [Cluster options, meta attributes, operation attributes](cluster-options.md)",
        "- [Settings of the shell](settings.md)",
    ]
    return "\n".join(lines) + "\n"


def level_text(level: str) -> str:
    page = TOPICS.level(level)
    assert page is not None
    lines = [f"{NOTE}# {level}", "", sentence(page.summary), "", *markdown(page.body)]
    for command in TOPICS.commands(level):
        lines += ["", f"## {command.name}", "", sentence(command.summary), ""]
        lines += ["```", *command.usage, "```"]
        if command.aliases:
            lines += ["", "Also: " + ", ".join(f"`{name}`" for name in command.aliases)]
        if command.body:
            lines += ["", *markdown(command.body)]
        if command.see:
            lines += ["", "See also: " + ", ".join(command.see)]
    return "\n".join(lines).rstrip() + "\n"


def overview_text(name: str) -> str:
    page = TOPICS.overview(name)
    assert page is not None
    lines = [f"{NOTE}# {name}", "", sentence(page.summary), "", *markdown(page.body)]
    return "\n".join(lines).rstrip() + "\n"


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def markdown(body: Iterable[str]) -> list[str]:
    """RST of the topics as Markdown: literal blocks, inline literals, definitions."""
    lines: list[str] = []
    literal = False
    defines = False
    for line in [*body, ""]:
        text = line.replace("``", "`")
        if line.startswith("    "):
            if defines:
                lines.append(f": {text.strip()}")
                continue
            if not literal:
                lines += ["```"]
                literal = True
            lines.append(line[4:])
            continue
        if literal and line:
            while lines and not lines[-1]:
                lines.pop()
            lines += ["```", ""]
            literal = False
        defines = text.startswith("`") and text.endswith("`")
        if text.endswith("::"):
            text = text[:-1] if text.strip() != "::" else ""
            text = text.rstrip(" :") + (":" if text else "")
        lines.append(text)
    if literal:
        while lines and not lines[-1]:
            lines.pop()
        lines.append("```")
    while lines and not lines[-1]:
        lines.pop()
    return lines


def options_text() -> str:
    parts = [NOTE + "# Cluster options and attributes"]
    for title, table in (
        ("Cluster options (`property`)", CLUSTER_OPTIONS),
        ("Meta attributes of resources (`meta`, `rsc_defaults`)", RESOURCE_META),
        ("Attributes of operations (`op`, `op_defaults`)", OPERATION_OPTIONS),
    ):
        parts += ["", f"## {title}", "", "| name | type | default | meaning |", "|---|---|---|---|"]
        parts += [option_row(option) for option in table.values()]
    return "\n".join(parts) + "\n"


def option_row(option: Option) -> str:
    kind = " ".join(option.words) if option.words else option.kind
    old = f" (old name: {option.old_name})" if option.old_name else ""
    advanced = "; rarely needed" if option.advanced else ""
    return f"| `{option.name}` | {kind} | {option.default} | {option.summary}{old}{advanced} |"


def settings_text() -> str:
    rows = [
        f"| `{one.name}` | {one.default} | {', '.join(one.choices) or one.kind} | {one.help} |"
        for one in SETTINGS.values()
    ]
    head = ["| name | default | values | meaning |", "|---|---|---|---|"]
    return "\n".join([NOTE + "# Settings of the shell (`crm.conf`)", "", *head, *rows]) + "\n"


# -- man pages ----------------------------------------------------------------------------------------


def roff(text: str) -> str:
    """Text with what roff would take for commands made harmless."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + safe if safe.startswith((".", "'")) else safe


def head(name: str, section: int, summary: str, synopsis: Iterable[str]) -> list[str]:
    lines = [
        f'.TH {roff(name.upper())} {section} "" "crmshell {__version__}" "Cluster"',
        ".SH NAME",
        f"{roff(name)} \\- {roff(summary)}",
        ".SH SYNOPSIS",
    ]
    for line in synopsis:
        lines += [".nf", roff(line), ".fi"]
    return lines


def body_roff(body: Iterable[str]) -> list[str]:
    """Paragraphs filled, indented text as it stands."""
    lines: list[str] = []
    literal = False
    for line in [*body, ""]:
        plain = line.replace("``", "")
        if line.startswith("    "):
            if not literal:
                lines += [".RS 4", ".nf"]
                literal = True
            lines.append(roff(plain[4:]))
            continue
        if literal and line:
            lines += [".fi", ".RE"]
            literal = False
        if not line:
            lines.append(".PP" if not literal else "")
        else:
            lines.append(
                roff(plain.removesuffix("::").rstrip() + (":" if plain.endswith("::") else ""))
            )
    if literal:
        lines += [".fi", ".RE"]
    while lines and lines[-1] in (".PP", ""):
        lines.pop()
    return lines


def crm_man() -> str:
    lines = head(
        "crm",
        8,
        "configure and steer a high availability cluster",
        ["crm [OPTIONS] [LEVEL...] [COMMAND [ARGUMENTS...]]"],
    )
    lines += [".SH DESCRIPTION", *body_roff((TOPICS.level(TOP) or page_none()).body)]
    lines += [".SH OPTIONS", ".nf", *[roff(line) for line in USAGE.splitlines()[4:]], ".fi"]
    for level in (TOP, *TOPICS.levels()):
        lines += level_roff(level)
    for name in TOPICS.overviews():
        overview = TOPICS.overview(name) or page_none()
        lines += [f'.SH "{name.upper()}"', sentence(overview.summary), ".PP"]
        lines += body_roff(overview.body)
    lines += [".SH SEE ALSO", "crm\\-agent(8), crm_simulate(8), crm_verify(8)"]
    return "\n".join(lines) + "\n"


def page_none() -> Page:
    return Page("", "", "")


def level_roff(level: str) -> list[str]:
    page = TOPICS.level(level) or page_none()
    lines = [f'.SH "LEVEL {level.upper()}"', roff(sentence(page.summary)), ".PP"]
    lines += body_roff(page.body) if level != TOP else []
    for command in TOPICS.commands(level):
        lines += [f'.SS "{roff(command.name)}"', roff(sentence(command.summary)), ".PP", ".nf"]
        lines += [roff(usage) for usage in command.usage]
        lines += [".fi"]
        if command.aliases:
            lines += [".PP", "Also: " + roff(", ".join(command.aliases))]
        if command.body:
            lines += [".PP", *body_roff(command.body)]
    return lines


def agent_man() -> str:
    parser = agent_parser()
    lines = head("crm-agent", 8, "the node agent of a cluster", ["crm-agent [OPTIONS]"])
    lines += [
        ".SH DESCRIPTION",
        "One agent runs on each node. It keeps the membership and the configuration, decides as the",
        "designated controller what shall run where, and starts, stops and watches the resources of its",
        "node. Its settings come from the node file; options override them.",
        ".SH OPTIONS",
    ]
    for action in parser._actions:
        value = f" {action.metavar or action.dest.upper()}" if action.nargs != 0 else ""
        names = ", ".join(action.option_strings)
        lines += [".TP", f".B {roff(names + value)}", roff(sentence(str(action.help)))]
    lines += [
        ".SH FILES",
        ".TP",
        ".I /etc/crmshell/node.conf",
        "The node file: name, number and addresses of this node, the other nodes, quorum, timing.",
        ".TP",
        ".I /etc/crmshell/cluster.key",
        "The key that all nodes share; readable by root alone.",
        ".TP",
        ".I /var/lib/crmshell",
        "The log of the configuration, its snapshots and the stored transitions.",
        ".TP",
        ".I /run/crmshell/admin.sock",
        "Where crm and the other commands reach the agent.",
        ".SH SEE ALSO",
        "crm(8), crm_simulate(8), crm_verify(8)",
    ]
    return "\n".join(lines) + "\n"


def simulate_man() -> str:
    summary = "what the scheduler would do with a configuration and a status"
    lines = head("crm_simulate", 8, summary, ["crm_simulate SOURCE [OPTIONS]"])
    lines += [
        ".SH DESCRIPTION",
        "Reads a CIB from the cluster, a file or standard input, optionally changes its status, and shows",
        "the transition that would follow: as text, as scores, as graph.",
        ".SH OPTIONS",
    ]
    for option in SIMULATE:
        names = [f"-{option.letter}"] if option.letter else []
        value = f"={option.value}" if option.value else ""
        names.append(f"--{option.name}{value}")
        lines += [".TP", f".B {roff(', '.join(names))}", roff(sentence(option.text))]
    lines += [".SH SEE ALSO", "crm(8), crm_verify(8)"]
    return "\n".join(lines) + "\n"


def programs() -> Iterator[Program]:
    """The programs on the common frame, each with its table of options."""
    for found in sorted(pkgutil.iter_modules(tools.__path__), key=lambda each: each.name):
        if found.ispkg:
            continue
        module = importlib.import_module(f"{tools.__name__}.{found.name}")
        if isinstance(known := getattr(module, "PROGRAM", None), Program):
            yield known
        yield from getattr(module, "PROGRAMS", {}).values()


def program_man(program: Program) -> str:
    """A page made of the option table of a program."""
    summary = program.summary.rstrip(".")
    short = summary[0].lower() + summary[1:]
    lines = head(program.name, 8, short, [f"{program.name} {program.usage}"])
    lines += [".SH DESCRIPTION", roff(sentence(program.summary)), ".SH OPTIONS"]
    for each in program.table:
        value = f"[={each.value}]" if each.optional else f"={each.value}" if each.value else ""
        names = ", ".join(each.names)
        lines += [".TP", f".B {roff(names + value)}", roff(sentence(each.text))]
    lines += [
        ".SH ENVIRONMENT",
        ".TP",
        ".B CIB_file",
        "A file that is read and changed instead of the cluster.",
        ".TP",
        ".B CIB_shadow, CIB_shadow_dir",
        "The shadow that is read and changed instead of the cluster, and where shadows are.",
        ".SH EXIT STATUS",
        "0 on success, 64 for a wrong command line, 102 without a cluster, 105 for what does not exist;",
        "crm_error(8) lists all.",
        ".SH SEE ALSO",
        "crm(8), crm_verify(8), crm_simulate(8)",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
