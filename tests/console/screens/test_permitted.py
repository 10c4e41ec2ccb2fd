# SPDX-License-Identifier: Apache-2.0
"""What somebody may do nowhere is off, with the role that it needs, before anything is asked."""

from __future__ import annotations

import pytest

from console.app import ConsoleApp
from console.screens.base.overlays import KeysScreen
from console.views.people import lacking
from console.widgets.dialogs import AskScreen
from engine.model.people import Actor, Permission, Role, SiteRole, operator, told
from engine.model.states import Status
from tests.console.piloting import SMALL, WIDE, console, keys, shown, until
from tests.memory import Facts, session
from tests.memory.people import People

WATCHER = Actor(name="rad", roles={"NEURO3": frozenset({Role.WATCHER})})
REVIEWER = Actor(name="rad", roles={"NEURO3": frozenset({Role.REVIEWER})})
WHY = "it needs the role reviewer of a project; yours: watcher"


def said(app: ConsoleApp, text: str) -> bool:
    return any(text in one.text for one in app.context.notices.all)


def known() -> Facts:
    facts = Facts()
    facts.keep(session(1, status=Status.READY, project="NEURO3"))
    return facts


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_watcher_is_told_which_role_an_act_needs(size: tuple[int, int]) -> None:
    app = console(known(), "prearchive", asking=WATCHER)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.context.me is not None and len(keys(app, "sessions")) == 1)
        await pilot.press("a")
        await until(pilot, lambda: said(app, f"not now: {WHY}"))
        assert not isinstance(app.screen, AskScreen)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, KeysScreen))
        await shown(pilot, "it needs the role reviewer")
        await pilot.press("escape", "colon", *"relabel")
        await shown(pilot, "not now: it needs the role")


async def test_a_role_that_is_granted_meanwhile_is_taken_up() -> None:
    facts = known()
    app = console(facts, "prearchive", asking=WATCHER)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.context.me is not None and len(keys(app, "sessions")) == 1)
        app.context.engine.people = People(facts, REVIEWER)
        await facts.tell("configuration", "")
        await until(pilot, lambda: app.context.me == told(REVIEWER))
        await pilot.press("a")
        await shown(pilot, "Archive 1 session?")


async def test_the_site_is_for_administrators() -> None:
    app = console(known(), "system", asking=REVIEWER)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.context.me is not None)
        await pilot.press("n")
        await until(
            pilot, lambda: said(app, "not now: it needs the role admin of the site; yours: rev")
        )


def test_a_role_is_named_for_a_project_or_for_any() -> None:
    watcher = told(WATCHER)
    assert lacking(watcher, Permission.WATCH) == ""
    assert lacking(watcher, Permission.WATCH, "NEURO3") == ""
    assert lacking(watcher, Permission.TRIAGE) == WHY
    here = "it needs the role watcher of CARDIO; yours: none"
    assert lacking(watcher, Permission.WATCH, "CARDIO") == here
    site = told(Actor(name="dm", site=frozenset({SiteRole.DATA_ADMIN})))
    assert lacking(site, Permission.DELETE, "CARDIO") == ""
    assert "role owner of a project; yours: data admin" in lacking(site, Permission.CONFIGURE)
    assert lacking(told(operator("root")), Permission.ADMINISTER) == ""
    assert lacking(None, Permission.ADMINISTER) == ""
