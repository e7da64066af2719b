"""Starting an agent and waiting for it, with a time limit that holds: for the shell's questions.

The agent gets a process group of its own, which is killed as a whole when time is up, so a hanging
agent (or its children that hold the pipe) costs the limit and one line, never more. The node agent
starts programs through its own seam instead.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.agents.builtin import SOURCE, built_in
from engine.agents.catalog import Catalog
from engine.agents.metadata import (
    MAX_METADATA_BYTES,
    AgentMetadata,
    metadata_from_lsb,
    metadata_from_unit,
    metadata_from_xml,
)
from engine.agents.names import AgentName
from engine.base.errors import BadInput, EngineError
from engine.base.exitcodes import ExitStatus

METADATA_TIMEOUT = 30.0
_SAFE_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "HA_RSCTMP", "USER", "LOGNAME")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class AgentRun:
    """What an agent did: exit status (-N: killed by signal N) and output."""

    status: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False


def run_program(
    argv: Sequence[str],
    variables: Mapping[str, str],
    *,
    timeout: float,
    stdin: bytes = b"",
    limit: int = MAX_METADATA_BYTES,
) -> AgentRun:
    """Run a program with a time limit in seconds and a limit of output bytes kept per stream.

    Raises `EngineError` (NOT_INSTALLED) when it cannot be started at all.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(variables),
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise EngineError(f"{argv[0]}: {reason}", status=ExitStatus.NOT_INSTALLED) from None
    deadline = time.monotonic() + timeout
    try:
        kept, finished = _exchange(process, stdin, deadline, limit)
        if finished:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                finished = False
    finally:
        _kill_group(process)
    return AgentRun(process.returncode, kept[0], kept[1], timed_out=not finished)


def agent_variables(
    base: Mapping[str, str],
    ocf_root: str,
    name: AgentName,
    parameters: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The environment of an agent: little of ours, and its parameters as `OCF_RESKEY_*`."""
    variables = {key: base[key] for key in _SAFE_VARIABLES if key in base}
    variables["PATH"] = f"{base.get('PATH', '')}:{_PATH}".lstrip(":")
    variables["OCF_ROOT"] = ocf_root
    variables["OCF_RA_VERSION_MAJOR"] = "1"
    variables["OCF_RA_VERSION_MINOR"] = "1"
    variables["OCF_RESOURCE_TYPE"] = name.type
    if name.provider:
        variables["OCF_RESOURCE_PROVIDER"] = name.provider
    for key, value in (parameters or {}).items():
        if "\0" not in key + value and "=" not in key:
            variables[f"OCF_RESKEY_{key}"] = value
    return variables


def metadata_source(catalog: Catalog, name: AgentName) -> str:
    """The file that the meta-data of an agent comes from; raises `BadInput` if not installed."""
    if built_in(name):
        return SOURCE
    if name.standard in {"systemd", "service"}:
        unit = catalog.unit_of(name)
        if unit:
            return unit
    return catalog.path_of(name)


def read_metadata(
    catalog: Catalog,
    name: AgentName,
    base: Mapping[str, str],
    *,
    timeout: float = METADATA_TIMEOUT,
) -> bytes:
    """The meta-data as text: what the agent prints, or the script or unit itself.

    Raises `EngineError` with one line when there is no such agent, it fails, or it hangs.
    """
    if built_in(name):
        return built_in(name).encode()
    path = metadata_source(catalog, name)
    if name.standard in {"lsb", "systemd", "service"}:
        try:
            with open(path, "rb") as stream:
                return stream.read(MAX_METADATA_BYTES)
        except OSError as problem:
            raise EngineError(f"{name}: {path}: {problem.strerror}") from None
    if name.standard == "stonith" and not name.type.startswith("fence_"):
        argv = [catalog.plugin_program(), "-m", "-t", name.type]
    else:
        argv = [path, "-o", "metadata"] if name.standard == "stonith" else [path, "meta-data"]
    variables = agent_variables(base, catalog.folders.ocf_root, name)
    done = run_program(argv, variables, timeout=timeout)
    if done.timed_out:
        raise EngineError(
            f"{name}: no meta-data within {timeout:g}s, the agent hangs", status=ExitStatus.TIMEOUT
        )
    if done.status != 0 and b"<resource-agent" not in done.stdout:
        raise EngineError(f"{name}: got no meta-data (status {done.status}){_first_words(done)}")
    return done.stdout


def metadata_from_bytes(data: bytes, name: AgentName, source: str) -> AgentMetadata:
    """Parse what `read_metadata` gave; `source` is the file it came from."""
    if name.standard in {"systemd", "service"} and source.endswith(".service"):
        return metadata_from_unit(data.decode("utf-8", "replace"), name)
    if name.standard in {"lsb", "service"}:
        return metadata_from_lsb(data.decode("utf-8", "replace"), name)
    if b"<" not in data:
        raise BadInput(f"{name}: its meta-data is not XML")
    return metadata_from_xml(data, name)


def _first_words(done: AgentRun) -> str:
    for line in (done.stderr or done.stdout).decode("utf-8", "replace").splitlines():
        if line.strip():
            return f": {line.strip()[:200]}"
    return ""


def _exchange(
    process: subprocess.Popen[bytes], stdin: bytes, deadline: float, limit: int
) -> tuple[tuple[bytes, bytes], bool]:
    """Feed and read until both outputs are closed (True) or time is up (False)."""
    kept = {1: bytearray(), 2: bytearray()}
    with selectors.DefaultSelector() as selector:
        if process.stdout is None or process.stderr is None or process.stdin is None:
            return (b"", b""), True
        selector.register(process.stdout, selectors.EVENT_READ, 1)
        selector.register(process.stderr, selectors.EVENT_READ, 2)
        if stdin:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE, 0)
        else:
            process.stdin.close()
        rest = memoryview(stdin)
        open_outputs = 2
        while open_outputs:
            left = deadline - time.monotonic()
            if left <= 0:
                return (bytes(kept[1]), bytes(kept[2])), False
            for key, _ in selector.select(left):
                if key.data == 0:
                    rest = _feed(process, rest)
                    if not rest:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                    continue
                data = os.read(key.fd, 65536)
                if not data:
                    selector.unregister(key.fileobj)
                    open_outputs -= 1
                room = limit + 1 - len(kept[key.data])
                kept[key.data] += data[: max(0, room)]
    return (bytes(kept[1]), bytes(kept[2])), True


def _feed(process: subprocess.Popen[bytes], rest: memoryview) -> memoryview:
    if process.stdin is None:
        return rest[:0]
    try:
        return rest[os.write(process.stdin.fileno(), rest[:65536]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[:0]


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a group whose leader we have not waited for, and close our ends of the pipes.

    Its number stays taken until then, so no other group can be hit.
    """
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
