"""The level `cluster`: make a cluster of our agents, let nodes join and leave, start and stop them.

What concerns other nodes goes over ssh as the same `crm` command there. The node file and the key
are engine D-22 and D-23.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Call, command
from crmshell.levels.work.membership import first_node
from crmshell.levels.work.node_files import all_nodes, key_file, node_file, own_config
from crmshell.levels.work.remote import is_here, must_run_on
from crmshell.session import Session
from crmshell.sources.find import SOCKET
from engine.base.digits import is_digits
from engine.base.exitcodes import ExitStatus
from engine.base.nodeconf import DEFAULT_PORT, Address, NodeConfig, node_config_to_text

LOG_FILE = "/var/log/crmshell/agent.log"
UNIT = "crm-agent.service"
AGENT = "crm-agent"
START_SECONDS = 30.0
STOP_SECONDS = 120.0
_POLL = 0.2
# An agent that has stopped answering still holds its port (UNAVAILABLE) or its socket (EXISTS).
_PREDECESSOR_SECONDS = 10.0
_PREDECESSOR_IS_THERE = (ExitStatus.UNAVAILABLE, ExitStatus.EXISTS)


# -- options of init and join -------------------------------------------------------------------------


def take_options(
    call: Call, known: Sequence[str], flags: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """`--name value` options and plain words; raises `ShellError` for one that is not known."""
    options: dict[str, str] = {}
    words: list[str] = []
    rest = list(call.args)
    while rest:
        word = rest.pop(0)
        name, mark, value = word.partition("=")
        if name in flags:
            options[name] = "yes"
        elif name in known:
            if not mark and not rest:
                raise ShellError(f"cluster.{call.name}: {name} needs a value", code="arguments")
            options[name] = value if mark else rest.pop(0)
        elif word.startswith("-"):
            listed = ", ".join((*known, *flags))
            raise ShellError(f"cluster.{call.name}: no option {name}; there are {listed}")
        else:
            words.append(word)
    return options, words


def addresses_of(
    session: Session, options: dict[str, str], towards: str = ""
) -> tuple[Address, ...]:
    """Where the other nodes reach this one: as said, else what leads to `towards`, else the only one."""
    given = options.get("--addr", "") or _own_address(session, towards)
    port = options.get("--port", str(DEFAULT_PORT))
    if not is_digits(port) or not 0 < int(port) < 65536:
        raise ShellError(f"'{port}' is no port (1 to 65535)", code="arguments")
    return tuple(Address(one.strip("[]"), int(port)) for one in given.split(",") if one)


def _own_address(session: Session, towards: str) -> str:
    """The address that needs no asking; raises `ShellError` where there is a choice."""
    found = session.environment.own_addresses()
    if towards:
        near = session.environment.address_towards(towards)
        if near in found:
            return near
    elif len(found) == 1:
        return found[0]
    has = f" (this machine has {', '.join(found)})" if found else ""
    raise ShellError(
        f"say at which address the other nodes reach this one: --addr ADDRESS{has}",
        code="arguments",
    )


# -- init -------------------------------------------------------------------------------


@command(
    "cluster",
    "init",
    usage="[--name <cluster>] [--addr <address>] [--node <name>] [--port <port>] [--no-start]",
    help="write the configuration of a new cluster and start this node",
)
def init(session: Session, call: Call) -> None:
    options, words = take_options(call, ("--name", "--addr", "--node", "--port"), ("--no-start",))
    if words:
        raise ShellError(f"cluster.init: '{words[0]}' is not an option", code="arguments")
    refuse_member(session)
    name = options.get("--node", short_host(session))
    config = first_node(name, options.get("--name", "hacluster"), addresses_of(session, options))
    key = key_file(session, config)
    if not session.environment.exists(key):
        session.environment.make_folder(os.path.dirname(key))
        make_key(session, key)
    store_config(session, config)
    session.info(
        f"node {config.name} ({config.addresses[0]}) is the first of cluster {config.cluster}"
    )
    if "--no-start" not in options:
        start_for_good(session)


def make_key(session: Session, path: str) -> None:
    done = session.environment.run([_agent(session), "--make-key", path])
    if done.status:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ShellError(said[-1] if said else f"{path}: no key was made", code="key")


def refuse_member(session: Session) -> None:
    path = node_file(session)
    if session.environment.exists(path) and not session.force:
        raise ShellError(
            f"this machine is a node of a cluster already ({path}); -F makes it anew",
            code="is-node",
        )
    from crmshell.levels.work.pacemaker_cluster import is_pacemaker_running

    if is_pacemaker_running(session) and not session.force:
        raise ShellError(
            "Pacemaker runs on this machine, and two managers of the same resources destroy data: "
            "stop and disable it first (crm cluster stop; crm cluster disable)",
            code="is-node",
        )


def store_config(session: Session, config: NodeConfig) -> None:
    path = node_file(session)
    session.environment.make_folder(os.path.dirname(path))
    session.environment.write_file(path, node_config_to_text(config).encode())


def short_host(session: Session) -> str:
    return session.environment.hostname.partition(".")[0]


# -- start and stop -----------------------------------------------------------------------------------


@command("cluster", "start", usage="[<node>...|--all]", changes=True, help="start the node agent")
def start(session: Session, call: Call) -> None:
    _everywhere(session, call, start_here, together=True)


@command(
    "cluster",
    "stop",
    usage="[<node>...|--all]",
    changes=True,
    drops=True,
    help="stop the node agent",
)
def stop(session: Session, call: Call) -> None:
    _everywhere(session, call, stop_here, together=True)


@command("cluster", "restart", usage="[<node>...|--all]", drops=True, help="stop and start it")
def restart(session: Session, call: Call) -> None:
    _everywhere(session, call, restart_here)


def restart_here(session: Session) -> None:
    """Where there was quorum it is waited for, so that the next node may be restarted."""
    was_quorate = has_controller(session)
    stop_here(session)
    start_here(session)
    if was_quorate and not until(session, START_SECONDS, lambda: has_controller(session)):
        session.warn(f"there is no quorum {START_SECONDS:g} s after the restart", "quorum")


@command("cluster", "enable", usage="[<node>...|--all]", help="start the agent with the machine")
def enable(session: Session, call: Call) -> None:
    _everywhere(session, call, lambda session: _unit(session, "enable"))


@command("cluster", "disable", usage="[<node>...|--all]", help="do not start it with the machine")
def disable(session: Session, call: Call) -> None:
    _everywhere(session, call, lambda session: _unit(session, "disable"))


def _everywhere(
    session: Session, call: Call, here: Callable[[Session], None], *, together: bool = False
) -> None:
    """Do it here, or on the nodes that are named."""
    nodes = list(call.args)
    if "--all" in nodes:
        nodes = all_nodes(session)
    if nodes:
        on_nodes(session, call.name, nodes, here, together=together)
    else:
        here(session)


def on_nodes(
    session: Session,
    action: str,
    nodes: list[str],
    here: Callable[[Session], None],
    *,
    together: bool,
) -> None:
    """`crm cluster ACTION` on each of the nodes, `here` for this one; all failures are told.

    `together`: on all nodes at once, so that resources are not moved to a node that is next.
    """
    elsewhere: dict[str, Callable[[], None]] = {}
    for node in nodes:
        if not is_this_node(session, node):
            job = partial(crm_on, session, node, action)
            elsewhere[node] = session.environment.begin(job) if together else job
    failed: list[str] = []
    for node in nodes:
        try:
            if node not in elsewhere:
                here(session)
            else:
                elsewhere[node]()
                session.info(f"{node}: {action} done")
        except ShellError as problem:
            session.report(*problem.reports)
            failed.append(node)
    if failed:
        raise ShellError(f"{action} failed on {', '.join(failed)}", code="cluster")


def is_this_node(session: Session, node: str) -> bool:
    """Whether a name is this machine's, as a host or as a node."""
    if is_here(session, node):
        return True
    return session.environment.is_file(node_file(session)) and node == own_config(session).name


