import random

import pytest

from engine.base.errors import EngineError
from engine.base.events import Snapshot, View, WriteCommit, WriteEntry, WriteTerm, WriteView
from engine.base.exitcodes import ExitStatus
from engine.replica.entries import GENESIS, Log
from engine.replica.log import START, crc32c, encode_record, format_record, incarnation_record, scan
from engine.replica.store import Store
from tests.sim.fakedisk import MemoryDisk, PowerLoss

PLACE = "/var/cib"


def open_store(disk, cluster="test"):
    store = Store(disk, PLACE, cluster, lambda: b"i" * 16)
    return store, store.open()


def view(term, *members):
    return View(term, members or (1,), members or (1,), 1, True, "", ())


class Writer:
    """Writes to a store and remembers what was acknowledged."""

    def __init__(self, disk):
        self.disk = disk
        self.acked = []
        self.log = Log()
        self.store, self.state = open_store(disk)

    def put(self, *writes):
        self.store.persist(writes, lambda problem: problem or self.acked.extend(writes))

    def entry(self, term, payload=b"x" * 700):
        self.put(WriteEntry(self.log.append(term, payload)))

    def compact(self):
        last = self.log.last
        snapshot = Snapshot(last, self.log.digest_at(last), b"<cib>%d</cib>" % last, b"side")
        self.log.rebase(snapshot)
        self.store.compact(snapshot)


def script(disk) -> Writer:
    """A life with promises, views, entries, a snapshot, and an adopted log."""
    writer = Writer(disk)
    play(writer)
    return writer


def play(writer):
    writer.put(WriteTerm(64))
    writer.put(WriteView(view(64), 0, ()))
    for _ in range(3):
        writer.entry(64)
    writer.put(WriteCommit(2))
    writer.compact()
    for _ in range(2):
        writer.entry(64)
    writer.put(*[WriteEntry(writer.log.append(64, bytes([n]) * 600)) for n in range(5)])
    writer.put(WriteTerm(128))
    other = Log(writer.log.start, writer.log.tail(0)[:1])
    entries = (other.append(65, b"other"), other.append(65, b"more"))
    writer.log.replace_after(4, entries)
    writer.put(WriteView(view(128), 4, entries))
    writer.entry(128)
    snapshot = Snapshot(9, b"d" * 16, b"<cib>nine</cib>", b"")
    writer.log = Log(snapshot)
    writer.put(WriteView(view(192), 9, (), snapshot))
    writer.entry(192)


def reopened(disk):
    return open_store(disk)[1]


def test_a_new_store_is_blank_and_in_its_first_incarnation():
    state = reopened(MemoryDisk())
    assert state.standing.blank
    assert state.incarnation == 1
    assert state.log.last == 0


def test_each_start_is_a_new_incarnation_of_the_same_store():
    disk = MemoryDisk()
    first, second = reopened(disk), reopened(disk)
    assert (first.incarnation, second.incarnation) == (1, 2)
    assert first.store_id == second.store_id


def test_what_was_written_is_there_after_a_restart():
    disk = MemoryDisk()
    writer = script(disk)
    for _ in range(3):
        state = reopened(disk)
        assert state.problems == ()
        assert (state.standing.promised, state.standing.accepted) == (192, 192)
        assert state.log.start.state == b"<cib>nine</cib>"
        assert state.log.entries == writer.log.entries


def holds(state, acked):
    """Everything acknowledged is in the state, or was replaced by a later acknowledged view."""
    terms = [write.term for write in acked if isinstance(write, WriteTerm)]
    views = [write for write in acked if isinstance(write, WriteView)]
    assert state.problems == ()
    assert state.standing.promised >= max([*terms, 0])
    assert state.standing.accepted >= max([write.view.term for write in views] + [0])
    last_view = max((n for n, write in enumerate(acked) if isinstance(write, WriteView)), default=0)
    for write in acked[last_view:]:
        if isinstance(write, WriteEntry) and state.standing.accepted == views[-1].view.term:
            index = write.entry.index
            assert index <= state.log.base or state.log.entry(index) == write.entry


