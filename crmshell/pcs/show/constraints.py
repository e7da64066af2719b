"""Constraints as text."""

from __future__ import annotations

from collections.abc import Iterable

from crmshell.pcs.constraint.location import is_positive
from crmshell.pcs.frame.book import Book, Element, Work

TITLES = {
    "rsc_location": "Location Constraints:",
    "rsc_order": "Ordering Constraints:",
    "rsc_colocation": "Colocation Constraints:",
    "rsc_ticket": "Ticket Constraints:",
}


def show_all(work: Work) -> None:
    """`constraint [config] [--full]`"""
    work.show(constraint_lines(work.read(), full=work.has("--full")))


def show_locations(work: Work) -> None:
    """`constraint location [config [resources|nodes NAME...]]`"""
    words = list(work.words)
    by = words.pop(0) if words else "resources"
    if by not in ("resources", "nodes"):
        work.refuse(f"'{by}': expected resources or nodes", by)
        work.check()
    book = work.read()
    lines = (
        locations_by_node(book, words, full=work.has("--full"))
        if by == "nodes"
        else (locations_by_resource(book, words, full=work.has("--full")))
    )
    work.show([TITLES["rsc_location"], *(f"  {line}" for line in lines)])


def show_orders(work: Work) -> None:
    """`constraint order [config] [--full]`"""
    _show_one(work, "rsc_order")


def show_colocations(work: Work) -> None:
    """`constraint colocation [config] [--full]`"""
    _show_one(work, "rsc_colocation")


def show_tickets(work: Work) -> None:
    """`constraint ticket [config] [--full]`"""
    _show_one(work, "rsc_ticket")


def _show_one(work: Work, tag: str) -> None:
    work.show(section(work.read(), tag, full=work.has("--full")))


def constraint_lines(book: Book, *, full: bool) -> list[str]:
    """All four sections."""
    lines: list[str] = []
    for tag in TITLES:
        lines += section(book, tag, full=full)
    return lines


def section(book: Book, tag: str, *, full: bool) -> list[str]:
    """One kind of constraints under its title."""
    lines = [TITLES[tag]]
    if tag == "rsc_location":
        return lines + [f"  {line}" for line in locations_by_resource(book, [], full=full)]
    found = book.constraints(tag)
    plain = [each for each in found if each.find("resource_set") is None]
    in_sets = [each for each in found if each.find("resource_set") is not None]
    text = {"rsc_order": _order, "rsc_colocation": _colocation, "rsc_ticket": _ticket}[tag]
    lines += [f"  {text(each)}{_id(each, full)}" for each in plain]
    if in_sets:
        lines.append("  Resource Sets:")
        lines += [f"    {_sets(each, full)}" for each in in_sets]
    return lines


def _id(element: Element, full: bool) -> str:
    return f" (id:{element.get('id')})" if full else ""


def _order(each: Element) -> str:
    words = [each.get("first-action", "start"), each.get("first", ""), "then"]
    words += [each.get("then-action", "start"), each.get("then", "")]
    words.append(f"(kind:{each.get('kind') or _kind_of_score(each)})")
    if each.get("symmetrical", "true").lower() == "false":
        words.append("(non-symmetrical)")
    if each.get("require-all"):
        words.append(f"(Options: require-all={each.get('require-all')})")
    return " ".join(words)


def _kind_of_score(each: Element) -> str:
    score = each.get("score")
    return "Mandatory" if score is None or (is_positive(score) and score != "0") else "Optional"


def _colocation(each: Element) -> str:
    text = f"{each.get('rsc')} with {each.get('with-rsc')} (score:{each.get('score', 'INFINITY')})"
    shown = ("rsc", "with-rsc", "score", "id")
    others = [name for name in sorted(each.attrib) if name not in shown]
    return " ".join([text, *(f"({name}:{each.get(name)})" for name in others)])


def _ticket(each: Element) -> str:
    role = f"{each.get('rsc-role')} " if each.get("rsc-role") else ""
    names = [name for name in sorted(each.attrib) if name not in ("rsc", "rsc-role", "id")]
    options = " ".join(f"{name}={each.get(name)}" for name in names)
    return f"{role}{each.get('rsc')} {options}".rstrip()


def _sets(each: Element, full: bool) -> str:
    words = []
    for one in each.iterchildren("resource_set"):
        words += ["set", *(ref.get("id", "") for ref in one)]
        words += [f"{k}={v}" for k, v in sorted(one.attrib.items()) if k != "id"]
        if full:
            words.append(f"(id:{one.get('id')})")
    options = [f"{k}={v}" for k, v in sorted(each.attrib.items()) if k != "id"]
    if options:
        words += ["setoptions", *options]
    return " ".join(words) + _id(each, full)


# -- locations ----------------------------------------------------------------------------------------


def _name(each: Element) -> tuple[str, str]:
    if each.get("rsc-pattern") is not None:
        return "Resource pattern", each.get("rsc-pattern", "")
    return "Resource", each.get("rsc", "")


