# SPDX-License-Identifier: Apache-2.0
"""The pool with real worker processes and foreign senders: what was answered with success is there,
whoever dies, and changes reach workers that are running."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pydicom
import pytest

from engine.dicom import commitment
from engine.intake.channel import SendReport, TransferNews
from engine.intake.claims import Claim, ClaimRequest
from engine.intake.commitments import read_request
from engine.intake.journal import Outcome
from engine.intake.snapshot import ReceiverConfig
from engine.model.errors import Unavailable
from engine.receiver.ports import bind
from engine.receiver.workers.pool import ReceiverPool
from engine.receiver.workers.post import Post
from engine.receiver.workers.sweeping import sweep_staging
from tests.engine.receiver.protocol import wire
from tests.engine.receiver.protocol.test_commitment import (
    CONTEXTS,
    answer_report,
    ask,
    read_report,
)
from tests.engine.receiver.workers.pooling import (
    PATIENCE,
    Ears,
    MemoryDesk,
    associate,
    data_set,
    house,
    listening,
    sample,
    send,
    snapshot,
)


async def test_an_object_is_stored_byte_for_byte(tmp_path: Path) -> None:
    sent = sample(tmp_path)
    async with house(tmp_path) as here:
        await here.store(sent)
        await here.ears.until(lambda: bool(here.ears.closed))
        (stored,) = here.desk.files
        (transfer,) = here.ears.closed
    assert data_set(stored) == data_set(sent)
    assert pydicom.dcmread(stored).SOPInstanceUID == pydicom.dcmread(sent).SOPInstanceUID
    (record,) = here.ears.records
    assert record.outcome is Outcome.STORED
    assert record.transfer == transfer.transfer
    assert stored == Path(here.desk.folders[0]) / record.file
    assert (transfer.receiver, transfer.calling, transfer.port) == (
        "ANTEROOM",
        "SCANNER",
        here.port,
    )
    assert (transfer.objects, transfer.ended, transfer.worker) == (1, "released", "test-w1")
    assert transfer.bytes == len(data_set(sent))


async def test_a_transfer_is_told_of_before_it_has_brought_anything(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        association = await associate(here.port)
        await here.ears.until(lambda: bool(here.ears.transfer))
        (news,) = here.ears.transfer.values()
        assert (news.objects, news.closed) == (0, 0)
        assert here.pool.associations == 1
        await asyncio.to_thread(association.release)
        await here.ears.until(lambda: bool(here.ears.closed))
        assert here.pool.associations == 0


async def test_only_the_first_object_of_a_session_asks(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.store(*(sample(tmp_path, number) for number in range(1, 21)))
        assert len(here.desk.claims) == 1
        assert len(here.desk.files) == 20
        claim = here.desk.claims[0]
    assert (claim.receiver, claim.calling, claim.snapshot) == ("ANTEROOM", "SCANNER", 1)


async def test_the_same_object_again_is_a_duplicate(tmp_path: Path) -> None:
    sent = sample(tmp_path)
    async with house(tmp_path) as here:
        for _ in range(3):
            await here.store(sent)
        assert len(here.desk.files) == 1
        outcomes = [record.outcome for record in here.ears.records]
    assert outcomes == [Outcome.STORED, Outcome.DUPLICATE, Outcome.DUPLICATE]


async def test_the_same_uid_with_other_bytes_stands_beside_it(tmp_path: Path) -> None:
    first, second = sample(tmp_path, pixel=1), sample(tmp_path, pixel=2)
    async with house(tmp_path) as here:
        await here.store(first)
        await here.store(second)
        await here.store(second)
        kept = {data_set(path) for path in here.desk.files}
        outcomes = [record.outcome for record in here.ears.records]
    assert kept == {data_set(first), data_set(second)}
    assert outcomes == [Outcome.STORED, Outcome.CONFLICT, Outcome.DUPLICATE]


async def test_no_session_means_no_success(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.desk.refusal = "no prearchive row could be made"
        said = await here.store(sample(tmp_path), ok=False)
        assert here.desk.files == []
        (record,) = here.ears.records
    assert "Refused: OutOfResources" in said
    assert (record.outcome, record.reason) == (Outcome.FAILED, "no prearchive row could be made")


async def test_a_folder_that_is_taken_away_in_mid_transfer(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        association = await associate(here.port)
        assert await send(association, sample(tmp_path, 1)) == 0
        first = here.desk.folders[0]
        first.rename(first.with_name("being-archived"))
        assert await send(association, sample(tmp_path, 2)) == 0
        await asyncio.to_thread(association.release)
        assert len(here.desk.claims) == 2
        assert len(here.desk.folders) == 2
        places = {path.relative_to(here.prearchive).parts[:2] for path in here.desk.files}
    assert places == {("row0", "being-archived"), ("row1", first.name)}


async def test_a_killed_worker_loses_nothing_it_has_answered(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        files = [sample(tmp_path, number) for number in range(1, 61)]
        slow = Gate(here.desk.claim)
        here.desk.claim = slow  # type: ignore[method-assign]
        association = await associate(here.port)
        answered = [await slow.through(send(association, path)) for path in files[:30]]
        assert answered == [0] * 30
        # The next one is on its way when the worker dies: it waits for a claim that never comes.
        first = here.desk.folders[0]
        first.rename(first.with_name("gone"))
        hanging = asyncio.create_task(send(association, files[30]))
        await slow.reached.wait()
        pid = here.pool.pids["test-w1"]
        os.kill(pid, signal.SIGKILL)
        assert await hanging is None
        await here.ears.until(lambda: bool(here.ears.ended_journals))
        (lost,) = here.ears.closed
        assert lost.ended == "the receiver worker ended"
        assert here.ears.ended_journals == here.ears.journals[:1]
        assert not list((here.prearchive / ".staging").glob(f"*-{pid}"))
        slow.open()

        await here.ears.until(lambda: len(here.ears.journals) == 2)
        await here.store(*files)
        assert here.pool.deaths == 1
        stored = {data_set(path) for path in here.desk.files}
        records = here.ears.records
    assert {data_set(path) for path in files} <= stored
    written = [record for record in records if record.outcome is Outcome.STORED]
    assert len(written) == 90  # the renamed session has 30 of them
    assert len({record.transfer for record in written}) == 2


async def test_a_report_is_answered_or_known_not_to_be(tmp_path: Path) -> None:
    objects = [("1.2.840.10008.5.1.4.1.1.4", "1.2.3.4")]
    data = b"".join(commitment.report("1.2.3", objects, (), explicit=False))
    file = tmp_path / "report"
    file.write_bytes(data)

    def asking() -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", here.port), PATIENCE)
        sock.sendall(wire.associate_rq(CONTEXTS))
        assert wire.read_pdu(sock)[0] == 0x02
        assert wire.status(ask(sock, data=data)) == 0
        return sock

    def answered(sock: socket.socket) -> None:
        command, told = read_report(sock)
        assert told == data
        answer_report(sock, command)

    async def reported() -> tuple[socket.socket, asyncio.Task[int | None]]:
        sock = await asyncio.to_thread(asking)
        request, worker = await asyncio.wait_for(here.asked.get(), PATIENCE)
        (path,) = (here.prearchive / ".commitments").glob(f"*.{request}.request")
        transfer = read_request(path)[0].transfer
        path.unlink()
        message = SendReport(report=request, transfer=transfer, context=3, event=1, file=str(file))
        report = here.pool.report(worker, message, seconds=PATIENCE)
        return sock, asyncio.create_task(report)

    async with house(tmp_path) as here:
        sock, report = await reported()
        with sock:
            await asyncio.to_thread(answered, sock)
            assert await report == 0
        # Who releases without an answer has not taken it.
        sock, report = await reported()
        with sock:
            await asyncio.to_thread(read_report, sock)
            sock.sendall(wire.RELEASE_RQ)
            assert await report is None
        nobody = SendReport(report="cm_1", transfer="tr_1", context=3, event=1, file=str(file))
        assert await here.pool.report("test-w1", nobody, seconds=PATIENCE) is None
        assert await here.pool.report("test-w9", nobody, seconds=PATIENCE) is None
        # Nor has anybody whose worker dies.
        sock, report = await reported()
        with sock:
            await asyncio.to_thread(read_report, sock)
            os.kill(here.pool.pids["test-w1"], signal.SIGKILL)
            assert await report is None


async def test_a_sender_that_goes_away_leaves_nothing_half_done(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        association = await associate(here.port)
        assert await send(association, sample(tmp_path, 1)) == 0
        await asyncio.to_thread(association.abort)
        await here.ears.until(lambda: bool(here.ears.closed))
        (transfer,) = here.ears.closed
        assert transfer.ended == "aborted by the sender"
        assert len(here.desk.files) == 1
        await here.echo()


async def test_workers_share_a_port(tmp_path: Path) -> None:
    async with house(tmp_path, workers=2) as here:
        pids = here.pool.pids
        served: list[str] = []
        for idle in pids:
            # A stopped process accepts nothing: the other one must be listening too.
            os.kill(pids[idle], signal.SIGSTOP)
            try:
                await here.store(sample(tmp_path, 1 + len(served)))
                await here.ears.until(lambda: len(here.ears.closed) == len(served) + 1)
            finally:
                os.kill(pids[idle], signal.SIGCONT)
            served.append(here.ears.history[-1].worker)
        assert sorted(served) == sorted(pids)
        assert len(here.desk.files) == 2
        assert len({claim.study_uid for claim in here.desk.claims}) == 1


async def test_a_flock_of_senders(tmp_path: Path) -> None:
    async with house(tmp_path, workers=2) as here:
        files = [sample(tmp_path, number) for number in range(1, 31)]
        await asyncio.gather(*(here.store(*files[n : n + 3]) for n in range(0, 30, 3)))
        assert {data_set(path) for path in here.desk.files} == {data_set(path) for path in files}
        await here.ears.until(lambda: len(here.ears.closed) == 10)
        assert sum(news.objects for news in here.ears.closed) == 30
        assert len(here.desk.folders) == 1


def children() -> set[int]:
    """Name the processes that this one has started. What they are called is not asked: one that was
    started just now has no command line for a moment (execve(2) closes files before it sets it)."""
    threads = Path("/proc/self/task").iterdir()
    return {int(pid) for each in threads for pid in (each / "children").read_text().split()}


async def test_workers_load_before_they_are_wanted(tmp_path: Path) -> None:
    prearchive = tmp_path / "prearchive"
    port, sock = listening()
    desk, ears = MemoryDesk(prearchive), Ears(prearchive)
    pool = ReceiverPool(prearchive=prearchive, node="test", workers=2, desk=desk, news=ears)
    before = children()
    await pool.spawn()
    spawned = children() - before
    assert len(spawned) == 2
    assert not prearchive.exists()
    await pool.start(snapshot(1, ReceiverConfig(ae_title="ANTEROOM", port=port)), {port: sock})
    assert set(pool.pids.values()) == spawned
    await pool.stop()
    await pool.let_go()


async def test_workers_that_are_not_wanted_after_all_end(tmp_path: Path) -> None:
    prearchive = tmp_path / "prearchive"
    desk, ears = MemoryDesk(prearchive), Ears(prearchive)
    pool = ReceiverPool(prearchive=prearchive, node="test", workers=2, desk=desk, news=ears)
    before = children()
    await pool.spawn()
    assert len(children() - before) == 2
    await pool.stop()
    await pool.let_go()
    assert not children() - before
    assert not prearchive.exists()


async def test_whoever_is_turned_away_is_told_of(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.echo(called="NOBODY", ok=False)
        await here.ears.until(lambda: bool(here.ears.turned_away))
        (turned,) = here.ears.turned_away
    assert (turned.called, turned.calling, turned.count) == ("NOBODY", "SCANNER", 1)
    assert turned.peer == "127.0.0.1"
    assert turned.reason == "called AE title not recognised"


async def test_the_limit_of_associations_counts_over_all_workers(tmp_path: Path) -> None:
    async with house(tmp_path, workers=2) as here:
        receiver = ReceiverConfig(ae_title="ANTEROOM", port=here.port, max_associations=3)
        await here.pool.publish(snapshot(2, receiver))
        open_ones = [await associate(here.port) for _ in range(3)]
        for _ in range(4):
            said = await here.echo(ok=False)
            assert "Local Limit Exceeded" in said
        await asyncio.to_thread(open_ones[0].release)
        await here.ears.until(lambda: bool(here.ears.closed))
        await here.echo()
        # Those of a worker that dies do not count any more.
        for pid in here.pool.pids.values():
            os.kill(pid, signal.SIGKILL)
        await here.ears.until(lambda: len(here.ears.ended_journals) == 2)
        again = [await associate(here.port) for _ in range(3)]
        for association in again:
            await asyncio.to_thread(association.release)


async def test_the_limit_of_an_address_counts_over_all_workers(tmp_path: Path) -> None:
    async with house(tmp_path, workers=2) as here:
        # Those that are open when the limit is set count as well.
        open_ones = [await associate(here.port) for _ in range(3)]
        receiver = ReceiverConfig(ae_title="ANTEROOM", port=here.port, max_per_peer=3)
        await here.pool.publish(snapshot(2, receiver))
        for _ in range(4):
            said = await here.echo(ok=False)
            assert "Local Limit Exceeded" in said
        await here.ears.until(lambda: len(here.ears.turned_away) > 0)
        assert here.ears.turned_away[0].reason == "too many associations of this address at once"
        await asyncio.to_thread(open_ones[0].release)
        await here.ears.until(lambda: bool(here.ears.closed))
        await here.echo()
        for association in open_ones[1:]:
            assert await send(association, sample(tmp_path)) == 0
            await asyncio.to_thread(association.release)


async def test_a_published_receiver_is_there_at_once(tmp_path: Path) -> None:
    async with house(tmp_path, workers=2) as here:
        old = ReceiverConfig(ae_title="ANTEROOM", port=here.port)
        new = ReceiverConfig(ae_title="SECOND", port=here.port)
        await here.echo(called="SECOND", ok=False)
        assert await here.pool.publish(snapshot(2, old, new)) == ()
        for _ in range(4):
            await here.echo(called="SECOND")
        await here.store(sample(tmp_path))
        assert here.desk.claims[0].snapshot == 2


async def test_a_worker_that_hangs_does_not_hold_up_a_change(tmp_path: Path) -> None:
    async with house(tmp_path, workers=2) as here:
        pid = here.pool.pids["test-w2"]
        os.kill(pid, signal.SIGSTOP)
        try:
            receiver = ReceiverConfig(ae_title="ANTEROOM", port=here.port)
            late = await here.pool.publish(snapshot(2, receiver), seconds=0.2)
            assert late == ("test-w2",)
        finally:
            os.kill(pid, signal.SIGCONT)


async def test_ports_come_and_go_while_a_transfer_runs(tmp_path: Path) -> None:
    async with house(tmp_path, workers=2) as here:
        association = await associate(here.port)
        other, sock = listening()
        both = (
            ReceiverConfig(ae_title="ANTEROOM", port=here.port),
            ReceiverConfig(ae_title="ANTEROOM", port=other),
        )
        await here.pool.publish(snapshot(2, *both))
        mine = here.pool.sockets
        assert await here.pool.set_listening({**mine, other: sock}) == ()
        for _ in range(3):
            await here.echo(port=here.port)
            await here.echo(port=other)
        assert await here.pool.set_listening({other: sock}) == ()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", here.port))
        await here.echo(port=other)
        # Whoever was there before is served to the end.
        assert await send(association, sample(tmp_path, 1)) == 0
        await asyncio.to_thread(association.release)


async def test_a_new_worker_begins_with_what_is_newest(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        other, sock = listening()
        receiver = ReceiverConfig(ae_title="ELSEWHERE", port=other)
        await here.pool.publish(snapshot(2, receiver))
        await here.pool.set_listening({other: sock})
        os.kill(here.pool.pids["test-w1"], signal.SIGKILL)
        await here.ears.until(lambda: len(here.ears.journals) == 2)
        await here.echo(port=other, called="ELSEWHERE")


async def test_without_descriptors_connections_wait_and_nobody_dies(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        pid = here.pool.pids["test-w1"]
        used = len(os.listdir(f"/proc/{pid}/fd"))
        # Each connection takes three: the socket and a pipe. The fifth gets the first of them only.
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 13, used + 13))
        crowd = [
            socket.create_connection(("127.0.0.1", here.port), timeout=PATIENCE) for _ in range(8)
        ]
        assert await asyncio.to_thread(crowd[4].recv, 1) == b""
        for connection in crowd:
            connection.close()
        await here.store(sample(tmp_path))
        assert here.pool.pids["test-w1"] == pid
        assert here.pool.deaths == 0


async def test_stopping_lets_the_object_on_its_way_arrive(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        slow = Gate(here.desk.claim)
        here.desk.claim = slow  # type: ignore[method-assign]
        association = await associate(here.port)
        sending = asyncio.create_task(send(association, sample(tmp_path, 1)))
        await slow.reached.wait()
        stopping = asyncio.create_task(here.pool.stop())
        slow.open()
        assert await sending == 0
        await stopping
        assert len(here.desk.files) == 1
        assert here.ears.ended_journals == here.ears.journals
        (transfer,) = here.ears.closed
        assert transfer.ended == "stopped here"
        assert here.pool.deaths == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", here.port))


async def test_a_worker_that_does_not_end_is_killed(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        pid = here.pool.pids["test-w1"]
        os.kill(pid, signal.SIGSTOP)
        await here.pool.stop(seconds=0.1)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert here.ears.ended_journals == here.ears.journals


async def test_a_prearchive_that_cannot_be_written_is_said_to_be(tmp_path: Path) -> None:
    prearchive = tmp_path / "prearchive"
    (prearchive / ".journals").mkdir(parents=True)
    (prearchive / ".staging").write_text("in the way")
    desk, ears = MemoryDesk(prearchive), Ears(prearchive)
    pool = ReceiverPool(prearchive=prearchive, node="test", workers=1, desk=desk, news=ears)
    with pytest.raises(Unavailable, match="workers do not start: Not a directory"):
        await pool.start(snapshot(1), {})
    await pool.stop()
    assert ears.journals == []


async def test_a_journal_that_cannot_be_registered_is_not_written(tmp_path: Path) -> None:
    prearchive = tmp_path / "prearchive"
    desk, ears = MemoryDesk(prearchive), Ears(prearchive)
    ears.breaks.add("hello")
    pool = ReceiverPool(prearchive=prearchive, node="test", workers=1, desk=desk, news=ears)
    await pool.start(snapshot(1), {})
    assert pool.deaths == 1
    assert [path.name for path in (prearchive / ".journals").iterdir()] == ears.journals
    await pool.stop()


async def test_news_that_fail_come_again_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.receiver.workers.post.RETRY_SECONDS", 0.0)
    ears = Ears(tmp_path)
    ears.breaks |= {"transfers", "grown", "ended"}
    post = Post(ears)
    for objects in (1, 2):
        post.transfer(news(objects))
    post.grown()
    post.ended("a.journal")
    post.start()
    await ears.until(lambda: bool(ears.ended_journals))
    post.transfer(news(3))
    await post.close()
    assert [one.objects for one in ears.history] == [2, 3]
    assert ears.grown_calls == 1


async def test_journals_that_grow_and_grow_are_taken_in_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.receiver.workers.post.GROWN_SECONDS", 3600.0)
    ears = Ears(tmp_path)
    post = Post(ears)
    post.start()
    post.grown()
    await ears.until(lambda: ears.grown_calls == 1)
    for objects in (1, 2):
        post.grown()
        post.transfer(news(objects))
        await ears.until(lambda: len(ears.history) == objects)  # noqa: B023
    assert ears.grown_calls == 1
    await post.close()
    assert ears.grown_calls == 2


def test_staging_of_the_dead_is_swept_and_nothing_else(tmp_path: Path) -> None:
    staging = tmp_path / ".staging"
    dead = 2**22 + 1  # above the kernel's largest process id
    for name in (f"n-w1-{dead}", f"n-w1-{os.getpid()}", f"other-w1-{dead}", "held", "upload"):
        (staging / name).mkdir(parents=True)
        (staging / name / "file").touch()
    sweep_staging(tmp_path, "n")
    assert {path.name for path in staging.iterdir()} == {
        f"n-w1-{os.getpid()}",
        f"other-w1-{dead}",
        "held",
        "upload",
    }


def test_a_port_that_is_taken_is_named() -> None:
    with (
        bind("127.0.0.1", 0) as sock,
        pytest.raises(Unavailable, match=f"port {sock.getsockname()[1]} .*in use"),
    ):
        bind("127.0.0.1", sock.getsockname()[1])


@pytest.mark.parametrize(("host", "port"), [("no.such.host.invalid", 0), ("127.0.0.1", 70000)])
def test_what_cannot_be_bound_is_unavailable(host: str, port: int) -> None:
    with pytest.raises(Unavailable, match=re.escape(host)):
        bind(host, port)


@pytest.mark.parametrize("host", ["", "127.0.0.1", "localhost", "::1"])
def test_binding_takes_names_and_addresses(host: str) -> None:
    if host == "::1" and not socket.has_dualstack_ipv6():
        return
    with bind(host, 0) as sock:
        port = sock.getsockname()[1]
        with socket.create_connection((host or "127.0.0.1", port), timeout=PATIENCE):
            pass


class Gate:
    """Holds claims back until it is opened, and tells when one has come."""

    def __init__(self, claim: Callable[[ClaimRequest], Awaitable[tuple[Claim, bool]]]) -> None:
        self.reached = asyncio.Event()
        self._claim = claim
        self._open = asyncio.Event()

    async def __call__(self, request: ClaimRequest) -> tuple[Claim, bool]:
        """Answer when open."""
        self.reached.set()
        await self._open.wait()
        return await self._claim(request)

    def open(self) -> None:
        """Let all claims through."""
        self._open.set()

    async def through(self, sending: Awaitable[int | None]) -> int | None:
        """Let claims through while something is sent."""
        self._open.set()
        try:
            return await sending
        finally:
            self._open.clear()
            self.reached.clear()


def news(objects: int) -> TransferNews:
    """Make news of one transfer."""
    return TransferNews(
        transfer="tr_1",
        worker="w",
        receiver="ANTEROOM",
        port=104,
        calling="SCANNER",
        peer="127.0.0.1",
        opened=1,
        objects=objects,
        bytes=0,
    )
