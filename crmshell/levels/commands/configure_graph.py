"""The command `configure graph`: the pending configuration as graphviz text or picture."""

from __future__ import annotations

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Call, command
from crmshell.session import Session
from crmshell.views.graph import dot_from_cib

FORMATS = ("svg", "png", "pdf", "ps", "eps", "jpg", "gif", "dot")


@command("configure", "graph", usage="[dot [<file> [<format>]]]", args=(0, 3), help="draw it")
def graph(session: Session, call: Call) -> str:
    """Text without a file; with a format `dot` makes the picture (asked for by name if missing)."""
    words = list(call.args)
    if words and words.pop(0) != "dot":
        raise ShellError(f"configure.graph: '{call.args[0]}', expected dot", code="arguments")
    text = dot_from_cib(session.pending.cib.root)
    if not words:
        return text
    path, form = words[0], words[1] if len(words) == 2 else "dot"
    if form not in FORMATS:
        known = ", ".join(FORMATS)
        raise ShellError(f"configure.graph: '{form}' is not one of {known}", code="arguments")
    data = text.encode() if form == "dot" else _drawn(session, text, form)
    session.environment.write_file(path, data)
    return ""


def _drawn(session: Session, text: str, form: str) -> bytes:
    program = session.options.text("core.dot") or "dot"
    if not session.environment.find_program(program):
        raise ShellError(
            f"{program} is not installed (package graphviz); 'graph dot FILE' writes the text",
            code="not-installed",
        )
    done = session.environment.run([program, f"-T{form}"], stdin=text.encode())
    if done.status:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ShellError(f"{program}: {said[0] if said else done.status}", code="dot")
    return done.stdout
