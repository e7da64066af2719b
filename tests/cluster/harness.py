"""A cluster of node agents in network namespaces, with a client host beside it.

Everything is looked at from outside: the agents' sockets through /proc, the service by the client's
own request. Every wait has a deadline.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import testhosts
from lxml import etree
from patience import wait_until

from engine.base.errors import EngineError
from engine.cib.document import Cib
from engine.cib.patch import diff, patch_to_bytes
from engine.ipc.client import Client

PYTHON = sys.executable
CRM = str(Path(PYTHON).with_name("crm"))
PROJECT = str(Path(__file__).resolve().parents[2])
DEAD_TIME = 3.65  # three nodes: 3 s, and 0.65 s for each above two
ADDRESS = "10.77.0.100"
NGINX = """\
worker_processes 1;
pid /run/nginx.pid;
error_log /srv/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path /srv/body; proxy_temp_path /srv/proxy; fastcgi_temp_path /srv/fastcgi;
    uwsgi_temp_path /srv/uwsgi; scgi_temp_path /srv/scgi;
    server {{ listen 80; location / {{ default_type text/plain; return 200 "{name}\\n"; }} }}
}}
"""


class Cluster:
    """Hosts h1… with an agent each; the last host of the lab is the client without one."""

    def __init__(self, lab: testhosts.Lab, nodes: int = 3, options: tuple[str, ...] = ()) -> None:
        self.lab = lab
        self.options = options
        self.hosts = lab.hosts[:nodes]
        self.client = lab.hosts[nodes] if len(lab.hosts) > nodes else None
        self.peers = ",".join(f"{h.name}={h.num}@{h.ip}" for h in self.hosts)
        self.key = f"{lab.dir}/cluster.key"
        self.log: dict[str, Any] = {}

    def start(self) -> Cluster:
        """Make the key, prepare and start all agents, and wait until they are one cluster."""
        argv = [PYTHON, "-m", "engine", "--make-key", self.key]
        subprocess.run(argv, check=True, cwd=PROJECT)
        for host in self.hosts:
            self.start_agent(host)
        self.eventually("one cluster", self.is_whole, 30)
        return self

    def start_agent(self, host: Any) -> None:
        """Start the agent of a host that has just booted."""
        host.run(
            f"mkdir -p /srv; cat > /srv/nginx.conf <<'E'\n{NGINX.format(name=host.name)}E",
            check=True,
        )
        argv = [PYTHON, "-m", "engine", "--foreground", "--name", host.name, "--cluster", "lab"]
        argv += ["--peers", self.peers, "--key", self.key, *self.options]
        log = f"{self.lab.dir}/{host.name}.log"
        self.log[host.name] = host.spawn(argv, log=log, wd=PROJECT)

    def boot(self, host: Any) -> None:
        """Power on again, and start the agent as the machine would."""
        host.boot()
        self.start_agent(host)

    # ---- looking

    def ask(self, host: Any, kind: str, **fields: Any) -> dict[str, Any]:
        """A request to the agent of a host, through its own socket."""
        path = f"/proc/{host.pid}/root/run/crmshell/admin.sock"
        with Client(path) as client:
            return client.demand(kind, **fields)

    def status(self, host: Any) -> dict[str, Any]:
        """The agent's status, {} when there is none."""
        if not host.pid:
            return {}
        try:
            return self.ask(host, "status")
        except EngineError:
            return {}

    def alive(self) -> list[Any]:
        return [host for host in self.hosts if host.pid]

    def is_whole(self) -> bool:
        """All agents are in one quorate view and the DC has nothing to do."""
        names = [host.name for host in self.hosts]
        return (
            all(self.status(host).get("members") == names for host in self.hosts) and self.is_idle()
        )

    def is_idle(self) -> bool:
        hosts = self.alive()
        try:
            return bool(hosts) and bool(self.ask(hosts[0], "wait", timeout=1).get("idle"))
        except EngineError:
            return False

    def dc(self) -> Any:
        """The host of the DC."""
        for host in self.alive():
            name = self.status(host).get("dc")
            if name:
                return next(h for h in self.hosts if h.name == name)
        raise AssertionError("no DC")

    def cib(self, host: Any | None = None) -> Cib:
        reply = self.status(host or self.alive()[0])
        return Cib.from_bytes(reply["cib"])

    def fingerprints(self) -> set[tuple[Any, ...]]:
        """Version and digest of the configuration as each agent has it."""
        found = set()
        for host in self.alive():
            reply = self.ask(host, "cib", scope="configuration")
            body = Cib.from_bytes(reply["cib"])
            text = body.to_bytes().split(b"<configuration>", 1)[1]
            found.add((tuple(reply["epoch"][:2]), reply["index"], hashlib.sha256(text).hexdigest()))
        return found

    def running(self, name: str) -> list[str]:
        """The hosts that run a program of this name, from outside."""
        found = []
        for host in self.alive():
            for pid in host.pids():
                try:
                    command = Path(f"/proc/{pid}/comm").read_text().strip()
                except OSError:
                    continue
                if command == name and host.name not in found:
                    found.append(host.name)
        return found

    def holders(self) -> list[str]:
        """The hosts that have the floating address."""
        return [
            h.name for h in self.alive() if f" {ADDRESS}/" in h.run("ip -4 addr show eth0").stdout
        ]

    def answer(self) -> str:
        """Who answers the client's HTTP request to the floating address, "" if nobody."""
        assert self.client is not None
        return self.client.run(f"curl -s -m 1 http://{ADDRESS}/").stdout.strip()

    def fail_count(self, resource: str) -> int:
        pairs = self.cib().root.iterfind("status/node_state/transient_attributes//nvpair")
        counts = [
            pair.get("value", "0")
            for pair in pairs
            if (pair.get("name") or "").startswith(f"fail-count-{resource}#")
        ]
        return sum(1_000_000 if text == "INFINITY" else int(text) for text in counts)

    def runners(self, name: str) -> list[str]:
        """The hosts on which this Dummy resource is started, from outside."""
        found = []
        for host in self.alive():
            if Path(f"/proc/{host.pid}/root/run/resource-agents/Dummy-{name}.state").exists():
                found.append(host.name)
        return found

    # ---- doing

    def configure(self, host: Any, change: Callable[[Cib], None]) -> None:
        """Change the configuration through the log, as the shell does."""
        self._submit(host, change, self.ask(host, "cib", scope="configuration", sync=True))

    def configure_unsynced(self, host: Any, change: Callable[[Cib], None]) -> None:
        """The same on a node that may be without quorum, from what it knows itself."""
        self._submit(host, change, self.ask(host, "cib", scope="configuration"))

    def _submit(self, host: Any, change: Callable[[Cib], None], reply: dict[str, Any]) -> None:
        old = Cib.from_bytes(reply["cib"])
        new = old.copy()
        change(new)
        patch = patch_to_bytes(diff(old.root, new.root))
        self.ask(host, "submit", request_id=uuid.uuid4().hex, base=reply["epoch"], patch=patch)

    def crm(self, host: Any, *words: str, text: str | None = None) -> str:
        """One crm command in a host; its output."""
        done = host.run([CRM, *words], input=text, wd=PROJECT, timeout=300)
        assert done.returncode == 0, done.stdout
        return str(done.stdout)

    def eventually(self, what: str, check: Callable[[], Any], seconds: float) -> float:
        """Wait for something; how long it took. Fails with the agents' last words.

        The limit is that of an idle machine; one that does other things gets more, as measured.
        """
        took = wait_until(check, seconds)
        if took is None:
            text = f"not within {seconds:g} s of an idle machine: {what}"
            raise AssertionError(f"{text}\n{self.last_words()}")
        return took

    def last_words(self) -> str:
        parts = []
        for name, process in self.log.items():
            parts.append(f"--- {name}\n" + "\n".join(process.output().splitlines()[-25:]))
        return "\n".join(parts)


