"""`pcs cluster cib`, `cib-push`, `verify`, and the whole of `pcs config`."""

from __future__ import annotations

from lxml import etree

from crmshell.errors import ShellError
from crmshell.pcs.frame.book import Book, Work
from engine.base.reports import Report, Severity
from engine.cib.document import Cib

SCOPES = ("acls", "alerts", "configuration", "constraints", "crm_config", "fencing-topology",
          "nodes", "op_defaults", "resources", "rsc_defaults", "tags", "status")  # fmt: skip


def _scope(work: Work, words: list[str]) -> str:
    """The scope that is wanted; "" is all of it."""
    scope = "configuration" if work.has("--config") else ""
    for word in words:
        name, _, value = word.partition("=")
        if name != "scope":
            work.refuse_name(f"'{word}': expected scope=SECTION", name, ("scope",))
        elif value not in SCOPES:
            message = f"scope '{value}': expected {', '.join(SCOPES)}"
            work.refuse_name(message, value, SCOPES)
        scope = value
    work.check()
    return scope


def save(work: Work) -> None:
    """`cluster cib [FILE] [scope=SECTION|--config]`"""
    files = [word for word in work.words if not word.startswith("scope=")]
    scope = _scope(work, [word for word in work.words if word.startswith("scope=")])
    if len(files) > 1:
        raise work.misuse()
    cib = work.session.cib()
    root = _section(cib, scope)
    data = etree.tostring(root, encoding="unicode", pretty_print=True)
    if files:
        work.session.environment.write_file(files[0], data.encode())
    else:
        work.show(data.rstrip("\n"))


def _section(cib: Cib, scope: str) -> etree._Element:
    if not scope:
        return cib.root
    if scope == "configuration":
        return cib.configuration
    if scope == "status":
        found = cib.root.find("status")
        return etree.Element("status") if found is None else found
    return cib.section(scope)


def push(work: Work) -> None:
    """`cluster cib-push FILE [scope=SECTION|--config] [diff-against=FILE]`"""
    file, *rest = work.words
    against = [word.partition("=")[2] for word in rest if word.startswith("diff-against=")]
    scope = _scope(work, [word for word in rest if not word.startswith("diff-against=")])
    environment = work.session.environment
    new_root = _parsed(work, file)
    source = work.session.source
    base = source.read(sync=True)
    if against:
        old = Cib(_parsed(work, against[0]))
        committed = source.commit(old, Cib(new_root), replace=True, force=work.force)
    else:
        new = base.copy()
        _put_section(work, new, new_root, scope)
        committed = source.commit(base, new, replace=True, force=work.force)
    work.session.report(*committed.reports)
    environment.complain("INFO: the configuration has been handed over")
    work.settle()


def _parsed(work: Work, path: str) -> etree._Element:
    from engine.base.safexml import parse_xml

    data = work.session.environment.read_file(path)
    return parse_xml(data, path)


def _put_section(work: Work, cib: Cib, root: etree._Element, scope: str) -> None:
    wanted = scope or "configuration"
    found = root if root.tag == wanted else root.find(f".//{wanted}")
    if found is None:
        raise work.stop(f"the file has no <{wanted}>", work.words[0])
    if not scope and root.tag == "cib" and root.get("validate-with"):
        cib.root.set("validate-with", root.get("validate-with", ""))
    old = cib.configuration if wanted == "configuration" else cib.section(wanted)
    parent = old.getparent()
    if parent is not None:
        parent.replace(old, found)


def verify(work: Work) -> None:
    """`cluster verify [--full] [FILE]`"""
    from engine.cib.schema import validate

    if work.words:
        cib = Cib.from_bytes(work.session.environment.read_file(work.words[0]), work.words[0])
    else:
        cib = work.session.cib()
    found = list(validate(cib.root)) + _meaning(work, cib)
    for each in found:
        if each.severity < Severity.ERROR and work.has("--full"):
            work.session.report(each)
    errors = tuple(each for each in found if each.severity >= Severity.ERROR)
    if errors:
        raise ShellError(reports=errors)


def _meaning(work: Work, cib: Cib) -> list[Report]:
    from crmshell.pending.changes import PendingCib
    from crmshell.pending.verify import verify as verify_all
    from crmshell.views.status import read_model

    found = verify_all(PendingCib(cib), work.session.facts())
    model = read_model(cib, work.session.environment.clock())
    if model.resource_count and model.options.fencing_enabled and not model.has_fence_device:
        text = (
            "no resource is started: fencing is enabled and there is no fencing device; make one"
            " with pcs stonith create, or type: pcs property set stonith-enabled=false"
        )
        found = [each for each in found if each.code != "no-fencing"]
        found.append(Report("no-fencing-device", Severity.ERROR, text))
    return found


def config(work: Work) -> None:
    """`pcs config`: everything."""
    from crmshell.pcs.other.alerts import alert_lines
    from crmshell.pcs.other.corosync import conf_of, option_lines
    from crmshell.pcs.other.defaults import default_lines
    from crmshell.pcs.other.levels import level_lines
    from crmshell.pcs.other.property import all_property_lines
    from crmshell.pcs.other.tags import tag_lines
    from crmshell.pcs.show.constraints import constraint_lines
    from crmshell.pcs.show.resources import all_lines

    book = work.read()
    conf = conf_of(work)
    lines = [f"Cluster Name: {_cluster_name(book, conf.get('totem.cluster_name') if conf else ())}"]
    if conf is not None:
        lines += ["Corosync Nodes:", f" {' '.join(node.name for node in conf.nodes())}"]
    lines += ["Pacemaker Nodes:", f" {' '.join(book.node_names())}"]
    lines += ["", "Resources:", *_in(all_lines(book, fencing=False))]
    lines += ["", "Stonith Devices:", *_in(all_lines(book, fencing=True))]
    lines += ["Fencing Levels:", *_in(level_lines(book)), ""]
    lines += constraint_lines(book, full=True)
    lines += ["", *alert_lines(book), ""]
    for tag, title in (("rsc_defaults", "Resources"), ("op_defaults", "Operations")):
        found = default_lines(book, tag) or ["No defaults set"]
        lines += [f"{title} Defaults:", *_in(found)]
    lines += ["", *all_property_lines(book), "", "Tags:"]
    lines += [f" {line}" for line in tag_lines(book, [])] or [" No tags defined"]
    if conf is not None:
        lines += ["", "Quorum:", "  Options:", *(f"    {line}" for line in option_lines(conf))]
    work.show(lines)


def _cluster_name(book: Book, in_conf: tuple[str, ...]) -> str:
    if in_conf:
        return in_conf[0]
    for each in book.section("crm_config").iter("nvpair"):
        if each.get("name") == "cluster-name":
            return each.get("value", "")
    return ""


def _in(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]
