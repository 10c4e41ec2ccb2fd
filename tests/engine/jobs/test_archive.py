# SPDX-License-Identifier: Apache-2.0
"""Archiving, and above all what becomes of a session when a step of it fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.archive import filing, history, projects
from engine.archive.tables import ArchivedSessionRow, DocumentRow
from engine.jobs.archive import ArchiveJob, subject_of
from engine.model.accounts import Place
from engine.model.errors import InvalidInput
from engine.model.states import Status, Verb
from engine.prearchive import accounts
from engine.prearchive.tables import SessionRow
from engine.sessions.build.document import read_session
from tests.engine.jobs.fixture import STUDY, Fixture
from tests.engine.jobs.test_build import build, counted
from tests.engine.sessions.build.test_document import SESSION


class KilledHere(Exception):
    """The engine was killed at this point."""


async def archive(fixture: Fixture, session: str) -> str:
    """Queue the archiving and run it."""
    attempt = await fixture.ask(session, Verb.ARCHIVE)
    return await fixture.run(ArchiveJob(fixture.context).work(), session, attempt)


async def ready(fixture: Fixture, label: str = "E1", *, study: str = STUDY) -> str:
    """Make a session of two objects that is READY."""
    claim = await fixture.claim(label, study=study)
    for name in ("1.dcm", "2.dcm"):
        fixture.publish(claim, name)
    assert await build(fixture, claim.session) == ""
    return claim.session


async def filed(fixture: Fixture) -> list[ArchivedSessionRow]:
    """Return the rows of the archive."""
    async with fixture.context.archive_db.read() as transaction:
        return list((await transaction.execute(select(ArchivedSessionRow))).scalars())


def files(root: Path) -> list[str]:
    """Name the objects below a folder."""
    return sorted(path.name for path in root.rglob("*.dcm"))


async def named(fixture: Fixture) -> list[str]:
    """Return what the documents of the only filed session call it: beside its files, in the
    table."""
    (path,) = fixture.context.archive.glob("P/arc001/*/*.xml")
    async with fixture.context.archive_db.read() as transaction:
        (kept,) = (await transaction.execute(select(DocumentRow.xml))).scalars()
    return [read_session(data).id for data in (path.read_bytes(), kept.encode())]


async def test_a_session_is_filed_counted_and_gone_from_the_prearchive(fixture: Fixture) -> None:
    session = await ready(fixture)
    assert await archive(fixture, session) == ""
    (row,) = await filed(fixture)
    assert (row.origin, row.files) == (session, 2)
    assert await named(fixture) == [row.id, row.id]
    assert files(fixture.context.archive / row.folder) == ["1.dcm", "2.dcm"]
    assert files(fixture.context.prearchive) == []
    assert await counted(fixture) == {Place.ARCHIVED: 2}
    # Nothing is left of its place: no empty folder per session that ever was.
    assert list((fixture.context.prearchive / "P").iterdir()) == []
    assert list(fixture.context.prearchive.glob(".working/*")) == []


@pytest.mark.parametrize(
    "point",
    [
        "not accepting",
        "taken away",
        "files listed",
        "reserved",
        "archive folder made",
        "file filed",
        "hidden folder made",
        "renamed into place",
        "filed",
    ],
)
async def test_a_step_that_fails_before_filing_leaves_the_session_whole_and_the_archive_empty(
    fixture: Fixture, point: str
) -> None:
    session = await ready(fixture)
    fixture.hook.faults[point] = OSError(5, "no")
    assert await archive(fixture, session) == "OSError"
    row = await fixture.there(session)
    assert (row.status, row.locked, row.accepting) == (Status.ERROR, False, True)
    assert row.working_folder == ""
    assert files(fixture.context.archive) == []
    assert list(fixture.context.archive.glob("P/arc001/*")) == []
    assert files(fixture.context.prearchive) == ["1.dcm", "2.dcm"]
    assert await counted(fixture) == {Place.WAITING: 2}
    async with fixture.context.archive_db.read() as transaction:
        assert await filing.standing(transaction, session) is None
    # And it can be done again: nothing stands in its way.
    assert await build(fixture, session) == ""
    assert await archive(fixture, session) == ""
    assert await counted(fixture) == {Place.ARCHIVED: 2}
    assert [row.id[-7:] for row in await filed(fixture)] == ["_E00001"]


async def test_a_step_that_fails_after_filing_never_brings_the_session_back(
    fixture: Fixture,
) -> None:
    session = await ready(fixture)
    fixture.hook.faults["committed"] = OSError(5, "no")
    assert await archive(fixture, session) == "OSError"
    assert await fixture.row(session) is None
    (row,) = await filed(fixture)
    assert await named(fixture) == [row.id, row.id]
    assert files(fixture.context.prearchive) == []
    assert files(fixture.context.archive) == ["1.dcm", "2.dcm"]
    assert await counted(fixture) == {Place.ARCHIVED: 2}


async def test_a_label_that_is_taken_is_a_conflict_and_both_stay(fixture: Fixture) -> None:
    first = await ready(fixture)
    assert await archive(fixture, first) == ""
    second = await ready(fixture, study="1.2.3.5")
    assert "label" in await archive(fixture, second)
    row = await fixture.there(second)
    assert (row.status, row.locked) == (Status.CONFLICT, False)
    assert files(fixture.context.archive) == files(fixture.context.prearchive) == ["1.dcm", "2.dcm"]
    assert await counted(fixture) == {Place.ARCHIVED: 2, Place.WAITING: 2}


async def test_a_strangers_folder_of_that_label_is_not_touched(fixture: Fixture) -> None:
    session = await ready(fixture)
    stranger = fixture.context.archive / "P" / "arc001" / "E1" / "note.txt"
    stranger.parent.mkdir(parents=True)
    stranger.write_text("not ours")
    assert "already has a folder" in await archive(fixture, session)
    assert (await fixture.there(session)).status == Status.CONFLICT
    assert stranger.read_text() == "not ours"


async def test_of_two_that_are_filed_under_one_label_at_once_one_gets_it(fixture: Fixture) -> None:
    session = await ready(fixture)
    winner = fixture.context.archive / "P" / "arc001" / "E1" / "1.dcm"

    def other_is_faster(point: str) -> None:
        if point == "hidden folder made":
            winner.parent.mkdir()
            winner.write_text("of another session")

    fixture.hook.look = other_is_faster
    assert "already has a folder" in await archive(fixture, session)
    assert (await fixture.there(session)).status == Status.CONFLICT
    assert winner.read_text() == "of another session"
    assert list(fixture.context.archive.glob("P/arc001/.*")) == []
    assert files(fixture.context.prearchive) == ["1.dcm", "2.dcm"]


async def test_an_object_that_came_after_the_build_is_filed_with_the_others(
    fixture: Fixture,
) -> None:
    session = await ready(fixture)
    claim = await fixture.claim()
    attempt = await fixture.ask(session, Verb.ARCHIVE)
    fixture.publish(claim, "3.dcm", recorded=False)
    assert await fixture.run(ArchiveJob(fixture.context).work(), session, attempt) == ""
    (row,) = await filed(fixture)
    assert row.files == 3
    assert files(fixture.context.archive) == ["1.dcm", "2.dcm", "3.dcm"]
    async with fixture.context.prearchive_db.read() as transaction:
        assert (await accounts.summed(transaction, of=session)).at(Place.ARCHIVED) == 3


async def test_records_that_come_after_the_session_has_left_count_nothing_twice(
    fixture: Fixture,
) -> None:
    claim = await fixture.claim()
    late = [fixture.publish(claim, f"{number}.dcm", recorded=False) for number in (1, 2)]
    assert await build(fixture, claim.session) == ""
    assert await archive(fixture, claim.session) == ""
    assert await counted(fixture) == {Place.ARCHIVED: 2}
    for record in late:
        fixture.journal.append(record, sync=False)
    await fixture.context.ingester.ingest()
    assert await counted(fixture) == {Place.ARCHIVED: 2}


async def test_an_unassigned_session_is_an_error_and_stays_where_it_is(fixture: Fixture) -> None:
    claim = await fixture.claim(project="")
    fixture.publish(claim, "1.dcm")
    assert await build(fixture, claim.session) == ""
    assert "project" in await archive(fixture, claim.session)
    row = await fixture.there(claim.session)
    assert (row.status, row.locked, row.accepting) == (Status.ERROR, False, True)
    assert files(Path(claim.folder)) == ["1.dcm"]


@pytest.mark.parametrize(
    ("given", "name", "label"),
    [("S1", "Doe^Jane", "S1"), ("", "Doe^Jane", "Doe_Jane"), ("", "Ma\u017a^1", "Ma__1")],
)
def test_the_subject_of_a_session_is_a_label(given: str, name: str, label: str) -> None:
    document = replace(SESSION, subject="", patient_name=name)
    assert subject_of(SessionRow(subject=given), document) == label


@pytest.mark.parametrize("name", ["", "山田^太郎", "^"])
def test_a_name_that_makes_no_label_is_nobodys(name: str) -> None:
    # Else different people would be one subject, and it would be called by a name.
    with pytest.raises(InvalidInput, match="nothing names a subject: relabel"):
        subject_of(SessionRow(subject=""), replace(SESSION, subject="", patient_name=name))


async def test_a_project_with_code_1_quarantines_what_is_archived(fixture: Fixture) -> None:
    session = await ready(fixture)
    async with fixture.context.archive_db.write() as transaction:
        changes = projects.Changes(quarantine_code=1)
        await projects.change(transaction, "P", changes, actor="test")
    assert await archive(fixture, session) == ""
    (row,) = await filed(fixture)
    assert row.status == "quarantine"


@pytest.mark.parametrize("point", ["reserved", "filed", "committed"])
async def test_a_session_asked_into_quarantine_goes_there_also_after_a_crash(
    fixture: Fixture, point: str
) -> None:
    session = await ready(fixture)
    async with fixture.context.prearchive_db.write() as transaction:
        (await transaction.get_one(SessionRow, session)).quarantine = True
    attempt = await fixture.ask(session, Verb.ARCHIVE)
    work = ArchiveJob(fixture.context).work()
    fixture.hook.faults[point] = KilledHere()
    with pytest.raises(KilledHere):
        for _, step in work.steps:
            await step(session, attempt)
    assert await fixture.run(work, session, attempt) == ""
    (row,) = await filed(fixture)
    assert row.status == "quarantine"
    async with fixture.context.archive_db.read() as transaction:
        entries = await history.of(transaction, "session", row.id)
    assert [each.change for each in entries] == ["Added", "Quarantined"]