def set_property(cib: Cib, name: str, value: str) -> None:
    """A cluster property in the usual set."""
    section = cib.section("crm_config")
    found = section.find("cluster_property_set")
    if found is None:
        found = etree.SubElement(section, "cluster_property_set", id="cib-bootstrap-options")
    for pair in found.findall(f"nvpair[@name='{name}']"):
        found.remove(pair)
    identity = f"cib-bootstrap-options-{name}"
    etree.SubElement(found, "nvpair", id=identity, name=name, value=value)


def add_primitive(cib: Cib, name: str, agent: str, **parameters: str) -> None:
    """A primitive `class:provider:type` with a monitor each 2 s (fence devices: 10 s)."""
    standard, _, rest = agent.partition(":")
    provider, _, kind = rest.rpartition(":")
    primitive = etree.SubElement(cib.section("resources"), "primitive", id=name)
    primitive.set("class", standard)
    if provider:
        primitive.set("provider", provider)
    primitive.set("type", kind)
    if parameters:
        values = etree.SubElement(primitive, "instance_attributes", id=f"{name}-params")
        for key, value in parameters.items():
            etree.SubElement(values, "nvpair", id=f"{name}-{key}", name=key, value=value)
    interval = "10s" if standard == "stonith" else "2s"
    operations = etree.SubElement(primitive, "operations")
    etree.SubElement(
        operations, "op", id=f"{name}-monitor", name="monitor", interval=interval, timeout="20s"
    )
