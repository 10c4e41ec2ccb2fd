# SPDX-License-Identifier: Apache-2.0
"""Whether anything has been committed to a database: nothing is missed, whoever has done it, and
nothing is asked while nothing happens."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.database.connection import Address, Database
from engine.database.watch import OTHERS, SETTLED, Watch
from engine.prearchive.tables import NodeRow

LATER = SETTLED + 1


@pytest.fixture
async def database(database_url: Callable[..., str]) -> AsyncIterator[Database]:
    """A database in use."""
    opened = Database.open(database_url("sqlite", "prearchive"))
    await write(opened, "first")
    yield opened
    await opened.close()


async def write(database: Database, name: str) -> None:
    """Commit something."""
    now = datetime.now(UTC)
    async with database.write() as transaction:
        transaction.add(NodeRow(name=name, epoch="", started=now, heartbeat=now))


def watching(database: Database, later: float = 0.0) -> Watch:
    """Watch a database with a clock that goes before that of the files."""
    return Watch(database.address, clock=lambda: time.time() + later)


def file_of(database: Database) -> Path:
    """Return the file of a database."""
    assert database.address.file is not None
    return database.address.file


@pytest.mark.parametrize("later", [0.0, LATER, -LATER])
async def test_whatever_is_committed_is_seen(database: Database, later: float) -> None:
    watch = watching(database, later)
    marks = [watch.mark()]
    assert watch.mark() == marks[0]
    await write(database, "ours")
    marks.append(watch.mark())
    with closing(sqlite3.connect(file_of(database))) as other, other:
        other.execute("DELETE FROM nodes WHERE name = 'ours'")
    marks.append(watch.mark())
    # The log is written anew from its beginning.
    with closing(sqlite3.connect(file_of(database))) as other:
        other.execute("PRAGMA wal_checkpoint(RESTART)")
    await write(database, "again")
    marks.append(watch.mark())
    assert len(set(marks)) == len(marks)
    assert watch.mark() == marks[-1]
    watch.close()


async def test_looks_and_failed_changes_are_no_change(database: Database) -> None:
    watch = watching(database)
    mark = watch.mark()
    async with database.read() as transaction:
        assert await transaction.get(NodeRow, "first") is not None
    with pytest.raises(ZeroDivisionError):
        async with database.write() as transaction:
            await transaction.delete(await transaction.get_one(NodeRow, "first"))
            await transaction.flush()
            raise ZeroDivisionError
    async with database.write() as transaction:
        assert await transaction.get(NodeRow, "first") is not None
    assert watch.mark() == mark
    watch.close()


async def test_a_database_at_rest_is_not_asked(database: Database) -> None:
    now = time.time() + LATER
    watch = Watch(database.address, clock=lambda: now)
    watch.mark()
    asked = watch.asked
    for _ in range(100):
        watch.mark()
    assert watch.asked == asked
    watch.close()


async def test_what_the_disk_may_not_have_yet_is_asked_for_again(database: Database) -> None:
    watch = watching(database)
    watch.mark()
    asked = watch.asked
    watch.mark()
    assert watch.asked == asked + 1
    watch.close()


async def test_a_commit_that_the_disk_has_late_is_seen_a_little_later(database: Database) -> None:
    now = [time.time() + LATER]
    watch = Watch(database.address, clock=lambda: now[0])
    log = f"{file_of(database)}-wal"
    mark, before = watch.mark(), os.stat(log)
    with closing(sqlite3.connect(file_of(database))) as other:
        other.execute("PRAGMA wal_checkpoint(RESTART)")
    await write(database, "late")
    # As it is where the log was written long before the disk had it.
    os.truncate(log, before.st_size)
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))
    now[0] += OTHERS
    assert watch.mark() != mark
    watch.close()


async def test_a_database_that_cannot_be_watched_is_always_looked_at(
    database: Database, tmp_path: Path
) -> None:
    watch = watching(database, LATER)
    mark = watch.mark()
    file = file_of(database)
    copy = shutil.copyfile(file, tmp_path / "copy.db")
    file.unlink()
    assert len({mark, watch.mark(), watch.mark()}) == 3
    copy.rename(file)  # another file of this name
    assert watch.mark() != mark
    watch.close()


def test_of_a_server_our_own_commits_are_seen_and_those_of_others_looked_for() -> None:
    now, commits = [100 * OTHERS], [0]
    server = Address.parse("postgresql://nobody@nowhere/none")
    watch = Watch(server, commits=lambda: commits[0], clock=lambda: now[0])
    mark = watch.mark()
    assert watch.mark() == mark
    commits[0] += 1
    ours = watch.mark()
    assert ours != mark
    now[0] += OTHERS
    assert watch.mark() not in (mark, ours)
    assert watch.asked == 0


async def test_commits_are_counted(database: Database) -> None:
    before = database.commits
    await write(database, "one")
    assert database.commits == before + 1
    with pytest.raises(ZeroDivisionError):
        async with database.write():
            raise ZeroDivisionError
    async with database.read():
        assert database.commits == before + 1
