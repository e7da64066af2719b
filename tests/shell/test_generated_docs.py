"""The reference and the man pages say what the programs say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "doc/man").glob("*.8"))


def test_reference_and_man_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "doc/generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "", "run: python doc/generate.py"
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_a_man_page_is_well_formed(page: Path) -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(
        [groff, "-man", "-Tascii", "-ww", str(page)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert "NAME" in done.stdout.replace("\b", "").replace("NNAAMMEE", "NAME")
