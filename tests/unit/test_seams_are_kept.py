"""Walks the syntax tree of the product for calls that only the edges may make.

Everything but the edges gets time, randomness, network, disk and processes handed in; that is what
lets thousands of fault schedules run in simulation.
"""

from __future__ import annotations

import ast
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

EDGES = (
    "engine/__main__.py",
    "engine/node/*",
    "engine/edges/*",
    "engine/membership/corosync.py",
    "engine/agents/catalog.py",
    "engine/agents/run.py",
    "engine/ipc/client.py",
    "engine/ipc/live.py",
    "engine/ipc/peers.py",
    "engine/ipc/server.py",
    "engine/cib/schema.py",
    "engine/simulator/command.py",
    "engine/tools/*",
    "crmshell/__main__.py",
    "crmshell/app.py",
    "crmshell/pcs/__main__.py",
    "crmshell/pcs/app.py",
    "crmshell/environment.py",
    "crmshell/held_program.py",
    "crmshell/repl.py",
    "crmshell/batch.py",
    "crmshell/sources/*",
    "crmshell/output/pager.py",
    "crmshell/help/topics.py",
)

WORLD_MODULES = frozenset(
    "time random uuid secrets socket ssl subprocess threading multiprocessing concurrent signal "
    "select selectors tempfile shutil glob urllib http".split()
)
WORLD_CALLS = frozenset(
    "open input os.open os.read os.write os.remove os.unlink os.rename os.replace os.listdir "
    "os.scandir os.walk os.stat os.mkdir os.makedirs os.fsync os.urandom os.system os.popen os.kill "
    "os.getpid os.fork os.getenv os.path.exists os.path.isfile os.path.isdir datetime.now "
    "datetime.utcnow datetime.today datetime.datetime.now date.today asyncio.sleep asyncio.wait_for "
    "asyncio.to_thread asyncio.create_task asyncio.gather asyncio.as_completed sys.exit print".split()
)
# `random.Random` as a type is no randomness: the seams hand streams of it around.
ONLY_AS_TYPE = {"engine/base/seams.py": {"random"}}


def _sources() -> list[Path]:
    return sorted(
        path
        for package in ("engine", "crmshell")
        for path in (ROOT / package).rglob("*.py")
        if not any(fnmatch(str(path.relative_to(ROOT)), edge) for edge in EDGES)
    )


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), level=0):
            return [module]
    return []


def world_touching(text: str, allowed_modules: frozenset[str] = frozenset()) -> list[str]:
    """`line: what` for each use of the world in a module's text."""
    found = []
    for node in ast.walk(ast.parse(text)):
        line = getattr(node, "lineno", 0)
        for module in _imported(node):
            head = module.split(".")[0]
            if head in WORLD_MODULES and head not in allowed_modules:
                found.append(f"{line}: import {module}")
        if isinstance(node, ast.Call) and _dotted(node.func) in WORLD_CALLS:
            found.append(f"{line}: {_dotted(node.func)}()")
        if isinstance(node, ast.Attribute) and _dotted(node) == "os.environ":
            found.append(f"{line}: os.environ")
    return found


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import time\n", "import time"),
        ("from random import choice\n", "import random"),
        ("def f(p):\n    return open(p)\n", "open()"),
        ("import os\nX = os.environ['A']\n", "os.environ"),
        ("import asyncio\nasync def f():\n    await asyncio.sleep(1)\n", "asyncio.sleep()"),
    ],
)
def test_the_walker_sees_a_planted_violation(text: str, what: str) -> None:
    assert any(what in line for line in world_touching(text))


def test_only_the_edges_touch_the_world() -> None:
    violations = []
    for path in _sources():
        name = str(path.relative_to(ROOT))
        allowed = frozenset(ONLY_AS_TYPE.get(name, ()))
        violations += [f"{name}:{line}" for line in world_touching(path.read_text(), allowed)]
    assert violations == []


def _is_pure(path: Path) -> bool:
    name = str(path.relative_to(ROOT))
    cores = ["replica/core", "replica/log", "lrm/ops", "fencing/core"]
    cores += [f"membership/{core}" for core in ("quorum", "detector", "attempt", "draft", "views")]
    folders = ("engine/scheduler/", "engine/cib/", "engine/controller/", "crmshell/grammar/")
    return name.startswith(folders) or name in {f"engine/{core}.py" for core in cores}


def test_pure_modules_have_no_coroutines_and_no_logging() -> None:
    violations = []
    for path in _sources():
        if not _is_pure(path):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef | ast.Await):
                violations.append(f"{path.relative_to(ROOT)}:{node.lineno}: async")
            if "logging" in _imported(node):
                violations.append(f"{path.relative_to(ROOT)}: logging")
    assert violations == []
