"""The command `cluster install-units`: the agent's systemd unit, its user and its folders."""

from __future__ import annotations

import os

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Call, command
from crmshell.session import Session

PLACES = {
    "crm-agent.service": "/etc/systemd/system/crm-agent.service",
    "crmshell.sysusers": "/etc/sysusers.d/crmshell.conf",
    "crmshell.tmpfiles": "/etc/tmpfiles.d/crmshell.conf",
}
_APPLY = (
    ("systemd-sysusers", "/etc/sysusers.d/crmshell.conf"),
    ("systemd-tmpfiles", "--create", "/etc/tmpfiles.d/crmshell.conf"),
)


@command("cluster", "install-units", args=(0, 0), help="install the agent's systemd unit")
def install_units(session: Session, call: Call) -> str:
    """Write the files and let systemd know them; below another root only write them."""
    del call
    environment = session.environment
    agent = environment.own_program("crm-agent")
    if not agent:
        raise ShellError("crm-agent is not installed", code="not-installed")
    lines = []
    for name, place in PLACES.items():
        text = environment.read_text(
            os.path.join(os.path.dirname(os.path.dirname(__file__)), "units", name)
        )
        path = environment.under_root(place)
        environment.make_folder(os.path.dirname(path))
        environment.write_file(path, text.replace("@AGENT@", agent).encode())
        lines.append(path)
    if environment.root == "/":
        _apply(session)
    return "\n".join(lines)


def _apply(session: Session) -> None:
    environment = session.environment
    todo = [list(words) for words in _APPLY]
    if environment.exists("/run/systemd/system"):
        todo.append(["systemctl", "daemon-reload"])
    for argv in todo:
        if not environment.find_program(argv[0]):
            session.warn(f"{argv[0]} is not installed, so {argv[-1]} was not applied", "units")
            continue
        done = environment.run(argv, timeout=60)
        if done.status:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            session.warn(f"{argv[0]}: {said[0] if said else done.status}", "units")
