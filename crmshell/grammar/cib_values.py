"""Single values and small parts of CIB objects → parts of statements.

Each of these raises `NoText` for what the text cannot say.
"""

from __future__ import annotations

from typing import TypeAlias

from lxml import etree

from crmshell.grammar.ast import (
    BundlePart,
    DateExpression,
    Expression,
    Item,
    Mapping,
    NvPair,
    Pairs,
    ResourceSet,
    Select,
)
from crmshell.grammar.cursor import ACTIONS, ID, Dialect
from crmshell.grammar.words import (
    is_agent_part,
    is_keyword,
    is_line_safe,
    is_pair_name,
    is_role,
    is_unit,
)
from engine.base.digits import is_digits

Element: TypeAlias = etree._Element

_OPERATORS = frozenset(("lt", "gt", "lte", "gte", "eq", "ne"))


class NoText(Exception):
    """This object has something for which there is no text."""


def id_of(value: str) -> str:
    if not ID.match(value):
        raise NoText("id")
    return value


def optional_id(value: str) -> str:
    return id_of(value) if value else ""


def line_safe(value: str) -> str:
    if not is_line_safe(value):
        raise NoText("value")
    return value


def word_of(value: str) -> str:
    """A value that is printed without quotes, or followed by a colon."""
    if not is_line_safe(value) or any(sign in value for sign in " \"'\\=$@{}()[]"):
        raise NoText("word")
    return value


def take_description(a: dict[str, str]) -> str:
    text = a.pop("description", None)
    if text is None:
        return ""
    if not text:
        raise NoText("description")
    return line_safe(text)


def is_agent(agent: tuple[str, str, str]) -> bool:
    standard, provider, kind = agent
    if not standard or not kind or (standard == "ocf") != bool(provider):
        return False
    return (
        is_agent_part(standard)
        and is_agent_part(kind)
        and (not provider or is_agent_part(provider))
    )


def nvpair_of(element: Element) -> NvPair:
    name, given, ref = "", "", ""
    value: str | None = None
    for key, text in element.attrib.items():
        if key == "name":
            name = text
        elif key == "value":
            value = line_safe(text)
        elif key == "id":
            given = id_of(text)
        elif key == "id-ref":
            ref = id_of(text)
        else:
            raise NoText(key)
    if len(element):
        raise NoText("nvpair")
    if ref:
        if given or value is not None or not (name == "" or is_pair_name(name)):
            raise NoText("nvpair")
        return NvPair(name, None, "", ref)
    if not is_pair_name(name) or (value is None and is_keyword(name)):
        raise NoText("nvpair")
    return NvPair(name, value, given)


def expression_of(a: dict[str, str], given: str) -> Expression:
    attribute, operation = a.pop("attribute", ""), a.pop("operation", "")
    value = a.pop("value", None)
    kind, source = a.pop("type", ""), a.pop("value-source", "")
    if a or not is_pair_name(attribute) or attribute[0] == "(":
        raise NoText("expression")
    if attribute.lower() in ("or", "and", "defined", "not_defined", "rule", "date", "resource"):
        raise NoText("expression")
    if operation in ("defined", "not_defined"):
        if value is not None or kind or source:
            raise NoText("expression")
    elif operation not in _OPERATORS or value is None or not is_line_safe(value):
        raise NoText("expression")
    elif kind not in ("", "string", "number", "integer", "version"):
        raise NoText("type")
    elif source not in ("", "literal", "param", "meta"):
        raise NoText("value-source")
    if source == "" and value is not None and value.endswith("}"):
        source = "literal" if value.startswith(("param{", "meta{", "literal{")) else ""
    return Expression(attribute, operation, value, kind, source, given)


def date_expression_of(element: Element, a: dict[str, str], given: str) -> DateExpression:
    operation = a.pop("operation", "")
    start, end = line_safe(a.pop("start", "")), line_safe(a.pop("end", ""))
    children = [child for child in element if isinstance(child.tag, str)]
    if a or len(children) > 1:
        raise NoText("date_expression")
    units: Pairs = ()
    units_id = ""
    if children:
        wanted = "date_spec" if operation == "date_spec" else "duration"
        b = dict(children[0].attrib)
        units_id = optional_id(b.pop("id", ""))
        units = tuple(b.items())
        if children[0].tag != wanted or not all(is_unit(n) and is_line_safe(v) for n, v in units):
            raise NoText("date_expression")
        if not units:
            raise NoText("date_expression")
    fits = {
        "lt": bool(end) and not start and not units,
        "gt": bool(start) and not end and not units,
        "in_range": bool(start or end or units),
        "date_spec": bool(units) and not start and not end,
    }
    if not fits.get(operation, False):
        raise NoText("date_expression")
    return DateExpression(operation, start, end, units, given, units_id)


