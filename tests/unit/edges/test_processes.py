"""Programs of agents: what they do with their pipes never holds up the event loop."""

from __future__ import annotations

import asyncio
import signal

import pytest

from engine.edges.processes import Processes

GENEROUS_SECONDS = 60.0
MORE_THAN_A_PIPE = b"parameter=" + b"x" * 500_000 + b"\n"


async def run(script: str, stdin: bytes, *, kill: bool = False) -> tuple[int, bytes]:
    ended = asyncio.get_running_loop().create_future()
    program = Processes().spawn(
        ["/bin/sh", "-c", script], {}, stdin, lambda code, out, _err: ended.set_result((code, out))
    )
    if kill:
        # The loop goes on while the program does not read: this is reached, and the kill helps.
        await asyncio.sleep(0)
        program.signal_group(signal.SIGKILL)
    found: tuple[int, bytes] = await asyncio.wait_for(ended, GENEROUS_SECONDS)
    return found


def test_a_program_gets_all_of_its_input_however_slowly_it_reads() -> None:
    code, out = asyncio.run(run("sleep 0.2; exec wc -c", MORE_THAN_A_PIPE))
    assert (code, int(out)) == (0, len(MORE_THAN_A_PIPE))


def test_a_program_that_never_reads_its_input_holds_up_nobody() -> None:
    code, _ = asyncio.run(run("exec sleep 300", MORE_THAN_A_PIPE, kill=True))
    assert code == -signal.SIGKILL


@pytest.mark.parametrize("script", ["exec 0<&-; sleep 0.1; echo well", "echo well"])
def test_a_program_that_closes_its_input_is_no_error(script: str) -> None:
    assert asyncio.run(run(script, MORE_THAN_A_PIPE)) == (0, b"well\n")
