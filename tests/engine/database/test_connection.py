# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine.archive.numbering import AccessionKind, next_id
from engine.archive.tables import NumberRow
from engine.database.connection import Address, Database


async def _last(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(text("SELECT last FROM numbers")) or 0


async def test_a_write_commits_at_its_end(archive: Database) -> None:
    async with archive.write() as session:
        session.add(NumberRow(kind="E", last=7))
    assert await _last(archive) == 7


async def test_a_write_that_fails_leaves_nothing(archive: Database) -> None:
    with pytest.raises(RuntimeError):
        async with archive.write() as session:
            session.add(NumberRow(kind="E", last=7))
            await session.flush()
            raise RuntimeError("injected")
    assert await _last(archive) == 0


async def test_a_read_cannot_change_anything(archive: Database) -> None:
    async with archive.read() as session:
        session.add(NumberRow(kind="E", last=7))
        with pytest.raises(DBAPIError):
            await session.flush()
    assert await _last(archive) == 0


async def test_a_read_sees_one_state_while_others_write(archive: Database) -> None:
    async with archive.write() as session:
        session.add(NumberRow(kind="E", last=1))
    async with archive.read() as reader:
        before = await reader.scalar(text("SELECT last FROM numbers"))
        async with archive.write() as writer:
            await writer.execute(text("UPDATE numbers SET last = 2"))
        assert await reader.scalar(text("SELECT last FROM numbers")) == before == 1
    assert await _last(archive) == 2


async def test_a_write_that_is_cancelled_leaves_nothing_and_frees_the_way(
    archive: Database,
) -> None:
    inside, never = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        async with archive.write() as session:
            session.add(NumberRow(kind="E", last=7))
            await session.flush()
            inside.set()
            await never.wait()

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _last(archive) == 0
    async with archive.write() as session:
        session.add(NumberRow(kind="E", last=8))
    assert await _last(archive) == 8


async def test_a_write_within_a_write_is_an_error_not_a_hang(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/plain.db")
    async with database.write():
        with pytest.raises(RuntimeError, match="within a write"):
            async with database.write():
                pass
    async with database.write() as session:
        assert await session.scalar(text("SELECT 1")) == 1
    await database.close()


async def test_writers_wait_for_each_other(archive_url: str, archive: Database) -> None:
    other = Database.open(archive_url)

    async def add_one(database: Database) -> None:
        async with database.write() as session:
            await next_id(session, "SITE", AccessionKind.EXPERIMENT)

    await asyncio.gather(*(add_one(database) for database in (archive, other) * 15))
    await other.close()
    assert await _last(archive) == 30


async def test_sqlite_is_durable_and_strict(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/plain.db")
    async with database.write() as session:
        pragmas = {
            name: await session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    await database.close()
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def test_an_address_knows_its_schema() -> None:
    address = Address.parse("postgresql://reader@db/anteroom?schema=archive")
    assert address.schema == "archive"
    assert address.url.drivername == "postgresql+psycopg"
    assert "schema" not in address.url.query


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://db/anteroom",
        "postgresql://db/anteroom?schema=a;b",
        "postgresql://db/anteroom?schema=a&schema=b",
    ],
)
def test_addresses_that_cannot_work_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"SQLite|supported|schema"):
        Address.parse(url)
