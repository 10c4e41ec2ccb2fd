# SPDX-License-Identifier: Apache-2.0
"""What verifications have found is kept, and which session is due follows from it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from engine.archive import sessions, verifications
from engine.archive.tables import ArchiveOutboxRow
from engine.database.connection import Database
from engine.model.verification import FaultCounts
from tests.engine.archive.shelf import file_session
from tests.engine.conftest import add_projects

NONE = FaultCounts()


@pytest.fixture
async def three(archive: Database) -> list[str]:
    await add_projects(archive)
    return [(await file_session(archive, label)).accession for label in ("a", "b", "c")]


async def keep(archive: Database, accession: str, counts: FaultCounts = NONE) -> None:
    async with archive.write() as session:
        await verifications.keep(session, accession, counts, files=7, actor="ada")


async def due(archive: Database, before: datetime, limit: int = 9) -> tuple[str, ...]:
    async with archive.read() as session:
        found = await verifications.due(session, before, limit)
    assert found.total == 3
    return found.accessions


async def test_the_least_recently_verified_are_due_first(
    archive: Database, three: list[str]
) -> None:
    first, second, third = three
    assert await due(archive, datetime.now(UTC)) == (first, second, third)
    await keep(archive, first)
    # An archive is gone round over many runs: what was never verified comes first.
    assert await due(archive, datetime.now(UTC), 2) == (second, third)
    start = datetime.now(UTC)
    await keep(archive, third)
    await keep(archive, second)
    assert await due(archive, datetime.now(UTC)) == (first, third, second)
    assert await due(archive, start) == (first,)


async def test_the_last_result_stands_on_the_card_and_faults_in_the_trail(
    archive: Database, three: list[str]
) -> None:
    accession = three[1]

    async def card_says() -> FaultCounts | None:
        async with archive.read() as session:
            last = (await sessions.card(session, accession)).verified
        assert last is None or last.files == 7
        return None if last is None else last.counts

    assert await card_says() is None
    wrong = FaultCounts(missing=1, stray=2)
    for counts in (NONE, wrong, NONE, NONE):
        await keep(archive, accession, counts)
        assert await card_says() == counts
        async with archive.read() as session:
            named = (accession,) if counts.total else ()
            assert await verifications.faulty(session, 3) == (named, len(named))
            assert (await verifications.never(session))[0] == 2
    async with archive.read() as session:
        query = select(ArchiveOutboxRow).where(ArchiveOutboxRow.object == accession)
        events = (await session.scalars(query.order_by(ArchiveOutboxRow.at))).all()
    told = [(event.action, event.detail) for event in events if event.action != "Transferred"]
    clean = {"files": 7, "missing": 0, "changed": 0, "stray": 0, "damaged": 0}
    assert told == [
        ("Faults found", clean | {"missing": 1, "stray": 2}),
        ("No faults left", clean),
    ]
