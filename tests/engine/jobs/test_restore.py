# SPDX-License-Identifier: Apache-2.0
"""Deleted sessions that are put back: whole, counted once, and whatever happens on the way."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.intake.claims import Known
from engine.jobs.restore import RestoreJob, put_back
from engine.jobs.trash import listed
from engine.model.accounts import Place
from engine.model.errors import Conflict, NotFound
from engine.model.people import operator
from engine.model.states import Status, Verb
from engine.prearchive.rows import folder_of
from engine.prearchive.tables import OutboxRow, ReceiptRow, SessionRow
from engine.service.configuration import Configuration
from engine.service.event_buffer import EventBuffer
from engine.service.prearchive import Prearchive
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import files, ready
from tests.engine.jobs.test_build import build, counted
from tests.engine.jobs.test_delete import delete
from tests.engine.jobs.test_move import place
from tests.engine.jobs.test_reconcile import Killed, reconcile

CHANGES = {"attempt", "lastmod", "asked_by"}
"""What a row does not have again: it is another attempt, at another time, of another person."""


async def restore(fixture: Fixture, session: str) -> str:
    """Put a session back and run the job; give why it failed."""
    job = await put_back(fixture.context, session, actor="test")
    return await run(fixture, job)


async def run(fixture: Fixture, job: str) -> str:
    """Run a restore job."""
    session, verb, attempt = job.split(":")
    assert verb == Verb.RESTORE
    return await fixture.run(RestoreJob(fixture.context).work(), session, int(attempt))


async def values(fixture: Fixture, session: str) -> dict[str, object]:
    """Return the values of a row."""
    row = await fixture.there(session)
    return {
        column.key: getattr(row, column.key)
        for column in SessionRow.__table__.columns
        if column.key not in CHANGES
    }


async def index(fixture: Fixture, session: str) -> set[tuple[object, ...]]:
    """Return the values of the index of a session."""
    return {
        (each.received_sop_uid, each.digest, file, each.sop_uid, each.size, each.transfer)
        for file, each in (await fixture.index(session)).items()
    }


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files of a session but its log, with its document."""
    paths = [path for path in folder.parent.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder.parent).as_posix(): path.read_bytes()
        for path in paths
        if path.parent.name != "logs"
    }


async def receipts(fixture: Fixture) -> int:
    """Count the receipts."""
    async with fixture.context.prearchive_db.read() as transaction:
        return len((await transaction.execute(select(ReceiptRow.sop))).all())


async def test_a_restored_session_is_what_it_was(either: Fixture) -> None:
    session = await ready(either)
    folder = await place(either, session)
    async with either.context.prearchive_db.write() as transaction:
        kept = await transaction.get_one(SessionRow, session)
        kept.cut_short, kept.routed = "connection lost", '{"session": "E1"}'
        kept.looked, kept.looked_by = kept.uploaded, "me"
    row, entries, lying = (
        await values(either, session),
        await index(either, session),
        contents(folder),
    )
    attempt = (await either.there(session)).attempt

    assert await delete(either, session) == ""
    assert await receipts(either) == 2
    assert await restore(either, session) == ""

    assert await place(either, session) == folder
    assert await values(either, session) == row
    assert await index(either, session) == entries
    assert contents(folder) == lying
    assert await receipts(either) == 0
    assert (await either.there(session)).attempt > attempt
    assert list(either.context.prearchive.glob(".trash/*")) == []
    async with either.context.prearchive_db.read() as transaction:
        found = select(OutboxRow).where(OutboxRow.action == "Restored from trash")
        (event,) = (await transaction.execute(found)).scalars()
    assert (event.actor, event.object, event.detail) == ("test", session, {"objects": 2})


async def test_objects_that_come_again_meet_those_that_came_back(either: Fixture) -> None:
    session = await ready(either)
    entries = await either.index(session)
    assert await delete(either, session) == ""
    assert await restore(either, session) == ""
    again = await either.claim()
    assert again.session == session
    for file, entry in entries.items():
        known = await either.desk.known(session, file)
        assert known == (Known(received_sop=entry.received_sop_uid, digest=entry.digest),)
    # The record of a copy that a worker published under another name.
    either.publish(again, "1.dcm", scan="9-strange")
    await either.context.ingester.ingest()
    assert await counted(either) == {Place.WAITING: 2, Place.DUPLICATE: 1}


