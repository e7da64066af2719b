"""What agents there are: `resource list|agents|standards|providers|describe`, `stonith list|describe`."""

from __future__ import annotations

from crmshell.pcs.frame.book import Work
from crmshell.pcs.resource.agents import find_agent
from engine.agents.names import AgentName

STANDARDS = ("lsb", "ocf", "service", "systemd")


def _agents(work: Work, *, fencing: bool = False) -> list[AgentName]:
    catalog = work.session.agents.catalog
    if fencing:
        return [AgentName("stonith", "", each) for each in catalog.types("stonith")]
    found = [AgentName(one, "", t) for one in STANDARDS if one != "ocf" for t in catalog.types(one)]
    for provider in catalog.providers():
        found += [AgentName("ocf", provider, type_) for type_ in catalog.types("ocf", provider)]
    return sorted(found, key=str)


def list_agents(work: Work) -> None:
    """`resource list [FILTER] [--nodesc]`"""
    _list(work, [(str(each), each) for each in _agents(work)])


def list_fence_agents(work: Work) -> None:
    """`stonith list [FILTER] [--nodesc]`"""
    _list(work, [(each.type, each) for each in _agents(work, fencing=True)])


def _list(work: Work, agents: list[tuple[str, AgentName]]) -> None:
    wanted = work.words[0].lower() if work.words else ""
    chosen = [(text, name) for text, name in agents if wanted in text.lower()]
    if not chosen:
        raise work.stop(f"no agent's name has '{wanted}' in it", wanted)
    lines = []
    for text, name in chosen:
        # Without a filter hundreds of agents would have to be asked.
        data = None
        if wanted and not work.has("--nodesc"):
            data = work.session.agents.metadata_or_none(name)
        short = " ".join(data.shortdesc.split()) if data is not None else ""
        lines.append(f"{text} - {short}" if short else text)
    work.show(lines)


def agents(work: Work) -> None:
    """`resource agents [STANDARD[:PROVIDER]]`"""
    wanted = work.words[0] if work.words else ""
    standard, _, provider = wanted.partition(":")
    found = [
        each.type
        for each in _agents(work)
        if (not standard or each.standard == standard)
        and (not provider or each.provider == provider)
    ]
    if not found:
        catalog = work.session.agents.catalog
        known = [*STANDARDS, *(f"ocf:{each}" for each in catalog.providers())]
        work.refuse_name(f"there are no agents of '{wanted}'", wanted, known)
    work.check()
    work.show(sorted(set(found)))


def standards(work: Work) -> None:
    """`resource standards`"""
    work.show([*STANDARDS, *(f"ocf:{each}" for each in work.session.agents.catalog.providers())])


def providers(work: Work) -> None:
    """`resource providers`"""
    work.show(work.session.agents.catalog.providers())


def describe(work: Work) -> None:
    """`resource describe AGENT`, `stonith describe AGENT`"""
    from crmshell.ra.info import describe_agent

    fencing = work.command.path.startswith("stonith")
    found = find_agent(work, work.words[0], fencing=fencing)
    work.check()
    if found is None or found.data is None:
        raise work.stop(f"agent '{work.words[0]}' does not describe itself", work.words[0])
    lines = [f"{found.name}"]
    for each in found.data.parameters:
        if each.required:
            lines.append(f"  {each.name} (required)")
    work.show([*lines, "", describe_agent(found.data).rstrip("\n")])


def relations(work: Work) -> None:
    """`resource relations RESOURCE`: what it is in, and what is in that."""
    from crmshell.pcs.frame.book import Element, ids_of, members_of

    book = work.read()
    start = book.resource(work.words[0])
    work.check()
    if start is None:
        return
    seen: set[str] = {start.get("id", "")}

    def below(element: Element) -> list[str]:
        lines: list[str] = []
        parent, inside = element.getparent(), members_of(element)
        branches: list[tuple[str, list[str], list[Element]]] = []
        if parent is not None and parent.tag != "resources" and parent.get("id") not in seen:
            seen.add(parent.get("id", ""))
            branches.append(("outer resource", [], [parent]))
        new = sorted((e for e in inside if e.get("id") not in seen), key=lambda e: e.get("id", ""))
        if new:
            seen.update(ids_of(new))
            branches.append(("inner resource(s)", [f"members: {' '.join(ids_of(inside))}"], new))
        for each in book.constraints("rsc_order"):
            ends = (each.get("first", ""), each.get("then", ""))
            if element.get("id") in ends and each.get("id", "") not in seen:
                seen.add(each.get("id", ""))
                other = ends[1] if ends[0] == element.get("id") else ends[0]
                found = book.find_resource(other)
                if found is not None and other not in seen:
                    seen.add(other)
                    text = f"{each.get('first-action', 'start')} {ends[0]} then"
                    text += f" {each.get('then-action', 'start')} {ends[1]}"
                    branches.append(("order", [text], [found]))
        for number, (title, notes, elements) in enumerate(branches, 1):
            end = number == len(branches)
            lines.append(f"{'`-' if end else '|-'} {title}")
            inner = [f"|  {note}" for note in notes] if elements else notes
            for at, one in enumerate(elements, 1):
                last = at == len(elements)
                inner.append(f"{'`-' if last else '|-'} {one.get('id')}")
                inner += [f"{'   ' if last else '|  '}{line}" for line in below(one)]
            lines += [f"{'   ' if end else '|  '}{line}" for line in inner]
        return lines

    work.show([work.words[0], *below(start)])
