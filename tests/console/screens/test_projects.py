# SPDX-License-Identifier: Apache-2.0
"""Projects and their settings, by keys against an engine in memory."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.projects import ProjectsScreen
from console.widgets.dialogs import AskScreen
from engine.model.archive import Project, RuleText
from engine.model.errors import Conflict, Unavailable
from engine.model.live import ReceiverStatus
from tests.console.piloting import (
    HOSTILE,
    SIZES,
    SMALL,
    WIDE,
    console,
    keys,
    painted,
    settled,
    shown,
    table,
    until,
)
from tests.memory import Facts
from tests.memory.configuration import Projects, project


def known(*ids: str) -> Facts:
    facts = Facts()
    facts.projects = {id: project(id, title=f"Title of {id}") for id in ids}
    return facts


async def begun(pilot: Pilot[Any], app: ConsoleApp) -> ProjectsScreen:
    await until(pilot, lambda: len(keys(app, "places")) >= 5)
    assert isinstance(app.screen, ProjectsScreen)
    return app.screen


async def asked(pilot: Pilot[Any], app: ConsoleApp, *texts: str) -> None:
    await until(pilot, lambda: isinstance(app.screen, AskScreen))
    await shown(pilot, *texts)


def told(app: ConsoleApp, text: str) -> bool:
    """Whether something was said; a toast breaks it into lines."""
    return any(text in one.text for one in app.context.notices.all)


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_setting_is_changed_in_a_dialog_that_says_what_codes_mean(
    size: tuple[int, int],
) -> None:
    facts = known("NEURO3", "ONCO7")
    app = console(facts, "projects")
    async with app.run_test(size=size) as pilot:
        await begun(pilot, app)
        await pilot.press("G", "enter")
        await shown(pilot, "▸ ONCO7", "prearchive code    4  archive by itself", "Title of ONCO7")
        await pilot.press("enter")
        await asked(pilot, app, "0 holds for review", "nothing is changed yet")
        await pilot.press("3")
        await shown(pilot, "one of 0, 4")
        await pilot.press("backspace", "0", "enter", "enter")
        await until(pilot, lambda: facts.projects["ONCO7"].prearchive_code == 0)
        await shown(pilot, "0  hold for review")
        assert facts.projects["NEURO3"].prearchive_code == 4


async def test_aliases_are_set_as_a_list_and_facts_are_not_set() -> None:
    facts = known("NEURO3")
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await begun(pilot, app)
        await pilot.press("G", "enter")
        await until(pilot, lambda: "aliases" in keys(app, "settings"))
        table(app, "settings").go_to_key("aliases")
        await pilot.press("enter")
        await asked(pilot, app, "Other names that routing finds")
        await pilot.press(*"N3, NEURO-III", "enter", "enter")
        await until(pilot, lambda: facts.projects["NEURO3"].aliases == ("N3", "NEURO-III"))
        table(app, "settings").go_to_key("current_arc")
        await pilot.press("enter")
        await until(
            pilot, lambda: told(app, "not now: the folder is given when a project is added")
        )


async def test_a_project_is_added_with_its_code() -> None:
    facts = known("NEURO3")
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await begun(pilot, app)
        await pilot.press("n")
        await asked(pilot, app, "id is needed")
        await pilot.press(*"NEURO3")
        await shown(pilot, "there is a project NEURO3 already")
        await pilot.press("backspace", "4", "enter")
        await pilot.press(*"Fourth", "enter", *"N4, FOUR", "enter", "0", "enter", "enter")
        await until(pilot, lambda: "NEURO4" in facts.projects)
        await until(pilot, lambda: facts.projects["NEURO4"].prearchive_code == 0)
        made = facts.projects["NEURO4"]
        assert (made.title, made.aliases) == ("Fourth", ("N4", "FOUR"))
        await until(pilot, lambda: "project NEURO4" in keys(app, "places"))


async def test_what_the_engine_has_against_a_project_stands_in_the_dialog(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = known()
    add = Projects.add

    async def picky(
        self: Projects, id: str, title: str = "", aliases: tuple[str, ...] = ()
    ) -> Project:
        if id == "GONE":
            raise Conflict("it belonged to a deleted project", hint="choose another ID")
        return await add(self, id, title, aliases)

    monkeypatch.setattr(Projects, "add", picky)
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await begun(pilot, app)
        await pilot.press("n")
        await asked(pilot, app)
        await pilot.press(*"GONE", "enter", "enter", "enter", "enter", "enter")
        await shown(pilot, "it belonged to a deleted project (choose another ID)", "GONE")
        await pilot.press("end", "2")
        await until(pilot, lambda: "belonged" not in painted(app))
        await pilot.press("enter", "enter", "enter", "enter", "enter")
        await until(pilot, lambda: list(facts.projects) == ["GONE2"])


async def test_the_list_has_receivers_with_their_own_rules_and_says_where_rules_live() -> None:
    facts = known("NEURO3")
    facts.receivers["CT1", 8105] = ReceiverStatus(
        ae_title="CT1",
        port=8105,
        enabled=True,
        listening=True,
        origin="added",
        rules_enabled=True,
    )
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await begun(pilot, app)
        await shown(pilot, "rules of CT1", "Four texts say where an object belongs")
        await pilot.press("G")
        await shown(pilot, "▐Settings▌ Rules")
        await pilot.press("greater_than_sign")
        await shown(pilot, "Rules do not belong to a project")
        await pilot.press("g", "greater_than_sign")
        await until(pilot, lambda: told(app, "not now: there is one tab only"))


async def test_a_small_terminal_shows_the_list_or_what_was_chosen() -> None:
    facts = known("NEURO3", "ONCO7")
    app = console(facts, "projects")
    async with app.run_test(size=SMALL) as pilot:
        await begun(pilot, app)
        assert "Setting " not in painted(app)
        await pilot.press("G", "enter")
        await shown(pilot, "Title of ONCO7", "[ ] chooses · 7 of 7")
        assert "pre qua" not in painted(app)
        await pilot.press("left_square_bracket")
        await shown(pilot, "Title of NEURO3", "6 of 7")
        await pilot.press("right_square_bracket")
        await shown(pilot, "Title of ONCO7")
        await pilot.press("escape")
        await shown(pilot, "pre qua")


async def test_what_others_configure_comes_into_the_list() -> None:
    facts = known("NEURO3")
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await begun(pilot, app)
        await until(pilot, facts.waited.is_set)
        facts.projects["ONCO7"] = project("ONCO7")
        await facts.tell("configuration", "ONCO7")
        await until(pilot, lambda: "project ONCO7" in keys(app, "places"))


async def test_an_engine_that_does_not_answer_is_said_and_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = known("NEURO3")
    listed = Projects.list
    lost = [True]

    async def flaky(self: Projects) -> tuple[Project, ...]:
        if lost:
            raise Unavailable("the engine does not answer")
        return await listed(self)

    monkeypatch.setattr(Projects, "list", flaky)
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "! the engine does not answer; what is shown is old")
        lost.clear()
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "project NEURO3" in keys(app, "places"))


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_stays_text(size: tuple[int, int]) -> None:
    facts = Facts()
    facts.projects["P"] = project(
        "P", title=HOSTILE, description=HOSTILE, aliases=(HOSTILE,), created_by=HOSTILE
    )
    facts.rules["site", "project"] = RuleText(
        scope="site", concept="project", version=1, text=HOSTILE, author=HOSTILE
    )
    app = console(facts, "projects")
    async with app.run_test(size=size) as pilot:
        await begun(pilot, app)
        for press in (("j", "enter"), ("escape", "G", "enter"), ("enter",), ("escape",)):
            await pilot.press(*press)
            await settled(pilot)
            text = painted(app)
            assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(text)
            assert len(text.splitlines()) == size[1]
        assert app.is_running
