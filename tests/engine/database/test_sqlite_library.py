# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from engine.database import sqlite_library
from engine.database.connection import Database
from engine.database.migration import migrate
from engine.model.errors import Refused


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the library be one that does not know `subsec`."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))


async def test_a_library_that_is_too_old_is_refused_before_there_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    file = tmp_path / "a.db"
    with pytest.raises(Refused) as caught:
        await migrate(f"sqlite:///{file}", "archive")
    message = "Anteroom needs SQLite 3.35.0 or newer, and this Python has 3.34.1"
    assert caught.value.message == message
    assert not file.exists()
    monkeypatch.setattr(sqlite3, "sqlite_version_info", sqlite_library.OLDEST)
    await migrate(f"sqlite:///{file}", "archive")


async def test_an_older_library_is_given_the_clock_of_the_jobs(older: None, tmp_path: Path) -> None:
    asked = text("SELECT unixepoch('subsec') - strftime('%s', 'now')")
    database = Database.open(f"sqlite:///{tmp_path / 'a.db'}")
    async with database.write() as transaction:
        assert abs(await transaction.scalar(asked)) < 3600
    await database.close()
    # dbos makes its engine itself.
    others = create_engine(f"sqlite:///{tmp_path / 'b.db'}")
    with others.begin() as connection:
        connection.execute(text("CREATE TABLE t (at INTEGER DEFAULT (unixepoch('subsec') * 1000))"))
        connection.execute(text("INSERT INTO t DEFAULT VALUES"))
        kind, at = connection.execute(text("SELECT typeof(at), at FROM t")).one()
    others.dispose()
    assert kind == "integer"
    assert at > 1_700_000_000_000


class Untouched(sqlite3.Connection):
    """A connection to which nothing may be added."""

    def create_function(self, *_: Any, **__: Any) -> None:
        raise AssertionError("a function was added")


def test_a_newer_library_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 42, 0))
    with closing(sqlite3.connect(":memory:", factory=Untouched)) as connection:
        sqlite_library.complete(connection)


def test_only_the_clock_is_answered(older: None) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        sqlite_library.complete(connection)
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("SELECT unixepoch('now')")


def test_the_documentation_names_the_oldest() -> None:
    guide = Path(__file__).parents[3] / "docs" / "operating.md"
    major, minor, _ = sqlite_library.OLDEST
    assert f"SQLite {major}.{minor} or newer" in guide.read_text("utf-8")
