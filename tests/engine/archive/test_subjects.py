# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from engine.archive.subjects import find, find_or_create
from engine.archive.tables import ArchiveOutboxRow
from engine.database.connection import Database
from engine.model.archive import Subject
from engine.model.errors import InvalidInput, NotFound


async def _get(database: Database, name: str, project: str = "BRAINS") -> Subject:
    async with database.write() as session:
        return await find_or_create(
            session, project, name, site="XNAT", actor="ada", experiment="XNAT_E00001"
        )


async def test_a_subject_is_made_once_and_found_by_label_or_id(shelf: Database) -> None:
    made = await _get(shelf, "Subj-É1")
    assert (made.id, made.label) == ("XNAT_S00001", "Subj-É1")
    assert await _get(shelf, "SUBJ-é1") == made
    assert await _get(shelf, "XNAT_S00001") == made
    async with shelf.read() as session:
        events = await session.scalars(
            select(ArchiveOutboxRow).where(ArchiveOutboxRow.object == made.id)
        )
        assert [(event.action, event.detail) for event in events] == [
            ("Auto-created for experiment", {"project": "BRAINS", "experiment": "XNAT_E00001"})
        ]


async def test_labels_are_apart_in_each_project(shelf: Database) -> None:
    one, other = await _get(shelf, "S1"), await _get(shelf, "S1", "HEARTS")
    assert one.id != other.id
    async with shelf.read() as session:
        assert await find(session, "HEARTS", one.id) is None


async def test_sessions_that_arrive_together_share_one_subject(shelf: Database) -> None:
    found = await asyncio.gather(*(_get(shelf, name) for name in ("S1", "s1") * 6))
    assert len({subject.id for subject in found}) == 1


@pytest.mark.parametrize("name", ["", "  ", "x" * 161])
async def test_a_subject_needs_a_name(shelf: Database, name: str) -> None:
    with pytest.raises(InvalidInput):
        await _get(shelf, name)


async def test_a_subject_needs_a_project(shelf: Database) -> None:
    with pytest.raises(NotFound):
        await _get(shelf, "S1", "NOWHERE")
