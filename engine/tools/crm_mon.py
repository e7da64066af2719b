"""The command `crm_mon`: the status of the cluster, once or again and again.

The CIB comes from the shadow CIB in use, the file in `CIB_file` (also a pipe, `-` for standard
input), or the cluster on this machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.options import Parsed, option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from engine.tools.monitor.facts import Facts
    from engine.tools.monitor.sections import Sections

OPTIONS = (
    option("-i --interval", "time between two looks (default 5s)", value="TIME"),
    option("-1 --one-shot", "show the status once"),
    option("-d --daemonize", "run in the background; needs --output-to"),
    option("-p --pid-file", "file for the number of the process in the background", value="FILE"),
    option("-I --include", "also show these sections (comma-separated)", value="SECTIONS"),
    option("-U --exclude", "do not show these sections (comma-separated)", value="SECTIONS"),
    option("--node", "show only this node, or the nodes of a tag", value="NODE"),
    option("--resource", "show only this resource, or the resources of a tag", value="RSC"),
    option("-n --group-by-node", "show resources below the nodes where they run"),
    option("-r --inactive", "show resources that do not run, too"),
    option("-f --failcounts", "show how often resources failed"),
    option("-o --operations", "show the operation history"),
    option("-t --timing-details", "show the operation history with times"),
    option("-c --tickets", "show tickets"),
    option(
        "-m --fence-history",
        "show what was fenced: 0 nothing, 1 failures, 2 successes too, 3 everything",
        value="LEVEL",
        optional=True,
    ),
    option(
        "-L --neg-locations",
        "show negative location constraints (whose ids begin with PREFIX)",
        value="PREFIX",
        optional=True,
    ),
    option("-A --show-node-attributes", "show node attributes"),
    option("-D --hide-headers", "hide all headers"),
    option("-R --show-detail", "show ids of nodes, and instances and replicas one by one"),
    option("--show-description", "show descriptions of resources"),
    option("-b --brief", "show how many instances of each agent run where"),
    option("-j --pending", "show pending operations (always done)", advanced=True),
    option("-W --watch-fencing", "show fencing as it happens (always done)", advanced=True),
    option("-s --simple-status", "show the status in one line, for monitoring programs"),
    option("-N --no-curses --disable-ncurses", "never clear the screen", advanced=True),
    option("-X --as-xml", "the same as --output-as=xml", advanced=True),
    option("-h --as-html", "write a web page to FILE", value="FILE", advanced=True),
    option("-w --web-cgi", "write a web page with the header of a CGI program", advanced=True),
    option("--html-cgi", "begin a web page with the header of a CGI program"),
    option("--html-stylesheet", "address of a style sheet for web pages", value="URI"),
    option("--html-title", "title of web pages", value="TITLE"),
    option("-E --external-agent", "not supported: use alerts", value="FILE", advanced=True),
    option("-e --external-recipient", "not supported: use alerts", value="RCPT", advanced=True),
)
_FORMATS = ("console", "text", "html", "xml", "none")
_LEGACY = {"as-xml": "xml", "as-html": "html", "web-cgi": "html"}


def form_of(options: Parsed) -> str:
    """The format that was asked for last."""
    form = "text"
    for name, value in options.given:
        form = value if name == "output-as" else _LEGACY.get(name, form)
    return form


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)


def _main(call: Call) -> int:
    from engine.tools.frame.cib import file_of
    from engine.tools.monitor.sections import sections_from

    options, form = call.options, call.out.form
    _check(options)
    wanted = sections_from(options, form)
    if "simple-status" in options:
        return _simple(call)
    once = "one-shot" in options or form in {"xml", "none"} or bool(file_of(call.environment))
    once = once or "web-cgi" in options or "html-cgi" in options
    if "daemonize" not in options and (once or not _is_watched(options)):
        status_into(call, wanted)
        return ExitStatus.OK
    from engine.tools.monitor.watch import watch

    return watch(call, lambda: status_into(call, wanted))


def _is_watched(options: Parsed) -> bool:
    """Whether the status is shown again and again: on a terminal, or into a file."""
    return sys.stdout.isatty() or _target(options) != "" or "interval" in options


def _target(options: Parsed) -> str:
    place = options.get("as-html") or options.get("output-to")
    return "" if place == "-" else place


def _check(options: Parsed) -> None:
    for name in ("external-agent", "external-recipient"):
        if name in options:
            text = f"--{name} is not supported: configure an alert instead"
            raise EngineError(text, status=ExitStatus.USAGE)
    if options.words:
        text = f"'{options.words[0]}' is not an option; crm_mon takes no other words"
        raise EngineError(text, status=ExitStatus.USAGE)
    if "daemonize" in options and not _target(options):
        text = "--daemonize needs --output-to=FILE (and --output-as=html or text)"
        raise EngineError(text, status=ExitStatus.USAGE)
    if "simple-status" in options and form_of(options) not in {"text", "console"}:
        text = "--simple-status shows one line of text, no other format"
        raise EngineError(text, status=ExitStatus.USAGE)


def _facts(call: Call) -> Facts:
    from engine.ipc.live import local_zone
    from engine.tools.frame.cib import file_of, read_cib
    from engine.tools.monitor.facts import facts_of, live_fencing

    cib = read_cib(call.environment)
    fencing = None if file_of(call.environment) else live_fencing(call.environment)
    return facts_of(cib, time.time(), local_zone(), fencing)


def status_into(call: Call, wanted: Sections) -> None:
    """Read the status and put it into the call's output; raises `EngineError`."""
    from engine.tools.monitor.facts import look_of

    out, options = call.out, call.options
    facts = _facts(call)
    look = look_of(options, facts.model, out.form)
    if out.form == "xml":
        from engine.tools.monitor.document import add_status

        add_status(out.root, facts, wanted, look)
        return
    if out.form == "none":
        return
    from engine.tools.monitor.text import status_sections

    sections = status_sections(facts, wanted, look)
    if out.form != "html":
        out.lines[:] = "\n\n".join("\n".join(each.text()) for each in sections).splitlines()
        return
    from engine.tools.monitor.page import page_lines

    page = page_lines(
        sections,
        options.get("html-title", "Cluster Status"),
        stylesheet=options.get("html-stylesheet"),
    )
    cgi = "web-cgi" in options or "html-cgi" in options
    out.lines[:] = [*(["Content-Type: text/html", ""] if cgi else []), *page]


def _simple(call: Call) -> int:
    from engine.tools.monitor.simple import simple_line

    line, is_fine = simple_line(_facts(call).model)
    call.out.lines.append(line)
    return ExitStatus.OK if is_fine else ExitStatus.ERROR


PROGRAM = Program(
    "crm_mon",
    "Show the status of the cluster.",
    OPTIONS,
    _main,
    formats=_FORMATS,
    form_of=form_of,
)

if __name__ == "__main__":
    sys.exit(main())
