# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from engine.archive.audit.links import GENESIS, canonical, link_hash
from engine.archive.audit.trail import AuditChain, Recorded, record
from engine.archive.tables import ArchiveOutboxRow, AuditRow
from engine.database.connection import Database
from engine.model.archive import AuditQuery

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)


def _event(number: int, **values: Any) -> Recorded:
    plain: dict[str, Any] = {
        "id": f"event-{number}",
        "at": NOON + timedelta(seconds=number),
        "actor": "ada",
        "action": "Transferred",
        "object": f"XNAT_E{number:05d}",
        "detail": {"files": number},
    }
    return Recorded(**plain | values)


async def _chain(archive: Database, links: int) -> AuditChain:
    chain = AuditChain(archive)
    await chain.append([_event(number) for number in range(1, links + 1)])
    return chain


async def _tamper(archive: Database, *statements: str) -> None:
    """Do what somebody with the database's password could do."""
    if archive.is_sqlite:
        guards = [f"DROP TRIGGER audit_not_{what}" for what in ("changed", "deleted")]
    else:
        guards = ["ALTER TABLE audit DISABLE TRIGGER ALL"]
    async with archive.write() as session:
        for statement in (*guards, *statements):
            await session.execute(text(statement))


async def test_a_chain_of_links_holds(archive: Database) -> None:
    chain = await _chain(archive, 5)
    report = await chain.verify()
    assert (report.ok, report.checked, report.last, report.broken) == (True, 5, 5, None)
    async with archive.read() as session:
        rows = (await session.scalars(select(AuditRow).order_by(AuditRow.number))).all()
    assert rows[0].previous == GENESIS
    assert [row.previous for row in rows[1:]] == [row.hash for row in rows[:-1]]
    assert report.head == rows[-1].hash


async def test_an_empty_chain_holds(archive: Database) -> None:
    report = await AuditChain(archive).verify()
    assert (report.ok, report.checked, report.head) == (True, 0, GENESIS)


async def test_an_event_is_appended_once(archive: Database) -> None:
    chain = await _chain(archive, 2)
    assert await chain.append([_event(2), _event(3), _event(3)]) == 1
    report = await chain.verify()
    assert (report.ok, report.checked) == (True, 3)


async def test_hashes_hold_over_time_zones_and_awkward_values(archive: Database) -> None:
    chain = AuditChain(archive)
    east = NOON.astimezone(timezone(timedelta(hours=9)))
    await chain.append(
        [
            _event(1, at=east, detail={"ü": "line\nline", "b": [1, 2.5, None, True], "a": {}}),
            _event(2, at=NOON.replace(microsecond=0), detail={}),
        ]
    )
    assert (await chain.verify()).ok
    page = await chain.find(AuditQuery())
    assert page.rows[1].at == NOON
    assert page.rows[1].detail == {"ü": "line\nline", "b": [1, 2.5, None, True], "a": {}}


def test_the_hash_is_the_same_for_ever() -> None:
    computed = link_hash(
        previous=GENESIS,
        number=1,
        event="event-1",
        at=NOON,
        actor="ada",
        action="Transferred",
        object="XNAT_E00001",
        detail=canonical({"files": 1, "bytes": 2}),
    )
    assert computed == "d2603675daef1e9a98be6a9ac623f68b58f0ec71f20174c05048ca79eeffc902"


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE number = 3", 3),
        ("UPDATE audit SET action = 'Nothing' WHERE number = 1", 1),
        ("UPDATE audit SET detail = '{}' WHERE number = 5", 5),
        ("UPDATE audit SET object = 'XNAT_E00009' WHERE number = 2", 2),
        ("UPDATE audit SET event = 'event-9' WHERE number = 2", 2),
        ("UPDATE audit SET at = '2020-01-01 00:00:00.000000+00:00' WHERE number = 4", 4),
        ("UPDATE audit SET number = 9 WHERE number = 5", 5),
        ("DELETE FROM audit WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number = 1", 1),
    ],
)
async def test_a_tampered_link_is_found(archive: Database, statement: str, broken: int) -> None:
    chain = await _chain(archive, 5)
    if archive.is_sqlite:
        statement = statement.replace(".000000+00:00", ".000000")
    await _tamper(archive, statement)
    report = await chain.verify()
    assert not report.ok
    assert report.broken == broken


async def test_a_link_that_was_forged_with_its_hash_breaks_the_next(archive: Database) -> None:
    chain = await _chain(archive, 5)
    async with archive.read() as session:
        row = (await session.scalars(select(AuditRow).where(AuditRow.number == 3))).one()
    forged = link_hash(
        previous=row.previous,
        number=3,
        event=row.event,
        at=row.at,
        actor="eve",
        action=row.action,
        object=row.object,
        detail=row.detail,
    )
    await _tamper(archive, f"UPDATE audit SET actor = 'eve', hash = '{forged}' WHERE number = 3")
    report = await chain.verify()
    assert (report.ok, report.broken) == (False, 4)
    assert "does not follow" in report.message


async def test_missing_numbers_are_named(archive: Database) -> None:
    chain = await _chain(archive, 9)
    await _tamper(archive, "DELETE FROM audit WHERE number IN (2, 5, 6)")
    report = await chain.verify()
    assert (report.broken, report.missing, report.checked) == (2, (2, 5, 6), 6)


async def test_a_chain_that_was_cut_short_shows_by_its_head(archive: Database) -> None:
    chain = await _chain(archive, 5)
    kept = await chain.verify()
    await _tamper(archive, "DELETE FROM audit WHERE number = 5")
    report = await chain.verify()
    assert report.ok
    assert (report.last, report.head) != (kept.last, kept.head)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit", "DELETE FROM audit WHERE number = 2"],
)
async def test_the_database_refuses_to_change_a_link(archive: Database, statement: str) -> None:
    chain = await _chain(archive, 3)
    with pytest.raises(DBAPIError, match="append-only"):
        async with archive.write() as session:
            await session.execute(text(statement))
    assert (await chain.verify()).checked == 3


async def test_a_long_chain_is_read_in_batches(
    archive: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.archive.audit.verification._BATCH", 3)
    for links in (6, 7):
        chain = await _chain(archive, links)
        assert (await chain.verify()).checked == links


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (AuditQuery(), [4, 3, 2, 1]),
        (AuditQuery(object="XNAT_E00002"), [2]),
        (AuditQuery(actor="bob"), [4]),
        (AuditQuery(action="Transferred", actor="ada"), [3, 2, 1]),
        (AuditQuery(since=NOON + timedelta(seconds=3)), [4, 3]),
        (AuditQuery(until=NOON + timedelta(seconds=1)), [1]),
        (AuditQuery(actor="nobody"), []),
    ],
)
async def test_events_are_listed_newest_first(
    archive: Database, query: AuditQuery, numbers: list[int]
) -> None:
    chain = await _chain(archive, 3)
    await chain.append([_event(4, actor="bob")])
    page = await chain.find(query)
    assert [event.number for event in page.rows] == numbers
    assert page.total == len(numbers)
    windowed = await chain.find(query, offset=1, limit=1)
    assert [event.number for event in windowed.rows] == numbers[1:2]
    assert windowed.total == len(numbers)


async def test_an_event_falls_with_its_transaction(archive: Database) -> None:
    with pytest.raises(RuntimeError):
        async with archive.write() as session:
            record(session, "ada", "Transferred", "XNAT_E00001")
            raise RuntimeError("injected")
    async with archive.read() as session:
        assert (await session.scalars(select(ArchiveOutboxRow))).all() == []
