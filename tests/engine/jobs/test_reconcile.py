# SPDX-License-Identifier: Apache-2.0
"""Recovery: what a start finds after a crash, and what it makes of it."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.intake.journal import Outcome, Record
from engine.jobs.archive import ArchiveJob
from engine.jobs.held import Leaving, announce
from engine.jobs.reconcile import Reconciled, Reconciliation
from engine.model.accounts import Place
from engine.model.remotes import SendState
from engine.model.states import Status, Verb
from engine.prearchive import sends
from engine.prearchive.tables import HeldRow, OutboxRow, SendRow, SessionRow
from tests.engine.jobs.fixture import STUDY, Fixture
from tests.engine.jobs.test_archive import archive, filed, files, ready
from tests.engine.jobs.test_build import build, counted, objects


async def reconcile(fixture: Fixture, *, alone: bool = True) -> Reconciled:
    """Do what an engine does when it starts."""
    reconciliation = Reconciliation(fixture.context, alone=alone)
    await reconciliation.files()
    return await reconciliation.jobs()


async def rows(fixture: Fixture) -> list[SessionRow]:
    """Return all rows."""
    async with fixture.context.prearchive_db.read() as transaction:
        return list((await transaction.execute(select(SessionRow))).scalars())


class Killed(BaseException):
    """The end of a process: no step hears of it."""


async def killed_at(fixture: Fixture, point: str, session: str) -> None:
    """Run the archiving of a session until it is killed."""

    def kill(reached: str) -> None:
        if reached == point:
            raise Killed

    attempt = await fixture.ask(session, Verb.ARCHIVE)
    fixture.hook.look = kill
    with pytest.raises(Killed):
        await fixture.run(ArchiveJob(fixture.context).work(), session, attempt)
    fixture.hook.look = lambda _: None


async def test_after_a_clean_stop_there_is_nothing_to_do(fixture: Fixture) -> None:
    await ready(fixture)
    done = await reconcile(fixture)
    assert done.total == 0
    (row,) = await rows(fixture)
    assert row.status == Status.READY


async def test_files_without_records_are_counted_and_their_session_is_built_again(
    fixture: Fixture,
) -> None:
    session = await ready(fixture)
    late = fixture.publish(await fixture.claim(), "3.dcm", recorded=False)
    assert (await reconcile(fixture)).objects == 1
    row = await fixture.there(session)
    assert (row.status, row.objects) == (Status.RECEIVING, 3)
    assert await counted(fixture) == {Place.WAITING: 3}
    # An orphan of the engine before may still write what it had published.
    fixture.journal.append(late, sync=False)
    await fixture.context.ingester.ingest()
    assert await counted(fixture) == {Place.WAITING: 3}
    assert (await reconcile(fixture)).objects == 0


async def test_what_a_power_loss_has_cut_off_goes_and_is_not_counted(fixture: Fixture) -> None:
    session = await ready(fixture)
    claim = await fixture.claim()
    fixture.publish(claim, "3.dcm", recorded=False)
    fixture.publish(claim, "4.dcm", recorded=False)
    unknown = fixture.context.prearchive / "P" / "20260102_030405006" / "alone"
    for path in (Path(claim.folder) / "SCANS/1/DICOM/4.dcm", unknown / "SCANS/1/DICOM/1.dcm"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((Path(claim.folder) / "SCANS/1/DICOM/3.dcm").read_bytes())
        os.setxattr(
            path, "user.anteroom.size", b"%d %d" % (path.stat().st_size, path.stat().st_ino)
        )
        os.truncate(path, path.stat().st_size // 2)
    done = await reconcile(fixture)
    assert (done.objects, done.rows_added) == (1, 0)
    assert (await fixture.there(session)).objects == 3
    assert not unknown.exists()


async def test_a_folder_that_no_row_names_gets_one_and_an_empty_one_goes(fixture: Fixture) -> None:
    claim = await fixture.claim()
    fixture.publish(claim, "1.dcm", recorded=False)
    folder = Path(claim.folder)
    unknown = folder.parent / "UNKNOWN"
    shutil.copytree(folder, unknown)
    empty = folder.parent / "EMPTY" / "SCANS"
    empty.mkdir(parents=True)
    done = await reconcile(fixture)
    assert (done.rows_added, done.objects) == (1, 2)
    assert not empty.parent.exists()
    (row,) = [row for row in await rows(fixture) if row.folder == "UNKNOWN"]
    assert (row.project, row.status, row.accepting) == ("P", Status.RECEIVING, False)
    assert (row.received_study_uid, row.objects) == (STUDY, 1)


async def test_unknown_folders_are_left_alone_while_another_node_lives(fixture: Fixture) -> None:
    claim = await fixture.claim()
    unknown = Path(claim.folder).with_name("UNKNOWN")
    shutil.copytree(claim.folder, unknown)
    assert (await reconcile(fixture, alone=False)).total == 0
    assert unknown.is_dir()


async def test_a_claim_without_any_object_goes_and_can_be_made_again(fixture: Fixture) -> None:
    claim = await fixture.claim()
    assert (await reconcile(fixture)).swept == 1
    assert await rows(fixture) == []
    again = await fixture.claim()
    assert again.session != claim.session
    assert [path.name for path in fixture.context.prearchive.glob("P/*")] == [
        Path(again.folder).parent.name
    ]


async def test_a_row_without_its_folder_says_so_and_takes_nothing_more(fixture: Fixture) -> None:
    session = await ready(fixture)
    shutil.rmtree((await fixture.claim()).folder)
    assert (await reconcile(fixture)).rows_without_folder == 1
    row = await fixture.there(session)
    assert (row.status, row.accepting) == (Status.ERROR, False)
    assert "missing" in row.reason


async def test_a_queued_row_without_a_job_goes_back_to_receiving(fixture: Fixture) -> None:
    session = await ready(fixture)
    await fixture.ask(session, Verb.ARCHIVE)
    assert (await reconcile(fixture)).given_back == 1
    assert (await fixture.there(session)).status == Status.RECEIVING


@pytest.mark.parametrize("point", ["taken away", "hidden folder made", "renamed into place"])
async def test_a_taken_row_whose_job_is_known_is_left_to_it(fixture: Fixture, point: str) -> None:
    session = await ready(fixture)
    await killed_at(fixture, point, session)
    fixture.jobs.running = {f"{session}:archive:2"}
    assert (await reconcile(fixture)).given_back == 0
    assert await fixture.run(ArchiveJob(fixture.context).work(), session, 2) == ""
    assert await counted(fixture) == {Place.ARCHIVED: 2}
    assert files(fixture.context.archive) == ["1.dcm", "2.dcm"]
    assert files(fixture.context.prearchive) == []


@pytest.mark.parametrize("point", ["taken away", "hidden folder made", "renamed into place"])
async def test_a_row_whose_archiving_is_lost_is_given_back_whole(
    fixture: Fixture, point: str
) -> None:
    session = await ready(fixture)
    await killed_at(fixture, point, session)
    assert (await reconcile(fixture)).given_back == 1
    row = await fixture.there(session)
    assert (row.status, row.locked, row.accepting) == (Status.ERROR, False, True)
    assert files(fixture.context.archive) == []
    assert await build(fixture, session) == ""
    assert await archive(fixture, session) == ""
    assert await counted(fixture) == {Place.ARCHIVED: 2}


async def test_a_row_that_is_filed_but_whose_job_is_lost_leaves_the_prearchive(
    fixture: Fixture,
) -> None:
    session = await ready(fixture)
    await killed_at(fixture, "committed", session)
    await reconcile(fixture)
    assert await rows(fixture) == []
    assert len(await filed(fixture)) == 1
    assert files(fixture.context.prearchive) == []
    assert await counted(fixture) == {Place.ARCHIVED: 2}


async def test_an_interrupted_build_without_a_job_receives_again(fixture: Fixture) -> None:
    session = await ready(fixture)
    async with fixture.context.prearchive_db.write() as transaction:
        row = await transaction.get_one(SessionRow, session)
        row.status, row.locked = Status.RECEIVING_INTERRUPT, True
    await reconcile(fixture)
    after = await fixture.there(session)
    assert (after.status, after.locked) == (Status.RECEIVING, False)


@pytest.mark.parametrize("cancelled", ["", "bob"])
async def test_a_send_whose_job_is_lost_ends_and_one_that_goes_on_does_not(
    either: Fixture, cancelled: str
) -> None:
    session = await ready(either)
    lost, left, done = (
        SendRow(
            id=f"snd_{name}",
            remote=f"PACS{name}",
            session=session,
            filed=False,
            state=state.value,
            actor="ada",
            queued=datetime.now(UTC),
            cancelled_by=cancelled,
        )
        for name, state in (
            ("1", SendState.WAITING),
            ("2", SendState.SENDING),
            ("3", SendState.DONE),
        )
    )
    either.jobs.running.add(sends.job_of(left.id))
    async with either.context.prearchive_db.write() as transaction:
        transaction.add_all((lost, left, done))
    done_now = await reconcile(either)
    assert (done_now.sends, done_now.total) == (1, 1)
    async with either.context.prearchive_db.read() as transaction:
        listed = {one.id: one for one in await sends.listed(transaction, 10)}
        acts = select(OutboxRow).where(OutboxRow.action == sends.SENT)
        ((actor, object),) = [(row.actor, row.object) for row in await transaction.scalars(acts)]
    ended = listed[lost.id]
    assert ended.state is (SendState.CANCELLED if cancelled else SendState.FAILED)
    assert bool(ended.reason) is not bool(cancelled) and ended.ended is not None
    assert (actor, object) == (cancelled or "ada", session)
    assert (listed[left.id].state, listed[done.id].state) == (SendState.SENDING, SendState.DONE)


async def test_what_was_taken_is_removed_only_where_a_receipt_vouches_for_it(
    fixture: Fixture,
) -> None:
    session = await ready(fixture)
    await killed_at(fixture, "left the prearchive", session)
    working = fixture.context.prearchive / ".working"
    assert (working / session).is_dir()
    stray = working / "pre_unknown1" / "E9" / "SCANS" / "1" / "DICOM" / "1.dcm"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"somebody may miss this")
    await reconcile(fixture)
    assert not (working / session).exists()
    assert stray.is_file()


async def test_a_held_file_is_counted_once_whether_or_not_its_record_comes(
    fixture: Fixture,
) -> None:
    held = fixture.context.prearchive / ".staging" / "held"
    held.mkdir()
    for name in ("a.dcm", "b.dcm"):
        (held / name).write_bytes(b"bytes")
    assert (await reconcile(fixture)).lost_held == 2
    assert await counted(fixture) == {Place.HELD: 2}
    late = Record(at=1, transfer="tr_1", outcome=Outcome.HELD, file="a.dcm", reason="odd", size=5)
    fixture.journal.append(late, sync=False)
    await fixture.context.ingester.ingest()
    assert await counted(fixture) == {Place.HELD: 2}
    async with fixture.context.prearchive_db.read() as transaction:
        found = {row.id: row for row in (await transaction.execute(select(HeldRow))).scalars()}
    assert (found["a.dcm"].transfer, found["a.dcm"].reason) == ("tr_1", "odd")
    assert found["b.dcm"].transfer == ""
    assert (await reconcile(fixture)).lost_held == 0


async def test_a_copy_that_a_killed_build_has_not_removed_is_removed_by_the_next(
    fixture: Fixture,
) -> None:
    session = await ready(fixture)
    claim = await fixture.claim()
    first = Path(claim.folder) / "SCANS/1/DICOM/1.dcm"
    shutil.copyfile(first, first.with_name("1-2.dcm"))
    assert (await reconcile(fixture)).objects == 0
    assert (await fixture.there(session)).status == Status.RECEIVING
    assert await build(fixture, session) == ""
    assert objects(claim) == ["SCANS/1/DICOM/1.dcm", "SCANS/1/DICOM/2.dcm"]
    assert await counted(fixture) == {Place.WAITING: 2}


async def test_an_announcement_that_a_kill_cut_short_says_nothing(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "aa-1.dcm"
    held = fixture.context.prearchive / ".staging" / "held"
    held.mkdir()
    (held / name).write_bytes(b"bytes")

    def dies(_: int) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", dies)
        with pytest.raises(Killed):
            announce(fixture.context.prearchive, Leaving(id=name))
    for torn in held.glob(".*"):
        os.truncate(torn, 3)
    assert (await reconcile(fixture)).lost_held == 1
    announce(fixture.context.prearchive, Leaving(id=name))
    assert (await reconcile(fixture)).lost_held == 0
    assert [path.name for path in held.iterdir()] == [name]
