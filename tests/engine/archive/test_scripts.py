# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from sqlalchemy import func, select

from engine.archive import history, projects, scripts
from engine.archive.configuration import version
from engine.archive.scripts import NewScript
from engine.archive.tables import ArchiveOutboxRow, ScriptVersionRow
from engine.database.connection import Database
from engine.model.errors import InvalidInput, NotFound

HEARTS = "project:HEARTS"


async def test_where_nobody_wrote_a_script_the_text_is_empty(shelf: Database) -> None:
    async with shelf.read() as session:
        found = await scripts.show(session, "site")
        assert (found.version, found.text, found.enabled, found.at) == (0, "", False, None)
        assert await scripts.in_force(session, "site") is None
        assert await scripts.all_of(session) == ()
        assert await scripts.versions(session, HEARTS) == ()
        with pytest.raises(NotFound, match="no version 1"):
            await scripts.show(session, "site", 1)


async def test_every_version_is_kept_and_the_newest_is_active(shelf: Database) -> None:
    async with shelf.write() as session:
        first = await scripts.write(session, "site", NewScript(text="one"), actor="ada")
        new = NewScript(text="two", lookups="a/b = c", language=4, reason="typo")
        second = await scripts.write(session, "site", new, actor="bob")
        await scripts.write(session, HEARTS, NewScript(text="three"), actor="bob")
    async with shelf.read() as session:
        assert await scripts.show(session, "site") == second
        assert (await scripts.show(session, "site", 1)).text == "one"
        every = await scripts.versions(session, "site")
        active = await scripts.all_of(session)
        running = await scripts.in_force(session, "site")
        assert await scripts.by_id(session, first.id) == await scripts.show(session, "site", 1)
        assert await scripts.by_id(session, "scr_unknown") is None
    assert (second.version, second.language, second.author, second.reason) == (2, 4, "bob", "typo")
    assert second.enabled and second.active and second.at is not None
    assert [(one.version, one.active, one.id) for one in every] == [
        (2, True, second.id),
        (1, False, first.id),
    ]
    assert [(one.scope, one.version) for one in active] == [("site", 2), (HEARTS, 1)]
    assert running is not None
    assert (running.version, running.id, running.text) == (2, second.id, "two")
    assert (running.lookups, running.language, running.name) == ("a/b = c", 4, "site")


async def test_ids_fit_a_code_value_and_are_all_different(shelf: Database) -> None:
    async with shelf.write() as session:
        made = [
            await scripts.write(session, scope, NewScript(text=text), actor="ada")
            for text in ("one", "two")
            for scope in ("site", HEARTS)
        ]
    assert len({one.id for one in made}) == 4
    assert all(0 < len(one.id) <= 16 for one in made)


async def test_what_is_active_already_is_no_new_version(shelf: Database) -> None:
    async with shelf.write() as session:
        first = await scripts.write(session, "site", NewScript(text="one"), actor="ada")
        before = await version(session)
        again = await scripts.write(session, "site", NewScript(text="one"), actor="bob")
        assert (again, await version(session)) == (first, before)
        new = NewScript(text="one", lookups="a/b = c")
        assert (await scripts.write(session, "site", new, actor="bob")).version == 2


async def test_a_script_that_is_off_stays_off_when_it_is_changed(shelf: Database) -> None:
    async with shelf.write() as session:
        await scripts.write(session, HEARTS, NewScript(text="one"), actor="ada")
        off = await scripts.enable(session, HEARTS, False, actor="ada")
        changed = await scripts.write(session, HEARTS, NewScript(text="two"), actor="ada")
        assert await scripts.in_force(session, HEARTS) is None
        on = await scripts.enable(session, HEARTS, True, actor="ada")
        running = await scripts.in_force(session, HEARTS)
    assert (off.enabled, changed.enabled, on.enabled) == (False, False, True)
    assert running is not None and running.version == 2
    assert running.name == "project HEARTS"


