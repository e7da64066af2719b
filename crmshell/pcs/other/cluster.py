"""`pcs cluster` and what needs a running cluster: done by the commands of `crm`, over ssh elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from crmshell.errors import ShellError
from crmshell.levels.work.remote import check_node_name, must_run_on
from crmshell.pcs.frame.book import Work
from crmshell.pcs.other.corosync import Plan, conf_text, plan_of


def crm(work: Work, *words: str) -> int:
    """Run a command of `crm` with this line's -f and --force."""
    from crmshell.app import run

    before = ["-F"] if work.force else []
    if work.has("--wait"):
        before.append("-w")
    return run([*before, *words], work.session.environment)


def auth(work: Work) -> None:
    """`host auth NODE...`: every node answers over ssh; there is no daemon to log in to."""
    nodes = [word for word in work.words if not word.startswith("addr=")]
    for node in nodes:
        try:
            must_run_on(work.session, node, ["true"])
        except ShellError as problem:
            work.refuse(f"{problem}; root needs a key there: ssh-copy-id {node}", node)
        else:
            work.show(f"{node}: Authorized")
    work.check()


def setup(work: Work) -> None:
    """`cluster setup NAME NODE [addr=ADDRESS]... [NODE ...]... [transport ...] [totem ...]`"""
    plan = plan_of(work)
    for name, addresses in plan.nodes:
        for each in (name, *addresses):
            try:
                check_node_name(each)
            except ShellError as problem:
                work.refuse(str(problem), each)
    work.check()
    path = work.option("--corosync_conf")
    if path:
        environment = work.session.environment
        if environment.exists(path) and not work.force:
            raise work.stop(f"{path} exists already; --force writes it anew", path)
        environment.write_file(path, conf_text(plan).encode())
        return
    _make(work, plan)


def _make(work: Work, plan: Plan) -> None:
    """The first node begins, the others join it; all are started together if wanted."""
    chosen = [name for name, used in (
        ("transport", plan.transport != "knet" or plan.transport_options),
        ("link", plan.links), ("crypto", plan.crypto), ("compression", plan.compression),
        ("totem", plan.totem), ("quorum", plan.quorum)) if used]  # fmt: skip
    if chosen:
        raise work.stop(
            f"{', '.join(chosen)}: options of Corosync, which this cluster does not need;"
            " --corosync_conf FILE writes a corosync.conf with them"
        )
    first, *others = plan.nodes
    force = ["-F"] if work.force else []
    begin = ["crm", *force, "cluster", "init", "--no-start", "--name", plan.name]
    must_run_on(work.session, first[0], [*begin, *_node_words(first)])
    work.show(f"{first[0]}: the first node of {plan.name}")
    for node in others:
        join = ["crm", *force, "cluster", "join", first[0], "--no-start"]
        must_run_on(work.session, node[0], [*join, *_node_words(node)])
        work.show(f"{node[0]}: joined")
    if work.has("--enable"):
        must_run_on(work.session, first[0], ["crm", "cluster", "enable", "--all"])
    if work.has("--start"):
        must_run_on(work.session, first[0], ["crm", "cluster", "start", "--all"])
        work.show("all nodes are started")


def _node_words(node: tuple[str, list[str]]) -> list[str]:
    name, addresses = node
    words = ["--node", name]
    return [*words, "--addr", ",".join(addresses)] if addresses else words


def _nodes(work: Work) -> list[str]:
    for word in work.words:
        check_node_name(word)
    if work.has("--all") and work.words:
        raise work.stop("name nodes or say --all, not both", work.words[0])
    return ["--all"] if work.has("--all") else work.words


def start(work: Work) -> int:
    """`cluster start [NODE...|--all]`"""
    work.must_be_live("cluster start")
    return crm(work, "cluster", "start", *_nodes(work))


def stop(work: Work) -> int:
    """`cluster stop [NODE...|--all]`"""
    work.must_be_live("cluster stop")
    return crm(work, "cluster", "stop", *_nodes(work))


def enable(work: Work) -> int:
    """`cluster enable [NODE...|--all]`"""
    work.must_be_live("cluster enable")
    return crm(work, "cluster", "enable", *_nodes(work))


def disable(work: Work) -> int:
    """`cluster disable [NODE...|--all]`"""
    work.must_be_live("cluster disable")
    return crm(work, "cluster", "disable", *_nodes(work))


def node_add(work: Work) -> None:
    """`cluster node add NODE [addr=ADDRESS]... [--start] [--enable]`"""
    work.must_be_live("cluster node add")
    name, *rest = work.words
    addresses = [word.partition("=")[2] for word in rest if word.startswith("addr=")]
    for word in rest:
        if not word.startswith("addr="):
            work.refuse(f"'{word}': expected addr=ADDRESS", word)
    work.check()
    for each in (name, *addresses):
        check_node_name(each)
    here = work.session.environment.hostname
    words = ["crm", "cluster", "join", here, *_node_words((name, addresses))]
    must_run_on(work.session, name, words)
    work.info(f"{name} has joined and is started")
    if work.has("--enable"):
        must_run_on(work.session, name, ["crm", "cluster", "enable"])


