"""Hundreds of damaged lines through the shell: one line per finding, no traceback, nothing half done."""

from __future__ import annotations

import io
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from crmshell.app import run
from crmshell.environment import Environment
from engine.cib.schema import validate

CIB = """<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="1" num_updates="0"
 admin_epoch="0"><configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes><resources>
<primitive id="p0" class="ocf" provider="pacemaker" type="Dummy"/>
<primitive id="p1" class="ocf" provider="pacemaker" type="Dummy"/>
</resources><constraints/></configuration><status/></cib>"""
LINES = (
    "configure primitive vip ocf:heartbeat:IPaddr2 params ip=192.0.2.1 op monitor interval=10s",
    "configure group g p0 p1 meta target-role=Started",
    "configure clone c p0 meta interleave=true promotable=true",
    "configure location l p0 rule 100: #uname eq n1 and date gt 2020-01-01",
    "configure colocation co inf: p0 ( p1 p0 ) node-attribute=rack",
    "configure order o Mandatory: p0:start [ p1 p0 ] symmetrical=false",
    "configure fencing_topology n1: p0,p1 p1",
    "configure property stonith-enabled=false maintenance-mode=true",
    'configure node $id="7" n7 attributes a="b c" utilization cpu=4',
    'configure role r read xpath:"//nodes" write meta:p0:target-role',
    'configure alert a /bin/true attributes x=y to "1.2.3.4"',
    "configure rsc_ticket t T: p0:Promoted loss-policy=fence",
    "configure tag tt: p0 p1",
    "configure bundle b docker image=x network port-mapping port=80 primitive p1",
    'configure xml <primitive id="q" class="ocf" provider="pacemaker" type="Dummy"/>',
    "configure monitor p0 10s:20s",
    "configure set p0.monitor.timeout 20s",
    "configure rename p0 p9",
    "configure delete p0 p1",
    "configure modgroup g add p0 after p1",
    "configure show type:primitive and p*",
    "configure get_property -t stonith-enabled",
    "resource move p0 n1 PT1H force",
    "resource meta p0 set a b",
    "resource trace p0 monitor 10",
    "resource failcount p0 set n1 5 monitor 10s",
    "node attribute n1 set a '1 2 3'",
    "node standby n1 reboot",
    "ra info ocf:heartbeat:NoSuchThing",
    "cib new x empty",
    "cibstatus op monitor:10s p0 not_running timeout n1",
    "options set core.pager less",
    "maintenance on p0",
    "cd configure/ra/../..",
    "status full",
    "verify",
)
NASTY = "\"'\\ \t={}[]()<>&$@#;:|/.,*?~%\x00\x07é\u202e\U0001f600"


def _mutated(line: str, seed: int) -> str:
    """The line after a few random edits: characters, words, doubled and cut pieces."""
    rng = random.Random(seed)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(line) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            line = line[:place] + rng.choice(NASTY) + line[place:]
        elif kind == 1:
            line = line[:place] + line[place + 1 :]
        elif kind == 2:
            line = line[:place]
        elif kind == 3:
            words = line.split(" ")
            del words[rng.randrange(len(words))]
            line = " ".join(words)
        elif kind == 4:
            words = line.split(" ")
            words.insert(rng.randrange(len(words) + 1), rng.choice(words))
            line = " ".join(words)
        else:
            line = (
                line[:place] + rng.choice(("-1", "99999999999999999999", "x" * 300)) + line[place:]
            )
        line = line or " "
    return line


def _run(folder: Path, text: str, *argv: str) -> tuple[int, str, bytes]:
    path = folder / "cib.xml"
    path.write_text(CIB)
    err = io.StringIO()
    environment = Environment(
        stdin=io.TextIOWrapper(
            io.BytesIO(text.encode("utf-8", "surrogateescape")), encoding="utf-8"
        ),
        stdout=io.StringIO(),
        stderr=err,
        variables={
            "CIB_file": str(path),
            "HOME": str(folder),
            "PATH": "/nonexistent",
            "OCF_ROOT": str(folder / "ocf"),
        },
        uid=1000,
    )
    return run(argv, environment), err.getvalue(), path.read_bytes()


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="crm-mutated-"))


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(line=st.sampled_from(LINES), seed=st.integers(0, 10**6), force=st.booleans())
def test_a_damaged_line_is_refused_or_done_and_never_a_traceback(
    folder: Path, line: str, seed: int, force: bool
) -> None:
    status, err, cib = _run(folder, _mutated(line, seed) + "\n", *(["-F"] if force else []))
    assert "Traceback" not in err
    assert "this is a bug" not in err
    assert status in {0, 1}
    root = etree.fromstring(cib)
    if status and not force:
        assert root.get("epoch") == "1"
    if not force:
        assert [report.message for report in validate(root)] == []


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_refused_or_done_and_never_a_traceback(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        _, err, _ = _run(Path(name), data.decode("utf-8", "surrogateescape").replace("\udc00", ""))
    assert "Traceback" not in err
    assert "this is a bug" not in err
