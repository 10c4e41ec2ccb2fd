# SPDX-License-Identifier: Apache-2.0
"""Objects that come once their session is archived: what it holds is a duplicate, what is new says
where it belongs, and nothing that the archive has lost is dropped."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, update

from engine.archive import sessions
from engine.archive.received import FILE
from engine.archive.tables import ArchivedSessionRow, ProjectRow
from engine.dicom.digest import older_digest_of
from engine.dicom.part10 import read_meta
from engine.intake.claims import Claim
from engine.model.accounts import Place
from engine.model.states import Status
from engine.prearchive.tables import LedgerRow, ObjectRow, TallyRow
from engine.sessions.verification import look
from tests.engine.jobs.fixture import STUDY, Fixture
from tests.engine.jobs.scripting import Cut, in_force
from tests.engine.jobs.test_archive import archive, filed, files, ready
from tests.engine.jobs.test_build import build, counted
from tests.engine.jobs.test_move import move


async def archived(fixture: Fixture, *, script: str = "") -> ArchivedSessionRow:
    """File a session of two objects."""
    if script:
        await in_force(fixture, script)
    assert await archive(fixture, await ready(fixture)) == ""
    (row,) = await filed(fixture)
    return row


async def again(fixture: Fixture, *new: str, label: str = "E1", project: str = "P") -> Claim:
    """Let the two objects come again, and others beside them."""
    claim = await fixture.claim(label, project)
    for name in ("1.dcm", "2.dcm", *new):
        fixture.publish(claim, name)
    await fixture.context.ingester.ingest()
    return claim


def size(claim: Claim) -> int:
    """Sum the bytes of the objects in a session's folder."""
    return sum(path.stat().st_size for path in Path(claim.folder).rglob("*.dcm"))


@pytest.mark.parametrize("script", ["", '(0008,1030) := "x"', '(0020,0011) := "77"'])
async def test_what_is_archived_is_a_duplicate_and_what_is_new_says_where_it_belongs(
    either: Fixture, script: str
) -> None:
    row = await archived(either, script=script)
    claim = await again(either, "3.dcm", "4.dcm")
    assert await build(either, claim.session) == ""
    late = await either.there(claim.session)
    assert (late.status, late.objects, late.duplicates) == (Status.READY, 2, 2)
    assert late.belongs_to == row.id
    # What is missing of those that stay cannot be told from those that came.
    assert (late.arriving, late.missing) == (1, None)
    assert files(Path(claim.folder)) == ["3.dcm", "4.dcm"]
    assert late.bytes == size(claim)
    assert await counted(either) == {Place.ARCHIVED: 2, Place.WAITING: 2, Place.DUPLICATE: 2}
    async with either.context.prearchive_db.read() as transaction:
        (line,) = (await transaction.execute(select(LedgerRow))).scalars()
        tallies = (
            await transaction.execute(
                select(TallyRow.transfer).where(TallyRow.place == Place.DUPLICATE.value)
            )
        ).all()
    assert (line.outcome, line.count, line.session) == ("duplicate", 2, claim.session)
    assert row.id in line.reason
    assert tallies == [("tr_1",)]
    # It is no news to the next build, and the archive is told nothing of received UIDs.
    assert await build(either, claim.session) == ""
    assert (await either.there(claim.session)).duplicates == 2
    private = (either.context.archive / row.folder / FILE).read_bytes()
    assert STUDY.encode() not in private
    async with either.context.archive_db.read() as transaction:
        document = await sessions.document(transaction, row.id)
    assert look(either.context.archive / row.folder, document).faults.named == ()


async def test_a_session_that_brings_nothing_new_leaves_only_its_count(either: Fixture) -> None:
    await archived(either)
    claim = await again(either)
    assert await build(either, claim.session) == ""
    assert await either.row(claim.session) is None
    assert files(either.context.prearchive) == []
    assert await counted(either) == {Place.ARCHIVED: 2, Place.DUPLICATE: 2}


@pytest.mark.parametrize("script", ["", '(0008,1030) := "x"'])
async def test_what_an_older_home_has_archived_is_recognised_where_no_script_changes_it(
    either: Fixture, script: str
) -> None:
    session = await ready(either)
    async with either.context.prearchive_db.write() as transaction:
        for entry in (await transaction.execute(select(ObjectRow))).scalars():
            (path,) = either.context.prearchive.rglob(Path(entry.file).name)
            with path.open("rb") as file:
                file.seek(read_meta(file.read(8192)).dataset_offset)
                digest = older_digest_of(file)
            await transaction.execute(
                update(ObjectRow).where(ObjectRow.file == entry.file).values(digest=digest)
            )
    if script:
        await in_force(either, script)
    assert await archive(either, session) == ""
    claim = await again(either, "3.dcm")
    assert await build(either, claim.session) == ""
    late = await either.there(claim.session)
    assert (late.objects, late.duplicates) == (1, 2)


