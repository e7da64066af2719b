"""The agent's command line: every mistake is one line and a status, and nothing is started."""

from pathlib import Path

import pytest

from engine.__main__ import main
from engine.base.exitcodes import ExitStatus


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], ExitStatus.CONFIG, "lacks 'name"),
        (["--name", "a/b", "--id", "1"], ExitStatus.CONFIG, "'a/b' is not a node name"),
        (["--name", "n1", "--id", "0"], ExitStatus.CONFIG, "'0' is not a node id"),
        (["--name", "n1", "--peers", "foo"], ExitStatus.USAGE, "name=id@address"),
        (["--name", "n1", "--id", "1", "--dead-time", "x"], ExitStatus.DATAERR, "not a time"),
        (
            ["--name", "n1", "--peers", "n1=1@127.0.0.1,n1=2@127.0.0.2"],
            ExitStatus.CONFIG,
            "two nodes",
        ),
    ],
)
def test_a_mistake_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: ExitStatus,
    words: str,
) -> None:
    assert main(["--root", str(tmp_path), *arguments]) == status
    said = capsys.readouterr().err.strip()
    assert words in said
    assert len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_made_once_and_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cluster.key"
    assert main(["--make-key", str(path)]) == ExitStatus.OK
    made = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert main(["--make-key", str(path)]) == ExitStatus.EXISTS
    assert path.read_bytes() == made
    assert "exists already" in capsys.readouterr().err