def take_items(
    a: dict[str, str], first: str, second: str, extra: str, dialect: Dialect
) -> tuple[Item, ...]:
    """The resources of the attribute form; takes their attributes out of `a`."""
    found: list[Item] = []
    for prefix in (first, second):
        rsc = a.pop(prefix, "") if prefix else ""
        if not rsc:
            continue
        word = a.pop(f"{prefix}-{extra}", "")
        instance = a.pop(f"{prefix}-instance", "")
        if (word and instance) or (instance and not is_digits(instance)):
            raise NoText("instance")
        if extra == "action":
            if word and word not in ACTIONS:
                raise NoText("action")
            found.append(Item(id_of(rsc), action=word, instance=instance))
        else:
            if word and not is_role(word, dialect):
                raise NoText("role")
            found.append(Item(id_of(rsc), role=word, instance=instance))
    return tuple(found)


def check_either(items: tuple[Item, ...], sets: tuple[ResourceSet, ...], count: int) -> None:
    if bool(items) == bool(sets) or (items and len(items) != count):
        raise NoText("resources")


def is_target(target: Pairs) -> bool:
    names = tuple(name for name, _ in target)
    values = [value for _, value in target]
    if names == ("target-attribute", "target-value"):
        return all(is_line_safe(v) for v in values) and "=" not in values[0] and bool(values[0])
    if names == ("target-pattern",):
        return bool(values[0]) and is_line_safe(values[0])
    return names == ("target",) and bool(values[0]) and _fits_word(values[0])


def _fits_word(value: str) -> bool:
    return is_line_safe(value) and not value.startswith(("pattern:", "attr:", "$"))


def check_permission(a: dict[str, str]) -> None:
    what = [name for name in ("xpath", "reference", "object-type") if a.get(name)]
    if len(what) != 1 or not a.keys() <= {*what, "attribute", "description"}:
        raise NoText("permission")
    if "attribute" in a and what != ["object-type"]:
        raise NoText("permission")
    if not all(value and is_line_safe(value) for value in a.values()):
        raise NoText("permission")


def check_old_permission(a: dict[str, str]) -> None:
    """Of schemas before pacemaker-2.0: tag and ref, or xpath, each with or without attribute."""
    what = a.keys() - {"attribute"}
    if not what or not (what == {"xpath"} or what <= {"tag", "ref"}):
        raise NoText("permission")
    if not all(value and is_line_safe(value) for value in a.values()):
        raise NoText("permission")


def bundle_part_of(element: Element, inner: str) -> BundlePart:
    attrs = _named_values(element)
    mappings: list[Mapping] = []
    for child in element:
        if not isinstance(child.tag, str):
            continue
        if child.tag != inner:
            raise NoText(child.tag)
        values = dict(_named_values(child))
        given = optional_id(values.pop("id", ""))
        mappings.append(Mapping(inner, tuple(values.items()), given))
    return BundlePart(str(element.tag), attrs, tuple(mappings))


def _named_values(element: Element) -> Pairs:
    return tuple((str(name), line_safe(str(value))) for name, value in element.attrib.items())


def select_of(element: Element) -> Select:
    events: list[str] = []
    attributes: list[tuple[str, str]] = []
    for child in element:
        if not isinstance(child.tag, str):
            continue
        event = child.tag.removeprefix("select_")
        if event not in ("nodes", "fencing", "resources", "attributes") or event in events:
            raise NoText(child.tag)
        events.append(event)
        for attribute in child:
            if attribute.tag != "attribute" or not ID.match(attribute.get("name", "").lstrip("#")):
                raise NoText("attribute")
            attributes.append((attribute.get("name", ""), optional_id(attribute.get("id", ""))))
    if not events:
        raise NoText("select")
    return Select(tuple(events), tuple(attributes))