async def test_other_bytes_of_a_known_uid_are_new(fixture: Fixture) -> None:
    await archived(fixture)
    claim = await fixture.claim()
    other = fixture.publish(claim, "1.dcm", recorded=False)
    path = Path(claim.folder) / other.file
    path.write_bytes(path.read_bytes()[:-4] + b"\7\7\7\7")
    fixture.record(claim, other.file, path)
    assert await build(fixture, claim.session) == ""
    row = await fixture.there(claim.session)
    assert (row.objects, row.duplicates, bool(row.belongs_to)) == (1, 0, True)


async def test_what_the_archive_has_lost_is_welcome(fixture: Fixture) -> None:
    row = await archived(fixture)
    (lost,) = (fixture.context.archive / row.folder).rglob("1.dcm")
    lost.unlink()
    claim = await again(fixture)
    assert await build(fixture, claim.session) == ""
    late = await fixture.there(claim.session)
    assert (late.objects, late.duplicates) == (1, 1)
    assert files(Path(claim.folder)) == ["1.dcm"]


@pytest.mark.parametrize(("project", "study"), [("Q", STUDY), ("", STUDY), ("P", "1.2.3.5")])
async def test_another_project_or_study_is_no_late_arrival(
    fixture: Fixture, project: str, study: str
) -> None:
    await archived(fixture)
    await fixture.project("Q")
    claim = await fixture.claim("E1", project, study)
    fixture.publish(claim, "1.dcm")
    assert await build(fixture, claim.session) == ""
    row = await fixture.there(claim.session)
    assert (row.objects, row.duplicates, row.belongs_to) == (1, 0, "")


async def test_it_is_recognised_under_another_label_and_when_it_gets_a_project(
    fixture: Fixture,
) -> None:
    row = await archived(fixture)
    claim = await again(fixture, "3.dcm", label="E9", project="")
    assert await build(fixture, claim.session) == ""
    assert (await fixture.there(claim.session)).belongs_to == ""
    assert await move(fixture, claim.session, wanted_project="P") == ""
    late = await fixture.there(claim.session)
    assert (late.belongs_to, late.objects, late.duplicates) == (row.id, 1, 2)
    # A label of its own is what a person gives to file it beside the other.
    assert await archive(fixture, claim.session) == ""
    assert len(await filed(fixture)) == 2
    assert await counted(fixture) == {Place.ARCHIVED: 3, Place.DUPLICATE: 2}


async def test_a_moved_session_that_brings_nothing_new_is_not_emptied_under_the_job(
    fixture: Fixture,
) -> None:
    row = await archived(fixture)
    claim = await again(fixture, project="")
    assert await build(fixture, claim.session) == ""
    assert await move(fixture, claim.session, wanted_project="P") == ""
    late = await fixture.there(claim.session)
    assert (late.status, late.belongs_to, late.objects) == (Status.READY, row.id, 2)
    assert await build(fixture, claim.session) == ""
    assert await fixture.row(claim.session) is None
    assert await counted(fixture) == {Place.ARCHIVED: 2, Place.DUPLICATE: 2}


async def test_what_would_archive_itself_is_a_conflict_that_says_where_it_belongs(
    fixture: Fixture,
) -> None:
    row = await archived(fixture)
    async with fixture.context.archive_db.write() as transaction:
        await transaction.execute(update(ProjectRow).values(prearchive_code=4))
    claim = await again(fixture, "3.dcm")
    async with fixture.context.prearchive_db.write() as transaction:
        late = await transaction.get_one(type(await fixture.there(claim.session)), claim.session)
        late.commit_after = True
    assert await build(fixture, claim.session) == ""
    late = await fixture.there(claim.session)
    assert (late.status, late.reason) == (
        Status.CONFLICT,
        f"belongs to {row.id}: 1 new, 2 duplicates",
    )
    assert fixture.jobs.queued == []
    assert "already" in await archive(fixture, claim.session)


@pytest.mark.parametrize("point", ["duplicates dropped", "duplicates counted"])
async def test_a_kill_counts_no_duplicate_twice(fixture: Fixture, point: str) -> None:
    await archived(fixture)
    claim = await again(fixture, "3.dcm")
    fixture.hook.faults[point] = Cut()
    assert await build(fixture, claim.session) == "Cut"
    assert await build(fixture, claim.session) == ""
    late = await fixture.there(claim.session)
    assert (late.objects, late.duplicates) == (1, 2)
    assert await counted(fixture) == {Place.ARCHIVED: 2, Place.WAITING: 1, Place.DUPLICATE: 2}
