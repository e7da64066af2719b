"""The command `cibadmin`: show and change the CIB, whole, by section, or by XPath."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.change import Caller, change, visible_cib
from engine.tools.frame.cib import file_of
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from lxml import etree

_COMMANDS = {
    "upgrade": "upgrade the configuration to the newest schema (with --force)",
    "query": "show the CIB, a section of it, or what an XPath finds",
    "erase": "empty the CIB (with --force)",
    "bump": "raise the epoch of the CIB by one",
    "create": "add an object; it must not exist yet",
    "modify": "change an object; it must exist, unless --allow-create",
    "patch": "apply a patch as crm_diff writes it",
    "replace": "put an object in the place of the one with its id",
    "delete": "delete the first object with the name and all attributes of the given one",
    "delete-all": "with --xpath: delete all that it finds",
    "empty": "show an empty CIB",
    "md5-sum": "show the digest of the XML given, as files have it",
    "md5-sum-versioned": "show the digest of the XML given, as patches have it",
}
_LETTERS = {
    "upgrade": "u",
    "query": "Q",
    "erase": "E",
    "bump": "B",
    "create": "C",
    "modify": "M",
    "patch": "P",
    "replace": "R",
    "delete": "D",
    "delete-all": "d",
    "empty": "a",
    "md5-sum": "5",
    "md5-sum-versioned": "6",
}
_DANGEROUS = ("erase", "upgrade")
OPTIONS = (
    *(
        option(f"-{_LETTERS[name]} --{name}", text)
        if name != "empty"
        else option("-a --empty", text, value="SCHEMA", optional=True)
        for name, text in _COMMANDS.items()
    ),
    option("-o --scope", "only this section of the CIB", value="SECTION"),
    option("-A --xpath", "only what this XPath finds", value="XPATH"),
    option("-e --node-path", "with --xpath: show the paths of what it finds"),
    option("-n --no-children", "with --query: without what is inside"),
    option("-S --show-access", "with --query and --user: show the rights of the user in the CIB; "
           "color, text, namespace or auto", value="HOW", optional=True),
    option("-X --xml-text", "the XML of the object", value="XML"),
    option("-x --xml-file", "the file that holds the XML", value="FILE"),
    option("-p --xml-pipe", "read the XML from standard input"),
    option("-c --allow-create", "with --modify: make the object where it does not exist"),
    option("--score", "with --modify: count up values given as NAME++ and NAME+=N (always done)",
           advanced=True),
    option("-f --force", "do what may destroy the configuration"),
    option("-U --user", "with the rights of this user (for root and hacluster)", value="USER"),
    option("-t --timeout", "seconds to wait for the cluster", value="SECONDS"),
    option("-s --sync-call", "wait until it is done (always so)", advanced=True),
    option("-l --local", "ask this node only", advanced=True),
    option("-N --node", "ask this node (all nodes hold the same CIB)", value="NODE", advanced=True),
)  # fmt: skip


def _main(call: Call) -> int:
    options = call.options
    command = options.last_of(tuple(_COMMANDS))
    if not command:
        raise _usage("Must specify a command option, --help lists them")
    if "scope" in options and "xpath" in options:
        raise _usage("--scope and --xpath cannot be used together")
    if command in _DANGEROUS and "force" not in options:
        text = (
            "The supplied command is considered dangerous. To prevent accidental destruction of "
            "the cluster, the --force flag is required in order to proceed."
        )
        raise EngineError(text, status=ExitStatus.UNSAFE)
    if command == "empty":
        return _empty(call)
    if command.startswith("md5-sum"):
        return _digest(call, command)
    try:
        return _query(call) if command == "query" else _change(call, command)
    except EngineError as problem:
        if problem.status is ExitStatus.USAGE:
            raise
        text = f"CIB API call failed: {problem}"
        raise EngineError(text, status=problem.status, reports=problem.reports) from None


def _usage(text: str) -> EngineError:
    return EngineError(text, status=ExitStatus.USAGE)


def _caller(call: Call) -> Caller:
    return Caller(call.environment, "cibadmin", call.options.get("user"))


# -- input ------------------------------------------------------------------------------------------


def _input(call: Call, *, demanded: bool = True) -> etree._Element | None:
    """The XML given on the command line, in a file or by standard input."""
    from engine.base.compressed import plain_bytes
    from engine.base.safexml import parse_xml

    source = call.options.last_of(("xml-text", "xml-file", "xml-pipe"))
    if not source:
        if demanded:
            raise _usage("Please supply XML to process with -X, -x or -p")
        return None
    value = call.options.get(source)
    if source == "xml-text":
        data, name = value.encode("utf-8", "surrogateescape"), "input string"
    elif source == "xml-pipe":
        data, name = sys.stdin.buffer.read(), "standard input"
    else:
        name = value
        try:
            with open(value, "rb") as stream:
                data = stream.read()
        except OSError as problem:
            text = f"Couldn't read input from {value}: {problem.strerror}"
            raise EngineError(text, status=ExitStatus.NOINPUT) from None
    return parse_xml(plain_bytes(data, name), name)


# -- showing ----------------------------------------------------------------------------------------


def _show(call: Call, text: str) -> int:
    call.out.line(text.removesuffix("\n"))
    call.out.document("output", text)
    return ExitStatus.OK


def _pretty(element: etree._Element) -> str:
    from lxml import etree

    return etree.tostring(element, pretty_print=True, encoding="unicode", with_tail=False)


def _empty(call: Call) -> int:
    from engine.cib.document import CibVersion, empty_cib

    cib = empty_cib()
    cib.version = CibVersion(0, 1, 0)
    if schema := call.options.get("empty"):
        cib.root.set("validate-with", schema)
    return _show(call, _pretty(cib.root))


def _digest(call: Call, command: str) -> int:
    from engine.cib.patchset import digest_of_cib, digest_of_patch

    root = _input(call)
    assert root is not None
    digest = digest_of_cib(root) if command == "md5-sum" else digest_of_patch(root)
    call.out.line(digest)
    call.out.element(command, {"digest": digest})
    return ExitStatus.OK


def _query(call: Call) -> int:
    from lxml import etree

    from engine.cib.operations import found_by, no_such_object, path_of, section_of
    from engine.tools.frame.cib import read_cib

    options = call.options
    cib = read_cib(call.environment)
    if "show-access" in options:
        return _show_access(call, cib.root)
    root = visible_cib(_caller(call), cib).root
    if "xpath" not in options:
        section = section_of(root, options.get("scope"))
        if section is None:
            raise no_such_object()
        return _show(call, _pretty(_bare(section) if "no-children" in options else section))
    found = found_by(root, options.get("xpath"))
    if not found:
        raise no_such_object()
    if "node-path" in options:
        return _show(call, "".join(f"{path_of(each)}\n" for each in found))
    if "no-children" in options:
        found = [_bare(each) for each in found]
    if len(found) == 1:
        return _show(call, _pretty(found[0]))
    inside = "".join(_pretty(each) for each in found)
    holder = etree.fromstring(
        f"<xpath-query>{inside}</xpath-query>", etree.XMLParser(remove_blank_text=True)
    )
    return _show(call, _pretty(holder))


def _bare(element: etree._Element) -> etree._Element:
    from lxml import etree

    return etree.Element(element.tag, dict(element.attrib.items()))


def _show_access(call: Call, root: etree._Element) -> int:
    from engine.cib.access import Access, is_restricted, rights_of
    from engine.tools.frame.access_text import SHAPES, shown
    from engine.tools.frame.change import groups_of

    user, shape = call.options.get("user"), call.options.get("show-access") or "auto"
    if not user:
        raise _usage("--show-access needs --user")
    if shape not in SHAPES:
        raise _usage(f"unknown value '{shape}' of --show-access, expected {', '.join(SHAPES)}")
    if not is_restricted(root, user):
        text = f"no rights to show: access control is off, or does not count for {user}"
        raise EngineError(text, status=ExitStatus.UNSATISFIED)
    if shape == "auto":
        shape = "color" if sys.stdout.isatty() else "text"
    access = Access.on(root, rights_of(root, user, groups_of(user)))
    return _show(call, shown(access, user, shape))


# -- changing ---------------------------------------------------------------------------------------


def _change(call: Call, command: str) -> int:
    from engine.cib.operations import CreationRefused

    if command == "upgrade":
        return _upgrade(call)
    edit = _edit(call, command)
    try:
        change(_caller(call), edit, keeps_version=command in ("erase", "bump"))
    except CreationRefused as refused:
        _show_failures(call, refused)
        raise
    return ExitStatus.OK


def _edit(call: Call, command: str) -> Callable[[etree._Element], etree._Element]:
    from engine.cib import operations

    options = call.options
    scope, xpath = options.get("scope"), options.get("xpath")
    if command == "erase":
        return operations.erased if file_of(call.environment) else operations.without_objects
    if command == "bump":
        return operations.bumped
    if command in ("delete", "delete-all") and xpath:
        return _in_place(
            lambda root: operations.delete_found(root, xpath, every=command == "delete-all")
        )
    if command == "delete-all":
        raise _usage("--delete-all needs --xpath")
    new = _input(call)
    assert new is not None
    if command == "patch":
        from engine.cib.patchset import apply_patchset

        return lambda root: apply_patchset(root, new)
    if command == "replace":
        if xpath:
            return _in_place(lambda root: operations.replace_found(root, xpath, new))
        return lambda root: operations.replace(root, scope, new)
    if command == "delete":
        return _in_place(lambda root: operations.delete(root, scope, new))
    if command == "create":
        if xpath:
            return _in_place(lambda root: operations.create_in_found(root, xpath, new))
        return _in_place(lambda root: operations.create(root, scope, new))
    if xpath:
        return _in_place(lambda root: operations.modify_found(root, xpath, new))
    may_create = "allow-create" in options
    return _in_place(lambda root: operations.modify(root, scope, new, may_create=may_create))


def _in_place(
    edit: Callable[[etree._Element], object],
) -> Callable[[etree._Element], etree._Element]:
    def edited(root: etree._Element) -> etree._Element:
        edit(root)
        return root

    return edited


def _show_failures(call: Call, refused: EngineError) -> None:
    from copy import deepcopy

    from lxml import etree

    from engine.cib.operations import CreationRefused

    assert isinstance(refused, CreationRefused)
    holder = etree.Element("failed")
    for failure in refused.failures:
        values = {
            "id": failure.element.get("id") or "",
            "object-type": str(failure.element.tag),
            "operation": "cib_create",
            "reason": failure.reason,
        }
        etree.SubElement(holder, "failed_update", values).append(deepcopy(failure.element))
    _show(call, _pretty(holder))


def _upgrade(call: Call) -> int:
    from engine.cib.document import DEFAULT_SCHEMA

    said: list[str] = []
    unchanged = False

    def edit(root: etree._Element) -> etree._Element:
        nonlocal unchanged
        from engine.cib.document import Cib, CibVersion
        from engine.cib.schema import SCHEMAS
        from engine.cib.upgrade import in_todays_form

        said.clear()
        known = {name: place for place, name in enumerate(SCHEMAS)}
        schema = root.get("validate-with") or ""
        unchanged = known.get(schema, -1) >= known[DEFAULT_SCHEMA]
        if unchanged:
            return root
        configuration = Cib(root).configuration
        done = in_todays_form(configuration, schema)
        said.extend(done.changes)
        if done.configuration is not configuration:
            root.replace(configuration, done.configuration)
        root.set("validate-with", DEFAULT_SCHEMA)
        version = Cib(root).version
        Cib(root).version = CibVersion(version.admin_epoch + 1, 1, 0)
        return root

    change(_caller(call), edit)
    if unchanged:
        call.out.line("Upgrade unnecessary: Schema is already the latest available")
    if "verbose" in call.options:
        for line in said:
            call.out.note(line)
    return ExitStatus.OK


PROGRAM = Program(
    "cibadmin",
    "Show and change the CIB, the configuration and status of the cluster.",
    OPTIONS,
    _main,
    usage="COMMAND [OPTIONS]",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
