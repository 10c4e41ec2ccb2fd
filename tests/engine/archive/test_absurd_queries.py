# SPDX-License-Identifier: Apache-2.0
"""Queries that no person types are refused in words on both databases, before one chokes."""

from __future__ import annotations

import pytest

from engine.archive import sessions
from engine.database.connection import Database
from engine.model.archive import SessionQuery, Window
from engine.model.errors import InvalidInput
from engine.model.filters import LONGEST, MOST_CONDITIONS, MOST_WORDS, Condition
from engine.model.prearchive import PrearchiveQuery
from engine.prearchive import rows

MANY = (Condition(field="session", value="a*b"),) * (MOST_CONDITIONS + 1)
LONG = "x" * (LONGEST + 1)
STARS = (Condition(field="session", value="*" * LONGEST),) * MOST_CONDITIONS
WORDS = " ".join(f"w{number}" for number in range(MOST_WORDS))


async def of_archive(database: Database, query: SessionQuery) -> int:
    async with database.read() as session:
        return (await sessions.page(session, query, Window())).total


async def of_prearchive(database: Database, query: PrearchiveQuery) -> int:
    async with database.read() as session:
        return (await rows.list_page(session, query, 0, 10)).total


async def test_of_the_archive(archive: Database) -> None:
    for query in (
        SessionQuery(where=MANY),
        SessionQuery(where=(Condition(field="files", value="9" * (LONGEST + 1)),)),
        SessionQuery(label=LONG),
        SessionQuery(text=LONG),
        SessionQuery(text=WORDS + " one_more"),
    ):
        with pytest.raises(InvalidInput, match="at most"):
            await of_archive(archive, query)
    # What is just allowed is answered.
    assert await of_archive(archive, SessionQuery(where=STARS, text=WORDS)) == 0


async def test_of_the_prearchive(prearchive: Database) -> None:
    for query in (
        PrearchiveQuery(where=MANY),
        PrearchiveQuery(where=(Condition(field="session", value=LONG),)),
        PrearchiveQuery(text=LONG),
    ):
        with pytest.raises(InvalidInput, match="at most"):
            await of_prearchive(prearchive, query)
    assert await of_prearchive(prearchive, PrearchiveQuery(where=STARS, text="x" * LONGEST)) == 0
