"""`resource ban`, `move-with-constraint`, `clear`: constraints that hold until they are cleared."""

from __future__ import annotations

from crmshell.pcs.frame.book import Book, Element, Work, clone_of
from engine.cib import edits
from engine.cib.edits import is_promotable


def _role(work: Work, element: Element) -> str:
    if work.has("--promoted") or work.has("--master"):
        if work.has("--master"):
            work.warn("'--master' is an old spelling of: --promoted")
        clone = clone_of(element)
        if clone is None or not is_promotable(clone):
            work.refuse(f"'{element.get('id')}' is not promotable", element.get("id", ""))
        return "Promoted"
    return "Started"


def _until(work: Work, text: str) -> str:
    """The moment at which a lifetime (`lifetime=PT1H`, `lifetime=1h`) ends."""
    from crmshell.levels.commands.resource import until_from_lifetime

    return until_from_lifetime(text, work.session.environment.clock()) if text else ""


def _line(work: Work) -> tuple[str, str, str]:
    """Resource, node, end of the lifetime."""
    name, *rest = work.words
    node = ""
    lifetime = ""
    for word in rest:
        key, mark, value = word.partition("=")
        if mark and key == "lifetime":
            lifetime = value
        elif mark:
            work.refuse_name(f"'{word}': expected lifetime=TIME", key, ("lifetime",))
        elif node:
            raise work.misuse()
        else:
            node = word
    work.check()
    return name, node, _until(work, lifetime)


def _nodes(book: Book, name: str, node: str) -> list[str]:
    """The node that is named, else where the resource runs."""
    if node:
        book.node(node)
        return [node]
    from crmshell.levels.commands.resource import active_nodes

    found = active_nodes(book.cib, name)
    if not found:
        book.work.refuse(f"'{name}' does not run anywhere: name the node", name)
    return found


def ban(work: Work) -> None:
    """`resource ban RESOURCE [NODE] [--promoted] [lifetime=TIME]`"""
    name, node, until = _line(work)

    def change(book: Book) -> None:
        found = book.resource(name)
        if found is None:
            return
        role = _role(work, found)
        for each in _nodes(book, name, node):
            if not work.findings:
                edits.ban(book.cib, name, each, role=role, until=until)
                work.warn(f"'{name}' cannot run on '{each}' until: pcs resource clear {name}")

    work.edit(change)


def move_with_constraint(work: Work) -> None:
    """`resource move-with-constraint RESOURCE [NODE] [--promoted] [lifetime=TIME]`"""
    name, node, until = _line(work)

    def change(book: Book) -> None:
        found = book.resource(name)
        if found is None:
            return
        role = _role(work, found)
        if node:
            book.node(node)
            if not work.findings:
                edits.prefer(book.cib, name, node, role=role, until=until)
            return
        for each in _nodes(book, name, ""):
            edits.ban(book.cib, name, each, role=role, until=until)

    work.edit(change)


def clear(work: Work) -> None:
    """`resource clear RESOURCE [NODE]`"""
    name, *rest = work.words
    node = rest[0] if rest else ""

    def change(book: Book) -> None:
        if book.resource(name) is None:
            return
        if node:
            book.node(node)
        if not work.findings:
            gone = edits.clear(book.cib, name, node)
            work.info(f"removed: {', '.join(gone)}" if gone else "there was nothing to clear")

    work.edit(change)
