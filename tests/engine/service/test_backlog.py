# SPDX-License-Identifier: Apache-2.0
"""The backlog: what receivers have staged is published, counted or held by the helper, once each,
whatever is cut off; and what the store does not take waits on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pydicom
import pytest
from sqlalchemy import select

from engine.ingest.release import Release
from engine.intake.answers import Origin
from engine.intake.journal import Outcome
from engine.jobs.reconcile import Reconciliation
from engine.model.accounts import Place
from engine.model.errors import NotFound, Unavailable
from engine.prearchive.rows import staged
from engine.prearchive.tables import HeldRow, TransferRow
from engine.service import releasing
from engine.service.backlog import Backlog
from engine.service.configuration import Configuration
from engine.service.event_buffer import EventBuffer
from engine.service.releasing import Releasing
from tests.engine.jobs.conftest import either, fixture  # noqa: F401
from tests.engine.jobs.scripting import Cut
from tests.engine.jobs.test_archive import files
from tests.engine.jobs.test_build import build, counted
from tests.engine.service.test_held import FAILS, NAMES, POINTS, Room, room  # noqa: F401


class Clock:
    """A monotonic clock."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that the test turns."""
    return Clock()


@pytest.fixture
async def backlog(room: Room, clock: Clock) -> AsyncIterator[Backlog]:  # noqa: F811
    """The backlog of a room."""
    made = backlog_of(room, clock)
    yield made
    await made.close()


def backlog_of(room: Room, clock: Clock) -> Backlog:  # noqa: F811
    """Make a backlog of two lanes."""
    configuration = cast(Configuration, room.configured)
    out = Releasing(room.at.context, configuration, room.guard)
    return Backlog(room.at.context, out, EventBuffer(), lanes=2, clock=clock)


async def stage(room: Room, id: str = "a-1.dcm", **values: str) -> Path:  # noqa: F811
    """Stage an object as a worker would."""
    return await room.hold(id, rule="", outcome=Outcome.STAGED, **values)


async def test_what_is_staged_is_counted_as_waiting_and_shown_to_nobody(
    room: Room,  # noqa: F811
) -> None:
    await stage(room)
    assert await counted(room.at) == {Place.WAITING: 1}
    async with room.at.context.prearchive_db.read() as transaction:
        assert await staged(transaction) == 1
    (row,) = await room.rows()
    assert (row.waits, row.node) == (True, room.at.context.settings.node.name)
    for outcome in (*await room.held.retry((row.id,)), *await room.held.drop((row.id,))):
        assert (outcome.done, "nothing is held" in outcome.message) == (False, True)
    with pytest.raises(NotFound):
        await room.held.show(row.id)
    assert await counted(room.at) == {Place.WAITING: 1}


async def test_the_helper_brings_objects_into_their_session(
    room: Room,  # noqa: F811
    backlog: Backlog,
) -> None:
    for number in range(5):
        await stage(room, f"a-{number}.dcm", SOPInstanceUID=f"1.2.3.4.9.{number}")
    await backlog.work()
    row = await room.session()
    assert (row.project, row.objects, await room.rows()) == ("P", 5, [])
    found = [pydicom.dcmread(path) for path in (room.at.context.prearchive / "P").rglob("*.dcm")]
    assert {str(one.PatientName) for one in found} == {row.subject}
    assert await counted(room.at) == {Place.WAITING: 5}
    entries = await room.at.index(row.id)
    assert {(one.transfer, one.recovered) for one in entries.values()} == {("tr_1", False)}
    async with room.at.context.prearchive_db.read() as transaction:
        transfer = await transaction.get_one(TransferRow, "tr_1")
    assert transfer.objects == 5
    # No person has done anything.
    assert [action for action, *_ in await room.events()] == ["Began receiving"]
    await backlog.close()
    assert room.left() == ["held"]
    assert await build(room.at, row.id) == ""


async def test_what_the_script_fails_with_is_held_for_a_person(
    room: Room,  # noqa: F811
    backlog: Backlog,
) -> None:
    path = await stage(room)
    room.force(FAILS)
    await backlog.work()
    (row,) = await room.rows()
    assert (row.waits, row.session, row.rule) == (False, "", "site v2:2")
    assert "Jane" not in row.reason
    assert path.exists()
    assert await counted(room.at) == {Place.HELD: 1}
    # It is the person's now: the helper does not look at it again.
    room.force(NAMES)
    await backlog.work()
    assert await counted(room.at) == {Place.HELD: 1}
    assert (await room.held.retry((row.id,)))[0].done
    assert await counted(room.at) == {Place.WAITING: 1}


async def test_what_the_script_rejects_is_counted_and_gone(
    room: Room,  # noqa: F811
    backlog: Backlog,
) -> None:
    path = await stage(room)
    room.force("reject[]")
    await backlog.work()
    assert await counted(room.at) == {Place.REJECTED: 1}
    assert (path.exists(), await room.rows()) == (False, [])


