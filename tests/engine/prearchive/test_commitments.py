# SPDX-License-Identifier: Apache-2.0
"""Rows of requests for a storage commitment: whose turn it is, and what is read of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect

from engine.database.connection import Database
from engine.prearchive import commitments
from engine.prearchive.commitments import OWN_FIRST
from engine.prearchive.tables import CommitmentRow

THEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def two(prearchive: Database) -> Database:
    """A request of node a that is due, and one of node b that is due a second later."""
    async with prearchive.write() as session:
        for number, node in enumerate("ab"):
            values = dict.fromkeys(("receiver", "calling", "peer", "transfer", "digest"), "")
            session.add(
                CommitmentRow(
                    id=f"cm_{node}",
                    node=node,
                    transaction_uid=f"1.2.{number}",
                    at=THEN,
                    count=1,
                    objects=b"packed",
                    state="waiting",
                    due=THEN + number * SECOND,
                    **values,
                )
            )
    return prearchive


async def test_an_engine_has_its_own_first_and_takes_over_what_is_left(two: Database) -> None:
    async with two.read() as session:
        for node, first in (("a", THEN), ("b", THEN + SECOND), ("c", THEN + OWN_FIRST)):
            assert await commitments.next_due(session, node) == first
        soon, later = THEN + SECOND, THEN + SECOND + OWN_FIRST
        assert await commitments.due(session, "a", soon, 9) == ["cm_a"]
        assert await commitments.due(session, "b", soon, 9) == ["cm_b"]
        assert await commitments.due(session, "c", soon, 9) == []
        assert await commitments.due(session, "c", later, 9) == ["cm_a", "cm_b"]


async def test_objects_are_read_by_those_who_want_them(two: Database) -> None:
    async with two.read() as session:
        row = await commitments.show(session, "cm_a", objects=False)
        assert inspect(row).unloaded >= {"objects", "reasons"}
    async with two.read() as session:
        assert (await commitments.show(session, "cm_a")).objects == b"packed"


async def test_those_are_named_that_have_not_ended(two: Database) -> None:
    async with two.write() as session:
        await commitments.change(session, "cm_a", due=None)
        many = {f"cm_{number}" for number in range(2000)}
        assert await commitments.unfinished_of(session, many | {"cm_a", "cm_b"}) == {"cm_b"}
