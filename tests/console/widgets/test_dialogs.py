# SPDX-License-Identifier: Apache-2.0
"""Questions: where they begin, what a hasty enter does, and what they ask for before an act."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.app import App
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Button

from console.views.question import Answers, Field, Option, Question, reason
from console.widgets.dialogs import AskScreen, ChooseScreen, PlainInput
from tests.console.piloting import HOSTILE, painted, settled, until


class Asking(App[None]):
    """Nothing, over which a question is asked."""

    def __init__(self, screen: Any) -> None:
        super().__init__()
        self.animation_level = "none"
        self.asked = screen
        self.answers: list[Any] = []
        self.copied: list[str] = []

    def on_mount(self) -> None:
        self.push_screen(self.asked, self.answers.append)

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)


def command(given: Answers) -> str:
    return f"anteroom prearchive delete pre_1 --reason '{given.get('reason', '')}'"


DELETE = Question(
    title="Delete 2 sessions?",
    act="Delete 2",
    keep="Keep them",
    rows=("MR_1", "MR_2"),
    says=("They stay in the trash for 30 days.",),
    fields=(reason(needed=True),),
    confirm=2,
    danger=True,
    command=command,
)
PROJECTS = ("NEURO3", "CARDIO")
MOVE = Question(
    title="Move",
    act="Move",
    fields=(
        Field(name="project", label="Project", needed=True, choices=PROJECTS),
        reason(needed=False),
    ),
    fault=lambda given: "" if given["project"] in PROJECTS else "there is no such project",
)


def fault(app: Asking) -> str:
    return str(app.screen.query_one("#fault").render())


def off(app: Asking) -> bool:
    return app.screen.query_one("#act", Button).disabled


async def focused(pilot: Pilot[Any], app: Asking, name: str) -> None:
    await until(pilot, lambda: app.focused is not None and name in (app.focused.id, _name(app)))


def _name(app: Asking) -> str:
    return (app.focused.name or "") if app.focused is not None else ""


async def test_a_question_about_harm_begins_where_enter_keeps() -> None:
    app = Asking(AskScreen(DELETE))
    async with app.run_test(size=(80, 24)) as pilot:
        await focused(pilot, app, "keep")
        await pilot.press("enter")
        await until(pilot, lambda: app.answers == [None])


@pytest.mark.parametrize("key", ["escape"])
async def test_escape_keeps_wherever_the_cursor_is(key: str) -> None:
    for question in (DELETE, MOVE):
        app = Asking(AskScreen(question))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("tab", "tab", key)
            await until(pilot, lambda app=app: app.answers == [None])  # type: ignore[misc]


async def test_nothing_is_done_before_all_is_said() -> None:
    app = Asking(AskScreen(DELETE))
    async with app.run_test(size=(80, 24)) as pilot:
        await focused(pilot, app, "keep")
        assert off(app)
        assert fault(app) == "reason is needed"
        app.screen.query_one(PlainInput).focus()
        await pilot.press(*"done ", "enter", "3")
        assert fault(app) == "type 2 to enable it"
        assert off(app)
        # Enter goes on to the button that does nothing while something is missing.
        await pilot.press("enter")
        await focused(pilot, app, "keep")
        app.screen.query(PlainInput).last().focus()
        await pilot.press("end", "backspace", "2")
        assert fault(app) == ""
        assert not off(app)
        await pilot.press("enter")
        await focused(pilot, app, "act")
        await pilot.press("enter")
        await until(pilot, lambda: app.answers == [{"reason": "done"}])


async def test_y_copies_the_command_and_is_a_letter_in_a_field() -> None:
    app = Asking(AskScreen(DELETE))
    async with app.run_test(size=(80, 24)) as pilot:
        await focused(pilot, app, "keep")
        await pilot.press("y")
        assert app.copied == ["anteroom prearchive delete pre_1 --reason ''"]
        app.screen.query_one(PlainInput).focus()
        await pilot.press("y")
        assert app.screen.query_one(PlainInput).value == "y"
        assert len(app.copied) == 1
        assert "--reason 'y'" in painted(app)


async def test_a_long_command_is_cut_on_the_screen_and_copied_whole() -> None:
    long = " ".join(f"pre_{number}" for number in range(2_000))
    question = replace(DELETE, command=lambda given: f"delete {long} {given['reason']}")
    app = Asking(AskScreen(question))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "copies all of it" in painted(app))
        assert "pre_1999" not in painted(app) and "Keep them" in painted(app)
        await pilot.press("up", "up", "w", "ctrl+y")
        await until(pilot, lambda: len(app.copied) == 1)
        assert app.copied == [f"delete {long} w"]


async def test_what_can_be_typed_is_offered_and_judged() -> None:
    app = Asking(AskScreen(MOVE))
    async with app.run_test(size=(80, 24)) as pilot:
        await focused(pilot, app, "project")
        await pilot.press("x")
        assert fault(app) == "there is no such project"
        await pilot.press("backspace", *"car")
        field = app.screen.query_one(PlainInput)
        await until(pilot, lambda: field._suggestion != "")
        await pilot.press("right")
        assert field.value == "CARDIO"
        await pilot.press("enter")
        await focused(pilot, app, "reason")
        await pilot.press("enter")
        await focused(pilot, app, "act")
        await pilot.press("enter")
        await until(pilot, lambda: app.answers == [{"project": "CARDIO", "reason": ""}])


async def test_arrows_go_from_field_to_field() -> None:
    app = Asking(AskScreen(MOVE))
    async with app.run_test(size=(80, 24)) as pilot:
        await focused(pilot, app, "project")
        await pilot.press("down")
        await focused(pilot, app, "reason")
        await pilot.press("up")
        await focused(pilot, app, "project")


@pytest.mark.parametrize(("rows", "named"), [(24, 3), (36, 8)])
async def test_many_rows_are_counted_not_named(rows: int, named: int) -> None:
    texts = tuple(f"row {number}" for number in range(40))
    app = Asking(AskScreen(Question(title="t", act="Do", rows=texts)))
    async with app.run_test(size=(80, rows)) as pilot:
        await settled(pilot)
        assert painted(app).count("row ") == named
        assert f"… and {40 - named} more" in painted(app)


async def test_hostile_texts_stay_in_their_line() -> None:
    question = Question(
        title=HOSTILE,
        act="Do",
        rows=(HOSTILE, "A" * 60_000),
        says=(HOSTILE,),
        warning=HOSTILE,
        fields=(Field(name="label", label=HOSTILE, value=HOSTILE, hint=HOSTILE),),
        command=lambda given: given["label"],
    )
    app = Asking(AskScreen(question))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        text = painted(app)
        assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(text)
        assert len(text.splitlines()) == 24
        assert text.count("AAAAA") <= 2 * 80


async def test_what_is_pasted_cannot_act() -> None:
    app = Asking(AskScreen(MOVE))
    async with app.run_test(size=(80, 24)) as pilot:
        await focused(pilot, app, "project")
        field = app.screen.query_one(PlainInput)
        field.post_message(Paste("\x1b]52;c;x\x07NEURO3\nrm -rf"))
        await until(pilot, lambda: "NEURO3" in field.value)
        assert field.value == "␛]52;c;x␇NEURO3"
        field.post_message(Paste(""))
        await pilot.pause()
        assert field.value == "␛]52;c;x␇NEURO3"


async def test_one_of_several_is_chosen() -> None:
    choices = tuple(Option(key=str(n), title=f"title {n}", detail=HOSTILE) for n in range(3))
    app = Asking(ChooseScreen("Choose", choices))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "title 2" in painted(app)
        await pilot.press("j", "enter")
        await until(pilot, lambda: app.answers == ["1"])


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_none_of_several_is_chosen(key: str) -> None:
    app = Asking(ChooseScreen("Choose", (), empty="nothing is saved"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "nothing is saved" in painted(app)
        await pilot.press("enter", key)
        await until(pilot, lambda: app.answers == [None])
