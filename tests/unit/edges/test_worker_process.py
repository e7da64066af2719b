"""A worker process whose agent is gone ends without a word."""

from __future__ import annotations

import socket
import subprocess
import sys

import msgpack
import pytest

GENEROUS_SECONDS = 60.0


@pytest.mark.parametrize("module", ["engine.edges.workers", "engine.edges.guard"])
@pytest.mark.parametrize("request_bytes", [b"", b"\0\0", None])
def test_a_worker_whose_agent_was_killed_leaves_no_traceback(
    module: str, request_bytes: bytes | None
) -> None:
    """Between requests, in the middle of one, and while one is being answered."""
    if request_bytes is None:
        entry = msgpack.packb({"x": b"<cib><configuration/></cib>"})
        body = msgpack.packb({"number": 1, "cib": b"<cib/>", "now": 1.0, "digests": entry})
        request_bytes = len(body).to_bytes(4, "big") + body
    mine, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", module], stdin=theirs.fileno(), stderr=subprocess.PIPE
        )
    mine.sendall(request_bytes)
    mine.close()
    _, said = process.communicate(timeout=GENEROUS_SECONDS)
    assert process.returncode == 0
    assert said == b""
