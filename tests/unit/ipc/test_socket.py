"""The admin server and its client over a real socket."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.ipc import server
from engine.ipc.client import Client
from engine.ipc.messages import FrameReader, Message, frames_from_message
from engine.ipc.peers import Peer
from engine.ipc.server import (
    MAX_CONNECTIONS_PER_UID,
    MAX_OPEN_REQUESTS,
    AdminServer,
    Reply,
)

MUCH: list[int] = []


def handler(peer: Peer, request: Message, reply: Reply) -> None:
    match request["kind"]:
        case "hello":
            reply({"user": peer.user, "size": len(request.get("blob", b""))})
        case "echo":
            reply({"blob": request["blob"]})
        case "much":
            MUCH.append(request["id"])
            reply({"blob": bytes(100_000)})
        case "refuse":
            raise EngineError("not today", status=ExitStatus.QUORUM)
        case "crash":
            raise ZeroDivisionError
        case _:
            pass


@pytest.fixture
def path(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "run" / "admin.sock")
    ready, stop = threading.Event(), []

    async def serve() -> None:
        admin = AdminServer(path, handler)
        await admin.start()
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(done.set))
        ready.set()
        await done.wait()
        await admin.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait(10)
    yield path
    stops: list[Callable[[], Any]] = stop
    stops[0]()
    thread.join(10)


def test_a_request_is_answered_and_large_bodies_pass_both_ways(path: str) -> None:
    blob = b"x" * 3_000_000
    with Client(path) as client:
        assert client.request("hello", blob=blob)["size"] == len(blob)
        assert client.request("echo", blob=blob)["blob"] == blob


def test_a_refusal_keeps_its_status_and_a_bug_ends_only_its_request(path: str) -> None:
    with Client(path) as client:
        assert client.request("refuse")["status"] == ExitStatus.QUORUM
        assert not client.request("crash")["ok"]
        assert client.request("hello")["ok"]
        with pytest.raises(EngineError, match="not today") as caught:
            client.demand("refuse")
        assert caught.value.status == ExitStatus.QUORUM


def test_nobody_listening_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot reach the node agent") as caught:
        Client(str(tmp_path / "none.sock")).request("hello")
    assert caught.value.status == ExitStatus.DISCONNECT


def test_no_answer_in_time_is_a_timeout(path: str) -> None:
    with Client(path) as client, pytest.raises(EngineError) as caught:
        client.request("silence", 0.05)
    assert caught.value.status == ExitStatus.TIMEOUT


def test_garbage_ends_that_connection_and_no_other(path: str) -> None:
    with Client(path) as client, socket.socket(socket.AF_UNIX) as raw:
        raw.connect(path)
        raw.sendall(b"GET / HTTP/1.0\r\n\r\n")
        raw.settimeout(5)
        while raw.recv(4096):
            pass
        assert client.request("hello")["ok"]


def test_a_living_agent_is_not_displaced(path: str) -> None:
    with pytest.raises(EngineError, match="another agent"):
        asyncio.run(AdminServer(path, handler).start())


def test_a_client_may_not_hold_more_connections_than_the_limit(path: str) -> None:
    clients = [socket.socket(socket.AF_UNIX) for _ in range(MAX_CONNECTIONS_PER_UID + 1)]
    try:
        for client in clients:
            client.connect(path)
        clients[-1].settimeout(5)
        [refused] = FrameReader().feed(clients[-1].recv(65536))
        assert "more than 64 connections" in refused["error"]
    finally:
        for client in clients:
            client.close()


def test_a_client_that_does_not_finish_a_frame_is_sent_away(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FRAME_SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(path)
        raw.sendall(b"\x00\x00\x00\x10half")
        raw.settimeout(5)
        [refused] = FrameReader().feed(raw.recv(65536))
        assert refused["status"] == ExitStatus.TIMEOUT


def test_too_many_requests_at_once_are_refused_as_busy(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(path)
        for number in range(MAX_OPEN_REQUESTS + 1):
            raw.sendall(b"".join(frames_from_message({"id": number, "kind": "silence"})))
        raw.settimeout(5)
        [refused] = FrameReader().feed(raw.recv(65536))
        assert refused["status"] == ExitStatus.TEMPFAIL


def test_a_client_that_does_not_read_its_answers_costs_others_nothing(path: str) -> None:
    """Ten thousand requests at once: as many are handled as answers fit, the others wait unread."""
    MUCH.clear()
    requests = [b"".join(frames_from_message({"id": n, "kind": "much"})) for n in range(10_000)]
    with socket.socket(socket.AF_UNIX) as raw, Client(path) as other:
        raw.connect(path)
        sender = threading.Thread(target=raw.sendall, args=(b"".join(requests),))
        sender.start()
        for _ in range(50):
            assert other.request("hello")["ok"]
        fitting = 2 * server.MAX_UNSENT // 100_000 + 10
        assert len(MUCH) <= fitting
        reader, answers = FrameReader(), []
        raw.settimeout(10)
        while len(answers) < 3 * fitting:
            answers += [message["id"] for message in reader.feed(raw.recv(1 << 20))]
        assert answers == list(range(len(answers)))
        raw.shutdown(socket.SHUT_RDWR)
        sender.join(10)


def test_a_client_that_takes_nothing_for_long_is_cut_off(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STALLED_SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(path)
        requests = [b"".join(frames_from_message({"id": n, "kind": "much"})) for n in range(100)]
        raw.sendall(b"".join(requests))
        threading.Event().wait(0.5)
        raw.settimeout(10)
        reader, answers = FrameReader(), 0
        with contextlib.suppress(ConnectionError):
            while data := raw.recv(1 << 20):
                answers += len(reader.feed(data))
        assert answers < 100


@pytest.mark.parametrize("problem", [KeyError("haclient"), OSError(22, "Invalid argument")])
def test_a_group_that_cannot_be_given_the_socket_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    """There is no such group, or, in a user namespace, no such number."""

    def refuse(*arguments: object) -> None:
        raise problem

    monkeypatch.setattr(server.os, "chown", refuse)
    monkeypatch.setattr(server.grp, "getgrnam", lambda name: server.grp.getgrgid(0))
    path = str(tmp_path / "admin.sock")

    async def serve() -> None:
        admin = AdminServer(path, handler)
        await admin.start()
        assert (Path(path).stat().st_mode & 0o777) == 0o660
        await admin.stop()

    asyncio.run(serve())
