from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from engine.archive import projects
from engine.archive.database import Database
from engine.archive.migration import migrate

MakeUrl = Callable[[str], str]


@pytest.fixture(params=["sqlite", "postgresql"])
def make_url(request: pytest.FixtureRequest, tmp_path: Path) -> MakeUrl:
    """Give the URL of an empty database for a name; the same one for the same name."""
    tag = uuid.uuid4().hex[:8]

    def url(name: str) -> str:
        if request.param == "sqlite":
            return f"sqlite:///{tmp_path / name}.db"
        return os.environ["TEST_PG_URL"] + f"&schema=t{tag}_{name}"

    return url


@pytest.fixture
def archive_url(make_url: MakeUrl) -> str:
    return make_url("archive")


@pytest.fixture
async def archive(archive_url: str) -> AsyncIterator[Database]:
    await migrate(archive_url, "archive")
    database = Database.open(archive_url)
    yield database
    await database.close()


@pytest.fixture
async def prearchive(make_url: MakeUrl) -> AsyncIterator[Database]:
    url = make_url("prearchive")
    await migrate(url, "prearchive")
    database = Database.open(url)
    yield database
    await database.close()


@pytest.fixture
async def shelf(archive: Database) -> Database:
    """The archive with two projects."""
    async with archive.write() as session:
        await projects.add(session, "BRAINS", actor="ada")
        await projects.add(session, "HEARTS", actor="ada")
    return archive
