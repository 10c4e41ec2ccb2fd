# SPDX-License-Identifier: Apache-2.0
"""Verifications that go on while others are asked for: joined, bounded, and told to nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from engine.archive.tables import ArchivedSessionRow
from engine.model.errors import Conflict, NotFound
from engine.service.verifying import Verifying
from tests.engine.jobs.conftest import fixture  # noqa: F401 (a fixture)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import archive, ready

LABELS = ("A", "B", "C", "D", "E")


@pytest.fixture
async def filed(fixture: Fixture) -> list[str]:  # noqa: F811
    for number, label in enumerate(LABELS):
        session = await ready(fixture, label, study=f"1.2.3.{number}")
        assert await archive(fixture, session) == ""
    async with fixture.context.archive_db.read() as transaction:
        rows = await transaction.scalars(
            select(ArchivedSessionRow.id).order_by(ArchivedSessionRow.key)
        )
        return list(rows)


@pytest.fixture
async def held(
    fixture: Fixture,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Verifying]:
    """Nothing is compared until the test is over."""
    over = asyncio.Event()

    async def waits(*_: Any) -> Any:
        await over.wait()

    monkeypatch.setattr(fixture.context.processes, "run", waits)
    verifying = Verifying(fixture.context)
    yield verifying
    await verifying.close()


async def test_who_asks_for_what_is_on_its_way_waits_for_that(
    filed: list[str], held: Verifying
) -> None:
    first = await held.verify(filed[0], "", 0.0, "ada")
    again = await held.verify(filed[0], "", 0.0, "bob")
    assert (first.run, first.done) == (again.run, False)


async def test_nobody_fills_the_queue_alone(filed: list[str], held: Verifying) -> None:
    for accession in filed[:4]:
        await held.verify(accession, "", 0.0, "ada")
    with pytest.raises(Conflict, match="have not ended yet"):
        await held.verify(filed[4], "", 0.0, "ada")
    assert not (await held.verify(filed[4], "", 0.0, "bob")).done


async def test_a_verification_is_asked_for_by_its_own_session_only(
    filed: list[str], held: Verifying
) -> None:
    begun = await held.verify(filed[0], "", 0.0, "ada")
    with pytest.raises(NotFound, match="not known any more"):
        await held.verify(filed[1], begun.run, 0.0, "ada")
    assert (await held.verify(filed[0], begun.run, 0.0, "ada")).accession == filed[0]
