# SPDX-License-Identifier: Apache-2.0
"""The trash: what lies there, and how it is put back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.prearchive import PrearchiveScreen
from console.screens.trash import TrashScreen
from console.views import glyphs
from console.widgets.dialogs import AskScreen
from tests.console.piloting import HOSTILE, SMALL, WIDE, console, keys, painted, shown, until
from tests.memory import NOON, Facts, session


def facts(**changes: object) -> Facts:
    made = Facts()
    made.keep(session(3))
    made.trashed = {one.id: one for one in (session(1, **changes), session(2))}
    return made


async def opened(pilot: Pilot[Any]) -> TrashScreen:
    """Go to the trash from the list of the prearchive."""
    app: Any = pilot.app
    await until(pilot, lambda: isinstance(app.screen, PrearchiveScreen))
    await pilot.press("d")
    await until(pilot, lambda: isinstance(app.screen, TrashScreen))
    screen: TrashScreen = app.screen
    return screen


def prearchive(made: Facts) -> ConsoleApp:
    return console(made, "prearchive")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_deleted_sessions_are_listed_the_last_first(size: tuple[int, int]) -> None:
    app = prearchive(facts())
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await shown(pilot, "▸ Prearchive ▸ Trash", "NEURO3 / SUB-1 / MR_1", "2 deleted sessions")
        assert keys(app, "deleted") == ["pre_aaaaaaa2", "pre_aaaaaaa1"]
        await shown(pilot, "pre_aaaaaaa2 is kept until 2026-10-1")
        await pilot.press("j")
        await shown(pilot, "pre_aaaaaaa1 is kept until")
        await pilot.press("escape")
        assert isinstance(app.screen, PrearchiveScreen)


async def test_u_puts_one_back_after_a_question() -> None:
    made = facts()
    app = prearchive(made)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await shown(pilot, "2 deleted sessions")
        await pilot.press("j", "u")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await shown(pilot, "NEURO3 / SUB-1 / MR_1   10 objects", "anteroom trash restore")
        await pilot.press("escape")
        assert list(made.trashed) == ["pre_aaaaaaa1", "pre_aaaaaaa2"]
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("enter")
        await shown(pilot, "1 deleted session ")
        assert list(made.trashed) == ["pre_aaaaaaa2"]
        assert "pre_aaaaaaa1" in made.sessions
        assert app.context.notices.all[0].text == "pre_aaaaaaa1 is being put back"


async def test_what_cannot_be_put_back_is_said() -> None:
    made = facts()
    app = prearchive(made)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await shown(pilot, "2 deleted sessions")
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        made.trashed.clear()
        await pilot.press("enter")
        await shown(pilot, "the trash is empty", "0 deleted sessions")
        assert app.context.notices.all[0].text.startswith("not put back: ")


async def test_an_empty_trash_says_so_and_follows_the_news() -> None:
    made = Facts()
    app = prearchive(made)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await shown(pilot, "the trash is empty")
        assert screen.why_off("restore") == "the trash is empty"
        made.trashed["pre_aaaaaaa1"] = session(1)
        await made.tell("session", "pre_aaaaaaa1", "delete done")
        await shown(pilot, "MR_1", "1 deleted session")
        assert not screen.why_off("restore")


async def test_labels_of_unassigned_sessions_are_masked_until_they_are_revealed() -> None:
    app = prearchive(facts(project=None, label="DOE_L", subject="DOE_S"))
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await shown(pilot, f"Unassigned / {glyphs.MASK} / {glyphs.MASK}")
        await pilot.press("j")
        assert "DOE_" not in painted(app)
        assert "DOE_" not in str(screen.copies())
        assert "DOE_" not in str(screen.exports())
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert "DOE_" not in painted(app)
        await pilot.press("escape")
        app.context.revealed_until = NOON + timedelta(minutes=2)
        app.masks_changed()
        await shown(pilot, "Unassigned / DOE_S / DOE_L")


async def test_hostile_labels_act_nowhere() -> None:
    app = prearchive(facts(label=HOSTILE, subject=HOSTILE, project=HOSTILE))
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await shown(pilot, "2 deleted sessions", "[/b]")
        await pilot.press("j", "u")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        for sign in ("\x1b", "\x9b", "\u202e"):
            assert sign not in painted(app)


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_what_was_removed_for_good_stays_listed_and_nothing_brings_it_back(
    size: tuple[int, int],
) -> None:
    made = facts()
    app = prearchive(made)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        await shown(pilot, "2 deleted sessions")
        await app.context.engine.prearchive.empty_trash(("pre_aaaaaaa2",), "the disk is full")
        screen.look()
        await shown(pilot, "1 deleted session ", "NEURO3 / pre_aaaaaaa2", "gone")
        assert keys(app, "deleted") == ["pre_aaaaaaa1", "pre_aaaaaaa2"]
        assert "MR_2" not in painted(app)
        await pilot.press("G")
        await shown(pilot, "pre_aaaaaaa2 was removed for good", "by ada")
        assert screen.why_off("restore") == "it was removed for good: nothing brings it back"
        await pilot.press("u")
        await pilot.pause()
        assert isinstance(app.screen, TrashScreen)
        await pilot.press("k")
        await until(pilot, lambda: not screen.why_off("restore"))
