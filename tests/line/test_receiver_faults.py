# SPDX-License-Identifier: Apache-2.0
"""What may happen to a receiver beside kills and bad input: crowds, silence, too few descriptors,
no more files, a database that somebody else has locked, a stop in the middle. What was answered is
kept, others are not disturbed, and everything goes on by itself afterwards."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from engine.intake.answers import OUT_OF_RESOURCES
from engine.model.accounts import Place
from engine.model.states import Status
from engine.receiver.protocol.admission import HALF_OPEN_PER_PEER
from tests.endure.processes import held_by
from tests.line import peers
from tests.line.invariants import audit
from tests.line.sending import make_study
from tests.line.sending import send as send_study
from tests.line.serving import Served, sessions, settled, until
from tests.line.small_disk import OnSmallDisk, disk
from tests.line.test_durability import Image, answered, image, send, study_of
from tests.line.tracing import workers_of
from tests.line.wire import CT_IMAGE, EXPLICIT, Aborted, RawSender, Rejected

__all__ = ["disk"]

IDLE, SILENT = 200, 400
"""Associations without an object, and connections without an association."""
SENDERS, OBJECTS = 30, 4
"""Associations at once, and objects of each; `make endure` sends a hundred."""


@asynccontextmanager
async def crowd(port: int, count: int) -> AsyncIterator[list[RawSender]]:
    """Open idle associations, and leave without a word."""
    members: list[RawSender] = []
    try:
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            members.append(RawSender(reader=reader, writer=writer))
            await members[-1].associate([CT_IMAGE], EXPLICIT, called="ANTEROOM", calling="IDLE")
        yield members
    finally:
        for member in members:
            member.writer.close()
        for member in members:
            with suppress(OSError):
                await member.writer.wait_closed()


async def all_closed(served: Served) -> None:
    """Wait until no association is open."""
    async with served.asked() as engine:

        async def reached() -> bool:
            transfers = await engine.live.transfers(limit=1000)
            return all(each.closed is not None for each in transfers)

        await until(engine, reached)


async def test_two_hundred_idle_associations_disturb_nobody(
    serve: Callable[..., Served],
) -> None:
    served = serve(workers=2, dicom={"max_associations": IDLE + 1})
    await served.start()
    assert await send(served, study_of(1)) == [0] * 4
    await all_closed(served)
    before = held_by(served.ready["pid"])
    async with crowd(served.port, IDLE):
        assert await send(served, study_of(2)) == [0] * 4
        async with RawSender.connected(served.port) as last:
            await last.associate([CT_IMAGE], EXPLICIT, called="ANTEROOM")
            async with RawSender.connected(served.port) as one_too_many:
                with pytest.raises(Rejected) as rejected:
                    await one_too_many.associate([CT_IMAGE], EXPLICIT, called="ANTEROOM")
            assert rejected.value.args == (2, 3, 2)
        amid = held_by(served.ready["pid"])
    await all_closed(served)
    # A socket and both ends of a pipe for each; a few of the engine's own come and go.
    assert abs(amid.descriptors - before.descriptors - 3 * IDLE) <= 40
    assert held_by(served.ready["pid"]).descriptors <= before.descriptors + 10
    # Each has a buffer of 256 KiB, most of which it never touches.
    assert amid.resident - before.resident < IDLE * (160 << 10)


async def silent_ones(
    port: int, count: int
) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect so many times from another address than everybody else."""
    own = ("127.0.0.2", 0)
    return [await asyncio.open_connection("127.0.0.1", port, local_addr=own) for _ in range(count)]


async def test_connections_that_say_nothing_are_limited_and_hold_up_nobody(
    serve: Callable[..., Served],
) -> None:
    served = serve(workers=2, dicom={"artim_timeout": 3600.0})
    await served.start()
    assert await send(served, study_of(1)) == [0] * 4
    await all_closed(served)
    before = held_by(served.ready["pid"]).descriptors
    open_ones = await silent_ones(served.port, SILENT)
    # All but a few of each worker are closed at once.
    told = [asyncio.ensure_future(reader.read(1)) for reader, _ in open_ones]
    async with asyncio.timeout(peers.PATIENCE):
        while sum(one.done() for one in told) < SILENT - 2 * HALF_OPEN_PER_PEER:
            left = [one for one in told if not one.done()]
            await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
    assert held_by(served.ready["pid"]).descriptors <= before + 2 * HALF_OPEN_PER_PEER * 3 + 10
    assert await send(served, study_of(2)) == [0] * 4
    for _, writer in open_ones:
        writer.close()
    assert all([one == b"" for one in await asyncio.gather(*told)])
    assert await send(served, study_of(3)) == [0] * 4
    assert held_by(served.ready["pid"]).descriptors <= before + 10


async def test_with_few_descriptors_some_are_turned_away_and_nobody_dies(
    serve: Callable[..., Served],
) -> None:
    served = serve(workers=2, dicom={"max_associations": 500})
    await served.start()
    workers = workers_of(served.ready["pid"])
    for pid in (served.ready["pid"], *workers):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (256, 256))
    members: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    for _ in range(300):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        members.append((reader, writer))
        waiting = asyncio.ensure_future(
            RawSender(reader=reader, writer=writer).associate(
                [CT_IMAGE], EXPLICIT, called="ANTEROOM"
            )
        )
        # Who is not answered waits in the backlog until there are descriptors again.
        done, _ = await asyncio.wait([waiting], timeout=None if len(members) < 50 else 0.05)
        if not done:
            waiting.cancel()
            break
        with suppress(Aborted, ConnectionError):
            waiting.result()
    assert 50 < len(members) < 300
    for _, writer in members:
        writer.close()
    assert await send(served, study_of(1)) == [0] * 4
    assert workers_of(served.ready["pid"]) == workers
    assert await served.stop() == 0


