# SPDX-License-Identifier: Apache-2.0
"""The prearchive's trash keeps deleted sessions for as long as the settings say, and no longer."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import make_transient

from engine.jobs.restore import put_back
from engine.jobs.trash import expire, listed, remove, take_turn
from engine.model.contents import Tombstone
from engine.model.errors import Conflict, NotFound
from engine.model.people import EVERYTHING, Scope
from engine.prearchive import tombstones
from engine.prearchive.tables import OutboxRow
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import ready
from tests.engine.jobs.test_delete import delete
from tests.engine.jobs.test_move import place
from tests.engine.jobs.test_reconcile import Killed
from tests.engine.jobs.test_restore import run

FAR = datetime.now(UTC) + timedelta(days=40_000)


async def test_what_was_deleted_stays_for_its_time_and_goes_with_an_event(
    fixture: Fixture,
) -> None:
    session = await ready(fixture)
    trash = fixture.context.prearchive / ".trash"
    assert await expire(fixture.context, now=datetime.now(UTC)) == ()
    assert await delete(fixture, session) == ""
    days = timedelta(days=fixture.context.settings.trash.prearchive_days)

    assert await expire(fixture.context, now=datetime.now(UTC) + days - timedelta(hours=1)) == ()
    assert (trash / session).is_dir()
    later = datetime.now(UTC) + days + timedelta(hours=1)
    assert await expire(fixture.context, now=later) == (session,)
    assert list(trash.iterdir()) == []
    async with fixture.context.prearchive_db.read() as transaction:
        found = select(OutboxRow.object).where(OutboxRow.action == "Removed from the trash")
        assert list((await transaction.execute(found)).scalars()) == [session]


async def test_what_a_person_removes_goes_at_once_with_an_event(fixture: Fixture) -> None:
    session = await ready(fixture)
    with pytest.raises(NotFound):
        await remove(fixture.context, session, actor="ada")
    assert await delete(fixture, session) == ""
    await remove(fixture.context, session, actor="ada", reason="the disk is full")
    assert list((fixture.context.prearchive / ".trash").iterdir()) == []
    async with fixture.context.prearchive_db.read() as transaction:
        found = select(OutboxRow).where(OutboxRow.action == "Removed from the trash")
        (event,) = (await transaction.execute(found)).scalars()
    assert (event.actor, event.object) == ("ada", session)
    assert event.detail == {"reason": "the disk is full"}
    with pytest.raises(NotFound):
        await put_back(fixture.context, session, actor="ada")


async def gone(fixture: Fixture, scope: Scope = EVERYTHING) -> tuple[Tombstone, ...]:
    async with fixture.context.prearchive_db.read() as transaction:
        return await tombstones.listed(transaction, scope, offset=0, limit=10)


async def test_of_what_is_gone_for_good_it_stays_known_who_removed_it_and_nothing_of_a_patient(
    either: Fixture,
) -> None:
    removed, expired = await ready(either), await ready(either, "E2", study="1.2.3.9")
    for session in (removed, expired):
        assert await delete(either, session) == ""
    (card,) = [one for one in await listed(either.context) if one.id == removed]
    assert await gone(either) == ()
    await remove(either.context, removed, actor="ada", reason="the disk is full")
    assert await expire(either.context, now=FAR) == (expired,)
    by_age, by_hand = await gone(either)
    assert (by_age.id, by_age.gone_by, by_age.reason) == (expired, "engine", "")
    assert by_hand == Tombstone(
        id=removed,
        project=card.project,
        objects=card.objects,
        bytes=card.bytes,
        deleted=card.deleted,
        by=card.by,
        gone=by_hand.gone,
        gone_by="ada",
        reason="the disk is full",
    )
    assert by_hand.project == "P" and by_hand.objects > 0 and by_hand.gone < by_age.gone
    assert await gone(either, Scope(projects=frozenset({"Q"}), unassigned=False)) == ()
    assert len(await gone(either, Scope(projects=frozenset({"P"}), unassigned=False))) == 2


async def test_what_a_crash_left_half_removed_is_told_once(fixture: Fixture) -> None:
    session = await ready(fixture)
    assert await delete(fixture, session) == ""

    def stop(point: str) -> None:
        if point == "condemned":
            raise Killed

    fixture.hook.look = stop
    with pytest.raises(Killed):
        await remove(fixture.context, session, actor="ada", reason="the disk is full")
    fixture.hook.look = lambda _: None
    (before,) = await gone(fixture)
    assert await expire(fixture.context, now=datetime.now(UTC)) == (session,)
    assert await gone(fixture) == (before,)
    assert before.gone_by == "ada" and before.objects > 0


async def test_what_is_coming_back_is_not_removed(fixture: Fixture) -> None:
    session = await ready(fixture)
    assert await delete(fixture, session) == ""
    job = await put_back(fixture.context, session, actor="test")
    with pytest.raises(Conflict, match="being moved"):
        await remove(fixture.context, session, actor="ada")
    assert await run(fixture, job) == ""


async def test_a_deletion_under_way_keeps_its_files(fixture: Fixture) -> None:
    session = await ready(fixture)
    half_deleted = fixture.context.prearchive / ".trash" / session
    half_deleted.mkdir(parents=True)
    (half_deleted / "session.json").write_text("{}")
    assert await expire(fixture.context, now=FAR) == ()
    assert half_deleted.is_dir()


async def test_a_session_that_comes_back_never_expires(either: Fixture) -> None:
    session = await ready(either)
    assert await delete(either, session) == ""
    job = await put_back(either.context, session, actor="test")
    assert await expire(either.context, now=FAR) == ()
    assert await listed(either.context) == ()
    assert await run(either, job) == ""
    await place(either, session)


async def test_what_goes_for_good_cannot_be_put_back_any_more(either: Fixture) -> None:
    session = await ready(either)
    assert await delete(either, session) == ""

    def stop(point: str) -> None:
        if point == "condemned":
            raise Killed

    either.hook.look = stop
    with pytest.raises(Killed):
        await expire(either.context, now=FAR)
    either.hook.look = lambda _: None
    assert await listed(either.context) == ()
    with pytest.raises(NotFound, match="not in the trash"):
        await put_back(either.context, session, actor="test")
    # What the kill has left goes with the next round, however young it is.
    assert await expire(either.context, now=datetime.now(UTC)) == (session,)
    assert list((either.context.prearchive / ".trash").iterdir()) == []


async def test_deleted_sessions_are_listed_newest_first_until_they_expire(
    fixture: Fixture,
) -> None:
    first, second = await ready(fixture, "E1"), await ready(fixture, "E2")
    for session in (second, first):
        assert await delete(fixture, session) == ""
    (fixture.context.prearchive / ".trash" / "pre_aaaaaaaa").mkdir()
    newest, oldest = await listed(fixture.context)
    assert (newest.id, newest.label, newest.project, newest.subject) == (first, "E1", "P", "S1")
    assert (newest.objects, newest.by) == (2, "test")
    assert (oldest.id, oldest.deleted < newest.deleted) == (second, True)
    # A copy of the store may have touched the files: what the cards say counts.
    os.utime(fixture.context.prearchive / ".trash" / second / "session.json", (0, 0))
    assert await expire(fixture.context, now=oldest.until) == ()
    moment = timedelta(microseconds=1)
    assert await expire(fixture.context, now=oldest.until + moment) == (second,)
    assert [each.id for each in await listed(fixture.context)] == [first]


async def test_a_card_that_cannot_be_read_expires_by_its_file(fixture: Fixture) -> None:
    session = await ready(fixture)
    assert await delete(fixture, session) == ""
    card = fixture.context.prearchive / ".trash" / session / "session.json"
    card.write_text("{")
    assert await expire(fixture.context, now=datetime.now(UTC)) == ()
    os.utime(card, (0, 0))
    assert await expire(fixture.context, now=datetime.now(UTC)) == (session,)


async def test_expiry_waits_for_a_restore_that_has_begun(either: Fixture) -> None:
    session = await ready(either)
    before = await either.there(session)
    assert await delete(either, session) == ""
    database = either.context.prearchive_db
    async with database.write() as transaction:
        await take_turn(transaction, session)
        expiry = asyncio.create_task(expire(either.context, now=FAR))
        # On SQLite it waits for the only writer, which is we.
        waits = database.is_sqlite
        while not waits and not expiry.done():
            found = await transaction.execute(text("SELECT 1 FROM pg_locks WHERE NOT granted"))
            waits = found.first() is not None
        make_transient(before)
        transaction.add(before)
    assert await expiry == ()
    assert (either.context.prearchive / ".trash" / session).is_dir()
