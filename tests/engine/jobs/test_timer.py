# SPDX-License-Identifier: Apache-2.0
"""The timer, on a clock that the test turns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from engine.jobs.runner import JobRunner
from engine.jobs.timer import Timer
from engine.model.states import Status
from engine.prearchive.tables import HeldRow, SessionRow
from tests.engine.jobs.fixture import Fixture


class Clock:
    """A monotonic clock."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Tell the time in seconds."""
        return self.now


def timer(fixture: Fixture, clock: Clock, *, own: float = 10) -> Timer:
    """Make a timer of ten seconds, and of others for project P."""
    runner = cast(JobRunner, fixture.jobs)
    return Timer(
        fixture.context.prearchive_db,
        runner,
        idle=lambda project: own if project == "P" else 10,
        clock=clock,
    )


async def receiving(fixture: Fixture, **values: object) -> str:
    """Make a session with one object."""
    claim = await fixture.claim()
    fixture.publish(claim, "1.dcm")
    await fixture.context.ingester.ingest()
    async with fixture.context.prearchive_db.write() as transaction:
        row = await transaction.get_one(SessionRow, claim.session)
        for name, value in values.items():
            setattr(row, name, value)
    return claim.session


async def test_a_project_may_have_its_own_wait(fixture: Fixture) -> None:
    clock = Clock()
    ticking = timer(fixture, clock, own=30)
    session = await receiving(fixture)
    assert await ticking.check() == []
    clock.now += 29
    assert await ticking.check() == []
    clock.now += 1
    assert await ticking.check() == [session]


async def test_an_idle_session_is_queued_once(fixture: Fixture) -> None:
    session = await receiving(fixture)
    clock = Clock()
    watched = timer(fixture, clock)
    assert await watched.check() == []
    clock.now += 9.9
    assert await watched.check() == []
    clock.now += 0.1
    assert await watched.check() == [session]
    row = await fixture.there(session)
    assert (row.status, row.commit_after, row.asked_by) == (Status.QUEUED_BUILDING, True, "timer")
    assert fixture.jobs.queued == [f"{session}:rebuild:1"]
    clock.now += 100
    assert await watched.check() == []


async def test_each_new_object_begins_the_wait_again(fixture: Fixture) -> None:
    session = await receiving(fixture)
    clock = Clock()
    watched = timer(fixture, clock)
    await watched.check()
    clock.now += 9
    fixture.publish(await fixture.claim(), "2.dcm")
    await fixture.context.ingester.ingest()
    assert await watched.check() == []
    clock.now += 9
    assert await watched.check() == []
    clock.now += 1
    assert await watched.check() == [session]


async def test_uploads_that_commit_themselves_and_locked_rows_are_left_alone(
    fixture: Fixture,
) -> None:
    clock = Clock()
    watched = timer(fixture, clock)
    for values in ({"prevent_auto_commit": True}, {"source": "uploader"}, {"locked": True}):
        await receiving(fixture, **values)
        await watched.check()
        clock.now += 1000
        assert await watched.check() == []
        await receiving(fixture, prevent_auto_commit=False, source="", locked=False)


async def test_a_session_is_not_whole_while_the_helper_is_at_something_of_it(
    fixture: Fixture,
) -> None:
    session = await receiving(fixture)
    async with fixture.context.prearchive_db.write() as transaction:
        for id, waits, of in (("a", True, session), ("b", True, "pre_other"), ("c", False, "")):
            staged = HeldRow(
                id=id, transfer="t", at=datetime.now(UTC), reason="", size=1, waits=waits
            )
            staged.session = of
            transaction.add(staged)
    clock = Clock()
    watched = timer(fixture, clock)
    for _ in range(3):
        clock.now += 20
        assert await watched.check() == []
    async with fixture.context.prearchive_db.write() as transaction:
        await transaction.delete(await transaction.get_one(HeldRow, "a"))
    # The wait begins with the object that has joined it last.
    assert await watched.check() == []
    clock.now += 10
    assert await watched.check() == [session]


async def test_an_object_that_comes_between_looking_and_queueing_wins(fixture: Fixture) -> None:
    session = await receiving(fixture)
    clock = Clock()
    watched = timer(fixture, clock)
    await watched.check()
    clock.now += 10
    due = watched._receiving

    async def looked() -> list[tuple[str, tuple[int, str], str | None]]:
        found = await due()
        fixture.publish(await fixture.claim(), "2.dcm")
        await fixture.context.ingester.ingest()
        return found

    watched._receiving = looked  # type: ignore[method-assign]
    assert await watched.check() == []
    assert (await fixture.there(session)).status == Status.RECEIVING
