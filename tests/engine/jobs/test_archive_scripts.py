# SPDX-License-Identifier: Apache-2.0
"""The project's script on the way to the archive: what is filed, what is told of it, and that a
session is either wholly filed as the script leaves it or not at all."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian
from sqlalchemy import select, update

from engine.archive import scripts
from engine.archive.tables import ArchiveOutboxRow, DocumentRow, ScanRow, SearchRow
from engine.jobs.archive import ArchiveJob
from engine.model.accounts import Place
from engine.model.states import Status, Verb
from engine.prearchive import accounts, ledger
from engine.prearchive.tables import OutboxRow, ReceiptRow, SessionRow
from engine.sessions.build.document import read_session
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.scripting import PROJECT, in_force, marks, objects, run_cut_at, values
from tests.engine.jobs.test_archive import archive, filed, files, ready
from tests.engine.jobs.test_build import build, counted

NAMES = '(0010,0010) := "anonymous"\n(0008,103e) := "described by the script"'
UIDS = "(0020,000d) := hashUID[(0020,000d)]\n(0008,0018) := hashUID[(0008,0018)]"
REJECT_FIRST = 'if ((0008,0018) ~ ".*[.]1") { reject[] }'


async def test_what_is_filed_and_told_is_what_the_script_leaves(either: Fixture) -> None:
    await in_force(either, f"{NAMES}\n{UIDS}\n(0010,0020) := subject\n(0008,1030) := session")
    session = await ready(either)
    before = await either.there(session)
    assert await archive(either, session) == ""
    (row,) = await filed(either)
    folder = either.context.archive / row.folder
    assert values(folder, "PatientName") == ["anonymous"] * 2
    assert values(folder, "PatientID") == ["S1"] * 2
    assert values(folder, "StudyDescription") == ["E1"] * 2
    (uid,) = set(values(folder, "StudyInstanceUID"))
    assert (row.uid, row.uid == before.received_study_uid) == (uid, False)
    # Late arrivals find it by the UID that they have.
    assert row.received_study == either.context.receipts.mark(before.received_study_uid)
    document = read_session((folder / "E1.xml").read_bytes())
    assert (document.uid, document.id, document.label) == (uid, row.id, "E1")
    assert document.prearchive_path == ""
    async with either.context.archive_db.read() as transaction:
        details = (await transaction.execute(select(ArchiveOutboxRow.detail))).scalars().all()
        assert "project P v1" in [detail.get("script") for detail in details]
        (scan,) = (await transaction.execute(select(ScanRow))).scalars()
        (xml,) = (await transaction.execute(select(DocumentRow.xml))).scalars()
        (words,) = (await transaction.execute(select(SearchRow.text))).scalars()
    assert (scan.series_description, scan.files) == ("described by the script", 2)
    assert row.bytes == sum(path.stat().st_size for path in folder.rglob("*.dcm"))
    assert xml.encode() == (folder / "E1.xml").read_bytes()
    assert "described by the script" in words
    catalog = next(folder.rglob("*_catalog.xml")).read_text()
    for found in objects(folder).values():
        assert str(found.SOPInstanceUID) in catalog
        assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID
    assert await counted(either) == {Place.ARCHIVED: 2}
    # Nothing of the work stays beside it.
    assert [path.name for path in folder.parent.iterdir()] == ["E1"]
    assert list(either.context.prearchive.glob(".working/*")) == []


async def test_a_big_endian_object_is_filed_little_endian_as_the_script_leaves_it(
    fixture: Fixture,
) -> None:
    await in_force(fixture, NAMES)
    claim = await fixture.claim()
    record = fixture.publish(claim, "1.dcm", recorded=False)
    path = Path(claim.folder) / record.file
    found = pydicom.dcmread(path)
    found.Rows, found.file_meta.TransferSyntaxUID = 513, ExplicitVRBigEndian
    pydicom.dcmwrite(path, found, implicit_vr=False, little_endian=False)
    assert path.read_bytes().find(b"\x02\x01", 132) > 0
    fixture.record(claim, record.file, path)
    await fixture.context.ingester.ingest()
    assert await build(fixture, claim.session) == ""
    assert await archive(fixture, claim.session) == ""
    (row,) = await filed(fixture)
    (after,) = objects(fixture.context.archive / row.folder).values()
    assert after.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    # Words of pixels are in the other order than pydicom, which leaves them, has written them.
    assert (after.PatientName, after.Rows, after.PixelData) == ("anonymous", 513, b"\2\1\4\3")
    assert await counted(fixture) == {Place.ARCHIVED: 1}


async def test_objects_carry_the_id_and_another_run_leaves_them(fixture: Fixture) -> None:
    written = await in_force(fixture, '(0008,103e) := format["{0}+", (0008,103e)]')
    session = await ready(fixture)
    assert await archive(fixture, session) == ""
    (row,) = await filed(fixture)
    filed_files = sorted((fixture.context.archive / row.folder).rglob("*.dcm"))
    (mark,) = {mark for found in objects(filed_files[0].parent).values() for mark in marks(found)}
    assert mark.startswith(written.id)
    # The same objects once more, as they are now: the script has nothing to do.
    claim = await fixture.claim()
    folder = Path(claim.folder) / "SCANS" / "1" / "DICOM"
    folder.mkdir(parents=True)
    for path in filed_files:
        (folder / path.name).write_bytes(path.read_bytes())
    assert await build(fixture, claim.session) == ""
    async with fixture.context.archive_db.write() as transaction:
        # They come under the same labels, which are free once more.
        from engine.archive.tables import ArchivedSessionRow  # noqa: PLC0415

        values = {"label": "elsewhere"}
        await transaction.execute(update(ArchivedSessionRow).values(**values))
    (fixture.context.archive / row.folder).rename(fixture.context.archive / "elsewhere")
    assert await archive(fixture, claim.session) == ""
    again = sorted((fixture.context.archive / "P" / "arc001" / "E1").rglob("*.dcm"))
    assert [path.read_bytes() for path in again] == [
        path.read_bytes() for path in sorted((fixture.context.archive / "elsewhere").rglob("*.dcm"))
    ]


async def test_who_prevents_anonymization_gets_the_files_as_they_are(fixture: Fixture) -> None:
    await in_force(fixture, NAMES)
    session = await ready(fixture)
    async with fixture.context.prearchive_db.write() as transaction:
        await transaction.execute(update(SessionRow).values(prevent_anon=True))
    assert await archive(fixture, session) == ""
    assert values(fixture.context.archive, "PatientName") == ["", ""]


async def test_a_script_that_is_switched_off_does_nothing(fixture: Fixture) -> None:
    await in_force(fixture, NAMES)
    async with fixture.context.archive_db.write() as transaction:
        await scripts.enable(transaction, PROJECT, False, actor="test")
    session = await ready(fixture)
    folder = (await fixture.there(session)).timestamp
    inodes = {
        path.stat().st_ino for path in (fixture.context.prearchive / "P" / folder).rglob("1.*")
    }
    assert await archive(fixture, session) == ""
    # Linked, not copied: no byte was written again.
    assert {path.stat().st_ino for path in fixture.context.archive.rglob("1.dcm")} == inodes


async def test_an_error_of_the_script_files_nothing_and_says_where(fixture: Fixture) -> None:
    text = '(0008,103e) := "x"\n(0010,0030) := shiftDateByIncrement[(0010,4000), "1"]'
    version = await in_force(fixture, text)
    claim = await fixture.claim()
    fixture.publish(claim, "1.dcm")
    second = fixture.publish(claim, "2.dcm")
    path = Path(claim.folder) / second.file
    found = pydicom.dcmread(path)
    found.PatientComments = "Jane Doe"
    found.save_as(path)
    assert await build(fixture, claim.session) == ""
    reason = await archive(fixture, claim.session)
    assert reason.startswith(f"the script of project P (version {version.version}) failed in line ")
    assert "line 3" in reason
    assert "Jane" not in reason
    row = await fixture.there(claim.session)
    assert (row.status, row.reason, row.working_folder) == (Status.ERROR, reason, "")
    assert files(fixture.context.archive) == []
    assert list(fixture.context.archive.glob("P/arc001/*")) == []
    assert await counted(fixture) == {Place.WAITING: 2}
    # Once the script is put right, the session is archived whole.
    await in_force(fixture, NAMES)
    assert await build(fixture, claim.session) == ""
    assert await archive(fixture, claim.session) == ""
    assert await counted(fixture) == {Place.ARCHIVED: 2}


async def test_rejected_objects_are_left_out_counted_and_in_the_ledger(either: Fixture) -> None:
    await in_force(either, REJECT_FIRST)
    session = await ready(either)
    assert await archive(either, session) == ""
    (row,) = await filed(either)
    assert row.files == 1
    assert files(either.context.archive) == ["2.dcm"]
    assert await counted(either) == {Place.ARCHIVED: 1, Place.REJECTED: 1}
    async with either.context.prearchive_db.read() as transaction:
        (entry,) = await ledger.list_entries(transaction, 0, 10)
        places = sorted((await transaction.execute(select(ReceiptRow.place))).scalars())
        events = (await transaction.execute(select(OutboxRow))).scalars().all()
        totals = await accounts.total(transaction)
    assert (entry.outcome, entry.rule, entry.session) == ("rejected", "project P v1", session)
    assert (entry.transfer, entry.count) == ("tr_1", 1)
    assert places == ["archived", "rejected"]
    assert totals.received == 2
    (left,) = [event for event in events if event.action == "Archived"]
    assert left.detail == {"objects": 1, "rejected": 1}


async def test_where_all_are_rejected_nothing_is_filed(fixture: Fixture) -> None:
    await in_force(fixture, "reject[]")
    session = await ready(fixture)
    assert "rejects every object" in await archive(fixture, session)
    assert (await fixture.there(session)).status == Status.ERROR
    assert list(fixture.context.archive.glob("P/arc001/*")) == []
    assert await counted(fixture) == {Place.WAITING: 2}


async def test_objects_that_a_script_makes_one_are_a_conflict(fixture: Fixture) -> None:
    await in_force(fixture, '(0008,0018) := "1.2.3"\n(0008,103e) := (0020,0013)')
    claim = await fixture.claim()
    fixture.publish(claim, "1.dcm")
    fixture.publish(claim, "2.dcm")
    assert await build(fixture, claim.session) == ""
    reason = await archive(fixture, claim.session)
    assert reason == "the script of project P (version 1) makes 1 object the same as others"
    assert (await fixture.there(claim.session)).status == Status.CONFLICT
    assert list(fixture.context.archive.glob("P/arc001/*")) == []


@pytest.mark.parametrize(
    "point",
    [
        "archive folder made",
        "file filed",
        "objects scripted",
        "file touched",
        "hidden folder made",
        "renamed into place",
        "filed",
    ],
)
async def test_a_step_that_fails_leaves_the_session_whole_and_the_archive_empty(
    fixture: Fixture, point: str
) -> None:
    await in_force(fixture, f"{REJECT_FIRST}\n{NAMES}\n{UIDS}")
    session = await ready(fixture)
    fixture.hook.faults[point] = OSError(5, "no")
    assert await archive(fixture, session) == "OSError"
    row = await fixture.there(session)
    assert (row.status, row.locked, row.working_folder) == (Status.ERROR, False, "")
    assert list(fixture.context.archive.glob("P/arc001/*")) == []
    assert list(fixture.context.archive.glob("P/arc001/.*")) == []
    assert files(fixture.context.prearchive) == ["1.dcm", "2.dcm"]
    assert values(fixture.context.prearchive, "PatientName") == ["", ""]
    assert await counted(fixture) == {Place.WAITING: 2}
    assert await build(fixture, session) == ""
    assert await archive(fixture, session) == ""
    assert values(fixture.context.archive, "PatientName") == ["anonymous"]
    assert await counted(fixture) == {Place.ARCHIVED: 1, Place.REJECTED: 1}


@pytest.mark.parametrize("point", ["renamed into place", "filed", "committed"])
async def test_a_step_that_is_run_again_keeps_what_was_rejected(
    fixture: Fixture, point: str
) -> None:
    """A kill loses no step that had ended, and repeats the one that it met."""
    await in_force(fixture, REJECT_FIRST)
    session = await ready(fixture)
    attempt = await fixture.ask(session, Verb.ARCHIVE)
    await run_cut_at(point, fixture, ArchiveJob(fixture.context).work(), session, attempt)
    assert await counted(fixture) == {Place.ARCHIVED: 1, Place.REJECTED: 1}
    assert files(fixture.context.archive) == ["2.dcm"]
