# SPDX-License-Identifier: Apache-2.0
"""The ground on which the other tests stand: databases of both kinds, and DCMTK itself."""

from __future__ import annotations

import subprocess

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from tests.conftest import Backend, Dcmtk


def connect(url: str) -> Connection:
    """Open one connection to a database, without a pool that would keep it."""
    plain = url.replace("+aiosqlite", "")
    return create_engine(plain, poolclass=NullPool).connect()


def test_a_backend_has_all_tables_in_two_databases(backend: Backend) -> None:
    with connect(backend.archive_url) as archive, connect(backend.prearchive_url) as prearchive:
        assert archive.dialect.name == prearchive.dialect.name == backend.name
        found = [set(inspect(one).get_table_names()) for one in (archive, prearchive)]
    assert "anteroom_archive_version" in found[0]
    assert "anteroom_prearchive_version" in found[1]


@pytest.mark.parametrize("_time", ["first", "again"])
def test_every_test_has_databases_of_its_own(blank_backend: Backend, _time: str) -> None:
    with connect(blank_backend.archive_url) as connection, connection.begin():
        assert inspect(connection).get_table_names() == []
        connection.execute(text("CREATE TABLE left_behind (id INTEGER)"))


def test_text_sorts_by_its_bytes_on_both(backend: Backend) -> None:
    words = "SELECT w FROM (SELECT 'b' AS w UNION SELECT 'B' UNION SELECT 'a') AS t ORDER BY w"
    with connect(backend.archive_url) as connection:
        assert [row[0] for row in connection.execute(text(words))] == ["B", "a", "b"]


@pytest.mark.parametrize("program", ["storescu", "echoscu", "dcmdump", "dcmodify"])
def test_the_toolkit_is_dcmtk_itself(dcmtk: Dcmtk, program: str) -> None:
    told = subprocess.run([dcmtk(program), "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("$dcmtk:")
