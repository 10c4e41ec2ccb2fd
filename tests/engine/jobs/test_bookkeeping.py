# SPDX-License-Identifier: Apache-2.0
"""What dbos's own bookkeeping outlasts: its predicates are replaced where it has no setting."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from dbos import _sys_db
from sqlalchemy.exc import OperationalError, ProgrammingError

from engine.jobs import bookkeeping


def refused(path: Path, *statements: str) -> OperationalError:
    """Return how SQLAlchemy passes on what SQLite refuses."""
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.Error) as caught:
        for statement in statements:
            connection.execute(statement)
    return OperationalError("INSERT", {}, caught.value)


def test_an_outage_passes_and_a_wrong_statement_does_not(tmp_path: Path) -> None:
    bookkeeping.begin()
    # Its own places of these names are no public ones: a new version may call them otherwise.
    assert getattr(_sys_db, "retriable_postgres_exception") is bookkeeping.may_pass  # noqa: B009
    assert getattr(_sys_db, "time").time() > 0  # noqa: B009
    full = refused(
        tmp_path / "a.db",
        "PRAGMA max_page_count = 2",
        "CREATE TABLE a (b)",
        "INSERT INTO a VALUES (zeroblob(100000))",
    )
    assert "full" in str(full)
    (tmp_path / "damaged.db").write_bytes(b"x" * 4096)
    damaged = refused(tmp_path / "damaged.db", "SELECT * FROM sqlite_master")
    unreachable = refused(tmp_path / "a.db", f"ATTACH '{tmp_path}/none/b.db' AS b")
    for outage in (full, damaged, unreachable):
        assert bookkeeping.may_pass(outage)
        with bookkeeping.at_once():
            assert not bookkeeping.may_pass(outage)
    assert not bookkeeping.may_pass(refused(tmp_path / "a.db", "SELECT * FROM none"))
    assert not bookkeeping.may_pass(ProgrammingError("SELECT", {}, ValueError("disk is full")))


def test_rests_end_when_the_engine_does() -> None:
    bookkeeping.begin()
    rest = getattr(_sys_db, "time").sleep  # noqa: B009
    rest(0)
    bookkeeping.end()
    with pytest.raises(bookkeeping.Closed):
        rest(3600)
    bookkeeping.begin()
