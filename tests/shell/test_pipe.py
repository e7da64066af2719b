"""The `crm` command as a process over pipes: start-up, closed pipes, colours, read-only files, users."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CRM = str(Path(sys.executable).with_name("crm"))
CIB = (
    '<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="1" num_updates="0" '
    'admin_epoch="0"><configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes>'
    "<resources/><constraints/></configuration><status/></cib>"
)
HEAVY = ("prompt_toolkit", "networkx", "pyparsing", "asyncio", "importlib.metadata", "http", "ssl")


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "cib.xml").write_text(CIB)
    (tmp_path / "home").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "CIB_file": str(tmp_path / "cib.xml"),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
    }


def _crm(
    variables: dict[str, str], *argv: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [CRM, *argv], env=variables, input=stdin, capture_output=True, timeout=60, check=False
    )


def _modules_after(variables: dict[str, str], *argv: str) -> set[str]:
    """What is imported when a `crm` call ends."""
    code = (
        "import sys; from crmshell.app import main; status = main(sys.argv[1:]); "
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *argv],
        env=variables,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return set(done.stderr.decode().split())


def test_the_version_needs_none_of_the_heavy_modules(variables: dict[str, str]) -> None:
    loaded = _modules_after(variables, "--version")
    assert not loaded & {*HEAVY, "lxml", "subprocess"}
    assert "crmshell.app" in loaded


@pytest.mark.parametrize(
    "argv",
    [("ra", "classes"), ("ra", "list", "ocf", "heartbeat"), ("help",), ("node", "show")],
    ids=" ".join,
)
def test_short_answers_need_none_of_the_heavy_modules(
    variables: dict[str, str], argv: tuple[str, ...]
) -> None:
    loaded = _modules_after(variables, *argv)
    assert not loaded & set(HEAVY)
    assert "crmshell.dispatch" in loaded


def test_lists_of_agents_need_no_xml(variables: dict[str, str]) -> None:
    loaded = _modules_after(variables, "ra", "list", "ocf", "heartbeat")
    assert not any(name.startswith("lxml") for name in loaded)
    assert "crmshell.levels.commands.ra" in loaded


@pytest.mark.parametrize(
    ("argv", "most"),
    [(("--version",), 10), (("help",), 34), (("ra", "classes"), 42)],
    ids=["version", "help", "ra-classes"],
)
def test_a_start_imports_few_modules_of_its_own(
    variables: dict[str, str], argv: tuple[str, ...], most: int
) -> None:
    """What a start costs is what it imports; the time itself is measured by `make bench`."""
    loaded = _modules_after(variables, *argv)
    ours = sorted(name for name in loaded if name.partition(".")[0] in ("crmshell", "engine"))
    assert 0 < len(ours) <= most, ours


def test_a_closed_pipe_ends_it_silently(variables: dict[str, str]) -> None:
    script = b"node show\n" * 3000
    with subprocess.Popen(
        [CRM],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdout.close()
        try:
            process.stdin.write(script)
            process.stdin.close()
        except BrokenPipeError:
            pass
        process.stdin = None
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


@pytest.mark.parametrize("argv", [("node", "show"), ("--version",), ("help",)], ids=" ".join)
def test_an_output_that_is_full_is_one_line(
    variables: dict[str, str], argv: tuple[str, ...]
) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [CRM, *argv],
            env=variables,
            stdout=full,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"No space left" in done.stderr


def test_there_are_no_colour_codes_in_a_pipe_unless_asked_for(variables: dict[str, str]) -> None:
    assert b"\033" not in _crm(variables, "node", "standbi").stderr
    assert b"\033[31;1mERROR" in _crm(variables, "-D", "color-always", "nosuch").stderr
    assert b"\033[31;1mERROR" in _crm(variables, "--color=always", "nosuch").stderr


def test_a_read_only_folder_leaves_the_cib_as_it_is(
    variables: dict[str, str], tmp_path: Path
) -> None:
    if os.geteuid() == 0:
        folder = Path("/proc/self")
        variables["CIB_file"] = str(folder / "cib.xml")
    else:
        tmp_path.chmod(0o500)
    try:
        done = _crm(variables, "node", "standby", "n1")
    finally:
        tmp_path.chmod(0o700)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"Traceback" not in done.stderr


def test_a_full_disk_leaves_the_cib_as_it_is(variables: dict[str, str], tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk."""
    path = tmp_path / "cib.xml"
    filler = "<!-- " + "x" * 20000 + " -->"
    path.write_text(CIB.replace("<resources/>", f"<resources>{filler}</resources>"))
    before = path.read_text()
    done = subprocess.run(
        ["/bin/sh", "-c", f"trap '' XFSZ; ulimit -f 8; exec {CRM} node standby n1"],
        env=variables,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert path.read_text() == before
    assert not list(tmp_path.glob("*.new"))


def test_a_home_that_cannot_be_written_is_no_reason_to_fail(variables: dict[str, str]) -> None:
    variables["HOME"] = "/proc/self"
    assert _crm(variables, "node", "show").returncode == 0
    assert _crm(variables, "ra", "list", "ocf").returncode == 0


def test_lines_are_run_as_they_come(variables: dict[str, str]) -> None:
    """A program that drives `crm` gets the answer to a line before it sends the next."""
    with subprocess.Popen(
        [CRM], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"node show\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"n1(1): member\n"
        process.stdin.close()
        assert process.wait(60) == 0


def test_an_interrupt_ends_a_script_with_130(variables: dict[str, str]) -> None:
    with subprocess.Popen(
        [CRM], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"node show\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(2)
        assert process.wait(60) == 130
        assert process.stderr is not None
        assert process.stderr.read() == b""
