"""The embedded backend on real sockets of the loopback interface."""

import asyncio
import contextlib
import json
import os
import socket
import ssl

import pytest

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.nodeconf import Address, NodeConfig, PeerConfig
from engine.base.wire import Codec
from engine.edges.clock import RealClock, RealRng
from engine.edges.datagrams import ReplayWindow, derive_key
from engine.edges.keys import create_key_file, load_key_file
from engine.edges.mesh import build_mesh, lasting_id
from engine.edges.tasks import Owner
from engine.membership.embedded import HELLO_MESSAGES
from engine.membership.messages import MESSAGES, Active, Heartbeat

CODEC = Codec(MESSAGES, HELLO_MESSAGES)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("right", "wrong"):
        create_key_file(str(folder / name))
    return {name: str(folder / name) for name in ("right", "wrong")}


class Host:
    """One backend and what came out of it."""

    def __init__(
        self, number, ports, key, *, incarnation=1, cluster="demo", store=b"s", dead_time=0.6
    ):
        me, *others = [number, *[n for n in ports if n != number]]
        self.config = NodeConfig(
            f"n{me}",
            me,
            cluster,
            addresses=(Address("127.0.0.1", ports[me]),),
            peers=tuple(PeerConfig(f"n{n}", n, (Address("127.0.0.1", ports[n]),)) for n in others),
            dead_time=600,
            allow_fast_detection=True,
        )
        self.got = []
        self.lost = []
        self.outlived = []
        self.doubled = []
        self.errors = []
        self.owner = Owner(lambda name, error: self.errors.append((name, error)))
        self.embedded = build_mesh(
            self.config,
            key,
            CODEC,
            RealClock(asyncio.get_running_loop()),
            RealRng(),
            self.owner,
            incarnation=incarnation,
            store_id=store,
            dead_time=dead_time,
            received=lambda frm, number, message: self.got.append((frm, number, message)),
            lost=self.lost.append,
            outlived=self.outlived.append,
            doubled=self.doubled.append,
        )

    async def __aenter__(self):
        await self.embedded.start()
        return self

    async def __aexit__(self, *_):
        await self.embedded.stop()
        await self.owner.stop()
        await asyncio.sleep(0.01)
        assert self.errors == []

    @property
    def connected(self):
        return [name for name, up in self.embedded.describe()["links"].items() if up]