@pytest.mark.parametrize("chance", range(6))
def test_power_loss_at_every_call_loses_nothing_that_was_acknowledged(chance):
    calls = script(MemoryDisk()).disk.calls
    assert calls > 40
    for point in range(1, calls + 1):
        disk = MemoryDisk(lose_power_at=point)
        writer = None
        try:
            writer = Writer(disk)
            play(writer)
        except PowerLoss:
            pass
        rng = random.Random(f"{chance}/{point}")
        left = disk.after_power_loss(rng)
        state = reopened(left)
        holds(state, writer.acked if writer else [])
        if writer is not None:
            assert state.incarnation > writer.state.incarnation
        again = reopened(left)
        assert again.log.entries == state.log.entries


def test_power_loss_while_starting_again_loses_nothing():
    for point in range(1, 30):
        disk = MemoryDisk()
        writer = script(disk)
        disk.append(f"{PLACE}/log-4.wal", b"")
        disk.calls, disk.lose_power_at = 0, point
        try:
            reopened(disk)
        except PowerLoss:
            disk = disk.after_power_loss(random.Random(point))
        disk.lose_power_at = None
        holds(reopened(disk), writer.acked)


def test_what_is_known_to_be_committed_is_known_after_a_restart():
    disk = MemoryDisk()
    writer = Writer(disk)
    writer.put(WriteTerm(64), WriteView(view(64), 0, ()))
    for _ in range(3):
        writer.entry(64)
    writer.put(WriteCommit(2))
    assert reopened(disk).commit == 2
    writer.compact()
    assert reopened(disk).commit == 3


def current_log(disk):
    return f"{PLACE}/{max(name for name in disk.listdir(PLACE) if name.endswith('.wal'))}"


def test_a_torn_last_record_is_cut_off():
    disk = MemoryDisk()
    writer = script(disk)
    path = current_log(disk)
    whole = disk.read(path)
    disk.truncate(path, len(whole) - 5)
    state = reopened(disk)
    assert state.problems == ()
    assert state.log.entries == writer.log.entries[:-1]


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_damage_with_valid_records_behind_it_makes_the_store_blank_and_keeps_the_files(place):
    disk = MemoryDisk()
    script(disk)
    path = current_log(disk)
    data = bytearray(disk.read(path))
    data[int(len(data) * place * 0.7)] ^= 0xFF
    disk.truncate(path, 0)
    disk.append(path, bytes(data))
    state = reopened(disk)
    assert state.standing.blank
    assert state.log.last == 0
    assert "store-damaged" in state.problems[0]
    assert any(name.startswith("log-") for name in disk.listdir(f"{PLACE}/quarantine"))
    assert state.incarnation > 1 or place < 0.3


def test_a_damaged_snapshot_makes_the_store_blank():
    disk = MemoryDisk()
    script(disk)
    name = next(name for name in disk.listdir(PLACE) if name.startswith("snap-9"))
    disk.truncate(f"{PLACE}/{name}", 3)
    state = reopened(disk)
    assert state.standing.blank
    assert "damaged" in state.problems[0]


def test_a_missing_record_is_noticed_by_the_chain():
    first, chain = encode_record(format_record("c", b"i" * 16), START, 0)
    second, chain2 = encode_record(incarnation_record(1), chain, 0)
    third, _ = encode_record(incarnation_record(2), chain2, 0)
    assert scan(first + second + third).damage == ""
    assert "does not follow" in scan(first + third).damage


def test_a_store_of_another_cluster_is_refused():
    disk = MemoryDisk()
    script(disk)
    with pytest.raises(EngineError, match="cluster 'test', not 'other'") as refused:
        open_store(disk, "other")
    assert refused.value.status == ExitStatus.CONFIG