async def test_it_can_be_deleted_and_restored_again_and_again(either: Fixture) -> None:
    session = await ready(either)
    for _ in range(2):
        assert await delete(either, session) == ""
        assert await counted(either) == {Place.DELETED: 2}
        assert await restore(either, session) == ""
        assert await counted(either) == {Place.WAITING: 2}
    # Otherwise a job would be taken for one that has ended.
    assert len(set(either.jobs.queued)) == len(either.jobs.queued) == 2


async def test_a_conflict_comes_back_as_one_and_what_cannot_be_read_with_its_reason(
    fixture: Fixture,
) -> None:
    claim = await fixture.claim("E1")
    fixture.publish(claim, "1.dcm", sop="1.2.3.4.9.1")
    other = fixture.publish(claim, "2.dcm", sop="1.2.3.4.9.1", recorded=False)
    path = Path(claim.folder) / other.file
    path.write_bytes(path.read_bytes()[:-2] + b"\x01\x07")
    fixture.record(claim, other.file, path)
    assert await build(fixture, claim.session) == ""
    broken = await fixture.claim("E2")
    fixture.publish(broken, "1.dcm")
    (Path(broken.folder) / "SCANS/1/DICOM/1.dcm").write_bytes(b"no object")
    assert await build(fixture, broken.session)
    for session, status in ((claim.session, Status.CONFLICT), (broken.session, Status.ERROR)):
        before = await fixture.there(session)
        assert (before.status, bool(before.reason)) == (status, True)
        assert await delete(fixture, session) == ""
        assert await restore(fixture, session) == ""
        row = await fixture.there(session)
        assert (row.status, row.reason, row.locked) == (status, before.reason, False)
        assert (folder_of(row, fixture.context.prearchive) / "SCANS").is_dir()


async def test_a_session_that_takes_its_objects_meanwhile_goes_on_taking_them(
    either: Fixture,
) -> None:
    session = await ready(either)
    assert await delete(either, session) == ""
    other = await either.claim()
    either.publish(other, "1.dcm")
    await either.context.ingester.ingest()
    assert await restore(either, session) == ""
    row = await either.there(session)
    assert (row.status, row.accepting) == (Status.READY, False)
    assert (await either.claim()).session == other.session
    assert await counted(either) == {Place.WAITING: 3}


async def test_a_record_that_came_while_it_was_deleted_names_its_sender(either: Fixture) -> None:
    claim = await either.claim()
    either.publish(claim, "1.dcm")
    late = [either.publish(claim, f"{name}.dcm", recorded=False) for name in "23"]
    await either.context.ingester.ingest()
    assert await delete(either, claim.session) == ""
    either.journal.append(late[0], sync=False)
    await either.context.ingester.ingest()
    assert await restore(either, claim.session) == ""
    entries = await either.index(claim.session)
    assert {
        Path(file).name: (entry.transfer, entry.recovered) for file, entry in entries.items()
    } == {"1.dcm": ("tr_1", False), "2.dcm": ("tr_1", False), "3.dcm": ("", True)}
    either.journal.append(late[1], sync=False)
    either.journal.append(late[0], sync=False)
    await either.context.ingester.ingest()
    assert await counted(either) == {Place.WAITING: 3, Place.DUPLICATE: 1}


STEPS = (
    "owned",
    "out of the trash",
    "brought",
    "folder renamed",
    "build recorded",
    "folder given back",
)


@pytest.mark.parametrize("point", STEPS)
async def test_a_job_that_is_killed_goes_on_where_it_was(fixture: Fixture, point: str) -> None:
    session, job = await killed_at(fixture, point)
    fixture.jobs.running = {job}
    await reconcile(fixture)
    assert await run(fixture, job) == ""
    await place(fixture, session)
    assert (await fixture.there(session)).status == Status.READY
    assert list(fixture.context.prearchive.glob(".trash/*")) == []


@pytest.mark.parametrize("point", ["row is back", *STEPS])
async def test_a_job_that_does_not_go_on_leaves_the_session_in_its_place(
    fixture: Fixture, point: str
) -> None:
    session, _ = await killed_at(fixture, point)
    assert (await reconcile(fixture)).given_back == 1
    await place(fixture, session)
    assert (await fixture.there(session)).status == Status.ERROR
    assert list(fixture.context.prearchive.glob(".trash/*")) == []
    assert (await reconcile(fixture)).total == 0
    assert await delete(fixture, session) == ""


