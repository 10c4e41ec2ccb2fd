# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from engine.archive.audit import relay
from engine.archive.audit.relay import Relay
from engine.archive.audit.trail import AuditChain, record, record_triage
from engine.archive.tables import ArchiveOutboxRow, AuditRow
from engine.database.connection import Database
from engine.model.archive import AuditQuery
from engine.prearchive.tables import OutboxRow


async def _fill(archive: Database, prearchive: Database, each: int = 3) -> None:
    for number in range(each):
        async with archive.write() as session:
            record(session, "ada", "Modified project", f"P{number}", {"title": "x"})
        async with prearchive.write() as session:
            record_triage(session, "bob", "Moved", f"pre_{number}", {"to": "BRAINS"})


async def _waiting(archive: Database, prearchive: Database) -> int:
    async with archive.read() as session:
        first = await session.scalar(select(func.count()).select_from(ArchiveOutboxRow))
    async with prearchive.read() as session:
        second = await session.scalar(select(func.count()).select_from(OutboxRow))
    return (first or 0) + (second or 0)


async def test_both_outboxes_go_into_the_chain(archive: Database, prearchive: Database) -> None:
    await _fill(archive, prearchive)
    assert await Relay(archive, prearchive).drain() == 6
    assert await _waiting(archive, prearchive) == 0
    assert await Relay(archive, prearchive).drain() == 0
    chain = AuditChain(archive)
    assert (await chain.verify()).checked == 6
    page = await chain.find(AuditQuery())
    assert [event.object for event in page.rows] == ["pre_2", "pre_1", "pre_0", "P2", "P1", "P0"]


async def test_more_than_one_batch_is_drained(
    archive: Database, prearchive: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_BATCH", 2)
    await _fill(archive, prearchive, 4)
    assert await Relay(archive, prearchive).drain() == 8
    assert await _waiting(archive, prearchive) == 0


async def _crash(*_: object) -> None:
    raise RuntimeError("injected")


async def test_a_crash_between_the_databases_doubles_nothing(
    archive: Database, prearchive: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        async with prearchive.write() as session:
            record_triage(session, "bob", "Moved", f"pre_{number}")
    with monkeypatch.context() as broken:
        broken.setattr(relay, "_forget", _crash)
        with pytest.raises(RuntimeError):
            await Relay(archive, prearchive).drain()
    assert await _waiting(archive, prearchive) == 3
    assert (await AuditChain(archive).verify()).checked == 3
    assert await Relay(archive, prearchive).drain() == 0
    assert await _waiting(archive, prearchive) == 0
    report = await AuditChain(archive).verify()
    assert (report.ok, report.checked) == (True, 3)


async def test_a_crash_within_the_archive_leaves_the_outbox(
    archive: Database, prearchive: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with archive.write() as session:
        record(session, "ada", "Modified project", "P")
    with monkeypatch.context() as broken:
        broken.setattr(relay, "_forget", _crash)
        with pytest.raises(RuntimeError):
            await Relay(archive).drain()
    assert await _waiting(archive, prearchive) == 1
    assert (await AuditChain(archive).verify()).checked == 0
    assert await Relay(archive).drain() == 1


async def test_several_engines_share_one_chain(
    archive: Database, prearchive: Database, archive_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_BATCH", 4)
    await _fill(archive, prearchive, 20)
    others = [Database.open(archive_url) for _ in range(2)]
    try:
        gained = await asyncio.gather(
            *(Relay(engine, prearchive).drain() for engine in (archive, *others))
        )
    finally:
        for other in others:
            await other.close()
    assert sum(gained) == 40
    report = await AuditChain(archive).verify()
    assert (report.ok, report.checked) == (True, 40)
    assert await _waiting(archive, prearchive) == 0


async def test_what_belongs_to_triage_stays_there(archive: Database, prearchive: Database) -> None:
    async with prearchive.write() as session:
        detail = {"project": "BRAINS", "subject": "Doe^Jane", "label": "Doe_1", "count": 3}
        record_triage(session, "bob", "Moved", "pre_abcdefgh", detail)
    await Relay(archive, prearchive).drain()
    page = await AuditChain(archive).find(AuditQuery())
    assert page.rows[0].detail == {
        "project": "BRAINS",
        "count": 3,
        "withheld": ["label", "subject"],
    }
    async with archive.read() as session:
        assert "Doe" not in str(await session.scalar(select(AuditRow.detail)))


async def test_events_keep_the_order_in_which_they_were_recorded(archive: Database) -> None:
    async with archive.write() as session:
        for number in range(50):
            record(session, "ada", "Modified project", f"P{number:02d}")
    await Relay(archive).drain()
    page = await AuditChain(archive).find(AuditQuery())
    assert [event.object for event in page.rows[::-1]] == [f"P{number:02d}" for number in range(50)]
