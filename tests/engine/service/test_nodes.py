# SPDX-License-Identifier: Apache-2.0
"""Nodes that share a prearchive: of those that arrive, at most one believes to be alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from engine.database.connection import Database
from engine.prearchive.tables import NodeRow
from engine.service.nodes import STALE, Nodes
from tests.conftest import Backend


@pytest.fixture
async def database(backend: Backend) -> AsyncIterator[Database]:
    opened = Database.open(backend.prearchive_url)
    yield opened
    await opened.close()


async def names(database: Database) -> dict[str, str]:
    async with database.read() as transaction:
        rows = (await transaction.execute(select(NodeRow.name, NodeRow.epoch))).all()
    return {name: epoch for name, epoch in rows}


async def silence(database: Database, name: str, since: timedelta) -> None:
    async with database.write() as transaction:
        await transaction.execute(
            update(NodeRow).where(NodeRow.name == name).values(heartbeat=datetime.now(UTC) - since)
        )


async def test_the_life_of_nodes(database: Database) -> None:
    first, second = Nodes(database, "a", "e1"), Nodes(database, "b", "e2")
    assert await first.arrive()
    assert not await second.arrive()
    # After a crash the node itself is no other one.
    await second.leave()
    assert await Nodes(database, "a", "e3").arrive()
    assert await names(database) == {"a": "e3"}


async def test_a_silent_node_counts_as_dead_until_it_speaks(database: Database) -> None:
    first, second = Nodes(database, "a", "e1"), Nodes(database, "b", "e2")
    await first.arrive()
    await silence(database, "a", STALE + timedelta(seconds=1))
    assert await second.arrive()
    await first.beat()
    assert not await second.arrive()


async def test_a_node_that_was_struck_off_enters_itself_again(database: Database) -> None:
    first = Nodes(database, "a", "e1")
    await first.arrive()
    await first.leave()
    await first.beat()
    assert await names(database) == {"a": "e1"}


async def test_of_many_that_arrive_at_once_at_most_one_is_alone(database: Database) -> None:
    nodes = [Nodes(database, f"n{number}", "e") for number in range(6)]
    alone = await asyncio.gather(*(node.arrive() for node in nodes))
    assert sum(alone) <= 1
    assert len(await names(database)) == 6
