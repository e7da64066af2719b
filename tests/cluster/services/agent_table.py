"""Measures which agents of the distribution work under this cluster; writes the table of `doc/admin/agents.md`.

    python tests/cluster/services/agent_table.py > doc/admin/agents.md

Each agent is asked for its meta-data, its text is searched for the programs with which agents ask the cluster, and its
`monitor` is run once on a host in namespaces, as the node agent runs a probe. What else runs comes from the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[3])]

import testhosts  # noqa: E402
from harness import PROJECT, PYTHON, Cluster  # noqa: E402

from engine.agents.catalog import Catalog  # noqa: E402
from engine.agents.names import AgentName  # noqa: E402
from engine.agents.run import metadata_from_bytes, metadata_source, read_metadata  # noqa: E402
from engine.base.errors import EngineError  # noqa: E402
from engine.edges.toolbox import TOOLS  # noqa: E402

PROGRAM = re.compile(
    r"\b(crm_(?:attribute|diff|error|failcount|master|mon|node|resource|rule|shadow|simulate|standby|ticket|verify)"
    r"|attrd_updater|cibadmin|crmadmin|stonith_admin|pacemakerd)\b(?![.\w]*\()"
)
WORDS = {
    0: "runs",
    2: "wants parameters",
    3: "has no monitor",
    4: "lacks rights",
    5: "not installed",
    6: "wants configuration",
    7: "probed: not running",
    8: "runs, promoted",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What was found out about an agent."""

    name: str
    metadata: str
    programs: tuple[str, ...]
    probe: str
    is_tested: bool


def tested_agents() -> set[str]:
    """The agents that run in the tests of this folder and of the one above."""
    found: set[str] = set()
    for path in HERE.parents[1].rglob("test_*.py"):
        text = path.read_text()
        found |= set(re.findall(r"ocf:(?:heartbeat|pacemaker):\w+", text))
        found |= set(re.findall(r"stonith:[\w/]+", text))
    return found


def programs_in(path: str) -> tuple[str, ...]:
    """The programs of the cluster that an agent's text names, without comments and descriptions."""
    lines = Path(path).read_text("utf-8", "replace").splitlines()
    code = [line for line in lines if not line.lstrip().startswith(("#", "<", "//"))]
    return tuple(sorted(set(PROGRAM.findall("\n".join(code)))))


def metadata_words(catalog: Catalog, name: AgentName) -> str:
    try:
        data = read_metadata(catalog, name, dict(os.environ), timeout=20)
        found = metadata_from_bytes(data, name, metadata_source(catalog, name))
    except EngineError as problem:
        return str(problem).partition(": ")[2][:60]
    return f"{len(found.parameters)} parameters"


def probe(host: Any, path: str, kind: str, provider: str) -> str:
    """What the agent's `monitor` says where nothing is configured."""
    environment = {
        "OCF_ROOT": "/usr/lib/ocf",
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_INSTANCE": f"test-{kind}",
        "OCF_RESOURCE_TYPE": kind,
        "OCF_RESOURCE_PROVIDER": provider,
        "OCF_RESKEY_crm_feature_set": "3.20.5",
        "OCF_RESKEY_CRM_meta_interval": "0",
        "HA_SBIN_DIR": "/run/crmshell/bin",
        "HA_RSCTMP": "/run/resource-agents",
        "HA_logfacility": "none",
        "PATH": "/run/crmshell/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
    }
    done = host.run(
        ["timeout", "-k", "1", "20", path, "monitor"], env=environment, timeout=40, wd="/"
    )
    reason = [
        line.partition("ocf-exit-reason:")[2]
        for line in done.stdout.splitlines()
        if "ocf-exit-reason:" in line
    ]
    words = WORDS.get(done.returncode, f"exit code {done.returncode}")
    return (
        f"{words} ({reason[-1].strip()[:70]})"
        if reason and done.returncode not in (0, 7)
        else words
    )


def rows(host: Any) -> list[Row]:
    catalog, tested = Catalog(), tested_agents()
    found = []
    for provider in ("heartbeat", "pacemaker"):
        folder = Path("/usr/lib/ocf/resource.d", provider)
        for path in sorted(folder.iterdir(), key=lambda each: each.name.lower()):
            if path.name.startswith(".") or not os.access(path, os.X_OK):
                continue
            name = AgentName("ocf", provider, path.name)
            words = (
                "never run"
                if str(name) == "ocf:pacemaker:remote"
                else probe(host, str(path), path.name, provider)
            )
            found.append(
                Row(
                    str(name),
                    metadata_words(catalog, name),
                    programs_in(str(path)),
                    words,
                    str(name) in tested,
                )
            )
    for path in sorted(Path("/usr/sbin").glob("fence_*")):
        name = AgentName("stonith", "", path.name)
        found.append(
            Row(
                str(name),
                metadata_words(catalog, name),
                programs_in(str(path)),
                "",
                str(name) in tested,
            )
        )
    return found


def text_of(found: list[Row]) -> str:
    """The page."""
    good = sum("parameters" in row.metadata for row in found)
    lines = [
        "# Agents of the distribution, measured",
        "",
        "Made by `python tests/cluster/services/agent_table.py` on Debian 12 with its packages resource-agents,",
        "pacemaker-resource-agents, resource-agents-paf and fence-agents. *Asks with*: the cluster's programs that the agent calls;",
        "one in brackets is not there yet. *Here*: what its `monitor` said on a host where nothing is configured;",
        "**in the tests**: it manages a real or a sample service in `tests/cluster`.",
        "",
        f"{len(found)} agents, meta-data of {good} read.",
        "",
        "| agent | meta-data | asks with | here |",
        "|---|---|---|---|",
    ]
    for row in found:
        programs = ", ".join(
            p if p in TOOLS or p == "crm_verify" else f"({p})" for p in row.programs
        )
        here = "; ".join(
            part for part in ("**in the tests**" if row.is_tested else "", row.probe) if part
        )
        lines.append(f"| {row.name} | {row.metadata} | {programs} | {here.replace('|', '/')} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    folder = tempfile.mkdtemp(prefix="agents-")
    lab = testhosts.Lab(1, dir=f"{folder}/lab", private=["/var/lib", "/srv"], copied=["/etc"]).up()
    try:
        cluster = Cluster(lab, nodes=1)
        cluster.start()
        sys.stdout.write(text_of(rows(lab.hosts[0])))
    finally:
        lab.down()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    assert PYTHON
    assert PROJECT
    main()
