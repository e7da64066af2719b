"""Verify: all findings about the pending configuration, as reports (shell 5).

First the form (schema, ids, references), then object by object. Findings that say the same about
many objects are told once, with the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lxml import etree

from crmshell.grammar.errors import nearest_word
from crmshell.pending.changes import PendingCib
from crmshell.pending.checks import Facts, check_primitive
from crmshell.pending.tree import CONSTRAINT_TAGS, CONTAINER_TAGS, TOPOLOGY, Element, names_in
from engine.base.isodate import Zone, epoch_from_text
from engine.base.reports import Report, Severity
from engine.cib.loops import loop_findings
from engine.cib.options import CLUSTER_OPTIONS, OPERATION_OPTIONS, RESOURCE_META, Option, is_valid
from engine.cib.schema import dangling_references, validate
from engine.cib.upgrade import removed_option

SHOWN_NAMES = 3
_FALSE = frozenset(("false", "no", "off", "0", "n"))
_SET_BY_CLUSTER = frozenset(("have-watchdog", "last-lrm-refresh"))


def verify(tree: PendingCib, facts: Facts, names: Iterable[str] | None = None) -> list[Report]:
    """Findings about the form of everything, and about these objects (None: all)."""
    root = tree.cib.root
    dangling = dangling_references(root)
    known = {report.subject for report in dangling}
    form = validate(root)
    found = [*form, *dangling]
    found += [
        report
        for report in check_objects(tree, facts, names)
        if not (report.code == "no-such-resource" and report.subject in known)
    ]
    found += _check_fencing(tree)
    chosen = None if names is None else frozenset(names)
    found += [
        report for report in loop_findings(root) if chosen is None or report.subject in chosen
    ]
    if not any(report.severity >= Severity.ERROR for report in form):
        from crmshell.pending.scheduler_findings import unsaid_by_the_shell

        found += unsaid_by_the_shell(tree, found, facts.now, changed_only=chosen is not None)
    return grouped(found)


def check_objects(tree: PendingCib, facts: Facts, names: Iterable[str] | None) -> list[Report]:
    """Findings about these objects themselves (None: about all)."""
    if names is None:
        elements: Iterable[Element] = tree.everything()
    else:
        elements = [el for el in (tree.find(name) for name in names) if el is not None]
    facts.shared = _shared(tree)
    facts.op_timeout = _default_timeout(tree) or facts.op_timeout
    found: list[Report] = []
    checked: set[str] = set()
    for element in elements:
        found += _check_object(tree, element, facts)
        found += _check_dates(element)
        checked.add(element.get("id", ""))
    found += _check_unique(tree, facts, None if names is None else checked)
    return found


def _shared(tree: PendingCib) -> dict[str, Element]:
    """Elements that something refers to by id-ref."""
    configuration = tree.cib.configuration
    wanted = {str(ref) for ref in configuration.xpath("//@id-ref")}
    if not wanted:
        return {}
    return {
        part.get("id", ""): part
        for part in configuration.iter(etree.Element)
        if part.get("id") in wanted
    }


def _check_dates(element: Element) -> Iterator[Report]:
    """Dates in rules that nobody can read: such a rule never applies."""
    name = element.get("uname") or element.get("id") or ""
    for part in element.iter("date_expression"):
        if (
            element.tag in CONTAINER_TAGS
            and next(part.iterancestors("primitive"), None) is not None
        ):
            continue  # told of the member
        for label in ("start", "end"):
            text = part.get(label)
            if text is not None and epoch_from_text(text, Zone()) is None:
                yield Report(
                    "bad-value",
                    Severity.WARNING,
                    f"{name}: '{text}' is not a date (for example 2030-12-31 or"
                    " 2030-12-31T08:00:00Z), so its rule never applies",
                    subject=name,
                )


def _default_timeout(tree: PendingCib) -> str:
    section = tree.section("op_defaults")
    for pairs in section if section is not None else ():
        if pairs.find("rule") is None:
            for pair in pairs.iterchildren("nvpair"):
                if pair.get("name") == "timeout":
                    return pair.get("value", "")
    return ""


def _check_object(tree: PendingCib, element: Element, facts: Facts) -> Iterator[Report]:
    tag = element.tag
    if tag == "primitive":
        yield from check_primitive(tree, element, facts)
        yield from _check_meta(element)
    elif tag in CONTAINER_TAGS:
        yield from _check_meta(element)
        if tag == "group":
            yield from _check_group(element)
    elif tag in CONSTRAINT_TAGS:
        yield from _check_constraint(tree, element)
    elif tag == "cluster_property_set":
        yield from _check_properties(tree, element)
    elif tag == "meta_attributes":
        yield from _check_defaults(element)
    elif tag == "fencing-topology":
        yield from _check_topology(tree, element)


# -- meta attributes, properties, defaults --------------------------------------------------------


def _check_meta(element: Element) -> Iterator[Report]:
    name = element.get("id", "")
    for pairs in element.iterchildren("meta_attributes"):
        for pair in pairs.iterchildren("nvpair"):
            label = pair.get("name")
            if label is not None:
                yield from _check_option(name, label, pair.get("value"), RESOURCE_META, "meta")


def _check_properties(tree: PendingCib, element: Element) -> Iterator[Report]:
    name = element.get("id", "")
    old = {option.old_name: option for option in CLUSTER_OPTIONS.values() if option.old_name}
    known = {**CLUSTER_OPTIONS, **old}
    for pair in element.iterchildren("nvpair"):
        label = pair.get("name")
        if label is None or label in _SET_BY_CLUSTER:
            continue
        why = removed_option(label, pair.get("value", ""), tree.cib.root.get("validate-with", ""))
        if why:
            yield _fatal("removed-option", name, f"{name}: {why}")
            continue
        yield from _check_option(name, label, pair.get("value"), known, "property")


def _check_defaults(element: Element) -> Iterator[Report]:
    parent = element.getparent()
    of_operations = parent is not None and parent.tag == "op_defaults"
    known = OPERATION_OPTIONS if of_operations else RESOURCE_META
    name = element.get("id", "")
    for pair in element.iterchildren("nvpair"):
        label = pair.get("name")
        if label is not None:
            yield from _check_option(name, label, pair.get("value"), known, "default")


def _check_option(
    name: str, label: str, value: str | None, known: Mapping[str, Option], what: str
) -> Iterator[Report]:
    option = known.get(label)
    if option is None:
        if label.startswith(("remote-", "hostlist-", "pcmk_")):
            return
        nearest = nearest_word(label, known)
        hint = f" (did you mean '{nearest}'?)" if nearest else ""
        yield Report(
            f"unknown-{what}",
            Severity.WARNING,
            f"{name}: unknown attribute '{label}'{hint}",
            subject=name,
            nearest=nearest,
        )
    elif value and not is_valid(option, value):
        yield Report(
            "bad-value",
            Severity.WARNING,
            f"{name}: {label}: {_not_valid(option, value)}",
            subject=name,
        )


def _not_valid(option: Option, value: str) -> str:
    if option.kind == "word":
        return f"'{value}' is not one of {', '.join(option.words)}"
    return f"'{value}' is not a {option.kind}"


# -- containers, constraints ----------------------------------------------------------------------


def _is_remote(element: Element | None) -> bool:
    return (
        element is not None
        and element.get("type") == "remote"
        and element.get("provider") == "pacemaker"
    )


def _check_group(element: Element) -> Iterator[Report]:
    for member in element.iterchildren("primitive"):
        if _is_remote(member):
            yield _fatal(
                "remote-in-group",
                element.get("id", ""),
                f"Cannot put remote resource '{member.get('id')}' in a group",
            )


def _fatal(code: str, subject: str, message: str) -> Report:
    return Report(code, Severity.ERROR, message, subject=subject)


def _check_constraint(tree: PendingCib, element: Element) -> Iterator[Report]:
    name = element.get("id", "")
    tag = element.tag
    for rsc in dict.fromkeys(names_in(element)):
        found = tree.objects.get(rsc)
        if found is None:
            yield _about(name, "no-such-resource", f"resource {rsc} does not exist", rsc, tree)
            continue
        parent = found.getparent()
        container = parent.get("id") if parent is not None else None
        if parent is not None and parent.tag in ("clone", "master", "bundle"):
            yield _about(
                name,
                "inside-container",
                f"resource {rsc} ambiguous, apply constraints to container {container}",
            )
        elif parent is not None and parent.tag == "group" and tag == "rsc_colocation":
            yield _about(
                name,
                "inside-group",
                f"resource {rsc} is grouped, constraints should apply to the group {container}",
            )
        if tag in ("rsc_order", "rsc_colocation") and _is_remote(found):
            kind = "order" if tag == "rsc_order" else "colocation"
            yield _fatal(
                "remote-in-constraint",
                name,
                f"{name}: Cannot put remote resource '{rsc}' in {kind} constraint",
            )
    if tag == "rsc_location":
        yield from _check_location(tree, element, name)


def _about(
    name: str, code: str, text: str, wrong: str = "", tree: PendingCib | None = None
) -> Report:
    nearest = nearest_word(wrong, tree.objects) if tree is not None else ""
    hint = f" (did you mean '{nearest}'?)" if nearest else ""
    return Report(code, Severity.WARNING, f"{name}: {text}{hint}", subject=name, nearest=nearest)


def _check_location(tree: PendingCib, element: Element, name: str) -> Iterator[Report]:
    wanted = [element.get("node", "")]
    for part in element.iter("expression"):
        if part.get("attribute") == "#uname" and part.get("operation") in ("eq", "ne"):
            wanted.append(part.get("value", ""))
    for node in dict.fromkeys(wanted):
        if node and node not in tree.nodes and not _is_guest(tree, node):
            nearest = nearest_word(node, tree.nodes)
            hint = f" (did you mean '{nearest}'?)" if nearest else ""
            yield Report(
                "no-such-node",
                Severity.WARNING,
                f"{name}: referenced node {node} does not exist{hint}",
                subject=name,
                nearest=nearest,
            )
    pattern = element.get("rsc-pattern")
    if pattern is not None:
        try:
            re.compile(pattern)
        except re.error as problem:
            yield Report(
                "bad-pattern",
                Severity.WARNING,
                f"{name}: '{pattern}' may not be a valid regular expression ({problem})",
                subject=name,
            )


def _is_guest(tree: PendingCib, node: str) -> bool:
    """A remote node by a resource of its name, or a guest node of a resource's meta attribute."""
    if _is_remote(tree.objects.get(node)):
        return True
    resources = tree.section("resources")
    if resources is None:
        return False
    for pair in resources.iter("nvpair"):
        if pair.get("name") == "remote-node" and pair.get("value") == node:
            return True
    return False


