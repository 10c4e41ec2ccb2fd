# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from engine.archive import history, projects
from engine.archive.configuration import version
from engine.archive.projects import Changes
from engine.archive.subjects import find_or_create
from engine.archive.tables import ArchiveOutboxRow, HistoryRow, ProjectRow
from engine.database.connection import Database
from engine.model.errors import Conflict, EngineError, InvalidInput, NotFound, Refused


async def test_a_project_is_added_with_the_defaults_of_the_site(archive: Database) -> None:
    async with archive.write() as session:
        await projects.add(session, "BRAINS", actor="ada", title="Brains", aliases=("b", "br"))
    async with archive.read() as session:
        project = await projects.show(session, "BRAINS")
        assert await projects.all_of(session) == (project,)
    assert (project.title, project.aliases) == ("Brains", ("b", "br"))
    assert (project.prearchive_code, project.quarantine_code) == (4, 0)
    assert (project.current_arc, project.created_by) == ("arc001", "ada")
    assert project.created.tzinfo is not None


@pytest.mark.parametrize("id", ["", "a b", "a/b", "..", ".a", "a.", "-a", "é", "x" * 65, "A\n"])
async def test_ids_that_paths_cannot_carry_are_refused(archive: Database, id: str) -> None:
    async with archive.write() as session:
        with pytest.raises(InvalidInput):
            await projects.add(session, id, actor="ada")


async def test_the_place_without_a_project_is_no_project(archive: Database) -> None:
    async with archive.write() as session:
        with pytest.raises(Refused):
            await projects.add(session, "Unassigned", actor="ada")


async def test_an_id_is_never_used_again(archive: Database) -> None:
    async with archive.write() as session:
        await projects.add(session, "GONE", actor="ada", aliases=("g",))
        await projects.remove(session, "GONE", actor="ada")
    async with archive.write() as session:
        with pytest.raises(Refused, match="never used again"):
            await projects.add(session, "GONE", actor="ada")
        with pytest.raises(NotFound):
            await projects.show(session, "GONE")
        assert await projects.resolve(session, "GONE") is None
        assert await projects.resolve(session, "g") is None
        assert await projects.all_of(session) == ()


async def test_the_alias_of_a_deleted_project_is_free_but_not_its_id(archive: Database) -> None:
    async with archive.write() as session:
        await projects.add(session, "GONE", actor="ada", aliases=("g",))
        await projects.remove(session, "GONE", actor="ada")
        await projects.add(session, "HERE", actor="ada", aliases=("g",))
        with pytest.raises(Conflict):
            await projects.add_alias(session, "HERE", "GONE", actor="ada")


async def test_a_project_that_holds_a_subject_stays(archive: Database) -> None:
    async with archive.write() as session:
        await projects.add(session, "BRAINS", actor="ada")
        await find_or_create(session, "BRAINS", "s1", site="X", actor="ada")
        with pytest.raises(Conflict, match="subjects"):
            await projects.remove(session, "BRAINS", actor="ada")


async def test_names_are_resolved_exactly_as_written(archive: Database) -> None:
    async with archive.write() as session:
        await projects.add(session, "BRAINS", actor="ada", aliases=("MR Brains",))
    async with archive.read() as session:
        found = [
            await projects.resolve(session, name)
            for name in ("BRAINS", "MR Brains", "brains", "mr brains", "")
        ]
    assert found == ["BRAINS", "BRAINS", None, None, None]


@pytest.mark.parametrize("taken", ["ONE", "uno", "TWO"])
async def test_ids_and_aliases_share_one_namespace(archive: Database, taken: str) -> None:
    async with archive.write() as session:
        await projects.add(session, "ONE", actor="ada", aliases=("uno",))
        await projects.add(session, "TWO", actor="ada")
    async with archive.write() as session:
        with pytest.raises(Conflict):
            await projects.add(session, taken, actor="ada")
    if taken != "TWO":
        async with archive.write() as session:
            with pytest.raises(Conflict):
                await projects.add_alias(session, "TWO", taken, actor="ada")


async def test_one_of_two_that_want_an_alias_gets_it(archive: Database) -> None:
    async with archive.write() as session:
        await projects.add(session, "ONE", actor="ada")
        await projects.add(session, "TWO", actor="ada")

    async def want(id: str) -> str | None:
        try:
            async with archive.write() as session:
                await projects.add_alias(session, id, "mine", actor="ada")
        except EngineError as error:
            return error.code
        return None

    assert sorted(map(str, await asyncio.gather(want("ONE"), want("TWO")))) == ["None", "conflict"]


async def test_aliases_come_and_go(archive: Database) -> None:
    async with archive.write() as session:
        await projects.add(session, "ONE", actor="ada", aliases=("a",))
        await projects.add_alias(session, "ONE", "b", actor="ada")
        project = await projects.remove_alias(session, "ONE", "a", actor="ada")
        with pytest.raises(NotFound):
            await projects.remove_alias(session, "ONE", "a", actor="ada")
        with pytest.raises(InvalidInput):
            await projects.add_alias(session, "ONE", " ", actor="ada")
    assert project.aliases == ("b",)


