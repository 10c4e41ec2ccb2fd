# SPDX-License-Identifier: Apache-2.0
"""Users, their roles and requests for access, over System and over a project, by keys."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.people import PeopleScreen
from console.widgets.dialogs import AskScreen
from engine.model.errors import Refused
from engine.model.people import Actor, Grant, Member, Role, User
from tests.console.piloting import SMALL, WIDE, console, keys, painted, shown, table, until
from tests.console.scenes import normal
from tests.memory import Facts
from tests.memory.people import People


def told(app: ConsoleApp, text: str) -> bool:
    return any(text in one.text for one in app.context.notices.all)


async def opened(pilot: Pilot[Any], app: ConsoleApp, row: str) -> None:
    """Show everybody, with the cursor at a row."""
    await pilot.press("u")
    await until(pilot, lambda: isinstance(app.screen, PeopleScreen))
    await at(pilot, app, row)


async def at(pilot: Pilot[Any], app: ConsoleApp, row: str) -> None:
    await until(pilot, lambda: row in keys(app, "list"))
    table(app, "list").go_to_key(row)
    await until(pilot, lambda: table(app, "list").cursor_key == row)


async def members(pilot: Pilot[Any], app: ConsoleApp, project: str) -> None:
    """Show the members of a project."""
    await until(pilot, lambda: f"project {project}" in keys(app, "places"))
    table(app, "places").go_to_key(f"project {project}")
    await pilot.press("m")
    await until(pilot, lambda: isinstance(app.screen, PeopleScreen))


async def asked(pilot: Pilot[Any], app: ConsoleApp) -> None:
    await until(pilot, lambda: isinstance(app.screen, AskScreen))


def roles(facts: Facts, login: str) -> list[tuple[str, str]]:
    return [(one.role, one.project) for one in facts.users[login].grants]


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_everybody_stands_there_with_their_roles_and_who_asks_first(
    size: tuple[int, int],
) -> None:
    app = console(normal(), "system")
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app, "mk")
        assert keys(app, "list") == ["request 1", "ada", "hale", "mk", "tj", "@radiology"]
        await shown(pilot, "System ▸ People", "4 users, 1 group, 1 asking for access", "M. Kolb")
        await at(pilot, app, "tj")
        await shown(pilot, "disabled")
        await pilot.press("escape")
        assert not isinstance(app.screen, PeopleScreen)


async def test_a_user_is_added_with_a_role_from_the_start() -> None:
    facts = normal()
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app, "mk")
        await pilot.press("n")
        await asked(pilot, app)
        await pilot.press(*"bea", "enter", *"Bea", "enter", *"1234", "enter", *"owner", "enter")
        await pilot.press(*"CARDIO", "enter", "enter")
        await until(pilot, lambda: "bea" in facts.users and bool(roles(facts, "bea")))
        bea = facts.users["bea"]
        assert (bea.name, bea.uid, roles(facts, "bea")) == ("Bea", 1234, [("owner", "CARDIO")])
        await until(pilot, lambda: told(app, "bea is added"))
        assert "bea" in keys(app, "list")


async def test_nobody_is_added_for_a_role_that_cannot_be_given() -> None:
    facts = normal()
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app, "mk")
        await pilot.press("n")
        await asked(pilot, app)
        await pilot.press(*"bea", "enter", "enter", "enter", *"reviewer", "enter")
        await shown(pilot, "'reviewer' is no role for the site: name the project")
        await pilot.press(*"NOWHERE")
        await shown(pilot, "there is no project NOWHERE")
        await pilot.press(*["backspace"] * 7, *"CARDIO")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "bea" in facts.users)
        assert roles(facts, "bea") == [("reviewer", "CARDIO")]


async def test_values_of_a_user_are_changed() -> None:
    facts = normal()
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app, "mk")
        await pilot.press("enter")
        await asked(pilot, app)
        await pilot.press(*["enter"] * 3, *["backspace"] * 3, *"yes", "enter")
        await pilot.press(*["backspace"] * 3, *"yes", "enter")
        await shown(pilot, "anteroom user set mk", "sees_originals=true", "disabled=true")
        await pilot.press("enter")
        await until(pilot, lambda: facts.users["mk"].disabled)
        assert facts.users["mk"].sees_originals and facts.users["mk"].uid == 1002


async def test_roles_are_given_and_taken() -> None:
    facts = normal()
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app, "tj")
        await pilot.press("x")
        await until(pilot, lambda: told(app, "not now: they have no role"))
        await pilot.press("a")
        await asked(pilot, app)
        await pilot.press("enter", *"data access", "enter", "enter", "enter")
        await until(pilot, lambda: roles(facts, "tj") == [("data access", "")])
        await until(pilot, lambda: told(app, "tj is data access of the site now"))
        await at(pilot, app, "mk")
        await pilot.press("x")
        await asked(pilot, app)
        await pilot.press(*"watcher of ONC-2", "enter", "enter")
        await until(pilot, lambda: roles(facts, "mk") == [("reviewer", "NEURO3")])
        await at(pilot, app, "@radiology")
        await pilot.press("x")
        await asked(pilot, app)
        # The only role that it has is offered.
        await pilot.press("enter", "enter")
        await until(pilot, lambda: facts.groups["radiology"] == ())


async def test_who_asks_for_access_is_answered() -> None:
    facts = normal()
    facts.access_requests.append(facts.access_requests[0])
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app, "request 1")
        await shown(pilot, "the follow-up of spring")
        await pilot.press("enter")
        await asked(pilot, app)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: ("member", "CARDIO") in roles(facts, "mk"))
        assert facts.access_requests == []
        await until(pilot, lambda: "request 1" not in keys(app, "list"))


async def test_who_asks_for_access_may_be_answered_with_no() -> None:
    facts = normal()
    app = console(facts, "projects")
    async with app.run_test(size=SMALL) as pilot:
        await members(pilot, app, "CARDIO")
        await at(pilot, app, "request 1")
        await pilot.press("x")
        await asked(pilot, app)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: facts.access_requests == [])
        await until(pilot, lambda: told(app, "mk is answered with no"))
        assert ("member", "CARDIO") not in roles(facts, "mk")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_members_of_a_project_are_its_own(size: tuple[int, int]) -> None:
    facts = normal()
    app = console(facts, "projects")
    async with app.run_test(size=size) as pilot:
        await members(pilot, app, "NEURO3")
        await shown(pilot, "Members of NEURO3", "3 roles, none asking for access")
        assert keys(app, "list") == ["@radiology collaborator", "hale owner", "mk reviewer"]
        await pilot.press("n")
        await until(pilot, lambda: told(app, "not now: users are added on System"))
        await at(pilot, app, "mk reviewer")
        await pilot.press("x")
        await asked(pilot, app)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: roles(facts, "mk") == [("watcher", "ONC-2")])
        await pilot.press("a")
        await asked(pilot, app)
        await pilot.press(*["backspace"] * 30, *"tj", "enter", *"member", "enter", "enter")
        await until(pilot, lambda: roles(facts, "tj") == [("member", "NEURO3")])


async def test_who_may_not_see_them_reads_why_and_asks_for_access(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    why = "you may not do this in CARDIO: it needs the permission to watch"

    async def refused(self: People, *_: object) -> tuple[Member, ...]:
        raise Refused(why)

    for verb in ("members", "requests", "list", "groups"):
        monkeypatch.setattr(People, verb, refused)
    facts = normal()
    facts.access_requests.clear()
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await members(pilot, app, "CARDIO")
        await shown(pilot, why, "nobody")
        await pilot.press("a")
        await until(pilot, lambda: told(app, f"not now: {why}"))
        await pilot.press("r")
        await asked(pilot, app)
        await pilot.press("enter", *"a study", "enter", "enter")
        await until(pilot, lambda: len(facts.access_requests) == 1)
        (request,) = facts.access_requests
        assert (request.project, request.role, request.reason) == (
            "CARDIO",
            "collaborator",
            "a study",
        )


async def test_who_has_a_role_but_owns_nothing_here_is_told_before_a_question() -> None:
    facts = normal()
    reviewer = Actor(
        name="mk",
        roles={"NEURO3": frozenset({Role.REVIEWER}), "CARDIO": frozenset({Role.OWNER})},
    )
    app = console(facts, "projects", asking=reviewer)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.context.me is not None)
        await members(pilot, app, "NEURO3")
        await at(pilot, app, "hale owner")
        await pilot.press("a", "x")
        why = "not now: it needs the role owner of NEURO3; yours: reviewer"
        await until(pilot, lambda: [one.text for one in app.context.notices.all].count(why) == 2)
        await pilot.press("q")
        await members(pilot, app, "CARDIO")
        await pilot.press("r")
        await until(pilot, lambda: told(app, "not now: you may give roles here yourself"))
        await pilot.press("a")
        await asked(pilot, app)


async def test_what_a_user_has_done_is_shown_in_the_trail() -> None:
    app = console(normal(), "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app, "tj")
        await pilot.press("o")
        await shown(pilot, "▐8 Audit▌", "who:tj", "1 match", "Moved")
        await pilot.press("0")
        await at(pilot, app, "@radiology")
        await pilot.press("o")
        await until(pilot, lambda: told(app, "not now: a group does nothing: its users do"))


async def test_hostile_names_act_nowhere() -> None:
    facts = Facts()
    harm = "\x1b]52;c;cHdu\x07[b]x"
    facts.users["u"] = User(
        login="u", name=harm, grants=(Grant(role="owner", project="P", by=harm),)
    )
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app, "u")
        await shown(pilot, "[b]x")
        assert "\x1b" not in painted(app)