def crm_on(session: Session, node: str, action: str) -> None:
    must_run_on(
        session, node, ["crm", "-F", "cluster", action], timeout=STOP_SECONDS + START_SECONDS
    )


def start_here(session: Session) -> None:
    """Start the agent of this machine and wait until it answers; or Pacemaker's daemons.

    One that is still ending is waited for.
    """
    if _pacemaker_does(session, "start"):
        return
    own_config(session)
    if is_running(session):
        if not _is_stopping(session):
            session.info("the agent runs already")
            return
        session.info("the agent is still ending: waiting for it")
        if not until(session, STOP_SECONDS, lambda: not is_running(session)):
            raise ShellError(f"the agent still ends after {STOP_SECONDS:g} s", code="cluster")
    if has_unit(session):
        _systemctl(session, "start")
        ended: Callable[[], int | None] = lambda: None  # noqa: E731 - one line
    else:
        ended = _start_agent(session)
    end = session.environment.clock() + START_SECONDS
    while not is_running(session):
        status = ended()
        left = end - session.environment.clock()
        if status in _PREDECESSOR_IS_THERE and left > START_SECONDS - _PREDECESSOR_SECONDS:
            ended = _start_agent(session)
        elif status is not None:
            raise ShellError(f"the agent ended with status {status}{_last_words(session)}")
        elif left <= 0:
            log = session.environment.under_root(LOG_FILE)
            raise ShellError(f"the agent does not answer after {START_SECONDS:g} s, see {log}")
        session.environment.sleep(_POLL)
    session.info("the agent runs")


