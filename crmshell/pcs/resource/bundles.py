"""`resource bundle create|update|reset`."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from crmshell.pcs.frame.book import Book, Element, Work
from crmshell.pcs.frame.words import Pairs, known_names, pairs_of, part, parts_of
from crmshell.pcs.resource.metas import check_metas
from engine.base.digits import is_digits

KEYWORDS = ("container", "network", "port-map", "storage-map", "meta")
TYPES = ("docker", "podman", "rkt")
CONTAINER = ("image", "masters", "promoted-max", "network", "options", "replicas",
             "replicas-per-host", "run-command")  # fmt: skip
NETWORK = ("add-host", "control-port", "host-interface", "host-netmask", "ip-range-start")
PORT = ("id", "port", "internal-port", "range")
STORAGE = ("id", "source-dir", "source-dir-root", "target-dir", "options")
_NUMBERS = {"masters": 0, "promoted-max": 0, "replicas": 1, "replicas-per-host": 1,
            "control-port": 1, "host-netmask": 1, "port": 1, "internal-port": 1}  # fmt: skip


def _numbers(work: Work, values: Pairs) -> None:
    for name, value in values.items():
        least = _NUMBERS.get(name)
        if least is not None and value and (not is_digits(value) or int(value) < least):
            kind = "a positive whole number" if least else "a whole number"
            work.refuse(f"{name} '{value}': expected {kind}", f"{name}={value}")


def _section(work: Work, words: Sequence[str], legal: tuple[str, ...], what: str) -> Pairs:
    values = pairs_of(work, words)
    known_names(work, values, legal, f"{what} option")
    _numbers(work, values)
    return values


def _map(work: Work, keyword: str, words: Sequence[str]) -> Pairs:
    if keyword == "port-map":
        values = _section(work, words, PORT, "port-map")
        if not (values.get("port") or values.get("range")):
            work.refuse("a port-map needs port or range")
        if values.get("port") and values.get("range"):
            work.refuse("a port-map has port or range, not both")
        return values
    values = _section(work, words, STORAGE, "storage-map")
    if bool(values.get("source-dir")) == bool(values.get("source-dir-root")):
        work.refuse("a storage-map needs source-dir or source-dir-root (one of them)")
    if not values.get("target-dir"):
        work.refuse("a storage-map needs target-dir")
    return values


def create(work: Work) -> None:
    """`resource bundle create ID container TYPE image=IMAGE ... [network ...] [port-map ...]...`"""
    name, *rest = work.words
    first, parts = parts_of(rest, KEYWORDS)
    words = part(parts, "container")
    type_ = words.pop(0) if words and "=" not in words[0] else "docker"
    if first:
        work.refuse_name(f"'{first[0]}': expected {', '.join(KEYWORDS)}", first[0], KEYWORDS)
    if type_ not in TYPES:
        work.refuse_name(f"no container '{type_}'; there are {', '.join(TYPES)}", type_, TYPES)
    container = _section(work, words, CONTAINER, "container")
    if not container.get("image"):
        work.refuse("the container needs an image: image=NAME")
    network = _section(work, part(parts, "network"), NETWORK, "network")
    maps = [(kind, _map(work, kind, words)) for kind, words in parts if kind.endswith("-map")]
    metas = pairs_of(work, part(parts, "meta"))
    check_metas(work, metas)
    if work.has("--disabled"):
        metas["target-role"] = "Stopped"

    def change(book: Book) -> None:
        bundle = etree.SubElement(book.section("resources"), "bundle")
        bundle.set("id", book.take_id(name, "bundle"))
        made = etree.SubElement(bundle, type_)
        _set(made, container)
        if network:
            _set(_inner(bundle, "network"), network)
        for kind, values in maps:
            _add_map(book, bundle, kind, values)
        book.put(bundle, "meta_attributes", metas)

    work.edit(change)


def _set(element: Element, values: Pairs) -> None:
    for name, value in values.items():
        if value:
            element.set(name, value)
        else:
            element.attrib.pop(name, None)


def _inner(bundle: Element, tag: str) -> Element:
    """`network` or `storage` of a bundle, made at its place when missing."""
    found = bundle.find(tag)
    if found is not None:
        return found
    made = etree.Element(tag)
    before = [each for each in bundle if each.tag in (*TYPES, "network")]
    if before:
        before[-1].addnext(made)
    else:
        bundle.insert(0, made)
    return made


def _add_map(book: Book, bundle: Element, kind: str, values: Pairs) -> None:
    port = kind == "port-map"
    parent = _inner(bundle, "network" if port else "storage")
    made = etree.SubElement(parent, "port-mapping" if port else "storage-mapping")
    given = values.get("id", "")
    tail = f"-{values.get('port') or values.get('range')}" if port else ""
    wanted = f"{bundle.get('id')}-{kind}{tail}"
    made.set("id", book.take_id(given, f"id of a {kind}") if given else book.new_id(wanted))
    _set(made, {name: value for name, value in values.items() if name != "id"})


def update(work: Work) -> None:
    """`resource bundle update ID [container ...] [network ...] [port-map add|remove ...]...`"""
    name, *rest = work.words
    first, parts = parts_of(rest, KEYWORDS)
    if first or not parts:
        raise work.misuse()
    container = _section(work, part(parts, "container"), CONTAINER, "container")
    network = _section(work, part(parts, "network"), NETWORK, "network")
    metas = pairs_of(work, part(parts, "meta"))
    check_metas(work, metas)
    if "image" in container and not container["image"]:
        work.refuse("the container needs an image", "image=")

    def change(book: Book) -> None:
        bundle = _bundle(book, name)
        if bundle is None:
            return
        holder = next((each for each in bundle if each.tag in TYPES), None)
        if holder is not None:
            _set(holder, container)
        if network:
            _set(_inner(bundle, "network"), network)
        for kind, words in parts:
            if kind.endswith("-map"):
                _change_maps(book, bundle, kind, words)
        book.put(bundle, "meta_attributes", metas)

    work.edit(change)


def _bundle(book: Book, name: str) -> Element | None:
    found = book.resource(name, "bundle")
    if found is not None and found.tag != "bundle":
        book.work.refuse(f"'{name}' is no bundle, it is a {found.tag!s}", name)
        return None
    return found


def _change_maps(book: Book, bundle: Element, kind: str, words: Sequence[str]) -> None:
    work = book.work
    verb, *rest = words or [""]
    tag = "port-mapping" if kind == "port-map" else "storage-mapping"
    if verb == "add":
        _add_map(book, bundle, kind, _map(work, kind, rest))
    elif verb in ("remove", "delete"):
        present = {each.get("id", ""): each for each in bundle.iter(tag)}
        for id_ in rest:
            found = present.get(id_)
            parent = found.getparent() if found is not None else None
            if found is None or parent is None:
                work.refuse_name(f"{kind} '{id_}' does not exist", id_, present)
            else:
                parent.remove(found)
        book.forget_ids()
    else:
        work.refuse(f"{kind} '{verb}': expected add or remove", verb)


def reset(work: Work) -> None:
    """`resource bundle reset ID [container ...] [network ...] [port-map ...]...`"""
    name, *rest = work.words
    _, parts = parts_of(rest, KEYWORDS)
    container = _section(work, part(parts, "container"), CONTAINER, "container")
    network = _section(work, part(parts, "network"), NETWORK, "network")
    maps = [(kind, _map(work, kind, words)) for kind, words in parts if kind.endswith("-map")]
    metas = pairs_of(work, part(parts, "meta"))
    if not container.get("image"):
        work.refuse("the container needs an image: container image=NAME")
    if work.has("--disabled"):
        metas["target-role"] = "Stopped"

    def change(book: Book) -> None:
        bundle = _bundle(book, name)
        if bundle is None:
            return
        for each in bundle.iterchildren(*TYPES, "network"):
            each.attrib.clear()
        for each in [*bundle.iter("port-mapping", "storage-mapping", "nvpair")]:
            parent = each.getparent()
            inside = each.iterancestors("primitive")
            if parent is not None and next(inside, None) is None:
                parent.remove(each)
        book.forget_ids()
        for each in bundle.iterchildren(*TYPES):
            _set(each, container)
        if network:
            _set(_inner(bundle, "network"), network)
        for kind, values in maps:
            _add_map(book, bundle, kind, values)
        book.put(bundle, "meta_attributes", metas)

    work.edit(change)
