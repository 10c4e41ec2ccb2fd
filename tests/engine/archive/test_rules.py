# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from sqlalchemy import select

from engine.archive import rules
from engine.archive.configuration import version
from engine.archive.tables import ArchiveOutboxRow
from engine.database.connection import Database
from engine.model.errors import InvalidInput


async def test_where_nobody_wrote_rules_the_text_is_empty(archive: Database) -> None:
    async with archive.read() as session:
        found = await rules.current(session, "site", "project")
    assert (found.version, found.text, found.at) == (0, "", None)


async def test_the_newest_version_is_in_force(archive: Database) -> None:
    async with archive.write() as session:
        await rules.write(session, "site", "project", "one", actor="ada")
        await rules.write(session, "site", "project", "two", actor="bob", reason="typo")
        await rules.write(session, "receiver:MRI", "project", "three", actor="bob")
    async with archive.read() as session:
        current = await rules.current(session, "site", "project")
        every = await rules.versions(session, "site", "project")
        in_force = await rules.in_force(session)
    assert (current.version, current.text, current.author) == (2, "two", "bob")
    assert [text.text for text in every] == ["two", "one"]
    assert [(text.scope, text.text) for text in in_force] == [
        ("receiver:MRI", "three"),
        ("site", "two"),
    ]


async def test_the_same_text_again_is_no_version(archive: Database) -> None:
    async with archive.write() as session:
        await rules.write(session, "site", "subject", "one", actor="ada")
        before = await version(session)
        again = await rules.write(session, "site", "subject", "one", actor="ada")
        assert await version(session) == before
        off = await rules.write(session, "site", "subject", "one", actor="ada", enabled=False)
        assert await version(session) == before + 1
    assert (again.version, off.version, off.enabled) == (1, 2, False)


async def test_the_trail_names_the_version_not_the_text(archive: Database) -> None:
    async with archive.write() as session:
        await rules.write(session, "site", "subject", "secret text", actor="ada", reason="why")
        event = (await session.scalars(select(ArchiveOutboxRow))).one()
    assert event.object == "site/subject"
    assert event.detail == {"version": 1, "enabled": True, "reason": "why"}


@pytest.mark.parametrize(
    ("scope", "concept"),
    [("", "project"), ("receiver:", "project"), ("receiver:A\\B", "project"), ("site", "colour")],
)
async def test_unknown_scopes_and_concepts_are_refused(
    archive: Database, scope: str, concept: str
) -> None:
    async with archive.write() as session:
        with pytest.raises(InvalidInput):
            await rules.write(session, scope, concept, "", actor="ada")
