# SPDX-License-Identifier: Apache-2.0
"""Rules as they are edited, checked, tried and saved, by keys against an engine in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.base.quit import UnsavedScreen
from console.screens.session_choice import SessionChoiceScreen
from console.widgets.dialogs import AskScreen
from console.widgets.rule_editor import RuleEditor
from engine.model.archive import RuleText
from engine.model.errors import Problem, Unavailable
from engine.model.routing import Concept, Route, TraceStep, Verdict
from engine.model.what_if import Destination, Rerouted, WhatIf
from tests.console.piloting import SMALL, WIDE, console, keys, painted, shown, until
from tests.memory import NOON, Facts, session
from tests.memory.configuration import Routing, Rules, project

GOOD = "(0008,1010):(MR3T_A):1 t:.+ r:NEURO3"
SITE = ("site", "project")


def known(text: str = GOOD) -> Facts:
    facts = Facts()
    facts.projects["NEURO3"] = project("NEURO3")
    facts.rules[SITE] = RuleText(
        scope="site", concept="project", version=3, text=text, at=NOON, author="ak"
    )
    return facts


def editor(app: ConsoleApp) -> RuleEditor:
    found: RuleEditor = app.screen_stack[0].query_one("#editor", RuleEditor)
    return found


async def editing(pilot: Pilot[Any], app: ConsoleApp) -> None:
    """Go into the rules of the site for projects."""
    await until(pilot, lambda: len(keys(app, "places")) >= 5)
    await pilot.press("j", "enter")
    await until(pilot, lambda: editor(app).has_focus and not editor(app).read_only)


async def answered(pilot: Pilot[Any], app: ConsoleApp, reason: str, *more: str) -> None:
    await until(pilot, lambda: isinstance(app.screen, AskScreen))
    await pilot.press(*reason, "enter", *more, "enter", "enter")


def told(app: ConsoleApp, text: str) -> bool:
    """Whether something was said; a toast breaks it into lines."""
    return any(text in one.text for one in app.context.notices.all)


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_rules_are_saved_with_a_reason(size: tuple[int, int]) -> None:
    facts = known()
    app = console(facts, "projects")
    async with app.run_test(size=size) as pilot:
        await editing(pilot, app)
        await shown(pilot, GOOD, "version 3 by ak")
        await pilot.press("end", "enter", *"(0008,1030):(A.*):1")
        await shown(pilot, "1 line edited, not saved")
        await pilot.press("ctrl+s")
        await answered(pilot, app, "a new scanner")
        await until(pilot, lambda: facts.rules[SITE].version == 4)
        made = facts.rules[SITE]
        assert made.text == f"{GOOD}\n(0008,1030):(A.*):1"
        assert (made.reason, made.enabled, made.author) == ("a new scanner", True, "me")
        await until(pilot, lambda: "not saved" not in painted(app))
        assert app.context.drafts == {}


async def test_before_rules_are_saved_their_effect_on_the_last_sessions_is_said() -> None:
    facts = known()
    now = Destination(project="NEURO3", subject="S1", session="E1", auto_archive=None)

    def moved(id: str, project: str | None, then: Destination) -> Rerouted:
        return Rerouted(
            id=id, filed=False, label="MR_1", project=project, came=NOON, now=now, then=then
        )

    other = replace(now, subject="S2")
    facts.what_if = WhatIf(
        tried=12,
        unread=0,
        adrift=1,
        moved=(
            moved("pre_aaaaaaa1", "NEURO3", other),
            moved("pre_aaaaaaa2", None, replace(other, project=None)),
        ),
    )
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await editing(pilot, app)
        await shown(pilot, GOOD, "version 3 by ak")
        await pilot.press("end", "enter", *"(0008,1030):(A.*):1", "ctrl+s")
        await shown(pilot, "2 of the last 12 sessions would have gone elsewhere")
        await shown(pilot, "MR_1 (pre_aaaaaaa1): subject S1 → S2", "less sure of 1")
        # Of one without a project no label is told.
        await shown(pilot, "pre_aaaaaaa2: NEURO3 → Unassigned, subject another")


async def test_rules_are_saved_where_their_effect_cannot_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fails(*_: object, **__: object) -> WhatIf:
        raise Unavailable("the archive does not answer")

    monkeypatch.setattr(Rules, "what_if", fails)
    facts = known()
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await editing(pilot, app)
        await shown(pilot, GOOD, "version 3 by ak")
        await pilot.press("end", "enter", *"(0008,1030):(A.*):1", "ctrl+s")
        await answered(pilot, app, "a new scanner")
        await until(pilot, lambda: facts.rules[SITE].version == 4)
        assert told(app, "what it would have done is not known")


async def test_rules_can_be_put_out_of_force_without_an_edit() -> None:
    facts = known()
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await editing(pilot, app)
        await pilot.press("ctrl+s")
        await answered(pilot, app, "out", *"no")
        await until(pilot, lambda: not facts.rules[SITE].enabled)
        assert facts.rules[SITE].text == GOOD
        await shown(pilot, "not in force")


async def test_rules_with_a_fault_are_not_saved_and_say_where_it_is() -> None:
    facts = known(f"{GOOD}\n(0008,103E):([a-z]+):1")
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await editing(pilot, app)
        await pilot.press("down", "end", *["left"] * 4, "backspace")
        await shown(pilot, "✗ line 2, column 14", "1 fault")
        await pilot.press("up", "ctrl+s")
        await until(pilot, lambda: told(app, "not like this: line 2, column 14"))
        assert not isinstance(app.screen, AskScreen)
        assert facts.rules[SITE].version == 3
        assert editor(app).cursor_location == (1, 13)
        await pilot.press("escape", "t")
        await until(pilot, lambda: len(app.context.notices.all) == 2)
        assert not isinstance(app.screen, SessionChoiceScreen)


async def test_edits_outlive_other_rows_and_other_modes() -> None:
    facts = known()
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await editing(pilot, app)
        await pilot.press("X")
        await pilot.press("escape", "G")
        await shown(pilot, "▸ NEURO3", "1 other edited, not saved")
        await pilot.press("2")
        await until(pilot, lambda: app.current_mode == "prearchive")
        await pilot.press("6", "g", "j")
        await shown(pilot, "~ project", f"X{GOOD}", "1 line edited, not saved")
        assert facts.rules[SITE].text == GOOD


async def test_leaving_with_edits_is_asked_about() -> None:
    facts = known()
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await editing(pilot, app)
        await pilot.press("X", "ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, UnsavedScreen))
        await shown(pilot, "Site rules, project: 1 line edited, not saved")
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, UnsavedScreen))
        assert app.is_running and app.context.drafts
        await pilot.press("escape", "q")
        await until(pilot, lambda: isinstance(app.screen, UnsavedScreen))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: not app.is_running)
    assert facts.rules[SITE].text == GOOD


async def test_edits_are_dropped_once_that_is_meant() -> None:
    app = console(known(), "projects")
    async with app.run_test(size=WIDE) as pilot:
        await editing(pilot, app)
        await pilot.press("escape", "x")
        await until(pilot, lambda: told(app, "not now: nothing is edited"))
        await pilot.press("enter", "X", "escape", "x")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: app.context.drafts == {})
        await until(pilot, lambda: editor(app).text == GOOD)


async def test_a_version_that_came_between_is_told_before_it_is_replaced() -> None:
    facts = known()
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await editing(pilot, app)
        await pilot.press("end", "enter")
        await until(pilot, facts.waited.is_set)
        facts.rules[SITE] = replace(facts.rules[SITE], version=4, text="", author="hale")
        await facts.tell("configuration", "site")
        await shown(pilot, "version 4 by hale was saved meanwhile")
        assert editor(app).text == f"{GOOD}\n"
        await pilot.press("ctrl+s")
        await shown(pilot, "version 4 by hale was saved meanwhile: this one replaces it")
        await answered(pilot, app, "mine")
        await until(pilot, lambda: facts.rules[SITE].version == 5)


async def test_a_text_that_others_saved_is_shown_where_nothing_was_edited() -> None:
    facts = known()
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await editing(pilot, app)
        await until(pilot, facts.waited.is_set)
        facts.rules[SITE] = replace(facts.rules[SITE], version=4, text="", author="hale")
        await facts.tell("configuration", "site")
        await until(pilot, lambda: editor(app).text == "")
        await shown(pilot, "version 4 by hale")


def routed(project: str | None, *steps: TraceStep) -> Route:
    return Route(
        project=project, subject="SUB_DOE", session="MR_DOE", auto_archive=None, trace=steps
    )


SECRET = "DOE^JANE"
STEPS = (
    TraceStep(
        concept=Concept.PROJECT,
        extractor="site rule 1",
        element="(0008,1010)",
        saw=SECRET,
        verdict=Verdict.NO_MATCH,
    ),
    TraceStep(
        concept=Concept.PROJECT,
        extractor="study description",
        element="(0008,1030)",
        saw=SECRET,
        found="NEURO3",
        verdict=Verdict.WON,
    ),
)


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_session_is_routed_by_the_edited_text(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = known()
    facts.keep(session(1, label="FIRST"), session(2, label="SECOND"))
    facts.routes["pre_aaaaaaa1"] = routed("OTHER")
    got: list[tuple[str, ...]] = []

    async def route(self: Routing, session: str, scope: str, concept: str, text: str) -> Route:
        got.append((session, scope, concept, text))
        return routed("NEURO3", *STEPS)

    monkeypatch.setattr(Routing, "try_rules", route)
    app = console(facts, "projects")
    async with app.run_test(size=size) as pilot:
        await editing(pilot, app)
        await pilot.press("end", "enter", "f5")
        await until(pilot, lambda: isinstance(app.screen, SessionChoiceScreen))
        await shown(pilot, "FIRST", "SECOND")
        await pilot.press(*"first")
        await until(pilot, lambda: keys(app, "sessions") == ["pre_aaaaaaa1"])
        await pilot.press("enter")
        await shown(pilot, "Test a header: FIRST", "→ NEURO3, a project ✓", SECRET)
        assert got == [("pre_aaaaaaa1", "site", "project", f"{GOOD}\n")]
        await shown(pilot, "Subject SUB_DOE", "Before the edit: Project OTHER")


async def test_values_of_a_masked_session_show_by_length(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = known()
    facts.keep(session(1, project=None, label="MR_DOE", subject="SUB_DOE"))
    facts.routes["pre_aaaaaaa1"] = routed(None)

    async def route(self: Routing, session: str, scope: str, concept: str, text: str) -> Route:
        return routed("NEURO3", *STEPS)

    monkeypatch.setattr(Routing, "try_rules", route)
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await editing(pilot, app)
        await pilot.press("f5")
        await until(pilot, lambda: keys(app, "sessions") == ["pre_aaaaaaa1"])
        assert "DOE" not in painted(app)
        await pilot.press("down", "enter")
        await shown(pilot, "Test a header: pre_aaaaaaa1", "‹8 characters›", "a project ✓")
        assert "DOE" not in painted(app)


async def test_rules_that_cannot_be_read_are_not_edited(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(self: Rules, scope: str, concept: str) -> RuleText:
        raise Unavailable("the engine does not answer")

    monkeypatch.setattr(Rules, "show", lost)
    app = console(known(), "projects")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "places")) >= 5)
        await pilot.press("j", "enter")
        await shown(pilot, "the rules could not be read; ctrl+r asks again")
        await pilot.press("X", "ctrl+s")
        await until(pilot, lambda: told(app, "not now: the rules were not read yet"))
        assert editor(app).text == ""
        assert app.context.drafts == {}


async def test_rules_that_were_not_saved_are_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(self: Rules, *_: object, **__: object) -> RuleText:
        raise Unavailable("the engine does not answer")

    facts = known()
    app = console(facts, "projects")
    async with app.run_test(size=WIDE) as pilot:
        await editing(pilot, app)
        await pilot.press("end", "enter", "ctrl+s")
        monkeypatch.setattr(Rules, "set", lost)
        await answered(pilot, app, "why")
        await until(pilot, lambda: told(app, "not done: the engine does not answer"))
        await shown(pilot, "1 line edited, not saved")
        assert editor(app).text == f"{GOOD}\n"
        assert next(iter(app.context.drafts.values())).text == f"{GOOD}\n"


async def test_an_answer_on_another_text_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    app = console(known(), "projects")

    async def late(self: Rules, text: str) -> tuple[Problem, ...]:
        if text == GOOD:
            # What was asked about is another text by the time of the answer.
            editor(app).load_text("(")
        return (Problem(message=f"of {len(text)}", line=1, column=1),)

    monkeypatch.setattr(Rules, "check", late)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "places")) >= 5)
        await pilot.press("j")
        await shown(pilot, "✗ line 1, column 1: of 1")
        assert f"of {len(GOOD)}" not in painted(app)
