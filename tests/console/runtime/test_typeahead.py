# SPDX-License-Identifier: Apache-2.0
"""Typing ahead: what is typed in one write ends as what is typed slowly, on every screen; and what
opens in front of a screen takes no key that was typed before it was on show."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from console.runtime.typeahead import is_idle
from console.widgets.dialogs import ChooseScreen
from engine.model.states import Status
from tests.console.bursting import NotingEngine, calm, stand, typed_slowly, write
from tests.console.piloting import TIMERS, console, until
from tests.console.scenes import normal
from tests.memory import Facts

LONGEST_WAIT = 60.0

SCREENS = {
    "live": ("live", ""),
    "prearchive": ("prearchive", ""),
    "session": ("prearchive", "g\r"),
    "trash": ("prearchive", "d"),
    "archive": ("archive", ""),
    "filed": ("archive", "g\r"),
    "projects": ("projects", ""),
    "rules": ("projects", "gj\r"),
    "system": ("system", ""),
    "receivers": ("system", ">"),
}
"""The mode in which a screen is opened, and the keys that open it."""

OPENING = ("/", ":", "m", "a", "i", "x", "n", "y", "f", "e", "?", "\r", "r", "t", "d")
WORDS = ("status:ready", "a", "NEURO3", "mr_", "go to", "archive", "1", "\x7f", "x y")
MOVES = ("j", "k", "G", "g", " ", "*", "\\", "v", "s", "S", "c", "o", "<", ">", "[", "]", "u", "p")
PASTES = ("\x1b[200~mr x\x1b[201~", "\x1b[200~a\nb\x1b[201~")
OTHERS = ("\t", "\x1b[B", "\x1b[A", "n", "N", "z", "1", "2", "4", "6", "0")
KEYS = OPENING + MOVES + OTHERS + PASTES


def bursts(seed: str, many: int) -> Iterator[str]:
    """Make texts as people type them ahead: verbs, and words after what may open an input."""
    dice = random.Random(seed)
    for _ in range(many):
        text = ""
        for _ in range(dice.randint(2, 5)):
            text += dice.choice(KEYS)
            if dice.random() < 0.6:
                text += dice.choice(WORDS) + dice.choice(("\r", "\r", "", "\r\r", "\x1b[B"))
        yield text + dice.choice(("", "", "\x1b"))


@asynccontextmanager
async def typing(mode: str, facts: Facts | None = None, **options: Any) -> Any:
    app = console(facts or normal(), mode, **options)
    app.context.engine = NotingEngine(app.context.engine)
    # However slow the machine is: nothing is dropped for that.
    app.ahead.patience = LONGEST_WAIT
    async with app.run_test(size=(120, 36)) as pilot:
        await calm(pilot)
        yield app, pilot


@pytest.mark.parametrize("screen", SCREENS)
async def test_a_burst_of_keys_ends_as_the_same_keys_typed_slowly(
    screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mode, opened = SCREENS[screen]
    texts = [opened, *bursts(screen, 4)]
    wanted = []
    with monkeypatch.context() as slowly:
        for timer in TIMERS:
            slowly.setattr(timer, 0.001)
        async with typing(mode) as (app, pilot):
            for text in texts:
                await typed_slowly(pilot, text)
                wanted.append(stand(app))
    async with typing(mode) as (app, pilot):
        for text, end in zip(texts, wanted, strict=True):
            write(app, text)
            await calm(pilot)
            try:
                await until(pilot, lambda end=end: stand(app) == end)  # type: ignore[misc]
            except AssertionError:
                assert (text, stand(app)) == (text, end)
            if end.get("ended"):
                break


@pytest.mark.parametrize(
    ("mode", "text", "screens", "typed"),
    [
        ("prearchive", "/a\r", ["PrearchiveScreen"], ["a"]),
        ("prearchive", "/status:conflict", ["PrearchiveScreen"], ["status:conflict"]),
        ("prearchive", "/status:ready\r*", ["PrearchiveScreen"], ["status:ready"]),
        ("prearchive", "/\x1b[200~ax\x1b[201~\r", ["PrearchiveScreen"], ["ax"]),
        ("prearchive", ":go to archive\r", ["ArchiveScreen"], [""]),
        ("prearchive", ":go to system\r\r", ["SystemScreen"], []),
        ("prearchive", ":\r\r", ["PrearchiveScreen", "CommandPalette"], ["", ""]),
        ("prearchive", "ga\r\r", ["PrearchiveScreen", "AskScreen"], ["", ""]),
        ("prearchive", "gmNEURO3\r\r", ["PrearchiveScreen", "AskScreen"], ["", "NEURO3", ""]),
        ("prearchive", "gxnot wanted\t\r", ["PrearchiveScreen", "AskScreen"], ["", ""]),
        ("prearchive", "y\r", ["PrearchiveScreen", "ChooseScreen"], [""]),
        ("projects", "nNEURO9\r\rq", ["ProjectsScreen", "AskScreen"], ["NEURO9", *[""] * 4]),
        ("live", "/2\r", ["LiveScreen"], ["2", ""]),
    ],
)
async def test_what_follows_the_key_that_opens_an_input_is_typed_into_it(
    mode: str, text: str, screens: list[str], typed: list[str]
) -> None:
    async with typing(mode) as (app, pilot):
        write(app, text)
        await calm(pilot)
        now = stand(app)
        assert (now["screens"], now["typed"], now["done"]) == (screens, typed, [])


async def test_what_was_pasted_onto_a_list_does_nothing() -> None:
    async with typing("prearchive") as (app, pilot):
        before = stand(app)
        write(app, "\x1b[200~r\rax\x1b[201~")
        await calm(pilot)
        assert stand(app) == before


async def test_a_click_that_was_made_before_the_question_was_there_does_not_answer_it() -> None:
    async with typing("prearchive") as (app, pilot):
        write(app, "ga")
        await calm(pilot)
        x, y = (each + 1 for each in app.screen.query_one("#act").region.offset)
        click = f"\x1b[<0;{x + 1};{y}M\x1b[<0;{x + 1};{y}m"
        write(app, "\x1b")
        await calm(pilot)
        write(app, f"a{click}")
        await calm(pilot)
        assert stand(app)["screens"] == ["PrearchiveScreen", "AskScreen"]
        write(app, click)
        await until(pilot, lambda: len(app.context.engine.done) == 1)


async def test_a_question_takes_no_key_before_a_person_can_have_seen_it() -> None:
    async with typing("prearchive", reaction=3600.0) as (app, pilot):
        write(app, "ga")
        await calm(pilot)
        write(app, "\r")
        await calm(pilot)
        assert stand(app)["screens"] == ["PrearchiveScreen", "AskScreen"]
        app.ahead._reaction = 0.0
        write(app, "\r")
        await until(pilot, lambda: len(app.context.engine.done) == 1)


async def test_of_a_run_of_keys_that_began_too_early_no_end_is_written() -> None:
    async with typing("prearchive") as (app, pilot):
        write(app, "gi")
        await calm(pilot)
        field = app.screen.query(Input).first()
        painted = app.ahead._seen[app.screen]
        app.ahead._reaction = 10.0
        for at, key in ((9.0, "tab"), (11.0, "a"), (20.0, "b"), (31.0, "c")):
            event = events.Key(key, key if len(key) == 1 else None)
            event.time = painted + at
            app.post_message(event)
            await calm(pilot)
        assert (field.value, app.screen.focused is field) == ("c", True)


async def test_keys_for_a_question_that_does_not_come_are_dropped_and_that_is_said() -> None:
    never, facts = asyncio.Event(), normal()
    async with typing("prearchive", facts) as (app, pilot):
        app.ahead.patience = 0.2

        async def hangs(_id: str) -> None:
            await never.wait()

        app.context.engine.engine.prearchive.show = hangs
        write(app, "gmr\r")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert "what was typed for its question was dropped" in app.context.notices.all[0].text
        assert stand(app)["screens"] == ["PrearchiveScreen"]
        # Nobody is held by an engine that hangs.
        write(app, "4")
        await until(pilot, lambda: app.current_mode == "archive")
        write(app, "q")
        await until(pilot, lambda: not app.is_running)


@pytest.mark.parametrize(
    ("mode", "opened", "text", "why"),
    [
        ("prearchive", "", "wr\r", "nothing in it contradicts itself"),
        ("prearchive", "*", "ir\r4", "labels are given to one session at a time"),
        ("filed", ">", "/a\r4", "header, history and document can be searched"),
    ],
)
async def test_what_is_typed_behind_a_key_that_is_refused_does_nothing(
    mode: str, opened: str, text: str, why: str
) -> None:
    mode, first = SCREENS[mode]
    async with typing(mode) as (app, pilot):
        for key in first + opened:
            write(app, key)
            await calm(pilot)
        before = stand(app)
        write(app, text)
        await calm(pilot)
        assert stand(app) == before
        told = [one.text for one in app.context.notices.all]
        assert why in told[1]
        assert told[0] == "what was typed behind that was dropped"
        # What is typed by somebody who has seen that goes its way.
        write(app, "4" if mode == "prearchive" else "2")
        await calm(pilot)
        assert app.current_mode != mode


async def test_a_question_that_is_refused_once_the_engine_was_asked_takes_its_keys_along() -> None:
    facts = normal()
    async with typing("prearchive", facts) as (app, pilot):
        row = app.screen.table.cursor_key
        facts.sessions[row] = replace(facts.sessions[row], status=Status.BUILDING, locked=True)
        write(app, "xr\r4")
        await calm(pilot)
        now = stand(app)
        assert (now["screens"], now["mode"], now["done"]) == (
            ["PrearchiveScreen"],
            "prearchive",
            [],
        )
        assert "not now" in app.context.notices.all[1].text


async def test_what_was_typed_before_a_refusal_could_be_seen_is_dropped_with_the_whole_run() -> (
    None
):
    async with typing("prearchive", reaction=10.0) as (app, pilot):
        write(app, "w")
        await calm(pilot)
        told = app.ahead._refused
        for at in (9.0, 18.0, 27.0):
            event = events.Key("4", "4")
            event.time = told + at
            app.post_message(event)
            await calm(pilot)
            assert app.current_mode == "prearchive"
        assert [one.text for one in app.context.notices.all].count(
            "what was typed behind that was dropped"
        ) == 1
        event = events.Key("4", "4")
        event.time = told + 38.0
        app.post_message(event)
        await calm(pilot)
        assert app.current_mode == "archive"


async def test_keys_behind_what_is_done_without_a_question_go_on() -> None:
    async with typing("prearchive") as (app, pilot):
        write(app, "gr4")
        await calm(pilot)
        now = stand(app)
        assert now["mode"] == "archive"
        assert len(now["done"]) == 1


async def test_only_workers_of_the_group_that_is_waited_for_may_ask() -> None:
    async with typing("prearchive") as (app, pilot):
        asks = app.push_screen_wait(ChooseScreen("Which?", ()))
        worker = app.run_worker(asks, group="list", exit_on_error=False)
        await until(pilot, lambda: worker.is_finished)
        assert "must be 'question'" in str(worker.error)
        assert stand(app)["screens"] == ["PrearchiveScreen"]


async def test_a_part_is_idle_only_while_it_waits_for_messages() -> None:
    at_work, goes_on = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        at_work.set()
        await goes_on.wait()

    async with typing("prearchive") as (app, pilot):
        await until(pilot, lambda: is_idle(app.screen))
        app.screen.call_later(work)
        assert not is_idle(app.screen)
        await at_work.wait()
        assert not is_idle(app.screen)
        goes_on.set()
        await until(pilot, lambda: is_idle(app.screen))