def test_a_directory_that_cannot_be_written_is_refused_with_its_path():
    disk = MemoryDisk()
    disk.fail_with = PermissionError(13, "Permission denied", PLACE)
    with pytest.raises(EngineError, match=f"{PLACE}: Permission denied"):
        open_store(disk)


def test_after_an_error_nothing_is_written_again():
    disk = MemoryDisk()
    writer = Writer(disk)
    problems = []
    disk.fail_with = OSError(5, "Input/output error")
    writer.store.persist((WriteTerm(64),), problems.append)
    disk.fail_with = None
    calls = disk.calls
    writer.store.persist((WriteTerm(128),), problems.append)
    assert all("Input/output error" in problem for problem in problems)
    assert len(problems) == 2
    assert disk.calls == calls


def test_a_disk_that_failed_is_tried_beside_the_log():
    disk = MemoryDisk()
    writer = script(disk)
    before, answers = disk.listdir(PLACE), []
    disk.fail_with = OSError(28, "No space left on device")
    writer.store.try_again(answers.append)
    disk.fail_with = None
    writer.store.try_again(answers.append)
    assert "No space left on device" in answers[0]
    assert answers[1] is None
    assert disk.listdir(PLACE) == before


def test_power_loss_while_the_log_is_renewed_loses_nothing():
    for moment in range(1, 100):
        disk = MemoryDisk()
        writer = script(disk)
        known = [entry.digest for entry in reopened(disk).log.tail(0)]
        disk.lose_power_at = disk.calls + moment
        try:
            store = Store(disk, PLACE, "test", lambda: b"i" * 16)
            state = store.open(renew=True)
        except PowerLoss:
            left = disk.after_power_loss(random.Random(moment))
            assert [entry.digest for entry in reopened(left).log.tail(0)] == known
            assert writer.acked
            continue
        assert [entry.digest for entry in state.log.tail(0)] == known
        assert moment > 4, "power was lost at each of its steps"
        return
    raise AssertionError("it never ended")


def test_an_old_copy_of_a_store_is_put_aside_and_the_incarnation_raised():
    disk = MemoryDisk()
    writer = script(disk)
    state = writer.store.raise_incarnation(17)
    assert state.incarnation == 18
    assert state.standing.blank
    assert reopened(disk).incarnation == 19


def test_writes_queued_together_share_one_fsync():
    class LateDisk(MemoryDisk):
        def __init__(self):
            super().__init__()
            self.waiting = []
            self.syncs = 0

        def run(self, job, done):
            self.waiting.append((job, done))

        def fsync(self, path):
            self.syncs += 1
            super().fsync(path)

        def go(self):
            job, done = self.waiting.pop(0)
            super().run(job, done)

    disk = LateDisk()
    store, _ = open_store(disk)
    disk.syncs = 0
    done = []
    for term in (64, 128, 192, 256):
        store.persist((WriteTerm(term),), lambda problem, term=term: done.append(term))
    disk.go()
    assert (done, disk.syncs) == ([64], 1)
    disk.go()
    assert (done, disk.syncs) == ([64, 128, 192, 256], 2)
    assert not disk.waiting


def test_the_history_keeps_the_newest_and_cib_xml_is_the_last():
    disk = MemoryDisk()
    store, _ = open_store(disk)
    for epoch in range(1, 105):
        store.archive((0, epoch, 0), 1e9 + epoch, b"<cib epoch='%d'/>" % epoch)
    kept = disk.listdir(f"{PLACE}/history")
    assert len(kept) == 100
    assert "cib-0.5-20010909T014645Z.xml.gz" in kept
    assert disk.read(f"{PLACE}/cib.xml") == b"<cib epoch='104'/>"


def test_the_checksum_is_castagnoli():
    assert crc32c(b"123456789") == 0xE3069283


def test_the_initial_log_rests_on_nothing():
    assert Log().start is GENESIS