def locations_by_resource(book: Book, wanted: Iterable[str], *, full: bool) -> list[str]:
    """Nodes where each resource may or may not run, and its rules."""
    names = [name.removeprefix("resource%") for name in wanted]
    held: dict[tuple[str, str], list[Element]] = {}
    for each in book.constraints("rsc_location"):
        if not names or _name(each)[1] in names:
            held.setdefault(_name(each), []).append(each)
    lines: list[str] = []
    for kind, name in sorted(held):
        lines.append(f"{kind}: {name}")
        plain = [each for each in held[kind, name] if each.find("rule") is None]
        for title, positive in (("Enabled on:", True), ("Disabled on:", False)):
            chosen = [e for e in plain if is_positive(e.get("score", "0")) is positive]
            if chosen:
                lines.append(f"  {title}")
                lines += [f"    Node: {_on_node(each, full)}" for each in chosen]
        for each in held[kind, name]:
            if each.find("rule") is not None:
                lines += [f"  {line}" for line in _with_rules(each, full)]
    return lines


def _on_node(each: Element, full: bool) -> str:
    text = f"{each.get('node')} (score:{each.get('score')})"
    if each.get("role"):
        text += f" (role:{each.get('role')})"
    if each.get("resource-discovery"):
        text += f" (resource-discovery={each.get('resource-discovery')})"
    return text + _id(each, full)


def _with_rules(each: Element, full: bool) -> list[str]:
    head = f"Constraint: {each.get('id')}"
    if each.get("resource-discovery"):
        head += f" (resource-discovery={each.get('resource-discovery')})"
    lines = [head]
    for rule in each.iterchildren("rule"):
        lines += [f"  {line}" for line in rule_lines(rule, full=full)]
    return lines


def locations_by_node(book: Book, wanted: Iterable[str], *, full: bool) -> list[str]:
    """Resources that may or may not run on each node; then those with rules."""
    names = list(wanted)
    held: dict[str, list[Element]] = {}
    for each in book.constraints("rsc_location"):
        node = each.get("node")
        if node is not None and (not names or node in names):
            held.setdefault(node, []).append(each)
    lines: list[str] = []
    for node in sorted(held):
        lines.append(f"Node: {node}")
        for title, positive in (("Allowed to run:", True), ("Not allowed to run:", False)):
            chosen = [e for e in held[node] if is_positive(e.get("score", "0")) is positive]
            if chosen:
                lines.append(f"  {title}")
                for each in chosen:
                    kind, name = _name(each)
                    lines.append(f"    {kind}: {name} (score:{each.get('score')}){_id(each, full)}")
    ruled: dict[tuple[str, str], list[Element]] = {}
    for each in book.constraints("rsc_location"):
        if each.find("rule") is not None:
            ruled.setdefault(_name(each), []).append(each)
    for kind, name in sorted(ruled):
        lines.append(f"{kind}: {name}")
        for each in ruled[kind, name]:
            lines += [f"  {line}" for line in _with_rules(each, full)]
    return lines


# -- rules --------------------------------------------------------------------------------------------


def rule_lines(rule: Element, *, full: bool) -> list[str]:
    """A rule and its expressions."""
    words = ["Rule:"]
    words += [
        f"{name}={rule.get(name)}"
        for name in ("boolean-op", "role", "score", "score-attribute")
        if rule.get(name) is not None
    ]
    lines = [" ".join(words) + _id(rule, full)]
    for each in rule:
        if each.tag == "rule":
            lines += [f"  {line}" for line in rule_lines(each, full=full)]
        else:
            lines += [f"  {line}" for line in _expression_lines(each, full)]
    return lines


def _expression_lines(each: Element, full: bool) -> list[str]:
    spec = each.find("date_spec")
    if spec is not None:
        values = [f"{k}={v}" for k, v in sorted(spec.attrib.items()) if k != "id"]
        return [
            f"Expression:{_id(each, full)}",
            f"  Date Spec: {' '.join(values)}{_id(spec, full)}",
        ]
    lines = [f"Expression: {expression_text(each)}{_id(each, full)}"]
    duration = each.find("duration")
    if duration is not None:
        values = [f"{k}={v}" for k, v in sorted(duration.attrib.items()) if k != "id"]
        lines.append(f"  Duration: {' '.join(values)}{_id(duration, full)}")
    return lines


def expression_text(each: Element) -> str:
    """One expression, as it would be typed."""
    if each.tag == "rsc_expression":
        names = ("class", "provider", "type")
        return f"resource {':'.join(each.get(name, '') for name in names)}"
    if each.tag == "op_expression":
        interval = f" interval={each.get('interval')}" if each.get("interval") else ""
        return f"op {each.get('name')}{interval}"
    if each.tag == "date_expression":
        return _date_text(each)
    words = [each.get("operation", ""), each.get("attribute", "")]
    if each.get("value") is not None:
        words.reverse()
        if each.get("type"):
            words.append(each.get("type", ""))
        words.append(_quoted(each.get("value", "")))
    return " ".join(words)


def _date_text(each: Element) -> str:
    operation = each.get("operation", "")
    start, end = each.get("start"), each.get("end")
    if operation == "in_range":
        words = ["date", "in_range", start or "", "to"]
        words.append("duration" if each.find("duration") is not None else end or "")
        return " ".join(word for word in words if word)
    return f"date {operation} {start or end or ''}".rstrip()


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text
