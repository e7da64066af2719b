"""A shell on a CIB file, run inside the test: arguments and standard input in, texts and status out."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from shell_runner import Said, Shell

from crmshell.app import run
from crmshell.environment import Environment

CIB = """<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="1" num_updates="0"
 admin_epoch="0"><configuration><crm_config/><nodes><node id="1" uname="n1"/>
<node id="2" uname="n2"/></nodes><resources>
<primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/>
<clone id="web-clone"><meta_attributes id="m"><nvpair id="m-p" name="promotable" value="true"/>
</meta_attributes><primitive id="web" class="ocf" provider="pacemaker" type="Dummy"/></clone>
</resources><constraints/></configuration><status/></cib>"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """`shell("node", "show", stdin="...")` runs one `crm` on a CIB file that stays between runs."""
    path = tmp_path / "cib.xml"
    path.write_text(CIB)

    def call(*argv: str, stdin: str | bytes = "", **variables: str) -> Said:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        out, err = io.StringIO(), io.StringIO()
        environment = Environment(
            stdin=io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"),
            stdout=out,
            stderr=err,
            variables={
                "CIB_file": str(path),
                "HOME": str(tmp_path / "home"),
                "PATH": "/usr/bin:/bin",
                "USER": "tester",
                **variables,
            },
            uid=1000,
            clock=lambda: 1_700_000_000.0,
        )
        status = run(argv, environment)
        return Said(status, out.getvalue(), err.getvalue(), path.read_text())

    return call
