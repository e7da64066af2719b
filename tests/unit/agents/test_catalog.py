"""The catalog of installed agents, on folders of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.agents.catalog import AgentFolders, Catalog
from engine.agents.names import AgentName
from engine.agents.run import metadata_from_bytes, metadata_source, read_metadata
from engine.base.errors import BadInput
from engine.base.exitcodes import ExitStatus


@pytest.fixture
def folders(tmp_path: Path) -> AgentFolders:
    for path in ("resource.d/heartbeat/Dummy", "resource.d/pacemaker/Dummy", "init.d/cron"):
        _program(tmp_path / path)
    _program(tmp_path / "resource.d/pacemaker/Only")
    _program(tmp_path / "sbin/fence_a")
    _program(tmp_path / "sbin/other")
    (tmp_path / "units").mkdir()
    (tmp_path / "units/nginx.service").write_text("[Unit]\nDescription=web\n")
    (tmp_path / "units/at@.service").write_text("[Unit]\nDescription=template\n")
    (tmp_path / "resource.d/heartbeat/notes.txt").write_text("no program")
    return AgentFolders(
        ocf_root=str(tmp_path),
        lsb=(str(tmp_path / "init.d"),),
        systemd=(str(tmp_path / "units"),),
        fence=(str(tmp_path / "sbin"),),
        plugins=str(tmp_path / "plugins"),
    )


def _program(path: Path, text: str = "#!/bin/sh\n", mode: int = 0o755) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def test_types_are_programs_of_the_class(folders: AgentFolders) -> None:
    catalog = Catalog(folders)
    assert catalog.providers() == ["heartbeat", "pacemaker"]
    assert catalog.types("ocf", "heartbeat") == ["Dummy"]
    assert catalog.types("ocf") == ["Dummy", "Only", "remote"]
    assert catalog.types("stonith") == ["fence_a"]
    assert catalog.types("lsb") == ["cron"]
    assert catalog.types("service") == ["at@", "cron", "nginx"]
    assert catalog.types("nonsense") == []


def test_a_short_name_prefers_heartbeat_then_pacemaker(folders: AgentFolders) -> None:
    catalog = Catalog(folders)
    assert str(catalog.resolve("Dummy")) == "ocf:heartbeat:Dummy"
    assert str(catalog.resolve("Only")) == "ocf:pacemaker:Only"
    assert str(catalog.resolve("ocf:Only")) == "ocf:pacemaker:Only"
    assert str(catalog.resolve("NoSuch")) == "ocf:heartbeat:NoSuch"
    assert str(catalog.resolve("fence_b")) == "stonith:fence_b"


@pytest.mark.parametrize("text", ["../x", "ocf:../x", "/etc/passwd", "ocf:heartbeat:../../x"])
def test_no_name_leads_out_of_the_folders(folders: AgentFolders, text: str) -> None:
    with pytest.raises(BadInput):
        catalog = Catalog(folders)
        catalog.path_of(catalog.resolve(text))


def test_a_link_out_of_the_folders_is_not_followed(folders: AgentFolders, tmp_path: Path) -> None:
    _program(tmp_path / "outside")
    os.symlink(tmp_path / "outside", tmp_path / "resource.d/heartbeat/Sneaky")
    with pytest.raises(BadInput, match="outside") as refusal:
        Catalog(folders).path_of(AgentName("ocf", "heartbeat", "Sneaky"))
    assert refusal.value.status is ExitStatus.INSUFFICIENT_PRIV


def test_an_agent_that_others_may_write_is_not_run(folders: AgentFolders, tmp_path: Path) -> None:
    _program(tmp_path / "resource.d/heartbeat/Open", mode=0o777)
    with pytest.raises(BadInput, match="changed by others"):
        Catalog(folders).path_of(AgentName("ocf", "heartbeat", "Open"))


def test_an_agent_that_is_not_there_is_not_installed(folders: AgentFolders) -> None:
    with pytest.raises(BadInput) as refusal:
        Catalog(folders).path_of(AgentName("ocf", "heartbeat", "Gone"))
    assert refusal.value.status is ExitStatus.NOT_INSTALLED
    assert not Catalog(folders).is_installed(AgentName("systemd", "", "gone"))


def test_an_instance_of_a_template_unit_is_installed(folders: AgentFolders) -> None:
    assert Catalog(folders).is_installed(AgentName("systemd", "", "at@one"))
    assert Catalog(folders).is_installed(AgentName("service", "", "nginx"))


@pytest.mark.parametrize(
    "name",
    [
        AgentName("ocf", "../..", "etc"),
        AgentName("ocf", "heartbeat", "../../../etc/passwd"),
        AgentName("lsb", "", "/etc/passwd"),
        AgentName("systemd", "", "../x"),
        AgentName("stonith", "", "fence_../x"),
    ],
)
def test_an_unchecked_name_never_reaches_the_file_system(
    folders: AgentFolders, name: AgentName, monkeypatch: pytest.MonkeyPatch
) -> None:
    def touched(*_: object) -> None:
        raise AssertionError("the file system was asked")

    catalog = Catalog(folders)
    with monkeypatch.context() as patched:
        patched.setattr("os.stat", touched)
        patched.setattr("os.path.isfile", touched)
        patched.setattr("os.path.realpath", touched)
        with pytest.raises(BadInput):
            catalog.path_of(name)
        assert catalog.unit_of(name) == ""
        assert not catalog.is_installed(name)


def test_plug_ins_of_cluster_glue_are_fencing_agents(tmp_path: Path) -> None:
    _program(tmp_path / "plugins/external/ipmi")
    _program(tmp_path / "plugins/stonith2/external.so")
    _program(tmp_path / "plugins/stonith2/meatware.so", mode=0o644)
    _program(tmp_path / "sbin/stonith")
    folders = AgentFolders(
        ocf_root=str(tmp_path),
        fence=(str(tmp_path / "sbin"),),
        plugins=str(tmp_path / "plugins"),
    )
    catalog = Catalog(folders)
    assert catalog.types("stonith") == ["external/ipmi", "meatware"]
    assert catalog.path_of(catalog.resolve("stonith:external/ipmi")).endswith("external/ipmi")
    assert catalog.path_of(catalog.resolve("stonith:meatware")).endswith("meatware.so")
    assert str(catalog.resolve("external/ipmi")) == "stonith:external/ipmi"
    assert not catalog.is_installed(catalog.resolve("stonith:external/other"))


@pytest.mark.parametrize(
    "name",
    [
        "stonith:external/../x",
        "stonith:external/a/b",
        "stonith:other/a",
        "stonith:/a",
        "stonith:external/",
        "ocf:heartbeat:external/a",
    ],
)
def test_no_other_slash_becomes_part_of_a_path(name: str, folders: AgentFolders) -> None:
    with pytest.raises(BadInput):
        Catalog(folders).resolve(name)


def test_the_connection_to_a_remote_node_needs_no_program(tmp_path: Path) -> None:
    (tmp_path / "ocf/resource.d/pacemaker").mkdir(parents=True)
    catalog = Catalog(AgentFolders(ocf_root=str(tmp_path / "ocf")))
    name = AgentName("ocf", "pacemaker", "remote")
    assert catalog.is_installed(name)
    assert "remote" in catalog.types("ocf", "pacemaker")
    data = read_metadata(catalog, name, {})
    found = metadata_from_bytes(data, name, metadata_source(catalog, name))
    assert [parameter.name for parameter in found.parameters] == [
        "server",
        "port",
        "reconnect_interval",
    ]
    with pytest.raises(BadInput):
        catalog.path_of(name)
