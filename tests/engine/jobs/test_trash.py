"""The prearchive's trash keeps deleted sessions for as long as the settings say, and no longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from engine.archive.prearchive.tables import OutboxRow
from engine.jobs.trash import expire
from tests.engine.jobs.shop import Fixture
from tests.engine.jobs.test_archive import ready
from tests.engine.jobs.test_delete import delete


async def test_what_was_deleted_stays_for_its_time_and_goes_with_an_event(
    fixture: Fixture,
) -> None:
    session = await ready(fixture)
    trash = fixture.shop.prearchive / ".trash"
    assert await expire(fixture.shop, now=datetime.now(UTC)) == ()
    assert await delete(fixture, session) == ""
    days = timedelta(days=fixture.shop.settings.trash.prearchive_days)

    assert await expire(fixture.shop, now=datetime.now(UTC) + days - timedelta(hours=1)) == ()
    assert (trash / session).is_dir()
    later = datetime.now(UTC) + days + timedelta(hours=1)
    assert await expire(fixture.shop, now=later) == (session,)
    assert list(trash.iterdir()) == []
    async with fixture.shop.prearchive_db.read() as transaction:
        found = select(OutboxRow.object).where(OutboxRow.action == "Removed from the trash")
        assert list((await transaction.execute(found)).scalars()) == [session]


async def test_a_deletion_under_way_keeps_its_files(fixture: Fixture) -> None:
    session = await ready(fixture)
    half_deleted = fixture.shop.prearchive / ".trash" / session
    half_deleted.mkdir(parents=True)
    (half_deleted / "session.json").write_text("{}")
    assert await expire(fixture.shop, now=datetime.now(UTC) + timedelta(days=40_000)) == ()
    assert half_deleted.is_dir()