async def test_an_earlier_version_can_run_again_and_none_is_lost(shelf: Database) -> None:
    async with shelf.write() as session:
        first = await scripts.write(session, "site", NewScript(text="one"), actor="ada")
        await scripts.write(session, "site", NewScript(text="two"), actor="ada")
        back = await scripts.activate(session, "site", 1, actor="bob", reason="two was wrong")
        running = await scripts.in_force(session, "site")
        next_one = await scripts.write(session, "site", NewScript(text="two"), actor="ada")
        kept = await session.scalar(select(func.count()).select_from(ScriptVersionRow))
        with pytest.raises(NotFound, match="no version 9"):
            await scripts.activate(session, "site", 9, actor="bob")
    assert back == first
    assert running is not None and running.id == first.id
    assert (next_one.version, kept) == (3, 3)


async def test_every_change_is_counted_kept_and_on_the_trail(shelf: Database) -> None:
    async with shelf.write() as session:
        start = await version(session)
        one = await scripts.write(
            session, "site", NewScript(text="secret", lookups="DOE/x = y", reason="why"), actor="a"
        )
        await scripts.enable(session, "site", True, actor="a")
        assert await version(session) == start + 1
        await scripts.enable(session, "site", False, actor="b")
        await scripts.write(session, "site", NewScript(text="two"), actor="c")
        await scripts.activate(session, "site", 1, actor="d", reason="back")
        await scripts.activate(session, "site", 1, actor="d", reason="again")
        assert await version(session) == start + 4
    async with shelf.read() as session:
        past = await history.of(session, "script", "site/script")
        events = (
            await session.scalars(
                select(ArchiveOutboxRow)
                .where(ArchiveOutboxRow.object == "site/script")
                .order_by(ArchiveOutboxRow.actor)
            )
        ).all()
    assert [(each.actor, each.change) for each in past] == [
        ("a", "Added"),
        ("b", "Disabled"),
        ("c", "Modified"),
        ("d", "Activated"),
    ]
    assert past[1].before == {"scope": "site", "enabled": True, "active": 1}
    assert past[3].before == {"scope": "site", "enabled": False, "active": 2}
    assert [(each.actor, each.action) for each in events] == [
        ("a", "Added script"),
        ("b", "Disabled script"),
        ("c", "Modified script"),
        ("d", "Activated script"),
    ]
    assert events[0].detail == {"version": 1, "enabled": True, "id": one.id, "reason": "why"}
    assert events[3].detail["reason"] == "back"


@pytest.mark.parametrize("scope", ["", "sites", "project:", "receiver:MRI"])
async def test_unknown_scopes_are_refused(shelf: Database, scope: str) -> None:
    async with shelf.write() as session:
        with pytest.raises(InvalidInput):
            await scripts.write(session, scope, NewScript(text=""), actor="ada")
        with pytest.raises(InvalidInput):
            await scripts.show(session, scope)


async def test_a_project_must_be_there(shelf: Database) -> None:
    async with shelf.write() as session:
        await scripts.write(session, HEARTS, NewScript(text="one"), actor="ada")
        with pytest.raises(NotFound, match="LUNGS"):
            await scripts.write(session, "project:LUNGS", NewScript(text=""), actor="ada")
        with pytest.raises(NotFound, match="no script yet"):
            await scripts.enable(session, "project:BRAINS", True, actor="ada")
        await projects.remove(session, "HEARTS", actor="ada")
        assert await scripts.all_of(session) == ()
        with pytest.raises(NotFound, match="HEARTS"):
            await scripts.show(session, HEARTS)


async def test_a_new_home_is_given_its_script_once(shelf: Database) -> None:
    async with shelf.write() as session:
        assert await scripts.ship(session, "shipped", language=6, enabled=False)
        assert not await scripts.ship(session, "shipped later", language=6, enabled=True)
        found = await scripts.show(session, "site")
    assert (found.version, found.text, found.enabled) == (1, "shipped", False)
    assert found.author == "anteroom"