def _start_agent(session: Session) -> Callable[[], int | None]:
    environment = session.environment
    log = environment.under_root(LOG_FILE)
    environment.make_folder(os.path.dirname(log))
    return environment.start_detached([_agent(session), "--root", environment.root], log)


def _last_words(session: Session) -> str:
    """The last line of the agent's log, with its place."""
    log = session.environment.under_root(LOG_FILE)
    said = session.environment.run(["tail", "-n", "1", "--", log]).stdout.decode("utf-8", "replace")
    return f": {said.strip()} ({log})"


def _is_stopping(session: Session) -> bool:
    try:
        return bool(ask(session, "hello", 5.0).get("stopping"))
    except ShellError:
        return False


def start_for_good(session: Session) -> None:
    """Start the agent of this machine now and whenever it boots; where the latter cannot be, say so."""
    start_here(session)
    start_at_boot(session)


def start_at_boot(session: Session) -> None:
    """Let the agent start with the machine, or say why that cannot be."""
    environment = session.environment
    if environment.root != "/":
        return
    if has_unit(session):
        try:
            _systemctl(session, "enable")
            session.info(f"{UNIT} starts with the machine")
        except ShellError as problem:
            session.warn(f"this node does not come back after a boot: {problem}", "no-unit")
        return
    has_systemd = environment.exists("/run/systemd/system")
    how = (
        "crm cluster install-units, then crm cluster enable"
        if has_systemd
        else "systemd does not run here, so let 'crm cluster start' run at boot"
    )
    session.warn(f"this node does not come back after a boot: {how}", "no-unit")


def stop_here(session: Session) -> None:
    """Let the agent stop: its resources move away or are stopped first. Or Pacemaker's daemons."""
    if _pacemaker_does(session, "stop"):
        return
    if not is_running(session):
        session.info("the agent does not run")
        return
    if not _has_quorum(session):
        session.info("there is no quorum: what runs here ends here, nothing moves to other nodes")
    if has_unit(session):
        _systemctl(session, "stop")
    else:
        ask(session, "shutdown")
    if not until(session, STOP_SECONDS, lambda: not is_running(session)):
        hint = "a resource that does not stop may hold it up, see crm status"
        raise ShellError(f"the agent still runs after {STOP_SECONDS:g} s: {hint}", code="cluster")
    session.info("the agent has stopped")


def ask(session: Session, kind: str, timeout: float = 30.0) -> dict[str, object]:
    """A question to the agent of this machine; raises `ShellError`."""
    from crmshell.sources.agent import AgentSource

    return AgentSource(session.environment, session.environment.under_root(SOCKET)).ask(
        kind, timeout
    )


def is_running(session: Session) -> bool:
    """Whether the agent answers."""
    if not session.environment.exists(session.environment.under_root(SOCKET)):
        return False
    try:
        ask(session, "hello", 5.0)
    except ShellError:
        return False
    return True


def has_controller(session: Session) -> bool:
    """Whether the agent answers, in a view with quorum and a controller."""
    try:
        told = ask(session, "hello", 5.0)
    except ShellError:
        return False
    return bool(told.get("quorate") and told.get("dc"))


def _has_quorum(session: Session) -> bool:
    return bool(ask(session, "hello", 5.0).get("quorate"))


def has_unit(session: Session) -> bool:
    """Whether systemd runs here and knows the agent."""
    environment = session.environment
    if environment.root != "/" or not environment.exists("/run/systemd/system"):
        return False
    return environment.run(["systemctl", "cat", UNIT], timeout=10).status == 0


def _pacemaker_does(session: Session, action: str) -> bool:
    """Do it with Pacemaker's daemons where this machine is one of theirs; False: it is not."""
    from crmshell.levels.work.pacemaker_cluster import daemons, on_pacemaker

    if not on_pacemaker(session):
        return False
    daemons(session, action)
    return True


def _unit(session: Session, action: str) -> None:
    if not _pacemaker_does(session, action):
        _systemctl(session, action)


def _systemctl(session: Session, action: str) -> None:
    if not has_unit(session):
        raise ShellError(f"{UNIT} is not installed here (or systemd does not run)", code="no-unit")
    done = session.environment.run(["systemctl", action, UNIT], timeout=STOP_SECONDS)
    if done.status:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ShellError(f"systemctl {action} {UNIT}: {said[0] if said else done.status}")


def _agent(session: Session) -> str:
    path = session.environment.own_program(AGENT)
    if not path:
        raise ShellError(f"{AGENT} is not installed", code="not-installed")
    return path


def until(session: Session, limit: float, done: Callable[[], bool]) -> bool:
    """Wait for something; False when time is up."""
    end = session.environment.clock() + limit
    while not done():
        if session.environment.clock() >= end:
            return False
        session.environment.sleep(_POLL)
    return True