async def test_a_disk_that_takes_no_more_files_is_a_full_disk(disk: Path) -> None:
    quick = {"session": {"build_after": 0.2, "check_every": 0.1}, "dicom": {"workers": 1}}
    served = OnSmallDisk(disk / "home", quick | {"anonymization": {"site_script": False}})
    await served.start()
    try:
        async with served.asked() as engine:
            assert await send(served, study_of(1)) == [0] * 4
            await settled(engine, objects=4)
            files = served.use_up_files()
            assert await send(served, study_of(2)) == [OUT_OF_RESOURCES] * 4
            for file in files.iterdir():
                file.unlink()
            assert await send(served, study_of(2)) == [0] * 4
            rows = await settled(engine, objects=8)
            assert {row.status for row in rows} == {Status.READY}
            accounts = (await engine.system.status()).accounts
            assert accounts.at(Place.FAILED) == 4
            assert accounts.received == accounts.at(Place.WAITING) == 8
        assert await served.stop() == 0
    finally:
        await served.kill()


async def test_a_locked_database_delays_only_who_needs_a_new_session(
    serve: Callable[..., Served],
) -> None:
    served = serve(build_after=0.3)
    await served.start()
    images = [image(1, number) for number in range(1, 9)]
    async with RawSender.associated(served.port) as sender:
        assert await answered(sender, images[0]) == 0
        with sqlite3.connect(served.prearchive / "prearchive.db", isolation_level=None) as other:
            other.execute("BEGIN EXCLUSIVE")
            # Their session is claimed; rows come later.
            assert [await answered(sender, each) for each in images[1:]] == [0] * 7
            asks = asyncio.ensure_future(send(served, study_of(2)))
            for study in (3, 4):  # time passes for others, and the answer does not come
                assert await _is_there(served, study) is False
            assert not asks.done()
            other.execute("ROLLBACK")
        other.close()
        assert await asks == [0] * 4
    async with served.asked() as engine:
        rows = await settled(engine, objects=12)
        assert {row.status for row in rows} == {Status.READY}
        accounts = (await engine.system.status()).accounts
        assert accounts.received == accounts.at(Place.WAITING) == 12
    assert await served.stop() == 0


async def _is_there(served: Served, study: int) -> bool:
    """Send an echo's worth of nothing, and look for the folder of a study."""
    async with RawSender.associated(served.port):
        return bool(list(served.prearchive.glob(f"*/D{study}")))


async def test_many_associations_at_once_lose_nothing(serve: Callable[..., Served]) -> None:
    await many_at_once(serve(workers=2), OBJECTS)


async def many_at_once(served: Served, objects: int) -> float:
    """Send so many objects over each of many associations; return the seconds that it took."""
    await served.start()
    studies = [[image(study, each) for each in range(objects)] for study in range(1, SENDERS + 1)]
    loop = asyncio.get_running_loop()
    began = loop.time()
    said = await asyncio.gather(*(send(served, study) for study in studies))
    seconds = loop.time() - began
    assert said == [[0] * objects] * SENDERS
    assert await served.stop() == 0
    books = await audit(served.home)
    assert books.wrong == []
    assert books.waiting.total() == SENDERS * objects
    assert len({path.parent for path in served.prearchive.glob("*/*/SCANS")}) == SENDERS
    return seconds


async def test_a_stop_in_the_middle_of_many_transfers_loses_nothing_that_was_answered(
    serve: Callable[..., Served],
) -> None:
    served = serve(workers=2)
    await served.start()
    studies = [make_study(number, 60) for number in range(1, 4)]
    heard: list[str] = []
    loop, some = asyncio.get_running_loop(), asyncio.Event()

    def hear(uid: str) -> None:
        heard.append(uid)
        if len(heard) == 20:
            loop.call_soon_threadsafe(some.set)

    sending = [asyncio.to_thread(send_study, served.port, study, hear) for study in studies]
    running = asyncio.gather(*sending)
    await asyncio.wait_for(some.wait(), peers.PATIENCE)
    assert await served.stop() == 0
    kept = {uid for one in await running for uid in one}
    assert kept == set(heard)
    assert 20 <= len(kept) < 180
    books = await audit(served.home)
    assert books.wrong == []
    # An answer may not have reached its sender any more.
    assert kept <= set(books.waiting)
    assert len(books.waiting) <= len(kept) + len(studies)
    await served.start()
    left = [[each for each in study if str(each.SOPInstanceUID) not in kept] for study in studies]
    await asyncio.gather(*(asyncio.to_thread(send_study, served.port, study) for study in left))
    assert await served.stop() == 0
    books = await audit(served.home)
    assert books.wrong == []
    assert books.waiting.total() == 180


async def test_a_session_whose_sender_broke_off_is_built_all_the_same(
    serve: Callable[..., Served],
) -> None:
    served = serve(build_after=0.3)
    await served.start()

    async def part(images: Sequence[Image]) -> None:
        async with RawSender.connected(served.port) as sender:
            await sender.associate([CT_IMAGE], EXPLICIT, called="ANTEROOM")
            for each in images:
                assert await answered(sender, each) == 0
            with pytest.raises(Aborted):
                await sender.store_part(image(1, 99).data, sop_instance=image(1, 99).uid)

    await part(study_of(1))
    async with served.asked() as engine:
        (row,) = await settled(engine, objects=4)
        assert (row.status, row.objects) == (Status.READY, 4)
        # The session takes what comes later, and is built again.
        await part([image(1, 7)])

        async def grown() -> bool:
            (row,) = await sessions(engine)
            return row.status is Status.READY and row.objects == 5

        await until(engine, grown)
