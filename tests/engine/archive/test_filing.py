# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from engine.archive import filing, history, projects
from engine.archive.tables import (
    ArchivedSessionRow,
    ArchiveOutboxRow,
    DocumentRow,
    FilingRow,
    ScanRow,
    SearchRow,
)
from engine.database.columns import ArchiveTable
from engine.database.connection import Database
from engine.model.archive import Reservation
from engine.model.errors import Conflict, EngineError, NotFound
from tests.engine.archive.shelf import SCANS, SITE, file_session, new_session


async def _reserve(database: Database, origin: str, label: str) -> Reservation:
    async with database.write() as session:
        return await filing.reserve(session, origin=origin, project="BRAINS", label=label)


async def _all_values(database: Database) -> str:
    """Return all that the tables of the archive say."""
    async with database.read() as session:
        connection = await session.connection()
        tables = [table for table in ArchiveTable.metadata.sorted_tables if table.name != "secrets"]
        return repr([(await connection.execute(select(table))).all() for table in tables])


async def test_a_session_is_filed_whole(shelf: Database) -> None:
    card = await file_session(shelf, "ses-1")
    assert (card.accession, card.subject, card.subject_id) == (
        "XNAT_E00001",
        "subj01",
        "XNAT_S00001",
    )
    assert card.scans == SCANS
    assert (card.files, card.bytes, card.added_by) == (200, 3_000_000_000, "ada")
    async with shelf.read() as session:
        assert await session.get(FilingRow, "pre_ses-1") is None
        entries = await history.of(session, "session", card.accession)
        event = (
            await session.scalars(
                select(ArchiveOutboxRow).where(ArchiveOutboxRow.action == "Transferred")
            )
        ).one()
    assert [entry.change for entry in entries] == ["Added"]
    assert (event.object, event.detail["origin"]) == (card.accession, "pre_ses-1")


async def test_until_a_session_is_filed_only_its_prearchive_id_is_known(shelf: Database) -> None:
    for _ in range(2):
        reserved = await _reserve(shelf, "pre_a", "doe-jane")
        assert (reserved.origin, reserved.accession, reserved.filed) == ("pre_a", "", False)
    said = await _all_values(shelf)
    assert "pre_a" in said and "doe-jane" not in said and "_E0" not in said
    await file_session(shelf, "doe-jane", origin="pre_a")
    assert "doe-jane" in await _all_values(shelf)


async def test_one_of_many_that_want_a_label_gets_it(shelf: Database) -> None:
    async def want(origin: str) -> str:
        try:
            return (await file_session(shelf, "ses-1", origin=origin)).accession
        except EngineError as error:
            return error.code

    answers = await asyncio.gather(*(want(f"pre_{number}") for number in range(12)))
    assert sorted(answers) == ["XNAT_E00001", *["conflict"] * 11]