# -- fencing --------------------------------------------------------------------------------------


def _check_topology(tree: PendingCib, element: Element) -> Iterator[Report]:
    for level in element.iterchildren("fencing-level"):
        target = level.get("target")
        if target is not None and target not in tree.nodes and not _is_guest(tree, target):
            yield _topology_report(f"target {target} not a node", nearest_word(target, tree.nodes))
        for device in (level.get("devices") or "").split(","):
            found = tree.objects.get(device)
            if found is None:
                text = f"resource {device} does not exist"
                nearest = f"{device}:" if device in tree.nodes else ""
                yield _topology_report(text, nearest or nearest_word(device, tree.objects))
            elif not _is_fencing(tree, found):
                yield _topology_report(f"{device} not a stonith resource", "")


def _topology_report(text: str, nearest: str) -> Report:
    hint = f" (did you mean '{nearest}'?)" if nearest else ""
    return Report(
        "topology", Severity.WARNING, f"{TOPOLOGY}: {text}{hint}", subject=TOPOLOGY, nearest=nearest
    )


def _is_fencing(tree: PendingCib, element: Element) -> bool:
    template = tree.objects.get(element.get("template", ""))
    origin = template if template is not None else element
    return origin.get("class") == "stonith"


def _check_fencing(tree: PendingCib) -> list[Report]:
    """Fencing is on, something is to run, and there is no device to fence with."""
    value, name = "true", "stonith-enabled"
    section = tree.section("crm_config")
    for pair in section.iter("nvpair") if section is not None else ():
        if pair.get("name") in ("stonith-enabled", "fencing-enabled"):
            value, name = pair.get("value", ""), pair.get("name", "")
    resources = tree.section("resources")
    if value.lower() in _FALSE or resources is None:
        return []
    primitives = list(resources.iter("primitive"))
    if not primitives or any(_is_fencing(tree, primitive) for primitive in primitives):
        return []
    return [
        Report(
            "no-fencing",
            Severity.WARNING,
            f"{name}=true (the default) means that a node that fails is powered off before its"
            " resources start elsewhere, and there is no fencing resource: nothing will be started;"
            f" define one (primitive fence stonith:fence_… …), or type: property {name}=false",
        )
    ]