async def until(condition, seconds=3.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def ports_for(*numbers):
    return dict(zip(numbers, free_ports(len(numbers)), strict=True))


def test_messages_and_heartbeats_arrive_with_their_sender(keys):
    async def run():
        ports = ports_for(1, 2)
        async with (
            Host(1, ports, keys["right"], incarnation=4) as one,
            Host(2, ports, keys["right"]) as two,
        ):
            await until(lambda: one.connected and two.connected)
            assert one.embedded.send(2, Active(64, 7))
            one.embedded.beat(2, Heartbeat((1,), 64, 1))
            two.embedded.beat(1, Heartbeat((2,), 0, 1))
            await until(lambda: len(two.got) == 2 and one.got)
            assert (1, 4, Active(64, 7)) in two.got
            assert (1, 4, Heartbeat((1,), 64, 1)) in two.got
            assert one.got == [(2, 1, Heartbeat((2,), 0, 1))]

    asyncio.run(run())


def test_a_peer_without_the_key_changes_nothing(keys):
    async def run():
        ports = ports_for(1, 2)
        async with (
            Host(1, ports, keys["right"]) as one,
            Host(2, ports, keys["wrong"]) as two,
        ):
            await asyncio.sleep(0.5)
            assert one.connected == two.connected == []
            assert one.got == two.got == []

    asyncio.run(run())


def test_a_client_without_a_certificate_is_not_let_in(keys):
    async def run():
        ports = ports_for(1, 2)
        async with Host(1, ports, keys["right"]) as one:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with pytest.raises((OSError, ssl.SSLError, asyncio.IncompleteReadError)):
                reader, writer = await asyncio.open_connection("127.0.0.1", ports[1], ssl=context)
                writer.write(b"\0\0\0\1x")
                await writer.drain()
                await reader.readexactly(1)
            assert one.got == []

    asyncio.run(run())


def test_a_datagram_that_does_not_authenticate_is_never_answered(keys):
    async def run():
        ports = ports_for(1, 2)
        async with (
            Host(1, ports, keys["right"]) as one,
            Host(2, ports, keys["right"]) as two,
        ):
            await until(lambda: one.connected and two.connected)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.bind(("127.0.0.1", 0))
                stranger.setblocking(False)
                for junk in (b"", b"x" * 16, b"\0\0\0\2" + b"y" * 60, b"z" * 1400):
                    stranger.sendto(junk, ("127.0.0.1", ports[1]))
                counts = lambda: one.embedded.describe()["counts"]  # noqa: E731 - short
                await until(lambda: counts().get("refused", 0) >= 3)
                await asyncio.sleep(0.05)
                with pytest.raises(BlockingIOError):
                    stranger.recv(100)
            assert one.got == []

    asyncio.run(run())


def test_of_too_many_unfinished_handshakes_of_one_address_the_oldest_are_cut(keys):
    async def run():
        ports = ports_for(1, 2)
        async with Host(1, ports, keys["right"]):
            pairs = [await asyncio.open_connection("127.0.0.1", ports[1]) for _ in range(20)]
            for reader, _ in pairs[:4]:
                with contextlib.suppress(ConnectionResetError):
                    assert await asyncio.wait_for(reader.read(1), 3) == b""
            assert not pairs[-1][0].at_eof()
            for _, writer in pairs:
                writer.transport.abort()
            await asyncio.sleep(0.05)

    asyncio.run(run())


@pytest.mark.parametrize("comes_again", [False, True])
def test_connections_of_anybody_take_no_place_of_a_node(keys, comes_again):
    """Forty idle ones, and forty that come again as soon as they are cut."""
    if comes_again and os.geteuid() != 0:
        pytest.skip("only root may dial from the ports that are kept for nodes")

    async def hold(port):
        loop = asyncio.get_running_loop()
        while True:
            with socket.socket() as one:
                one.setblocking(False)
                with contextlib.suppress(OSError):
                    await loop.sock_connect(one, ("127.0.0.1", port))
                    await loop.sock_recv(one, 1)
            if not comes_again:
                return

    async def run():
        ports = ports_for(1, 2)
        async with Host(1, ports, keys["right"]) as one:
            holders = [asyncio.ensure_future(hold(ports[1])) for _ in range(40)]
            await asyncio.sleep(0.2)
            async with Host(2, ports, keys["right"]) as two:
                await until(lambda: one.connected and two.connected, 30)
            for holder in holders:
                holder.cancel()
            await asyncio.gather(*holders, return_exceptions=True)

    asyncio.run(run())


def test_who_is_refused_is_remembered_and_logged_now_and_then(keys, caplog):
    async def run():
        ports = ports_for(1, 2)
        async with Host(1, ports, keys["right"]) as one, Host(2, ports, keys["wrong"]):
            await until(
                lambda: one.embedded.describe()["counts"].get("connections refused", 0) > 3, 30
            )
            [found] = one.embedded.describe()["refused"]
            assert found["host"] == "127.0.0.1"
            assert "another key" in found["reason"]
            assert found["count"] > 3

    asyncio.run(run())
    lines = [record for record in caplog.records if "connection refused" in record.getMessage()]
    assert len(lines) == 2  # one of each side


@pytest.mark.parametrize("number", [1, 2])
def test_an_agent_whose_id_another_one_has_is_told_and_ends(keys, number):
    """Whichever side dials. The first one and its peer are not disturbed."""

    async def beats(*hosts):
        while True:
            for host in hosts:
                host.embedded.beat(3 - host.config.id, Heartbeat((host.config.id,), 0, 1))
            await asyncio.sleep(0.05)

    async def run():
        ports = ports_for(1, 2)
        async with (
            Host(1, ports, keys["right"], store=b"first") as one,
            Host(2, ports, keys["right"], store=b"first") as two,
        ):
            await until(lambda: one.connected and two.connected)
            beating = asyncio.ensure_future(beats(one, two))
            elsewhere = {**ports, number: free_ports(1)[0]}
            async with Host(number, elsewhere, keys["right"], store=b"second") as thief:
                await until(lambda: thief.doubled, 30)
                assert thief.doubled[0] == f"two agents claim to be node n{number}"
            assert one.lost == two.lost == []
            assert one.doubled == two.doubled == []
            beating.cancel()

    asyncio.run(run())


def test_a_node_of_another_cluster_with_the_same_key_is_refused(keys):
    async def run():
        ports = ports_for(1, 2)
        async with (
            Host(1, ports, keys["right"]) as one,
            Host(2, ports, keys["right"], cluster="other") as two,
        ):
            await asyncio.sleep(0.4)
            assert one.connected == two.connected == []
            assert one.embedded.describe()["counts"]["connections refused"] >= 1

    asyncio.run(run())


def test_the_death_of_a_peer_is_told_and_its_return_found(keys):
    async def run():
        ports = ports_for(1, 2)
        async with Host(2, ports, keys["right"]) as two:
            async with Host(1, ports, keys["right"]):
                await until(lambda: two.connected)
            await until(lambda: two.lost == [1])
            assert two.connected == []
            async with Host(1, ports, keys["right"], incarnation=2) as one:
                await until(lambda: two.connected and one.connected)

    asyncio.run(run())


@pytest.mark.parametrize("number", [1, 2])
def test_one_that_is_back_is_met_before_its_old_life_is_missed(keys, number):
    """Power was lost: nothing closed the stream of the old life, and its peer waits an hour."""

    async def run():
        ports = ports_for(1, 2)
        async with (
            Host(3 - number, ports, keys["right"], dead_time=3600) as peer,
            Host(number, ports, keys["right"], dead_time=3600) as old,
        ):
            await until(lambda: peer.connected and old.connected)
            elsewhere = {**ports, number: free_ports(1)[0]}
            async with Host(
                number, elsewhere, keys["right"], incarnation=2, dead_time=3600
            ) as back:
                await until(lambda: back.connected, 30)
                back.embedded.send(3 - number, Active(64, 1))
                await until(lambda: peer.got == [(number, 2, Active(64, 1))], 30)

    asyncio.run(run())


def told(host):
    return [message for _, _, message in host.got if isinstance(message, Active)]


@pytest.mark.parametrize("attempt", range(5))
def test_when_both_sides_dial_at_once_both_keep_the_same_stream(keys, attempt):
    async def run():
        ports = ports_for(1, 2)
        async with (
            Host(1, ports, keys["right"]) as one,
            Host(2, ports, keys["right"]) as two,
        ):
            one.embedded._begin_dial(2)
            two.embedded._begin_dial(1)
            await until(lambda: one.connected and two.connected)
            for turn in range(5):
                assert one.embedded.send(2, Active(64, turn))
                assert two.embedded.send(1, Active(64, turn))
                await asyncio.sleep(0.02)
            last = [Active(64, 4)]
            await until(lambda: told(one)[-1:] == told(two)[-1:] == last)
            assert one.lost == two.lost == []

    asyncio.run(run())


def test_a_store_that_is_older_than_what_a_peer_saw_is_told_so(keys):
    async def run():
        ports = ports_for(1, 2)
        async with Host(2, ports, keys["right"]) as two:
            async with Host(1, ports, keys["right"], incarnation=9):
                await until(lambda: two.connected)
            await until(lambda: two.connected == [])
            async with Host(1, ports, keys["right"], incarnation=1) as old:
                await until(lambda: old.outlived)
                assert old.outlived[0] == 9
                assert two.connected == []

    asyncio.run(run())


def test_a_second_agent_with_the_same_id_is_refused_and_the_first_undisturbed(keys):
    async def run():
        ports = ports_for(1, 2)
        async with (
            Host(1, ports, keys["right"]) as one,
            Host(2, ports, keys["right"], store=b"first") as two,
        ):
            await until(lambda: one.connected and two.connected)
            elsewhere = {**ports, 2: free_ports(1)[0]}
            async with Host(2, elsewhere, keys["right"], store=b"second") as thief:
                await asyncio.sleep(0.3)
                assert thief.connected == []
                assert one.connected == two.connected[:0] + ["n2"]
                assert one.lost == []

    asyncio.run(run())


def test_dropped_addresses_stall_and_come_back(keys, tmp_path, monkeypatch):
    hook = tmp_path / "drop.json"
    monkeypatch.setenv("TESTHOST_DROP", str(hook))

    async def run():
        ports = ports_for(1, 2)
        async with (
            Host(1, ports, keys["right"]) as one,
            Host(2, ports, keys["right"]) as two,
        ):
            await until(lambda: one.connected and two.connected)
            hook.write_text(json.dumps(["127.0.0.1"]))
            await asyncio.sleep(0.1)
            one.embedded.send(2, Active(64, 1))
            one.embedded.beat(2, Heartbeat((1,), 64, 1))
            await asyncio.sleep(0.2)
            assert two.got == []
            assert one.lost == []
            hook.write_text("[]")
            await until(lambda: two.got == [(1, 1, Active(64, 1))])

    asyncio.run(run())


def test_the_replay_window_takes_each_counter_once():
    window = ReplayWindow()
    assert [window.accepts(n) for n in (5, 5, 3, 3, 2000, 5, 977, 976, 977)] == [
        *(True, False, True, False, True, False, True, False, False)
    ]


def test_each_direction_has_its_own_key():
    assert derive_key(b"a" * 32, b"b" * 32, 1, 2) != derive_key(b"b" * 32, b"a" * 32, 2, 1)
    assert derive_key(b"a" * 32, b"b" * 32, 1, 2) == derive_key(b"a" * 32, b"b" * 32, 1, 2)


def test_a_key_file_is_private_and_never_overwritten(tmp_path):
    path = tmp_path / "cluster.key"
    create_key_file(str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(EngineError, match="exists already"):
        create_key_file(str(path))
    path.chmod(0o644)
    with pytest.raises(EngineError, match="others may read"):
        load_key_file(str(path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file to somebody else")
def test_a_key_file_of_somebody_else_is_refused(tmp_path):
    path = tmp_path / "cluster.key"
    create_key_file(str(path))
    os.chown(path, 1234, -1)
    with pytest.raises(EngineError, match="belongs to uid 1234, expected root") as caught:
        load_key_file(str(path))
    assert caught.value.status == ExitStatus.NOPERM


def test_an_identity_that_cannot_be_written_is_refused_with_its_path(tmp_path):
    path = tmp_path / "none" / "run-id"
    with pytest.raises(EngineError, match=f"{path}: No such file") as caught:
        lasting_id(str(path))
    assert caught.value.status == ExitStatus.CANTCREAT


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_file_that_is_no_key_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "cluster.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(EngineError, match="not a key file"):
        load_key_file(str(path))
    with pytest.raises(EngineError, match="No such file"):
        load_key_file(str(tmp_path / "none"))
