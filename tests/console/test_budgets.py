# SPDX-License-Identifier: Apache-2.0
"""Budgets, counted: a key, a page, and one picture of live data cost so many lines, bytes and
questions, however long the list is. The numbers are what a slow line can bear."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.runtime.memory import StateFile
from engine.model.prearchive import PrearchiveSession
from engine.model.states import Status
from tests.console.counting import Asked, painting
from tests.console.piloting import SMALL, TINY, WIDE, Clock, keys, settled, shown, table, until
from tests.console.scenes import normal
from tests.memory import Facts, HostInMemory, session, transfer

MANY = 50_000
LINE = 400
"""Bytes of one line with its colours, at 120 columns."""


def app_on(facts: Facts, mode: str) -> tuple[ConsoleApp, Asked]:
    asked: Any = Asked(HostInMemory(facts).acting("me"))
    memory = StateFile(None)
    memory.state.mode = mode
    return ConsoleApp(asked, memory=memory, clock=Clock()), asked


@pytest.fixture(scope="module")
def sessions() -> dict[str, PrearchiveSession]:
    made = (session(number, id=f"pre_{number:08d}") for number in range(MANY))
    return {one.id: one for one in made}


@pytest.fixture
def many(sessions: dict[str, PrearchiveSession]) -> Facts:
    return Facts(sessions=dict(sessions))


async def rested(pilot: Pilot[Any], asked: Asked) -> None:
    """Wait until the list, the card and the lines stand."""
    await until(pilot, lambda: table(pilot.app, "sessions").total == MANY)
    await settled(pilot)
    asked.forget()


async def rested_without_card(pilot: Pilot[Any], asked: Asked) -> None:
    """Wait until the list and the lines stand, and the card is closed."""
    await rested(pilot, asked)
    await pilot.press("c")
    await settled(pilot)
    asked.forget()


@pytest.mark.parametrize(
    ("mode", "keys", "kind", "passes"),
    [
        ("prearchive", ("home", "enter"), "SessionScreen", 0),
        ("prearchive", ("d",), "TrashScreen", 0),
        ("archive", ("home", "enter"), "FiledScreen", 1),
        ("archive", ("2",), "PrearchiveScreen", 0),
        ("archive", ("0",), "SystemScreen", 1),
    ],
)
@pytest.mark.parametrize(
    ("size", "classes"),
    [(WIDE, ("-wide", "-high")), (SMALL, ("-narrow", "-low")), (TINY, ("-tiny", "-flat"))],
)
async def test_a_screen_that_opens_is_styled_as_it_is_composed_and_hardly_again(
    mode: str,
    keys: tuple[str, ...],
    kind: str,
    passes: int,
    size: tuple[int, int],
    classes: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, _ = app_on(normal(), mode)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        styled: list[str] = []
        update = app.stylesheet.update_nodes

        def noted(nodes: Any, animate: bool = False) -> None:
            nodes = list(nodes)
            styled.extend(type(each.screen).__name__ for each in nodes if each.id == "status")
            update(nodes, animate)

        monkeypatch.setattr(app.stylesheet, "update_nodes", noted)
        for key in keys:
            await pilot.press(key)
        await settled(pilot)
        assert type(app.screen).__name__ == kind
        assert app.screen.has_class(*classes)
        assert styled.count(kind) <= passes


async def test_a_key_in_a_long_list_paints_two_rows_and_asks_for_the_card_only(
    many: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, asked = app_on(many, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await rested_without_card(pilot, asked)
        with painting(app, monkeypatch) as painted:
            await pilot.press("j")
            await settled(pilot)
        assert painted.lines <= 2 + 1  # the rows, and the line of keys
        assert painted.bytes <= 3 * LINE
        assert not asked.questions
        await pilot.press("c")
        await settled(pilot)
        asked.forget()
        for _ in range(5):
            await pilot.press("j")
        await settled(pilot)
        assert asked.questions == {"prearchive.log": 1}


async def test_a_page_is_one_painting_of_the_list_and_a_window_now_and_then(
    many: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, asked = app_on(many, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await rested_without_card(pilot, asked)
        with painting(app, monkeypatch) as painted:
            await pilot.press("pagedown")
            await settled(pilot)
        assert painted.bytes <= 15_000
        assert not asked.questions
        # Four pages of 29 rows: the second window, and no more.
        await pilot.press("pagedown", "pagedown", "pagedown")
        await settled(pilot)
        assert asked.questions == {"prearchive.list": 1}


async def test_the_end_of_a_long_list_costs_its_last_window(many: Facts) -> None:
    app, asked = app_on(many, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await rested(pilot, asked)
        await pilot.press("c", "G")
        await until(pilot, lambda: table(app, "sessions").cursor_key is not None)
        await settled(pilot)
        assert table(app, "sessions").cursor == MANY - 1
        assert asked.questions == {"prearchive.list": 1}


async def test_a_live_number_costs_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = Facts()
    facts.keep(*(session(number, status=Status.RECEIVING) for number in range(1, 6)))
    facts.transfers.append(transfer(1, objects=4_710, sessions=("pre_aaaaaaa1",)))
    app, asked = app_on(facts, "live")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "arriving")) >= 5)
        await shown(pilot, "MR3T_A")
        await settled(pilot)
        asked.forget()
        with painting(app, monkeypatch) as painted:
            facts.keep(session(1, status=Status.RECEIVING, objects=4_711))
            facts.transfers[0] = transfer(1, objects=4_711, sessions=("pre_aaaaaaa1",))
            await facts.tell("transfer", "tr_1", "4711 objects so far")
            await shown(pilot, "4 711")
            await settled(pilot)
        assert painted.bytes <= 12 * LINE
        assert max(region.height for region in painted.regions) <= 12
        # At most one round of questions for one piece of news.
        assert max(asked.questions.values()) == 1


async def test_a_console_at_rest_paints_and_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = Facts()
    facts.keep(*(session(number) for number in range(1, 6)))
    modes = ("live", "prearchive", "archive", "projects", "system")
    # All at a time: each rests for seconds.
    await asyncio.gather(*(comes_to_rest(facts, mode, monkeypatch) for mode in modes))


async def comes_to_rest(facts: Facts, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app, asked = app_on(facts, mode)
    async with app.run_test(size=WIDE) as pilot:
        seen: list[tuple[int, dict[str, int]]] = []
        # The first news makes a screen look once more: then it must come to rest.
        while seen[-2:] != [(0, {}), (0, {})]:
            assert len(seen) < 10, (mode, seen)
            await settled(pilot)
            asked.forget()
            with painting(app, monkeypatch) as painted:
                await pilot.pause(1.0)
            seen.append((painted.bytes, dict(asked.questions)))
