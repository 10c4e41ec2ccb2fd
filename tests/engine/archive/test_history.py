# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from sqlalchemy import select

from engine.archive import history
from engine.archive.tables import ProjectRow
from engine.database.connection import Database


async def test_history_keeps_what_was_in_the_order_of_changes(shelf: Database) -> None:
    async with shelf.write() as session:
        row = (await session.scalars(select(ProjectRow).where(ProjectRow.id == "BRAINS"))).one()
        history.keep(session, "thing", "t1", "ada", "Modified", history.state(row))
        history.keep(session, "thing", "t1", "bob", "Deleted", {"n": 2})
        history.keep(session, "thing", "t2", "bob", "Added")
        history.keep(session, "other", "t1", "bob", "Added")
    async with shelf.read() as session:
        entries = await history.of(session, "thing", "t1")
        (added,) = await history.of(session, "thing", "t2")
    assert [(entry.actor, entry.change) for entry in entries] == [
        ("ada", "Modified"),
        ("bob", "Deleted"),
    ]
    assert entries[0].before["id"] == "BRAINS"
    assert entries[0].before["created"] == row.created.isoformat()
    assert entries[0].before["deleted"] is None
    assert added.before == {}
    assert added.at.tzinfo is not None
