"""A workshop on fresh databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.engine.jobs import shop
from tests.engine.jobs.shop import Fixture


@pytest.fixture
async def fixture(tmp_path: Path, database_url: Callable[..., str]) -> AsyncIterator[Fixture]:
    """A workshop with project P and a journal that is registered."""
    urls = [database_url("sqlite", section) for section in ("archive", "prearchive")]
    made = shop.make(tmp_path / "home", *urls)
    await made.shop.absorber.register(made.journal.path.name)
    await made.project("P")
    yield made
    made.journal.close()
    await made.shop.archive_db.close()
    await made.shop.prearchive_db.close()
