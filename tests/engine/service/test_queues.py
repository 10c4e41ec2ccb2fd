# SPDX-License-Identifier: Apache-2.0
"""What waits for whom, against goals; and what a month came to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy import select, update

from engine.archive import people
from engine.archive.tables import ArchivedSessionRow
from engine.jobs import forgetting
from engine.jobs.delete import DeleteJob
from engine.jobs.restore import RestoreJob, put_back
from engine.model.errors import InvalidInput
from engine.model.filters import parse_filter
from engine.model.health import Finding
from engine.model.people import EVERYTHING, Actor, Permission, Role, operator
from engine.model.prearchive import PREARCHIVE_FIELDS, PrearchiveQuery
from engine.model.queues import MonthLine, QueueKind
from engine.model.states import Status, Verb
from engine.prearchive.desk_tables import DepartureRow
from engine.prearchive.tables import HeldRow, SessionRow
from engine.service.desk import ReviewDesk
from engine.service.event_buffer import EventBuffer
from engine.service.pace import Pace
from engine.service.prearchive import Prearchive
from engine.service.presence import Presence
from engine.service.queues import Queues
from tests.engine.jobs.conftest import either, fixture  # noqa: F401 (fixtures)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import archive, ready


def desk(made: Fixture, actor: Actor | None = None) -> ReviewDesk:
    return ReviewDesk(
        made.context,
        EventBuffer(),
        Pace(9, 600.0),
        Presence(EventBuffer()),
        cast("Any", None),
        actor or operator("mk"),
    )


async def aged(made: Fixture, session: str, hours: float, **changes: Any) -> None:
    """Let the last object of a session have come some time ago."""
    then = datetime.now(UTC) - timedelta(hours=hours)
    async with made.context.prearchive_db.write() as transaction:
        await transaction.execute(
            update(SessionRow)
            .where(SessionRow.id == session)
            .values(last_object=then, uploaded=then, **changes)
        )


def with_goal(made: Fixture, site: int, project: int = 0) -> None:
    in_force = made.context.in_force
    in_force.now = in_force.now.override({"projects.review_hours": site})
    if project:
        in_force.projects = {"P": cast("Any", type("Own", (), {"review_hours": project}))}


async def test_each_thing_waits_in_one_queue_for_whom_it_is(
    either: Fixture,  # noqa: F811
) -> None:
    given, plain = await ready(either), await ready(either, "E2", study="1.2.3.20")
    seen, late = [await ready(either, f"E{n}", study=f"1.2.3.2{n}") for n in (3, 4)]
    clash, wrong = [await ready(either, f"E{n}", study=f"1.2.3.2{n}") for n in (5, 6)]
    astray = (await either.claim("U", project=cast("str", None), study="1.2.3.27")).session
    coming = (await either.claim("E8", study="1.2.3.28")).session
    await desk(either).review((seen,))
    for id, changes in (
        (given, {}),
        (plain, {}),
        (seen, {}),
        (late, {"belongs_to": "A_1"}),
        (clash, {"status": Status.CONFLICT.value}),
        (wrong, {"status": Status.ERROR.value}),
        (astray, {"status": Status.READY.value}),
        (coming, {}),
    ):
        await aged(either, id, 50, **changes)
    await aged(either, plain, 1)
    async with either.context.archive_db.write() as transaction:
        await people.add(transaction, "ada", people.Changes(), actor="test")
        await people.grant(transaction, "ada", Role.REVIEWER, "P", actor="test")
    await desk(either).assign((given,), "ada")
    async with either.context.prearchive_db.write() as transaction:
        at = datetime.now(UTC) - timedelta(hours=60)
        transaction.add(HeldRow(id="h1", transfer="tr_1", at=at, reason="x", size=1))
    with_goal(either, 40, project=2)
    found = await desk(either).queues()
    assert [
        (one.kind.value, one.project, one.person, one.waiting, one.overdue) for one in found
    ] == [
        ("unassigned", "", "", 1, 1),
        ("held", "", "", 1, 1),
        ("conflict", "P", "", 1, 1),
        ("error", "P", "", 1, 1),
        ("late", "P", "", 1, 1),
        ("review", "P", "", 1, 0),
        ("review", "P", "ada", 1, 1),
        ("archive", "P", "", 1, 1),
    ]
    assert {one.project: one.goal_hours for one in found} == {"": 40, "P": 2}
    # Of other projects nothing is told, and nothing of what belongs to none.
    reviewer = Actor(name="ada", roles={"P": frozenset({Role.REVIEWER})})
    assert {one.project for one in await desk(either, reviewer).queues()} == {"P"}
    nobody = Actor(name="eve", roles={"Q": frozenset({Role.OWNER})})
    assert await desk(either, nobody).queues() == ()


async def test_what_is_overdue_is_found_and_marked(fixture: Fixture) -> None:  # noqa: F811
    old, young = await ready(fixture), await ready(fixture, "E2", study="1.2.3.20")
    await aged(fixture, old, 5)
    prearchive = Prearchive(fixture.context, EventBuffer(), cast("Any", None), operator("mk"))
    assert (await prearchive.show(old)).due is None
    check = await Queues(fixture.context).check()
    assert (check.finding, check.found) == (Finding.GOOD, "2 things wait, none for too long")
    with_goal(fixture, 4)
    due = (await prearchive.show(old)).due
    assert due is not None and due < datetime.now(UTC)
    for where, ids in (("overdue:yes", [old]), ("overdue:no", [young])):
        query = PrearchiveQuery(where=parse_filter(where, PREARCHIVE_FIELDS).conditions)
        page = await prearchive.list(query)
        assert [row.id for row in page.rows] == ids
        assert page.rows[0].due is not None
    check = await Queues(fixture.context).check()
    assert check.finding is Finding.LOOK
    assert (
        check.found.startswith("1 thing waits for longer than the goal")
        and "(review in P)" in check.found
    )
    assert check.remedy == ("see what waits for whom: anteroom queue",)


async def test_quarantine_waits_as_well(fixture: Fixture) -> None:  # noqa: F811
    session = await ready(fixture)
    assert await archive(fixture, session) == ""
    then = datetime.now(UTC) - timedelta(hours=9)
    async with fixture.context.archive_db.write() as transaction:
        await transaction.execute(
            update(ArchivedSessionRow).values(status="quarantine", status_at=then)
        )
    with_goal(fixture, 8)
    (found,) = await Queues(fixture.context).waiting(EVERYTHING)
    assert (found.kind, found.waiting, found.overdue) == (QueueKind.QUARANTINE, 1, 1)
    scope = Actor(name="eve", roles={"Q": frozenset({Role.OWNER})}).scope(Permission.WATCH)
    assert await Queues(fixture.context).waiting(scope) == ()


async def test_a_month_is_told_by_project(either: Fixture) -> None:  # noqa: F811
    ids = [await ready(either, f"E{n}", study=f"1.2.3.3{n}") for n in range(5)]
    for id, hours in zip(ids, (10, 20, 30, 1, 1), strict=True):
        await aged(either, id, hours)
    await desk(either).review(tuple(ids[:2]))
    for id in ids[:3]:
        assert await archive(either, id) == ""
    async with either.context.archive_db.read() as transaction:
        rows = list(await transaction.scalars(select(ArchivedSessionRow)))
    assert [row.reviewed_by for row in sorted(rows, key=lambda row: row.label)] == ["mk", "mk", ""]
    attempt = await either.ask(ids[3], Verb.DELETE)
    assert await either.run(DeleteJob(either.context).work(), ids[3], attempt) == ""
    now = datetime.now(UTC)
    wide = "engine.service.queues.read_period"
    period = type(
        "Ever",
        (),
        {
            "begins": staticmethod(lambda: now - timedelta(days=40)),
            "ends": staticmethod(lambda: now + timedelta(days=1)),
        },
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wide, lambda _: period)
        (line,) = await desk(either).report("2026-11")
        assert line == MonthLine(
            month="2026-11",
            project="P",
            received=5,
            reviewed=2,
            archived=3,
            rejected=1,
            waiting=1,
            median_hours=line.median_hours,
            p90_hours=line.p90_hours,
        )
        assert round(line.median_hours or 0) == 20 and round(line.p90_hours or 0) == 28
        # What is put back was not rejected.
        job = await put_back(either.context, ids[3], actor="mk")
        attempt = int(job.rpartition(":")[2])
        assert await either.run(RestoreJob(either.context).work(), ids[3], attempt) == ""
        (line,) = await desk(either).report("2026-11")
        assert (line.rejected, line.waiting) == (0, 2)
        nobody = Actor(name="eve", roles={"Q": frozenset({Role.OWNER})})
        assert await desk(either, nobody).report("2026-11") == ()
    assert await desk(either).report("2001-01") == ()
    for wrong in ("2026", "2026-13", "november"):
        with pytest.raises(InvalidInput):
            await desk(either).report(wrong)


async def test_departures_are_forgotten_when_they_are_old(fixture: Fixture) -> None:  # noqa: F811
    session = await ready(fixture)
    assert await archive(fixture, session) == ""
    later = datetime.now(UTC) + timedelta(days=900)
    assert (await forgetting.forget(fixture.context, now=later)).departures == 1
    async with fixture.context.prearchive_db.read() as transaction:
        assert await transaction.get(DepartureRow, session) is None
