# SPDX-License-Identifier: Apache-2.0
"""The pane of findings: from one to the line that mends it, or to saying that it is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.base.overlays import TextScreen
from console.screens.script import ScriptScreen
from console.screens.session import SessionScreen
from engine.model.findings import Findings
from engine.model.scripts import ScriptText
from tests.console.piloting import SMALL, WIDE, console, keys, painted, shown, table, turned, until
from tests.memory import NOON, Facts, session
from tests.memory.configuration import project
from tests.memory.findings import several

ID = "pre_aaaaaaa1"
SCRIPT = "\n".join(f"// line {number}" for number in range(1, 40))


def facts(**values: Any) -> Facts:
    made = Facts()
    made.keep(session(1, findings=2, findings_level="high", **values))
    made.findings[ID] = Findings(session=ID, looked=NOON, files=10, rows=several())
    made.projects["NEURO3"] = project("NEURO3")
    made.scripts["project:NEURO3"] = [
        ScriptText(
            scope="project:NEURO3", version=version, text=SCRIPT, active=version == 12, enabled=True
        )
        for version in (12,)
    ]
    return made


async def opened(pilot: Pilot[Any], app: ConsoleApp) -> None:
    await until(pilot, lambda: bool(keys(app, "sessions")))
    await pilot.press("enter")
    await turned(pilot, "Findings")
    await until(pilot, lambda: bool(keys(app, "findings")))
    table(app, "findings").focus()


async def test_the_list_says_how_many_are_open() -> None:
    app = console(facts(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(keys(app, "sessions")))
        await shown(pilot, "PHI", "!2")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_finding_is_acknowledged_with_a_reason_and_opened_again(
    size: tuple[int, int],
) -> None:
    known = facts()
    app = console(known, "prearchive")
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app)
        await shown(pilot, "! high", "part of OperatorsName", "2 open · 1 mended")
        await pilot.press("c")
        await shown(pilot, "Say that a finding is none", "anteroom findings acknowledge")
        await pilot.press(*"a street", "enter", "enter")
        await shown(pilot, "1 open · 1 mended", "✓ high")
        assert known.findings[ID].rows[0].reason == "a street"
        await pilot.press("c")
        await shown(pilot, "Open a finding again")
        await pilot.press("enter")
        await shown(pilot, "2 open · 1 mended")


async def test_what_mends_a_finding_is_opened_and_what_would_is_put_into_the_draft() -> None:
    app = console(facts(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await pilot.press("j", "j", "c")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert "the project's script mends it" in app.context.notices.all[0].text
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        await shown(pilot, "project NEURO3 v12:7", "10 now, 0 after To come")
        await pilot.press("escape", "k", "k", "o")
        await until(pilot, lambda: isinstance(app.screen, ScriptScreen))
        await shown(pilot, '(0008,103E) := ""')


async def test_without_a_remedy_nothing_is_opened() -> None:
    app = console(facts(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await pilot.press("j", "o")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert app.context.notices.all[0].text == "no line of a script mends this by itself"
        assert isinstance(app.screen, SessionScreen)


async def test_values_of_a_session_that_nobody_has_assigned_are_masked() -> None:
    app = console(facts(project=None), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await shown(pilot, "‹14 characters›")
        assert "Moll" not in painted(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        assert "Moll" not in painted(app)


async def test_what_was_not_looked_through_says_so() -> None:
    known = facts()
    known.findings.clear()
    app = console(known, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(keys(app, "sessions")))
        await pilot.press("enter")
        await turned(pilot, "Findings")
        await shown(pilot, "not looked through yet")
        known.findings[ID] = Findings(session=ID, looked=NOON, files=10)
        known.sessions[ID] = replace(known.sessions[ID], findings=0)
        await known.tell("session", ID, "findings: none open")
        await shown(pilot, "nothing was found in 10 files; that is no proof")