# -- uniqueness -----------------------------------------------------------------------------------


def _check_unique(tree: PendingCib, facts: Facts, changed: set[str] | None) -> list[Report]:
    """Unique parameters that two primitives give the same value."""
    seen: dict[tuple[tuple[str, str, str], str, str], list[str]] = {}
    for name, element in tree.objects.items():
        if element.tag != "primitive":
            continue
        key = (element.get("class", ""), element.get("provider", ""), element.get("type", ""))
        agent = facts.agent(key) if key[0] else ""
        if isinstance(agent, str):
            continue
        unique = {parameter.name for parameter in agent.parameters if parameter.unique}
        if not unique:
            continue
        for pair in element.iterfind("instance_attributes/nvpair"):
            label = pair.get("name", "")
            if label in unique:
                seen.setdefault((key, label, pair.get("value", "")), []).append(name)
    found: list[Report] = []
    for (_, label, value), names in seen.items():
        if len(names) > 1 and (changed is None or changed.intersection(names)):
            found.append(
                Report(
                    "not-unique",
                    Severity.WARNING,
                    f'Resources {",".join(names)} violate uniqueness for parameter "{label}":'
                    f' "{value}"',
                    subject=names[0],
                )
            )
    return found


# -- grouping -------------------------------------------------------------------------------------


def grouped(reports: Sequence[Report]) -> list[Report]:
    """Findings that differ only in the object become one, with the first names and a count."""
    together: dict[tuple[str, Severity, str], list[Report]] = {}
    for report in reports:
        prefix = f"{report.subject}: "
        text = report.message
        body = text.removeprefix(prefix) if report.subject else text
        if report.subject:
            body = body.replace(f"(set {report.subject}.", "(set ID.")
        together.setdefault((report.code, report.severity, body), []).append(report)
    found: list[Report] = []
    for (code, severity, body), same in together.items():
        if len(same) <= SHOWN_NAMES or not same[0].message.startswith(f"{same[0].subject}: "):
            found += same
            continue
        names = list(dict.fromkeys(report.subject for report in same))
        shown = ", ".join(names[:SHOWN_NAMES])
        more = len(names) - SHOWN_NAMES
        others = f" and {more} others" if more > 1 else f" and {names[SHOWN_NAMES]}"
        if more <= 0:
            found += same
            continue
        found.append(
            Report(
                code,
                severity,
                f"{shown}{others}: {body}",
                subject=names[0],
                nearest=same[0].nearest,
                force_code=same[0].force_code,
            )
        )
    return sorted(found, key=lambda report: -report.severity)
