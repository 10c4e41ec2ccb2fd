# SPDX-License-Identifier: Apache-2.0
"""Databases for the stores: empty ones for migrations, and ones with all tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count

import pytest
from sqlalchemy import make_url

from engine.archive import projects
from engine.database.connection import Database
from engine.database.migration import migrate
from engine.dicom.guard import Guard
from tests.conftest import BACKENDS, Databases

MakeUrl = Callable[[str], str]
MigratedUrl = Callable[[str], Awaitable[str]]

_NUMBERS = count(1)


@pytest.fixture(params=BACKENDS, scope="module")
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn."""
    return str(request.param)


@pytest.fixture
def blank_url(kind: str, database_url: Callable[..., str]) -> MakeUrl:
    """Make a database without tables for a section and give its URL."""

    def make(section: str) -> str:
        return database_url(kind, section, migrated=False)

    return make


@pytest.fixture(scope="session")
def postgresql_url(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> str:
    """One PostgreSQL database in which every test has schemas of its own: far quicker to make."""
    return databases.new("postgresql", "schemas", tmp_path_factory.getbasetemp(), migrated=False)


@pytest.fixture(scope="module")
def migrated_url(
    kind: str,
    request: pytest.FixtureRequest,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
) -> MigratedUrl:
    """Make a database with the tables of a section and give its URL."""

    async def make(section: str) -> str:
        if kind == "sqlite":
            return databases.new(kind, section, tmp_path_factory.mktemp(section), migrated=True)
        shared = make_url(request.getfixturevalue("postgresql_url"))
        schema = f"{section}_{next(_NUMBERS)}"
        url = shared.update_query_dict({"schema": schema}).render_as_string(hide_password=False)
        await migrate(url, section)
        return url

    return make


@pytest.fixture
async def archive_url(migrated_url: MigratedUrl) -> str:
    return await migrated_url("archive")


@pytest.fixture
async def archive(archive_url: str) -> AsyncIterator[Database]:
    database = Database.open(archive_url)
    yield database
    await database.close()


@pytest.fixture
async def prearchive(migrated_url: MigratedUrl) -> AsyncIterator[Database]:
    database = Database.open(await migrated_url("prearchive"))
    yield database
    await database.close()


@pytest.fixture
async def shelf(archive: Database) -> Database:
    """The archive with two projects."""
    await add_projects(archive)
    return archive


async def add_projects(archive: Database) -> None:
    """Add the two projects that the tests file into."""
    async with archive.write() as session:
        await projects.add(session, "BRAINS", actor="ada")
        await projects.add(session, "HEARTS", actor="ada")


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    made = Guard()
    yield made
    made.close()
