"""A crm on a terminal: real keys in, the text of the screen out."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pexpect

ROOT = Path(__file__).resolve().parents[2]
CIB = """<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"
 crm_feature_set="3.20.5"><configuration><crm_config/>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes><resources/><constraints/>
</configuration><status/></cib>"""
AGENT = """#!/bin/sh
cat <<END
<resource-agent name="{name}" version="1.0"><version>1.1</version><longdesc>Text</longdesc>
<shortdesc>An agent for tests</shortdesc><parameters>
<parameter name="ip" required="1"><longdesc>The address</longdesc><shortdesc>address</shortdesc>
<content type="string"/></parameter>
<parameter name="cidr_netmask"><longdesc>Mask</longdesc><shortdesc>network mask</shortdesc>
<content type="string" default="24"/></parameter>
</parameters><actions><action name="start" timeout="20s"/><action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s"/><action name="meta-data" timeout="5s"/>
<action name="validate-all" timeout="5s"/></actions></resource-agent>
END
"""
# Seconds without a sign of life; generous, for a busy machine.
PATIENCE = 60
# The line editor switches bracketed paste on when it reads keys, and off when a line is taken.
BEGIN_OF_INPUT = "\x1b[?2004h"
END_OF_INPUT = "\x1b[?2004l"
_CODES = re.compile(r"\x1b\[\??[0-9;]*[A-Za-z]|\x1b[=>]|\r")


class Terminal:
    """One interactive crm on a CIB file, with a home and resource agents of its own."""

    def __init__(
        self, folder: Path, *words: str, rows: int = 24, under: Sequence[str] = (), **variables: str
    ) -> None:
        """`under`: a program, with its words, that runs the shell."""
        self.folder = folder
        self.cib = folder / "cib.xml"
        if not self.cib.exists():
            self.cib.write_text(CIB)
        for name in ("IPaddr", "Dummy"):
            path = folder / "ocf" / "resource.d" / "heartbeat" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(AGENT.format(name=name))
            path.chmod(0o755)
        environment = {
            "HOME": str(folder),
            "CIB_file": str(self.cib),
            "OCF_ROOT": str(folder / "ocf"),
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            **variables,
        }
        program, *arguments = (*under, sys.executable, "-m", "crmshell", *words)
        self.child = pexpect.spawn(
            program,
            arguments,
            env=environment,  # type: ignore[arg-type]
            encoding="utf-8",
            timeout=PATIENCE,
            dimensions=(rows, 120),
            cwd=str(folder),
        )
        self._raw = ""

    def sees(self, text: str) -> str:
        """Wait until `text` is on the screen (terminal codes aside); what came before it."""
        while text not in plain(self._raw):
            self._more(text)
        before, _, after = plain(self._raw).partition(text)
        self._raw = after
        return before

    def prompt(self, levels: str = "") -> str:
        return self.sees(f"crm(live){levels}#")

    def keys(self, text: str) -> None:
        self.child.send(text)

    def tab(self, wanted: str) -> None:
        """TAB until `wanted` is there: what is read in the background may take its time."""
        for _ in range(PATIENCE):
            self.keys("\t")
            try:
                self._raw += self.child.read_nonblocking(4096, 1)
            except pexpect.TIMEOUT:
                continue
            if wanted in plain(self._raw):
                self.sees(wanted)
                return
        raise AssertionError(f"TAB never offered {wanted}; the screen had:\n{plain(self._raw)}")

    def type(self, line: str) -> str:
        """Type a line; what the command printed until the shell reads keys again."""
        self.keys(line + "\r")
        return self.output()

    def output(self) -> str:
        """What is printed between the end of one input and the beginning of the next."""
        self._until(END_OF_INPUT)
        return plain(self._until(BEGIN_OF_INPUT))

    def ends(self) -> int:
        """Wait for the end; the exit status."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        return int(-1 if self.child.exitstatus is None else self.child.exitstatus)

    def _until(self, mark: str) -> str:
        while mark not in self._raw:
            self._more(repr(mark))
        before, _, self._raw = self._raw.partition(mark)
        return before

    def _more(self, wanted: str) -> None:
        try:
            self._raw += self.child.read_nonblocking(4096, PATIENCE)
        except (pexpect.TIMEOUT, pexpect.EOF):
            screen = plain(self._raw)
            raise AssertionError(f"never seen: {wanted}; the screen had:\n{screen}") from None


def plain(raw: str) -> str:
    """Text without the codes that steer the terminal."""
    return _CODES.sub("", raw)
