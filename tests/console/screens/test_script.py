# SPDX-License-Identifier: Apache-2.0
"""The editor of a script as a screen, by keys against an engine in memory."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from console.app import ConsoleApp
from console.runtime.memory import StateFile
from console.screens.script import ScriptScreen
from console.screens.script_versions import ScriptVersionScreen
from console.screens.scripts import ScriptsScreen
from engine.anonymize.check_guard import CheckGuard
from engine.model.people import Actor, Role
from engine.model.remarks import Remark
from engine.model.trials import Trial
from tests.console.piloting import SMALL, WIDE, console, painted, settled, shown, until
from tests.console.scenes import normal
from tests.console.scripted import NEURO3
from tests.memory import Facts

SCOPE = "project:NEURO3"


def said(app: ConsoleApp) -> list[str]:
    return [one.text for one in app.context.notices.all]


def editor(app: ConsoleApp) -> ScriptScreen:
    assert isinstance(app.screen, ScriptScreen)
    return app.screen


async def opened(pilot: Any, app: ConsoleApp) -> ScriptScreen:
    await shown(pilot, "the site script is enabled")
    await pilot.press("j", "enter")
    await shown(pilot, "NEURO3, SOP-17")
    await settled(pilot)
    return editor(app)


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_what_is_typed_is_checked_and_saved_with_a_reason(size: tuple[int, int]) -> None:
    facts = normal()
    app = console(facts, "scripts")
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: said(app) == ["not now: nothing is edited"])
        await pilot.press("down", "end", "enter", *"- (0010,0030", "f8")
        await settled(pilot)
        await shown(pilot, "1 line differs from v2", "1 error")
        await pilot.press("ctrl+s")
        await until(
            pilot, lambda: any(one.startswith("not with an error: 3:") for one in said(app))
        )
        assert len(facts.scripts[SCOPE]) == 2
        screen.editor.go_to(3, 14)
        await pilot.press(")")
        await settled(pilot)
        await shown(pilot, "PatientBirthDate, DA")
        assert "error" not in painted(app)
        await pilot.press("ctrl+s")
        await shown(pilot, "Save a new version", "anteroom script set FILE")
        await pilot.press(*"birth dates go", "enter", "enter")
        await until(pilot, lambda: len(facts.scripts[SCOPE]) == 3)
        await until(pilot, lambda: screen.base is not None and screen.base.version == 3)
        new = facts.scripts[SCOPE][-1]
        assert (new.reason, new.active) == ("birth dates go", True)
        assert new.text.split("\n")[2] == "- (0010,0030)"
        assert new.lookups == "days/S1 = 11\n"
        assert screen.draft is None


async def test_the_answer_to_an_earlier_text_is_not_shown() -> None:
    app = console(normal(), "scripts")
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, app)
        asked: list[str] = []
        go_on = asyncio.Event()
        check = app.context.engine.scripts.check

        async def slow(text: str, lookups: str = "") -> tuple[Remark, ...]:
            asked.append(text)
            if len(asked) == 1:
                await go_on.wait()
                return (Remark(message="of an earlier text", line=1, column=1),)
            return await check(text, lookups)

        app.context.engine.scripts.check = slow  # type: ignore[method-assign]
        await pilot.press("enter")
        await until(pilot, lambda: len(asked) == 1)
        await shown(pilot, "being checked …")
        await pilot.press("x")
        await until(pilot, lambda: len(asked) == 2)
        go_on.set()
        await settled(pilot)
        assert "of an earlier text" not in painted(app)
        assert screen.remarks
        assert screen.remarks[0].message != "of an earlier text"


async def test_a_check_that_was_stopped_is_told_and_nothing_is_saved(tmp_path: Path) -> None:
    facts = normal()
    app = console(facts, "scripts")
    program = tmp_path / "server.py"
    program.write_text("print('ready', flush=True)\nimport time\nwhile True: time.sleep(9)\n")
    guard = CheckGuard(seconds=0.1, patience=0.1, command=(sys.executable, str(program)))

    async def guarded(text: str, lookups: str = "") -> tuple[Remark, ...]:
        return (await asyncio.to_thread(guard.check, text, lookups))[0]

    app.context.engine.scripts.check = guarded  # type: ignore[method-assign]
    try:
        async with app.run_test(size=WIDE) as pilot:
            await opened(pilot, app)
            await pilot.press(*"// long")
            await shown(pilot, "checking took too long: it cannot be saved like this")
            await pilot.press("ctrl+s")
            await until(
                pilot, lambda: any(one.startswith("not with an error: 1:1") for one in said(app))
            )
            assert len(facts.scripts[SCOPE]) == 2
    finally:
        guard.close()


async def test_problems_are_gone_through_by_keys_and_chosen_from_the_list() -> None:
    app = console(normal(), "scripts")
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, app)
        screen.editor.load_text('version "6.7"\n- (0010\n- (0010,0010)\n(00\n')
        await settled(pilot)
        places = [(one.line, one.column) for one in screen.remarks]
        assert len(places) == 2
        await pilot.press("f8")
        assert screen.editor.place == places[0]
        await pilot.press("f8")
        assert screen.editor.place == places[1]
        await pilot.press("f7")
        assert screen.editor.place == places[0]
        screen.query_one("#problems").focus()
        await pilot.press("j", "enter")
        await until(pilot, lambda: screen.editor.place == places[1])


async def test_a_draft_outlives_the_console_and_is_dropped_by_its_key(tmp_path: Path) -> None:
    facts = normal()
    place = tmp_path / "console.json"
    app = console(facts, "scripts", memory=StateFile(place))
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        # The console ends before the pause is over in which nothing is typed.
        await pilot.press(*"// mine")
    again = console(facts, "scripts", memory=StateFile(place))
    async with again.run_test(size=WIDE) as pilot:
        await opened(pilot, again)
        await shown(pilot, "// mine", "draft of v3", "1 line differs")
        await pilot.press("ctrl+o", "x")
        await shown(pilot, "Drop the draft")
        await pilot.press("tab", "enter")
        await settled(pilot)
        assert "// mine" not in painted(again)
        assert editor(again).draft is None
    last = console(facts, "scripts", memory=StateFile(place))
    async with last.run_test(size=WIDE) as pilot:
        await opened(pilot, last)
        assert "// mine" not in painted(last)


async def test_a_draft_stays_one_of_the_version_that_it_began_with() -> None:
    facts = normal()
    app = console(facts, "scripts")
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, app)
        await pilot.press(*"// mine", "enter")
        await settled(pilot)
        await app.context.engine.scripts.set(SCOPE, 'version "6.7"\n', reason="meanwhile")
        await pilot.press("ctrl+r")
        await shown(pilot, "another version was saved meanwhile", "from v2")
        await pilot.press("ctrl+s")
        await shown(pilot, "v3 by me was saved meanwhile")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, ScriptsScreen))
        await pilot.press("enter")
        await shown(pilot, "// mine", "from v2")
        assert screen is not app.screen


async def test_a_version_is_compared_and_brought_back() -> None:
    facts = normal()
    app = console(facts, "scripts")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await pilot.press("ctrl+o", "G", "enter")
        await until(pilot, lambda: isinstance(app.screen, ScriptVersionScreen))
        await shown(pilot, "v1 → v2", "shift dates by subject", "+ ")
        await pilot.press("n")
        await shown(pilot, "1 of 2 changes to v2")
        await pilot.press("escape", "b")
        await shown(pilot, "Bring back v1", "anteroom script activate 1")
        await pilot.press(*"it was better", "enter", "enter")
        await until(pilot, lambda: facts.scripts[SCOPE][0].active)
        await shown(pilot, "NEURO3 ▸ v1")
        await pilot.press("b")
        await until(pilot, lambda: "not now: it is the active one" in said(app))


async def test_the_lookup_table_is_edited_and_its_problems_are_told() -> None:
    facts = normal()
    app = console(facts, "scripts")
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("f4")
        await shown(pilot, "days/S1 = 11")
        await pilot.press(*"no entry", "enter")
        await settled(pilot)
        await shown(pilot, "! table", "1 warning", "1 line differs from v2")
        assert screen.draft is not None
        assert screen.draft.lookups.startswith("no entry\n")


async def test_the_text_is_tried_on_a_session_and_leads_to_its_lines() -> None:
    facts = normal()
    app = console(facts, "scripts")
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("f5")
        await shown(pilot, "Try the text on a session")
        await pilot.press("enter")
        await shown(pilot, "Dry run · MR_12", "1 other, 1 new, 1 gone", "SeriesDate is")
        assert any("the dry run went wrong" in one for one in said(app))
        await pilot.press("enter")
        await until(pilot, lambda: screen.focused is screen.editor)
        assert screen.editor.place == (6, 3)
        await pilot.press("home", *"// ")
        await settled(pilot)
        await shown(pilot, "of an earlier text")
        await pilot.press("f5")
        await until(pilot, lambda: "of an earlier text" not in painted(app))
        await pilot.press("n", "n", "enter")
        await shown(pilot, "One element", "(0010,1010) PatientAge")
        await pilot.press("escape", "o")
        await until(pilot, lambda: screen.focused is screen.editor)
        assert screen.editor.line == 4
        assert all(len(versions) <= 2 for versions in facts.scripts.values())


async def test_a_text_with_an_error_is_not_tried_and_one_that_is_stopped_says_so() -> None:
    facts = normal()
    stopped = Trial(scope=SCOPE, stopped="it took too much processor time")
    facts.trials = dict.fromkeys(facts.sessions, stopped)
    app = console(facts, "scripts")
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app)
        await pilot.press(*"- (00", "enter", "f5")
        await until(pilot, lambda: any("not with an error" in one for one in said(app)))
        await pilot.press("ctrl+z", "ctrl+z", "ctrl+z", "f5")
        await shown(pilot, "Try the text on a session")
        await pilot.press("enter")
        await shown(pilot, "✗ stopped", "it took too much processor time")
        await pilot.press("t")
        await shown(pilot, "Try the text on a session")


async def test_words_are_found_and_shown_until_esc() -> None:
    app = console(normal(), "scripts")
    async with app.run_test(size=SMALL) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("ctrl+f", *"0018,1030", "enter")
        await settled(pilot)
        assert screen.editor.line == 6
        await pilot.press("f3")
        assert screen.editor.place == (6, 37)
        await pilot.press("escape")
        await settled(pilot)
        assert not screen.has_class("finding")
        assert screen.focused is screen.editor


async def test_a_reviewer_reads_and_writes_nothing() -> None:
    facts = normal()
    reviewer = Actor(name="mk", roles={"NEURO3": frozenset({Role.REVIEWER})})
    app = console(facts, "scripts", asking=reviewer)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, app)
        await pilot.press(*"xyz", "ctrl+s")
        await until(pilot, lambda: any("it needs the role" in one for one in said(app)))
        assert screen.editor.text == NEURO3
        assert screen.draft is None


async def test_another_screen_opens_a_script_at_a_line_with_a_proposal() -> None:
    facts = normal()
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await app.open_script(SCOPE, version=2, line=5, proposed="- (0010,1010)")
        await shown(pilot, "- (0010,1010)", "1 line differs from v2")
        screen = editor(app)
        assert screen.editor.line == 5
        assert screen.editor.document.get_line(4) == "- (0010,1010)"


async def test_a_version_that_is_not_active_is_read_over_the_screen() -> None:
    app = console(normal(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        below = app.screen
        await app.open_script(SCOPE, version=1, line=2)
        await shown(pilot, "v1 of NEURO3", "not the active version", "- (0010,1030)")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is below)
        await app.open_script(SCOPE, version=1, line=2)
        await settled(pilot)
        await pilot.press("o")
        await shown(pilot, "NEURO3, SOP-17")
        assert app.current_mode == "scripts"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is below)


async def test_the_first_version_of_a_script_is_written_here() -> None:
    facts = Facts()
    app = console(facts, "scripts")
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "there is no site script")
        await pilot.press("enter")
        await shown(pilot, "nobody has written one yet")
        await pilot.press(*"- (0010,0010)")
        await settled(pilot)
        await pilot.press("ctrl+s")
        await shown(pilot, "Save a new version")
        await pilot.press(*"a first one", "enter", "enter")
        await until(pilot, lambda: "site" in facts.scripts)
        assert facts.scripts["site"][0].text == "- (0010,0010)"


async def test_saving_says_what_waits_and_how_it_is_run_again() -> None:
    facts = normal()
    app = console(facts, "scripts")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "the site script is enabled")
        await pilot.press("enter")
        await shown(pilot, "(0010,1040)")
        await settled(pilot)
        await pilot.press(*"// a", "enter")
        await settled(pilot)
        await pilot.press("ctrl+s")
        await shown(pilot, "waiting sessions were made: 4 with v2, 7 with v1")
        await pilot.press(*"why not", "enter", "enter")
        await until(pilot, lambda: any("7 waiting sessions made with an" in o for o in said(app)))
        await pilot.press("ctrl+o", "r")
        await shown(pilot, "Run v2 of the site script over 7 sessions again?")


async def test_a_text_of_version_4_is_turned_into_6_and_taken_back() -> None:
    app = console(normal(), "scripts")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "the site script is enabled")
        await pilot.press("j", "j", "enter")
        await shown(pilot, "- (0008,0081)")
        await settled(pilot)
        screen = editor(app)
        await screen.run_verb("migrate")
        await shown(pilot, "Turn the text into DicomEdit 6?")
        await pilot.press("enter")
        await until(pilot, lambda: screen.editor.text.startswith("version "))
        await settled(pilot)
        assert "- (0008,0081)" in screen.editor.text
        await screen.run_verb("migrate")
        await until(pilot, lambda: "not now: it is of version 6 already" in said(app))
        await pilot.press("ctrl+z")
        await until(pilot, lambda: screen.editor.text == "- (0008,0081)\n")


async def test_samples_are_run_and_one_that_gets_worse_is_told_before_saving() -> None:
    facts = normal()
    app = console(facts, "scripts")
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("ctrl+t")
        await shown(pilot, "✗ pt-ct", "✓ mr-siemens", "1 of 2 samples as expected, 1 worse")
        await pilot.press("home", "enter")
        await until(pilot, lambda: screen.focused is screen.editor)
        assert screen.editor.place == (4, 3)
        assert any("pt-ct: expected changed, is error" in one for one in said(app))
        await pilot.press("home", *"// a", "enter")
        await settled(pilot)
        await shown(pilot, "Samples · of an earlier text")
        await pilot.press("ctrl+s")
        await shown(pilot, "it makes samples worse: pt-ct; say why that is to be so")
