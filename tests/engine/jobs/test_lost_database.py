# SPDX-License-Identifier: Apache-2.0
"""A prearchive whose database was lost: what journals, folders, undo records, the archive and the
audit trail tell is enough for every object to count once, under the id that its session had."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

from sqlalchemy import select

from engine.archive.audit.relay import Relay
from engine.database.columns import PrearchiveTable
from engine.intake.journal import Outcome, Record
from engine.intake.originals import Original, Originals
from engine.jobs import held, trash
from engine.jobs.lost_database import MISSING, LostDatabase
from engine.model.accounts import Place
from engine.model.states import Status
from engine.prearchive.tables import HeldRow, SessionRow
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import archive, ready
from tests.engine.jobs.test_build import build, counted
from tests.engine.jobs.test_delete import delete
from tests.engine.jobs.test_reconcile import reconcile


async def lose(fixture: Fixture) -> None:
    """Let the archive's database know what has happened, and empty that of the prearchive."""
    await Relay(fixture.context.archive_db, fixture.context.prearchive_db).drain()
    async with fixture.context.prearchive_db.write() as transaction:
        for table in reversed(PrearchiveTable.metadata.sorted_tables):
            await transaction.execute(table.delete())


async def start(fixture: Fixture) -> int:
    """Do what an engine does when it starts; return how many sessions the journals named."""
    lost = LostDatabase(fixture.context)
    found = await lost.adopt()
    await fixture.context.ingester.register(fixture.journal.path.name)
    await fixture.context.ingester.ingest()
    await lost.settle()
    await reconcile(fixture)
    return found


async def rows(fixture: Fixture) -> dict[str, SessionRow]:
    """Return all rows by their ids."""
    async with fixture.context.prearchive_db.read() as transaction:
        return {row.id: row for row in (await transaction.execute(select(SessionRow))).scalars()}


async def built(fixture: Fixture, label: str, *, project: str = "P", name: str = "") -> str:
    """Make a session of two objects that is READY, its files named by its label if not said."""
    claim = await fixture.claim(label, project, f"1.2.1{label[1:]}")
    for number in (1, 2):
        fixture.publish(claim, f"{name or label}-{number}.dcm", sop=f"1.2.1{label[1:]}.{number}")
    assert await build(fixture, claim.session) == ""
    return claim.session


def staged(fixture: Fixture, name: str, outcome: Outcome, *, session: str = "") -> Path:
    """Put an object into staging, with its record."""
    path = held.held_file(fixture.context.prearchive, name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    fixture.journal.append(
        Record(
            at=time.time_ns(),
            transfer="tr_1",
            outcome=outcome,
            session=session,
            file=name,
            received_sop=f"1.2.{name}",
            size=1,
        ),
        sync=False,
    )
    return path


async def test_where_each_session_has_gone_is_known(either: Fixture) -> None:
    kept, filed, binned, gone, away = [
        await built(either, label) for label in ("E1", "E2", "E3", "E4", "E5")
    ]
    assert await archive(either, filed) == ""
    for session in (binned, gone):
        assert await delete(either, session) == ""
    await trash.remove(either.context, gone, actor="ada")
    shutil.rmtree(either.context.prearchive / "P" / (await either.there(away)).timestamp / "E5")
    await lose(either)
    assert await start(either) == 5
    there = await rows(either)
    assert there.keys() == {kept, away}
    assert (there[kept].status, there[kept].project, there[kept].reason) == ("RECEIVING", "P", "")
    assert (there[away].status, there[away].project, there[away].reason) == ("ERROR", None, MISSING)
    assert await counted(either) == {Place.WAITING: 4, Place.ARCHIVED: 2, Place.DELETED: 4}
    assert await start(either) == 0
    assert await counted(either) == {Place.WAITING: 4, Place.ARCHIVED: 2, Place.DELETED: 4}


async def test_what_was_filed_and_came_again_is_two_sessions(either: Fixture) -> None:
    await either.project("Q")
    for again in range(4):
        # Whichever of the two has the smaller id.
        filed = await built(either, f"E{again}", name=f"N{again}")
        assert await archive(either, filed) == ""
        await built(either, f"E{again}", project="Q", name=f"N{again}")
    there = (await rows(either)).keys()
    await lose(either)
    assert await start(either) == 8
    assert (await rows(either)).keys() == there
    assert await counted(either) == {Place.WAITING: 8, Place.ARCHIVED: 8}


async def test_a_start_that_is_cut_off_is_taken_up_by_the_next(either: Fixture) -> None:
    kept, filed = [await built(either, label) for label in ("E1", "E2")]
    assert await archive(either, filed) == ""
    await lose(either)
    # The end comes before the journals are taken in, and another time after it.
    assert await LostDatabase(either.context).adopt() == 2
    lost = LostDatabase(either.context)
    assert await lost.adopt() == 0
    await either.context.ingester.register(either.journal.path.name)
    await either.context.ingester.ingest()
    await start(either)
    assert (await rows(either)).keys() == {kept}
    assert await counted(either) == {Place.WAITING: 2, Place.ARCHIVED: 2}


async def test_what_a_job_had_taken_away_is_given_back(either: Fixture) -> None:
    session = await ready(either)
    row = await either.there(session)
    await either.context.take_away(row)
    await lose(either)
    assert await start(either) == 1
    row = await either.there(session)
    assert (row.status, row.project, row.folder) == (Status.RECEIVING, None, "E1")
    assert (row.working_folder, row.objects) == ("", 2)
    folder = either.context.prearchive / row.timestamp / "E1"
    assert len(list(folder.glob("SCANS/1/DICOM/*.dcm"))) == 2
    assert await counted(either) == {Place.WAITING: 2}


async def test_objects_that_have_left_staging_wait_there_no_more(either: Fixture) -> None:
    filed = await ready(either)
    staged(either, "held.dcm", Outcome.HELD)
    dropped = staged(either, "dropped.dcm", Outcome.HELD)
    released = staged(either, "released.dcm", Outcome.HELD)
    joined = staged(either, "joined.dcm", Outcome.STAGED, session=filed)
    await either.context.ingester.ingest()
    assert await held.drop(either.context, dropped.name, actor="ada")
    # What has joined a session is found there, or has left with it.
    for path in (dropped, released, joined):
        await asyncio.to_thread(path.unlink)
    assert await archive(either, filed) == ""
    await lose(either)
    await start(either)
    async with either.context.prearchive_db.read() as transaction:
        waiting = (await transaction.execute(select(HeldRow.id))).scalars().all()
    assert waiting == ["held.dcm"]
    assert await counted(either) == {Place.HELD: 1, Place.DELETED: 1, Place.ARCHIVED: 3}


async def test_sessions_without_journals_are_known_by_their_undo_records(fixture: Fixture) -> None:
    one, other = [await built(fixture, label) for label in ("E1", "E2")]
    (first, _) = (await fixture.index(one)).values()
    originals = Originals(fixture.context.prearchive)
    kept = Original(received_sop="1.2.999", digest="ab" * 32, sop=first.sop_uid, undo=())
    assert originals.append(one, "w1", kept)
    await lose(fixture)
    fixture.journal.path.unlink()
    await reconcile(fixture)
    there = await rows(fixture)
    assert one in there and other not in there
    assert (there[one].label, there[one].objects) == ("E1", 2)
    assert originals.find(one, "1.2.999", "ab" * 32) is not None
    entries = (await fixture.index(one)).values()
    assert ("1.2.999", "ab" * 32) in {(each.received_sop_uid, each.digest) for each in entries}