async def test_codes_are_set_and_checked(archive: Database) -> None:
    async with archive.write() as session:
        await projects.add(session, "ONE", actor="ada")
        project = await projects.change(
            session, "ONE", Changes(prearchive_code=0, quarantine_code=0), actor="bob"
        )
        for wrong in (
            Changes(prearchive_code=3),
            Changes(quarantine_code=2),
            Changes(release_people=0),
            Changes(release_people=3),
            Changes(release_by="reviewer"),
            Changes(accessibility="open"),
            Changes(title="x" * 256),
        ):
            with pytest.raises(InvalidInput):
                await projects.change(session, "ONE", wrong, actor="bob")
        with pytest.raises(NotFound):
            await projects.change(session, "TWO", Changes(title="x"), actor="bob")
        with pytest.raises(Refused, match="yet"):
            await projects.change(session, "ONE", Changes(prearchive_code=5), actor="bob")
        assert (project.prearchive_code, project.quarantine_code) == (0, 0)
        assert (project.release_people, project.release_by) == (1, "owner")
        asked = Changes(quarantine_code=1, release_people=2, release_by="member")
        held = await projects.change(session, "ONE", asked, actor="bob")
    assert (held.quarantine_code, held.release_people, held.release_by) == (1, 2, "member")


async def test_a_project_of_an_older_home_keeps_its_id_and_its_codes(archive: Database) -> None:
    async with archive.write() as session:
        for id in ("con", "Twin", "twin"):
            session.add(
                ProjectRow(id=id, created=datetime.now(UTC), created_by="ada", quarantine_code=1)
            )
        await session.flush()
        changed = await projects.change(session, "con", Changes(title="x"), actor="bob")
        assert (changed.title, changed.quarantine_code) == ("x", 1)
        assert await projects.resolve(session, "twin") == "twin"
        own = await projects.add_alias(session, "con", "CON", actor="bob")
        assert own.aliases == ("CON",)


@pytest.mark.parametrize(
    "id", ["CON", "nul", "Aux", "PRN", "COM1", "lpt9", "unassigned", "UNASSIGNED"]
)
async def test_ids_that_are_names_of_something_else_are_refused(archive: Database, id: str) -> None:
    async with archive.write() as session:
        with pytest.raises(Refused):
            await projects.add(session, id, actor="ada")


async def test_names_of_projects_differ_in_more_than_case(archive: Database) -> None:
    async with archive.write() as session:
        await projects.add(session, "Brains", actor="ada", aliases=("Gehirne Ö",))
        await projects.add(session, "GONE", actor="ada")
        await projects.remove(session, "GONE", actor="ada")
    async with archive.write() as session:
        for id in ("BRAINS", "brains", "Gone"):
            with pytest.raises(Conflict, match="case"):
                await projects.add(session, id, actor="ada")
        await projects.add(session, "HERE", actor="ada")
        for alias in ("bRAINS", "gehirne ö", "gone"):
            with pytest.raises(Conflict, match="case"):
                await projects.add_alias(session, "HERE", alias, actor="ada")
        with pytest.raises(Refused):
            await projects.add_alias(session, "HERE", "unassigned", actor="ada")
        assert (await projects.add_alias(session, "HERE", "here", actor="ada")).aliases == ("here",)


async def test_a_change_leaves_history_an_event_and_a_new_version(archive: Database) -> None:
    async with archive.write() as session:
        await projects.add(session, "ONE", actor="ada", title="old")
    async with archive.write() as session:
        before = await version(session)
        await projects.change(session, "ONE", Changes(title="new"), actor="bob")
        await projects.change(session, "ONE", Changes(title="new"), actor="bob")
    async with archive.read() as session:
        entries = await history.of(session, "project", "ONE")
        events = (
            await session.scalars(select(ArchiveOutboxRow).order_by(ArchiveOutboxRow.at))
        ).all()
        after = await version(session)
    assert [(entry.actor, entry.change) for entry in entries] == [
        ("ada", "Added"),
        ("bob", "Modified"),
    ]
    assert entries[1].before["title"] == "old"
    assert [(event.action, event.object, event.detail) for event in events] == [
        ("Added project", "ONE", {}),
        ("Modified project", "ONE", {"title": "new"}),
    ]
    assert after == before + 1


async def test_history_and_event_fall_with_the_change(archive: Database) -> None:
    with pytest.raises(RuntimeError):
        async with archive.write() as session:
            await projects.add(session, "ONE", actor="ada")
            raise RuntimeError("injected")
    async with archive.read() as session:
        for table in (HistoryRow, ArchiveOutboxRow):
            assert await session.scalar(select(func.count()).select_from(table)) == 0
        assert await version(session) == 0