def node_remove(work: Work) -> int:
    """`cluster node remove NODE...`"""
    work.must_be_live("cluster node remove")
    worst = 0
    for name in work.words:
        check_node_name(name)
        worst = max(worst, crm(work, "-F", "cluster", "remove", name))
    return worst


def destroy(work: Work) -> None:
    """`cluster destroy` is not done in one word here."""
    raise work.stop(
        "a cluster is not destroyed by one command here: take nodes out with"
        " pcs cluster node remove NODE, stop the last one with pcs cluster stop and remove"
        " /etc/crmshell and /var/lib/crmshell on it"
    )


def _plain(work: Work, *words: str) -> int:
    work.must_be_live(work.command.path)
    return crm(work, *words)


def _known(work: Work, words: Sequence[str]) -> None:
    """The resources exist; a misspelt one costs a line with the nearest name."""
    book = work.read()
    for word in words:
        book.resource(word)
    work.check()


def move(work: Work) -> int:
    """`resource move RESOURCE [NODE]`: moved, and free to move again once it is there."""
    work.must_be_live("resource move")
    _known(work, work.words[:1])
    status = crm(work, "-w", "resource", "move", *work.words)
    if status == 0:
        status = crm(work, "resource", "clear", work.words[0])
    return status


def restart(work: Work) -> int:
    """`resource restart RESOURCE`"""
    work.must_be_live("resource restart")
    _known(work, work.words[:1])
    return crm(work, "resource", "restart", *work.words)


def cleanup(work: Work) -> int:
    """`resource cleanup [RESOURCE] [NODE]`"""
    return _forget(work, "cleanup")


def refresh(work: Work) -> int:
    """`resource refresh [RESOURCE] [NODE]`"""
    return _forget(work, "refresh")


def _forget(work: Work, verb: str) -> int:
    work.must_be_live(f"resource {verb}")
    words = [word.removeprefix("node=") for word in work.words]
    _known(work, words[:1])
    return crm(work, "resource", verb, *words)


def debug(work: Work) -> int:
    """`resource debug-start|debug-stop|debug-monitor|... RESOURCE`: runs the agent here, by hand."""
    from crmshell.ra.actions import try_action
    from crmshell.ra.meta import AgentShelf
    from engine.agents.names import check_agent_name

    name = work.words[0]
    action = work.command.path.rpartition("debug-")[2]
    book = work.read()
    found = book.resource(name)
    if found is not None and found.tag != "primitive":
        work.refuse(f"'{name}' is a {found.tag!s}; only primitives have actions", name)
    work.check()
    if found is None:
        return 1
    environment = work.session.environment
    agent = check_agent_name(
        found.get("class", ""), found.get("provider", ""), found.get("type", "")
    )
    values = book.values(found, "instance_attributes")
    shelf = AgentShelf(environment)
    status, text = try_action(environment, shelf, agent, action, values, name)
    if text and (work.has("--full") or status):
        work.show(text)
    work.show(f"Operation {action} of {name} ({agent}) returned: {status}")
    return 0 if status == 0 else 1


def fence(work: Work) -> int:
    """`stonith fence NODE [--off]`"""
    work.must_be_live("stonith fence")
    work.session.source.fence(work.words[0], "off" if work.has("--off") else "reboot")
    work.show(f"Node: {work.words[0]} fenced")
    return 0


def confirm(work: Work) -> int:
    """`stonith confirm NODE`: the user vouches that it is down."""
    work.must_be_live("stonith confirm")
    work.session.source.confirm_fenced(work.words[0])
    work.show(f"Node: {work.words[0]} confirmed fenced")
    return 0


def quorum_status(work: Work) -> int:
    """`quorum status`"""
    return _plain(work, "cluster", "status")


def failcount(work: Work) -> None:
    """`resource failcount [show [RESOURCE]]`"""
    from crmshell.views.status import fail_count_of, read_model

    if work.words[:1]:
        work.read().resource(work.words[0])
        work.check()
    model = read_model(work.session.cib(), work.session.environment.clock())
    lines = []
    for each in work.read().resources():
        name = each.get("id", "")
        if each.tag != "primitive" or (work.words and name not in work.words):
            continue
        for node in model.nodes:
            count = fail_count_of(node, name)
            if count not in ("", "0"):
                lines.append(f"Failcounts for resource '{name}'\n  {node.name}: {count}")
    work.show(lines or ["No failcounts"])
