# SPDX-License-Identifier: Apache-2.0
"""A job context on fresh databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.conftest import Backend
from tests.engine.jobs import fixture as fixtures
from tests.engine.jobs.fixture import Fixture


@pytest.fixture
async def fixture(tmp_path: Path, database_url: Callable[..., str]) -> AsyncIterator[Fixture]:
    """A context with project P and a journal that is registered."""
    urls = [database_url("sqlite", section) for section in ("archive", "prearchive")]
    async with opened(tmp_path / "home", *urls) as made:
        yield made


@pytest.fixture
async def either(tmp_path: Path, backend: Backend) -> AsyncIterator[Fixture]:
    """The same on each kind of database in turn."""
    async with opened(tmp_path / "home", backend.archive_url, backend.prearchive_url) as made:
        yield made


@asynccontextmanager
async def opened(home: Path, archive_url: str, prearchive_url: str) -> AsyncIterator[Fixture]:
    """Make a context, and close it."""
    made = fixtures.make(home, archive_url, prearchive_url)
    await made.context.ingester.register(made.journal.path.name)
    await made.project("P")
    yield made
    made.journal.close()
    await made.context.archive_db.close()
    await made.context.prearchive_db.close()
