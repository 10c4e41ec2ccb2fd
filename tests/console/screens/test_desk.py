# SPDX-License-Identifier: Apache-2.0
"""What reviewers say of sessions, by keys alone: in the list, on the session, and by a paper."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from textual.widgets import Input

from console.screens.session import SessionScreen
from console.widgets.dialogs import AskScreen, ChooseScreen
from console.widgets.table import RecordTable
from engine.model.desk import Opened
from engine.model.people import Actor, Role
from engine.model.queues import Queue, QueueKind
from engine.model.states import Status
from tests.console.piloting import HOSTILE, WIDE, console, painted, settled, shown, table, until
from tests.memory import NOON, Facts, session


def several(number: int, **changes: object) -> Facts:
    facts = Facts()
    facts.keep(*(session(each, **changes) for each in range(1, number + 1)))
    return facts


def typed(text: str) -> list[str]:
    """Return the keys of a text."""
    return ["space" if char == " " else "comma" if char == "," else char for char in text]


async def chosen(pilot: object, title: str) -> None:
    """Choose what the menu of the desk calls so."""
    app = pilot.app  # type: ignore[attr-defined]
    await pilot.press("full_stop")  # type: ignore[attr-defined]
    await until(pilot, lambda: isinstance(app.screen, ChooseScreen))  # type: ignore[arg-type]
    choices = app.screen.query_one("#choices", RecordTable)
    await until(pilot, lambda: bool(choices.total))  # type: ignore[arg-type]
    place = next(n for n, row in enumerate(choices.rows) if row.cells[0] == title)
    await pilot.press(*"j" * place, "enter")  # type: ignore[attr-defined]
    await settled(pilot)  # type: ignore[arg-type]


async def test_sessions_are_marked_as_reviewed_and_the_list_says_so() -> None:
    facts = several(3)
    facts.keep(session(4, status=Status.RECEIVING))
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "4 sessions shown")
        await pilot.press("asterisk")
        await chosen(pilot, "reviewed")
        await shown(pilot, "✓ reviewed")
        await until(pilot, lambda: bool(app.context.notices.all))
        said = app.context.notices.all[0].text
        assert said.startswith("reviewed: 3 sessions; 1 refused: pre_aaaaaaa4 cannot be reviewed")
        assert {one.reviewed_by for one in facts.sessions.values()} == {app_login(facts), ""}
        await pilot.press("backslash", "G")
        await chosen(pilot, "not reviewed")
        await until(pilot, lambda: sum(1 for each in facts.desks.values() if each.fell) == 1)


def app_login(facts: Facts) -> str:
    return next(each.reviewed_by for each in facts.desks.values() if each.reviewed_by)


async def test_a_note_is_left_changed_and_shown_in_the_card_and_on_the_session() -> None:
    facts = several(1)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "1 session shown")
        await chosen(pilot, "note …")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*typed("two scans are missing"), "enter", "enter")
        await shown(pilot, "Note", "two scans are missing")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        await shown(pilot, "two scans are missing")
        await chosen(pilot, "note …")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await shown(pilot, "A note on 1 session")
        await pilot.press("end", *typed(", one is double"), "enter", "enter")
        await until(
            pilot,
            lambda: facts.desks["pre_aaaaaaa1"].note == "two scans are missing, one is double",
        )


async def test_what_is_unassigned_shows_no_note_while_it_is_masked() -> None:
    facts = several(1, project=None)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "1 session shown")
        await app.context.engine.desk.note(("pre_aaaaaaa1",), HOSTILE + "Planted Patient")
        await shown(pilot, "somebody left one; #")
        assert "Planted" not in painted(app)
        await chosen(pilot, "note …")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert "Planted" not in painted(app)


async def test_a_session_is_given_to_somebody_and_taken() -> None:
    facts = several(2)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "2 sessions shown")
        await chosen(pilot, "give …")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*"ada")
        await shown(pilot, "anteroom prearchive assign pre_aaaaaaa2 --to ada")
        await pilot.press("enter", "enter")
        await shown(pilot, "For", "ada")
        await pilot.press("slash", *"assigned:ada", "enter")
        await shown(pilot, "1 session shown")
        await chosen(pilot, "mine")
        await until(pilot, lambda: facts.sessions["pre_aaaaaaa2"].assigned not in ("", "ada"))


async def test_a_session_is_found_by_a_paper_and_opened() -> None:
    facts = several(3)
    facts.on_paper["Doe Jane"] = ("pre_aaaaaaa2",)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "3 sessions shown")
        await chosen(pilot, "by a paper …")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*"Nobody", "enter", "enter")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert app.context.notices.all[0].text == "no session that waits came under it"
        await chosen(pilot, "by a paper …")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*typed("Doe Jane"), "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        await shown(pilot, "pre_aaaaaaa2", "ready")
        assert "MR_2" not in painted(app).partition("1 session")[2].partition("\n")[0]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        assert app.screen.followed == "pre_aaaaaaa2"  # type: ignore[attr-defined]
        # Nothing that was typed stays anywhere: in no notice, filter or view.
        assert "Doe" not in str([each.text for each in app.context.notices.all])
        assert "Doe" not in str(app.context.memory.state)


async def test_an_act_on_marked_sessions_says_first_what_the_engine_would_do() -> None:
    facts = several(3)
    facts.keep(session(4, status=Status.RECEIVING), session(5, status=Status.ERROR))
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "5 sessions shown")
        await pilot.press("asterisk", "a")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await shown(
            pilot,
            "Archive 3 sessions?",
            "2 marked are left out: a session in ERROR is rebuilt",
        )
        await pilot.press("tab", *"3", "enter", "enter")
        await until(pilot, lambda: len(facts.filed) == 3)


async def test_thousands_can_be_marked_and_are_asked_for_in_pages() -> None:
    facts = several(2_300)
    app = console(facts, "prearchive")
    calls: list[int] = []
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "2 300 sessions shown")
        await pilot.press("asterisk")
        await shown(pilot, "2 300 sessions marked of 2 300")
        delete = app.context.engine.prearchive.delete

        async def counted(ids: tuple[str, ...], reason: str = "") -> object:
            calls.append(len(ids))
            return await delete(ids, reason)

        app.context.engine.prearchive.delete = counted  # type: ignore[method-assign,assignment]
        await pilot.press("x")
        await shown(pilot, "Delete 2 300 sessions", "… and 2")
        await settled(pilot)
        await pilot.press("up", "up", *typed("a test"), "enter", *"2300", "enter", "enter")
        await until(pilot, lambda: not facts.sessions)
        assert calls == [500, 500, 500, 500, 300]


@pytest.mark.parametrize("role", [Role.WATCHER, None])
async def test_who_may_not_decide_has_no_desk(role: Role | None) -> None:
    roles = {"NEURO3": frozenset({role})} if role is not None else {}
    facts = several(1)
    app = console(facts, "prearchive", asking=Actor(name="wim", roles=roles))
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "1 session")
        await pilot.press("full_stop")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert app.context.notices.all[0].text.startswith("not now: ")
        assert not isinstance(app.screen, ChooseScreen)
        assert table(app, "sessions").display


async def test_who_else_has_a_session_open_is_shown_in_the_list_and_on_it() -> None:
    facts = several(2)
    facts.opened.append(Opened(session="pre_aaaaaaa2", login="ada", since=NOON))
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "● ready, open")
        assert painted(app).count("ready, open") == 1
        await pilot.press("home", "enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        await shown(pilot, "Open", "ada since 12:00")
        assert facts.here == {app.context.client: "pre_aaaaaaa2"}
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: facts.here == {app.context.client: "pre_aaaaaaa1"})
        await pilot.press("escape")
        await until(pilot, lambda: facts.here == {})


async def test_what_waits_is_told_and_a_capsule_is_written(tmp_path: Path) -> None:
    facts = several(1)
    facts.queues.append(
        Queue(
            kind=QueueKind.REVIEW,
            project=HOSTILE,
            person="ada",
            waiting=1_200,
            oldest=NOON - timedelta(days=3),
            goal_hours=48,
            overdue=7,
        )
    )
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "1 session shown")
        await chosen(pilot, "what waits …")
        await shown(pilot, "What waits", "review", "1 200", "7 overdue", "the goal is 48 h")
        await pilot.press("escape")
        await chosen(pilot, "capsule …")
        await shown(pilot, "A capsule of pre_aaaaaaa1", "nothing in it names a patient")
        for field in app.screen.query(Input):
            if field.name == "place":
                field.value = str(tmp_path / "it.tar.gz")
        await pilot.press("enter", "enter", "enter")
        await until(pilot, (tmp_path / "it.tar.gz").exists)
        await until(pilot, lambda: "is written to" in str(app.context.notices.all[0].text))