async def test_the_same_object_twice_is_a_duplicate(
    room: Room,  # noqa: F811
    backlog: Backlog,
) -> None:
    for number in range(2):
        await stage(room, f"a-{number}.dcm", SOPInstanceUID="1.2.3.4.9.1")
    await backlog.work()
    assert await counted(room.at) == {Place.WAITING: 1, Place.DUPLICATE: 1}
    assert len(files(room.at.context.prearchive / "P")) == 1


async def test_a_file_that_is_missing_is_the_persons_to_drop(
    room: Room,  # noqa: F811
    backlog: Backlog,
) -> None:
    (await stage(room)).unlink()
    await backlog.work()
    (row,) = await room.rows()
    assert (row.waits, "can only be dropped" in row.reason) == (False, True)
    assert await counted(room.at) == {Place.HELD: 1}
    assert (await room.held.drop((row.id,)))[0].done


async def test_what_the_store_does_not_take_waits_and_is_tried_again(
    room: Room,  # noqa: F811
    backlog: Backlog,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = await stage(room)
    tried = []

    def full(*_: object, **__: object) -> None:
        tried.append(True)
        raise OSError(28, "full")

    with monkeypatch.context() as patched:
        patched.setattr("engine.intake.publisher.publish", full)
        with pytest.raises(Unavailable, match="storing failed"):
            await backlog.work()
        await backlog.work()
        assert len(tried) == 1
    assert path.exists()
    assert await counted(room.at) == {Place.WAITING: 1}
    (row,) = await room.rows()
    assert row.waits
    # Not at once: a disk that is full is full for a while.
    await backlog.work()
    assert len(await room.rows()) == 1
    clock.now += 11
    await backlog.work()
    assert (await room.rows(), await counted(room.at)) == ([], {Place.WAITING: 1})
    assert (await room.session()).objects == 1


async def test_another_script_in_force_is_the_one_that_runs(
    room: Room,  # noqa: F811
    backlog: Backlog,
) -> None:
    await stage(room)
    await backlog.work()
    room.force('(0010,0010) := "SECOND"')
    await stage(room, "a-2.dcm", SOPInstanceUID="1.2.3.4.9.2")
    await backlog.work()
    found = [pydicom.dcmread(path) for path in (room.at.context.prearchive / "P").rglob("*.dcm")]
    subject = (await room.session()).subject
    assert {str(one.PatientName) for one in found} == {"SECOND", subject}


async def test_what_waits_for_another_node_is_left_alone_until_that_is_gone(
    room: Room,  # noqa: F811
    backlog: Backlog,
) -> None:
    await stage(room)
    async with room.at.context.prearchive_db.write() as transaction:
        (row,) = (await transaction.execute(select(HeldRow))).scalars()
        row.node = "elsewhere"
    await backlog.work()
    assert len(await room.rows()) == 1
    await Reconciliation(room.at.context, alone=False).files()
    await backlog.work()
    assert len(await room.rows()) == 1
    await Reconciliation(room.at.context, alone=True).files()
    await backlog.work()
    assert (await room.rows(), await counted(room.at)) == ([], {Place.WAITING: 1})


async def test_helpers_with_nothing_to_do_are_let_go(
    room: Room,  # noqa: F811
    backlog: Backlog,
    clock: Clock,
) -> None:
    await stage(room)
    await backlog.work()
    assert len(room.left()) > 1
    clock.now += 61
    await backlog.work()
    assert room.left() == ["held"]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("text", [NAMES, "reject[]", FAILS])
async def test_a_kill_leaves_an_object_that_is_counted_once(
    room: Room,  # noqa: F811
    backlog: Backlog,
    clock: Clock,
    point: str,
    text: str,
) -> None:
    await stage(room)
    room.force(text)
    room.at.hook.faults[point] = Cut()
    try:
        await backlog.work()
    except Cut:
        # What comes up at the next start has no part in what was begun.
        await backlog.close()
        await Reconciliation(room.at.context, alone=True).files()
    room.at.hook.faults.clear()
    assert sum((await counted(room.at)).values()) == 1
    clock.now += 11
    await backlog.work()
    place = {NAMES: Place.WAITING, FAILS: Place.HELD}.get(text, Place.REJECTED)
    assert await counted(room.at) == {place: 1}
    assert all(not row.waits for row in await room.rows())
    if place is Place.WAITING:
        row = await room.session()
        assert row.objects == len(files(room.at.context.prearchive / "P")) == 1


async def test_who_is_ended_ends_the_helper_and_leaves_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, interrupted, over = threading.Event(), threading.Event(), threading.Event()

    class Long:
        def run(self, path: Path, origin: Origin) -> None:
            begun.set()
            assert interrupted.wait(30)
            over.set()

        def interrupt(self) -> None:
            interrupted.set()

    run = releasing._to_its_end
    task = asyncio.create_task(run(cast(Release, Long()), Path("x"), Origin(transfer="t")))
    assert await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert over.is_set()
