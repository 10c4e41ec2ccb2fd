# SPDX-License-Identifier: Apache-2.0
"""The list of scripts, by keys against an engine in memory."""

from __future__ import annotations

from console.app import ConsoleApp
from engine.model.people import Actor, Role
from tests.console.piloting import WIDE, console, keys, settled, shown, table, until
from tests.console.scenes import normal


def reviewer() -> Actor:
    return Actor(name="mk", roles={"NEURO3": frozenset({Role.REVIEWER})})


def said(app: ConsoleApp) -> list[str]:
    return [one.text for one in app.context.notices.all]


async def test_every_project_has_a_row_below_the_site() -> None:
    app = console(normal(), "scripts")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "the site script is enabled", "1 of 3 projects")
        assert keys(app, "list") == ["site", "project:NEURO3", "project:CARDIO", "project:ONC-2"]


async def test_the_card_has_the_versions_beside_the_list() -> None:
    app = console(normal(), "scripts")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "the site script is enabled")
        await pilot.press("j")
        await shown(pilot, "Script of NEURO3", "● v2", "hale  “shift")


async def test_a_script_is_disabled_and_enabled_after_a_question() -> None:
    facts = normal()
    app = console(facts, "scripts")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "the site script is enabled")
        await pilot.press("f6")
        await shown(pilot, "names the patient", "anteroom script disable --site")
        await pilot.press("escape")
        await settled(pilot)
        assert all(one.enabled for one in facts.scripts["site"])
        await pilot.press("f6", "tab", "enter")
        await shown(pilot, "the site script is off")
        assert not any(one.enabled for one in facts.scripts["site"])
        await pilot.press("f6", "enter")
        await shown(pilot, "the site script is enabled")


async def test_where_there_is_no_script_there_is_nothing_to_enable() -> None:
    app = console(normal(), "scripts")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "the site script is enabled")
        await pilot.press("G", "f6")
        await until(pilot, lambda: said(app) == ["not now: nobody has written one yet"])


async def test_a_reviewer_sees_the_own_projects_only_and_changes_nothing() -> None:
    facts = normal()
    app = console(facts, "scripts", asking=reviewer())
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "project:NEURO3" in keys(app, "list"))
        await until(pilot, lambda: app.context.me is not None)
        assert "project:ONC-2" not in keys(app, "list")
        table(app, "list").go_to_key("project:NEURO3")
        await pilot.press("f6")
        await until(pilot, lambda: any("it needs the role" in one for one in said(app)))
        assert all(one.enabled for one in facts.scripts["project:NEURO3"])


async def test_the_script_runs_again_over_sessions_that_another_version_has_made() -> None:
    facts = normal()
    app = console(facts, "scripts")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "the site script is enabled", "with v2, 7 with v1")
        await pilot.press("r")
        await shown(pilot, "Run v2 of the site script over 7 sessions again?")
        await shown(pilot, "anteroom script rerun")
        await pilot.press(*"v2 removes more", "enter", "enter")
        await until(pilot, lambda: "the script runs over 7 sessions again" in said(app))
        facts.script_waiting.clear()
        await pilot.press("r")
        await until(pilot, lambda: any("nothing to run again" in one for one in said(app)))
