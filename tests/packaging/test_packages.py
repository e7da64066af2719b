"""What the packages contain: every program, unit, manual page and completion, and what they ask for."""

from __future__ import annotations

import configparser
import gzip
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from crmshell import __version__
from engine.base.nodeconf import DEFAULT_PORT

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
DEBIAN_TOOLS = ("dpkg-buildpackage", "dpkg-deb", "dh", "dh_python3")
DEBIAN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
MANUALS = sorted(path.name for path in (ROOT / "doc/man").glob("*.8"))
_RELATION = re.compile(r"([a-z0-9_.-]+)(?: \(?>= ?([0-9.]+)\)?)?", re.IGNORECASE)


def run(*argv: str, **more: object) -> str:
    done = subprocess.run(argv, check=False, capture_output=True, text=True, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


def setup() -> configparser.ConfigParser:
    read = configparser.ConfigParser()
    read.read(ROOT / "setup.cfg")
    return read


def programs() -> list[str]:
    lines = setup()["options.entry_points"]["console_scripts"].strip().splitlines()
    return sorted(line.split("=")[0].strip() for line in lines)


def needs() -> dict[str, str]:
    """The Python packages that setup.cfg asks for, with the oldest version."""
    lines = setup()["options"]["install_requires"].strip().splitlines()
    matches = [re.match(r"(\w+)>=([\d.]+)", line) for line in lines]
    return {match[1].lower(): match[2] for match in matches if match}


@pytest.fixture(scope="module")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if missing := [tool for tool in DEBIAN_TOOLS if not shutil.which(tool, path=DEBIAN_PATH)]:
        pytest.skip(f"the Debian package needs {', '.join(missing)}: sh .ci/system-deps packages")
    folder = tmp_path_factory.mktemp("deb")
    return Path(run(str(PACKAGING / "build-deb"), str(folder)).strip())


@pytest.fixture(scope="module")
def contents(deb: Path) -> set[str]:
    return {
        line.split(None, 5)[5].split(" -> ")[0].lstrip(".").rstrip("/")
        for line in run("dpkg-deb", "-c", str(deb)).splitlines()
    }


@pytest.fixture(scope="module")
def control(deb: Path) -> dict[str, list[str]]:
    fields = {}
    for name in ("Version", "Depends", "Conflicts", "Replaces", "Provides"):
        fields[name] = run("dpkg-deb", "-f", str(deb), name).strip().split(", ")
    return fields


def test_the_versions_are_one(control: dict[str, list[str]]) -> None:
    spec = (PACKAGING / "rpm/crmshell.spec").read_text()
    assert control["Version"] == [__version__]
    assert re.search(r"^Version: +(\S+)$", spec, re.MULTILINE)[1] == __version__  # type: ignore[index]


def test_the_deb_has_every_program_and_where_other_software_looks_for_it(
    contents: set[str],
) -> None:
    wanted = {f"/usr/{folder}/{name}" for folder in ("bin", "sbin") for name in programs()}
    assert wanted - contents == set()


def test_every_program_has_its_manual_page_in_the_deb(contents: set[str]) -> None:
    assert {f"{name}.8" for name in programs()} == set(MANUALS)
    assert {f"/usr/share/man/man8/{name}.gz" for name in MANUALS} - contents == set()


def test_the_deb_has_units_completions_and_doors_of_firewalls(contents: set[str]) -> None:
    assert {
        "/lib/systemd/system/crm-agent.service",
        "/usr/lib/sysusers.d/crmshell.conf",
        "/usr/lib/tmpfiles.d/crmshell.conf",
        "/usr/lib/firewalld/services/crmshell.xml",
        "/etc/ufw/applications.d/crmshell",
        "/usr/share/bash-completion/completions/crm",
        "/usr/share/bash-completion/completions/pcs",
        "/usr/share/zsh/site-functions/_crm",
        "/usr/share/zsh/site-functions/_pcs",
        "/usr/share/fish/vendor_completions.d/crm.fish",
        "/usr/share/doc/crmshell/copyright",
        "/usr/share/doc/crmshell/user/first-cluster.md",
    } - contents == set()
    assert not [path for path in contents if "tests" in path.split("/")]


def test_the_unit_of_the_deb_starts_its_agent_and_the_texts_are_whole(
    deb: Path, tmp_path: Path
) -> None:
    run("dpkg-deb", "-x", str(deb), str(tmp_path))
    unit = (tmp_path / "lib/systemd/system/crm-agent.service").read_text()
    assert "ExecStart=/usr/bin/crm-agent\n" in unit
    assert "@" not in unit
    assert "Written by" not in unit
    page = gzip.decompress((tmp_path / "usr/share/man/man8/crm.8.gz").read_bytes())
    assert page == (ROOT / "doc/man/crm.8").read_bytes()
    for help_page in (ROOT / "crmshell/help").rglob("*.rst"):
        place = tmp_path / "usr/lib/python3/dist-packages" / help_page.relative_to(ROOT)
        assert place.read_bytes() == help_page.read_bytes()


def test_the_deb_asks_for_what_setup_cfg_asks_for(control: dict[str, list[str]]) -> None:
    asked = dict(match.groups() for each in control["Depends"] if (match := _RELATION.match(each)))
    for name, version in needs().items():
        assert asked[f"python3-{name.replace('_', '-')}"] == version


def test_the_rpm_spec_asks_for_what_setup_cfg_asks_for() -> None:
    spec = (PACKAGING / "rpm/crmshell.spec").read_text()
    asked = dict(re.findall(r"^Requires: +(\S+) >= (\S+)$", spec, re.MULTILINE))
    for name, version in needs().items():
        assert asked[f"python3-{name}"] == version


def test_the_deb_says_whose_place_it_takes(control: dict[str, list[str]]) -> None:
    for field in ("Conflicts", "Replaces", "Provides"):
        assert control[field] == ["crmsh", "pacemaker", "pacemaker-cli-utils", "pcs"]


def test_installing_or_upgrading_starts_and_stops_nothing(deb: Path, tmp_path: Path) -> None:
    run("dpkg-deb", "-e", str(deb), str(tmp_path))
    postinst = (tmp_path / "postinst").read_text()
    assert "systemd-sysusers" in postinst
    assert postinst.index("systemd-sysusers") < postinst.index("systemd-tmpfiles")
    for script in ("postinst", "prerm", "postrm"):
        text = (tmp_path / script).read_text()
        assert not re.search(r"(invoke|systemctl\S*) (\S+ )?(re)?start", text)
    stop = (tmp_path / "prerm").read_text().split("deb-systemd-invoke stop")[0]
    assert stop.rstrip().endswith('if [ "$1" = remove ] && [ -d /run/systemd/system ]; then')


def test_the_firewalls_open_the_port_of_the_agents() -> None:
    xml = (PACKAGING / "firewalld/crmshell.xml").read_text()
    assert re.findall(r'protocol="(\w+)" port="(\d+)"', xml) == [
        ("udp", str(DEFAULT_PORT)),
        ("tcp", str(DEFAULT_PORT)),
    ]
    profile = configparser.ConfigParser()
    profile.read(PACKAGING / "ufw/crmshell")
    assert profile["crmshell"]["ports"] == f"{DEFAULT_PORT}/tcp|{DEFAULT_PORT}/udp"


def test_lintian_finds_no_error(deb: Path) -> None:
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed: sh .ci/system-deps deb")
    said = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error", str(deb)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout + said.stderr


def test_the_rpm_has_every_program_page_and_unit(tmp_path: Path) -> None:
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed: sh .ci/system-deps deb")
    package = run(str(PACKAGING / "build-rpm"), str(tmp_path)).strip()
    held = set(run("rpm", "-qpl", package).splitlines())
    wanted = {f"/usr/bin/{name}" for name in programs()}
    wanted |= {f"/usr/share/man/man8/{name}" for name in MANUALS}
    wanted |= {
        "/usr/lib/systemd/system/crm-agent.service",
        "/usr/lib/sysusers.d/crmshell.conf",
        "/usr/lib/tmpfiles.d/crmshell.conf",
        "/usr/lib/firewalld/services/crmshell.xml",
    }
    assert {re.sub(r"\.gz$", "", path) for path in held} >= wanted


def make_wheel(folder: Path) -> Path:
    """The wheel, by Debian's setuptools where they are, so that no network is needed; else by pip."""
    tree = folder / "tree"
    tree.mkdir()
    run(str(PACKAGING / "copy-sources"), str(tree))
    can_build = ["/usr/bin/python3", "-c", "import setuptools, wheel"]
    if subprocess.run(can_build, check=False, capture_output=True).returncode == 0:
        build = "from setuptools import build_meta; build_meta.build_wheel('../dist')"
        run("/usr/bin/python3", "-W", "ignore", "-c", build, cwd=tree)
    else:
        run(*PIP, "wheel", "--no-deps", "-w", "../dist", ".", cwd=tree)
    [wheel] = (folder / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the wheel; what it needs comes from the one that tests."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel = make_wheel(folder)
    venv.create(folder / "venv")
    run(*PIP, "--python", str(folder / "venv/bin/python"), "install", "--no-deps", str(wheel))
    own = next(path for path in sys.path if path.endswith("site-packages"))
    [packages] = (folder / "venv/lib").glob("python*/site-packages")
    (packages / "needed.pth").write_text(own + "\n")
    return folder / "venv"


@pytest.mark.parametrize("program", programs())
def test_every_program_of_the_wheel_starts(installed: Path, program: str, tmp_path: Path) -> None:
    environment = {"PATH": f"{installed}/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    word = "--version" if program in ("crm", "pcs") else "--help"
    done = subprocess.run(
        [str(installed / "bin" / program), word],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert done.stderr == ""


def test_the_wheel_has_its_own_code_help_and_pages(installed: Path, tmp_path: Path) -> None:
    environment = {"PATH": f"{installed}/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    where = run(
        str(installed / "bin/python"), "-c", "import crmshell; print(crmshell.__file__)",
        cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert where.startswith(str(installed))
    assert "primitive" in run(str(installed / "bin/crm"), "help", "configure", env=environment)
    assert sorted(os.listdir(installed / "share/man/man8")) == MANUALS


def test_man_finds_the_pages_of_the_wheel(installed: Path) -> None:
    if not shutil.which("man") or not os.access("/usr/bin/man", os.X_OK):
        pytest.skip("man is not installed: sh .ci/system-deps deb")
    for page in MANUALS:
        found = run("man", "-M", str(installed / "share/man"), "-w", page.removesuffix(".8"))
        assert found.strip() == str(installed / "share/man/man8" / page)