@pytest.mark.parametrize("point", STEPS)
async def test_a_step_that_fails_leaves_the_session_in_its_place(
    fixture: Fixture, point: str
) -> None:
    session = await ready(fixture)
    assert await delete(fixture, session) == ""
    fixture.hook.faults[point] = OSError(5, "no")
    assert await restore(fixture, session) == "OSError"
    await place(fixture, session)
    assert (await fixture.there(session)).status == Status.ERROR
    assert await build(fixture, session) == ""
    assert await delete(fixture, session) == ""
    assert await restore(fixture, session) == ""


async def killed_at(fixture: Fixture, point: str) -> tuple[str, str]:
    """Delete a session, and restore it until the engine is killed; return it and its job."""
    session = await ready(fixture)
    assert await delete(fixture, session) == ""

    def kill(reached: str) -> None:
        if reached == point:
            raise Killed

    fixture.hook.look = kill
    with pytest.raises(Killed):
        await restore(fixture, session)
    fixture.hook.look = lambda _: None
    return session, fixture.jobs.queued[-1]


async def refused(fixture: Fixture, session: str, kind: type[Exception], match: str) -> None:
    """Ask for a restore that must change nothing."""
    before = await counted(fixture)
    with pytest.raises(kind, match=match):
        await put_back(fixture.context, session, actor="test")
    assert await counted(fixture) == before


async def test_what_cannot_be_put_back_is_refused_with_the_reason(either: Fixture) -> None:
    for stranger in ("pre_aaaaaaaa", "../P", "", "pre_aaaaaaa/"):
        await refused(either, stranger, NotFound, "not in the trash")
    session = await ready(either)
    await refused(either, session, Conflict, "is in the prearchive")
    assert await delete(either, session) == ""
    job = await put_back(either.context, session, actor="test")
    await refused(either, session, Conflict, "being restored already")
    # Nor may it be reset: its files are not in their place.
    settings = Configuration(either.context.settings, either.context.archive_db)
    sessions = Prearchive(either.context, EventBuffer(), settings, operator("root"))
    (reset,) = await sessions.reset((session,))
    assert (reset.done, "being restored" in reset.message) == (False, True)
    assert await run(either, job) == ""
    await refused(either, session, Conflict, "is in the prearchive")
    assert await receipts(either) == 0


async def test_of_two_who_put_a_session_back_at_once_one_is_refused(either: Fixture) -> None:
    session = await ready(either)
    assert await delete(either, session) == ""
    asked = [put_back(either.context, session, actor="test") for _ in range(2)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    (refusal,) = [each for each in answers if not isinstance(each, str)]
    assert isinstance(refusal, Conflict)
    (job,) = either.jobs.queued
    assert await run(either, job) == ""
    await place(either, session)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("session.json", None),
        ("session.json", "{"),
        ("session.json", '{"id": "pre_aaaaaaaa"}'),
        ("index.json", None),
        ("index.json", '[["1.2"]]'),
    ],
)
async def test_damaged_trash_is_neither_listed_nor_put_back(
    fixture: Fixture, file: str, text: str | None
) -> None:
    session = await ready(fixture)
    assert await delete(fixture, session) == ""
    path = fixture.context.prearchive / ".trash" / session / file
    path.unlink() if text is None else path.write_text(text)
    if text is None or file == "session.json":
        assert await listed(fixture.context) == ()
    await refused(fixture, session, Conflict, "missing or damaged")
    assert await fixture.row(session) is None


async def test_a_card_beside_the_files_of_another_session_puts_nothing_back(
    fixture: Fixture,
) -> None:
    session = await ready(fixture)
    assert await delete(fixture, session) == ""
    trash = fixture.context.prearchive / ".trash"
    (trash / session).rename(trash / "pre_aaaaaaaa")
    await refused(fixture, "pre_aaaaaaaa", Conflict, "does not match")


async def test_an_index_that_the_accounts_do_not_know_puts_nothing_back(either: Fixture) -> None:
    session = await ready(either)
    assert await delete(either, session) == ""
    (either.context.prearchive / ".trash" / session / "index.json").write_text("[]")
    await refused(either, session, Conflict, "accounts know 2 objects")
    assert (await either.row(session), await receipts(either)) == (None, 2)


async def test_a_place_that_is_taken_is_left_to_who_stands_there(fixture: Fixture) -> None:
    session = await ready(fixture)
    folder = await place(fixture, session)
    assert await delete(fixture, session) == ""
    folder.mkdir(parents=True)
    await refused(fixture, session, Conflict, "another session is at")
    shutil.rmtree(folder.parent)
    assert await restore(fixture, session) == ""
    assert files(folder) == ["1.dcm", "2.dcm"]