async def test_a_number_that_is_not_committed_is_drawn_again(shelf: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with shelf.write() as session:
            assert await filing.draw(session, "pre_a", site=SITE) == "XNAT_E00001"
            raise ZeroDivisionError
    assert (await file_session(shelf, "ses-1")).accession == "XNAT_E00001"
    assert (await file_session(shelf, "ses-2")).accession == "XNAT_E00002"


async def test_an_id_that_an_earlier_version_has_drawn_is_the_sessions(shelf: Database) -> None:
    async with shelf.write() as session:
        session.add(
            FilingRow(
                origin="pre_a", project="BRAINS", accession="XNAT_E00007", at=datetime.now(UTC)
            )
        )
    assert (await _reserve(shelf, "pre_a", "ses-1")).accession == "XNAT_E00007"
    assert (await file_session(shelf, "ses-1", origin="pre_a")).accession == "XNAT_E00007"


async def test_a_label_that_is_filed_is_taken(shelf: Database) -> None:
    card = await file_session(shelf, "ses-1")
    with pytest.raises(Conflict, match=card.accession):
        await _reserve(shelf, "pre_other", "ses-1")
    async with shelf.write() as session:
        other = await filing.reserve(session, origin="pre_other", project="HEARTS", label="ses-1")
    assert not other.filed


async def test_a_filed_origin_reserves_what_it_became(shelf: Database) -> None:
    card = await file_session(shelf, "ses-1", origin="pre_a")
    again = await _reserve(shelf, "pre_a", "ses-1")
    assert (again.accession, again.filed) == (card.accession, True)
    assert (again.folder, again.label) == (card.folder, "ses-1")


async def test_a_second_commit_changes_nothing(shelf: Database) -> None:
    first = await file_session(shelf, "ses-1", origin="pre_a")
    async with shelf.write() as session:
        again = await filing.commit(
            session,
            "pre_a",
            new_session("BRAINS", "ses-1", first.subject_id, files=1),
            (),
            accession=await filing.draw(session, "pre_a", site=SITE),
            xml="",
            search_text="",
            actor="bob",
        )
    assert again == first
    async with shelf.read() as session:
        for table, count in ((ArchivedSessionRow, 1), (ScanRow, 2), (DocumentRow, 1)):
            assert await session.scalar(select(func.count()).select_from(table)) == count


async def test_commits_of_one_origin_at_the_same_time_file_it_once(shelf: Database) -> None:
    await _reserve(shelf, "pre_a", "ses-1")

    async def commit() -> str:
        return (await file_session(shelf, "ses-1", origin="pre_a")).accession

    assert set(await asyncio.gather(*(commit() for _ in range(6)))) == {"XNAT_E00001"}


async def test_a_commit_that_fails_leaves_the_reservation(shelf: Database) -> None:
    reserved = await _reserve(shelf, "pre_a", "ses-1")
    twice = (SCANS[0], SCANS[0])
    with pytest.raises(Exception, match=r"(?i)unique|identity"):
        await file_session(shelf, "ses-1", origin="pre_a", scans=twice)
    assert await _reserve(shelf, "pre_a", "ses-1") == reserved
    async with shelf.read() as session:
        for table in (ArchivedSessionRow, ScanRow, SearchRow):
            assert await session.scalar(select(func.count()).select_from(table)) == 0
        events = await session.scalars(select(ArchiveOutboxRow.action))
        assert "Transferred" not in events.all()


async def test_nothing_is_filed_without_its_reservation(shelf: Database) -> None:
    await _reserve(shelf, "pre_a", "ses-1")
    for origin, project in (("pre_b", "BRAINS"), ("pre_a", "HEARTS")):
        async with shelf.write() as session:
            with pytest.raises(Conflict):
                await filing.commit(
                    session,
                    origin,
                    new_session(project, "ses-1"),
                    (),
                    accession="XNAT_E00001",
                    xml="",
                    search_text="",
                    actor="ada",
                )


async def test_a_subject_of_another_project_is_refused(shelf: Database) -> None:
    hearts = await file_session(shelf, "ses-1", project="HEARTS")
    await _reserve(shelf, "pre_a", "ses-1")
    async with shelf.write() as session:
        with pytest.raises(Conflict, match="subject"):
            await filing.commit(
                session,
                "pre_a",
                new_session("BRAINS", "ses-1", hearts.subject_id),
                (),
                accession="XNAT_E00009",
                xml="",
                search_text="",
                actor="ada",
            )


async def test_what_is_released_has_used_nothing_up(shelf: Database) -> None:
    await _reserve(shelf, "pre_a", "ses-1")
    for _ in range(2):
        async with shelf.write() as session:
            await filing.release(session, "pre_a")
    assert (await file_session(shelf, "ses-1", origin="pre_b")).accession == "XNAT_E00001"


async def test_a_project_that_is_being_archived_into_stays(shelf: Database) -> None:
    await _reserve(shelf, "pre_a", "ses-1")
    async with shelf.write() as session:
        with pytest.raises(Conflict, match="archived into"):
            await projects.remove(session, "BRAINS", actor="ada")
        with pytest.raises(NotFound):
            await filing.reserve(session, origin="pre_b", project="NOWHERE", label="x")
