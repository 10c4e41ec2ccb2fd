# SPDX-License-Identifier: Apache-2.0
"""What a database that does not work is called, asked of real ones that do not."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError

from engine.database.connection import Database
from engine.database.migration import migrate
from engine.model.errors import Outage, Refused

ASK = text("SELECT count(*) FROM things")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small SQLite database."""
    path = tmp_path / "things.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE things (name TEXT UNIQUE, body BLOB)")
        connection.executemany(
            "INSERT INTO things VALUES (?, zeroblob(5000))", [(str(n),) for n in range(9)]
        )
    connection.close()
    return path


async def failing(database: Database) -> Outage:
    """Ask until it fails, and return what is said."""
    try:
        with pytest.raises(Outage) as caught:
            async with database.write() as transaction:
                await transaction.execute(ASK)
                await transaction.execute(text("INSERT INTO things VALUES ('a', zeroblob(9000))"))
    finally:
        await database.close()
        # The thread of a connection that failed says a last word to this loop, and nobody waits.
        for thread in threading.enumerate():
            if thread.name.endswith("(_connection_worker_thread)"):
                await asyncio.to_thread(thread.join)
    assert caught.value.hint
    return caught.value


async def test_a_full_disk_is_named_and_says_what_makes_room(file: Path) -> None:
    database = Database.open(f"sqlite:///{file}")
    async with database.write() as transaction:
        pages = (await transaction.execute(text("PRAGMA page_count"))).scalar_one()
        await transaction.execute(text(f"PRAGMA max_page_count = {pages}"))
    error = await failing(database)
    assert error.message == f"the database {file} is full: its disk has no room"
    assert "anteroom trash empty" in error.hint


def overwrite_pages(file: Path) -> None:
    """Leave the first page, which says what the file is, and nothing else."""
    data = file.read_bytes()
    file.write_bytes(data[:4096] + b"\x5a" * (len(data) - 4096))


def overwrite_all(file: Path) -> None:
    """Leave nothing of a database."""
    file.write_bytes(b"hello" * 2000)


@pytest.mark.parametrize("damage", [overwrite_pages, overwrite_all])
async def test_a_damaged_file_is_named(file: Path, damage: Callable[[Path], None]) -> None:
    damage(file)
    assert "is damaged" in (await failing(Database.open(f"sqlite:///{file}"))).message


async def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    error = await failing(Database.open(f"sqlite:///{tmp_path}/nowhere/things.db"))
    assert "cannot be opened" in error.message


async def test_a_file_that_goes_away_while_it_is_open_is_missed(file: Path) -> None:
    database = Database.open(f"sqlite:///{file}")
    async with database.read() as transaction:
        await transaction.execute(ASK)
    away = file.with_name("away.db")
    os.rename(file, away)
    with pytest.raises(Outage, match="was removed while the engine runs"):
        async with database.read() as transaction:
            await transaction.execute(ASK)
    shutil.copyfile(away, file)
    with pytest.raises(Outage, match="was replaced while the engine runs"):
        async with database.write() as transaction:
            await transaction.execute(ASK)
    os.replace(away, file)
    async with database.read() as transaction:
        assert (await transaction.execute(ASK)).scalar_one() == 9
    await database.close()


async def test_what_a_statement_did_wrong_is_no_outage(file: Path) -> None:
    database = Database.open(f"sqlite:///{file}")
    with pytest.raises(IntegrityError):
        async with database.write() as transaction:
            await transaction.execute(text("INSERT INTO things VALUES ('1', '')"))
    await database.close()


async def test_a_server_that_nobody_hears_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://somebody:secret@/anteroom?host={tmp_path}"
    error = await failing(Database.open(url))
    assert error.message == "the PostgreSQL database anteroom does not answer"
    with pytest.raises(Outage, match="does not answer"):
        await migrate(url, "archive")
    assert "secret" not in error.message + error.hint


async def test_a_server_that_turns_us_away_is_told_from_a_silent_one(
    database_url: Callable[..., str],
) -> None:
    url = make_url(database_url("postgresql", "archive")).set(database="nowhere_to_be_found")
    error = await failing(Database.open(url.render_as_string(hide_password=False)))
    assert "lets nobody in" in error.message


@pytest.mark.parametrize("left", [None, b""])
async def test_an_empty_archive_database_does_not_take_the_place_of_a_lost_one(
    tmp_path: Path, left: bytes | None
) -> None:
    file = tmp_path / "archive.db"
    copy = tmp_path / "archive.db.before-a0003-20260101T000000Z"
    copy.touch()
    if left is not None:
        file.write_bytes(left)
    with pytest.raises(Refused, match="missing or empty") as caught:
        await migrate(f"sqlite:///{file}", "archive", in_use=True)
    assert str(copy) in caught.value.hint
    assert file.exists() is (left is not None)
