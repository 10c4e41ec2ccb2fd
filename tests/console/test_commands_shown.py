# SPDX-License-Identifier: Apache-2.0
"""Every act of every screen shows its command, and the command line takes it as it stands there."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.keys.table import MODES, SCREENS
from console.screens.base.screen import BaseScreen
from console.widgets.dialogs import AskScreen, ChooseScreen
from tests.console import ledgers
from tests.console.commanding import check, read
from tests.console.piloting import WIDE, console, settled
from tests.console.scenes import trouble

PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    **{name: (name, ("home",)) for _, name, _ in MODES},
    "a group of held objects": ("ledger", ("j",)),
    "held": ("ledger", ("j", "enter", "enter")),
    "session": ("prearchive", ("home", "enter")),
    "several sessions": ("prearchive", ("asterisk",)),
    "trash": ("prearchive", ("d",)),
    "filed": ("archive", ("home", "enter")),
    "rules": ("projects", ("home", "j", "enter")),
    "receivers": ("system", (">",)),
    "jobs": ("system", (">", ">")),
    "settings": ("system", ("<",)),
    "remotes": ("system", (">", ">", ">")),
    "people": ("system", ("u",)),
    "members": ("projects", ("G", "k", "m")),
    "acceptances": ("system", ("d",)),
    "script": ("scripts", ("home", "j", "enter")),
    "moment": ("audit", ("m", "enter", "enter")),
}
"""By name the mode in which a screen is opened, and the keys that open it."""

DEEPEST = 3
"""Choices that stand before a question, at most."""


async def questions(pilot: Pilot[Any], app: ConsoleApp) -> int:
    """Go through what was opened to its question, and check that; leave all of it again."""
    asked, depth = 0, len(app.screen_stack)
    for _ in range(DEEPEST):
        if isinstance(app.screen, AskScreen):
            check(app.screen.question)
            asked += 1
            break
        if not isinstance(app.screen, ChooseScreen):
            break
        await pilot.press("enter")
        await settled(pilot)
    while isinstance(app.screen, (AskScreen, ChooseScreen)):
        await pilot.press("escape")
        await settled(pilot)
    assert len(app.screen_stack) <= depth
    return asked


@pytest.mark.parametrize("name", PLACES)
async def test_what_a_screen_asks_and_copies_are_commands(name: str) -> None:
    mode, opening = PLACES[name]
    facts = trouble()
    ledgers.fill(facts)
    app = console(facts, mode)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        for pressed in opening:
            await pilot.press(pressed)
            await settled(pilot)
        on_show: object = app.screen
        assert isinstance(on_show, BaseScreen)
        shown: BaseScreen = on_show
        asked = 0
        for one in shown.copies():
            if "command" in one.title:
                read(one.text)
        for key in SCREENS[shown.NAME].keys:
            verb = key.action.partition("(")[0]
            if not key.keys or not (key.acts or "…" in key.label) or shown.why_off(verb):
                continue
            # Where something is typed, a letter is no verb.
            typing = name in ("rules", "script")
            names = [one for one in key.keys.split(",") if len(one) > 1 or not typing]
            if not names:
                continue
            await pilot.press(names[0])
            await settled(pilot)
            asked += await questions(pilot, app)
            while app.screen is not shown and len(app.screen_stack) > 1:
                await pilot.press("escape")
                await settled(pilot)
            if app.screen is not shown:
                # Another mode has been gone to.
                break
        assert asked, "no act of this screen asks anything"
