# SPDX-License-Identifier: Apache-2.0
"""What opens over a screen: the palette, the overlay of keys, texts to read."""

from __future__ import annotations

from typing import Any

import pytest
from textual.command import CommandPalette

from console.app import ConsoleApp
from console.keys.table import SCREENS, told
from console.screens.base.overlays import KeysScreen, TextScreen, key_lines
from console.screens.base.palette import ConsoleCommands
from console.screens.prearchive import PrearchiveScreen
from console.widgets.dialogs import AskScreen
from engine.model.errors import Unavailable
from tests.console.piloting import (
    HOSTILE,
    SMALL,
    WIDE,
    console,
    keys,
    painted,
    settled,
    shown,
    until,
)
from tests.console.scenes import normal
from tests.memory import Facts, session


async def offered(app: ConsoleApp, query: str = "") -> dict[str, str]:
    """Return what the palette offers over the screen on show, with its help."""
    provider = ConsoleCommands(app.screen)
    hits = provider.search(query) if query else provider.discover()
    return {str(hit.text): str(hit.help) async for hit in hits}


async def test_verbs_of_the_screen_come_first_and_say_why_they_are_off() -> None:
    app = console(normal(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "12 sessions shown")
        found = await offered(app)
        assert list(found)[:3] == ["filter", "open", "archive…"]
        assert found["archive…"].endswith("(a)")
        assert {"go to Live", "go to System", "theme nord", "reset…"} <= set(found)
        assert "next row" not in found
        # The session under the cursor is queued by now.
        await pilot.press("j")
        assert (await offered(app))["archive…"].startswith("not now: ")


async def test_who_only_watches_is_offered_nothing_that_acts() -> None:
    app = console(normal(), watching=True)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        found = await offered(app)
        assert not [title for title in found if title.startswith(("go to", "archive", "undo"))]
        assert not [title for title in await offered(app, "MR_2") if title.startswith("session")]


async def test_sessions_are_found_by_label_and_masked_ones_are_not() -> None:
    facts = Facts()
    facts.keep(session(1, label="MR_KNOWN"), session(2, label="MR_DOE", project=None))
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_KNOWN")
        found = [title for title in await offered(app, "mr_") if title.startswith("session")]
        assert found == ["session MR_KNOWN"]
        assert not [title for title in await offered(app, "m") if title.startswith("session")]
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"known")
        await shown(pilot, "session MR_KNOWN")
        await pilot.press("down", "enter")
        await until(pilot, lambda: type(app.screen).__name__ == "SessionScreen")


async def test_hostile_names_stay_text() -> None:
    facts = Facts()
    facts.keep(session(1, label=HOSTILE))
    app = console(facts, "prearchive")
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "1 session shown")
        await pilot.press("colon", *"doe")
        await shown(pilot, "session ␛]52")
        assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(painted(app))


async def test_an_engine_that_is_gone_leaves_the_verbs(monkeypatch: pytest.MonkeyPatch) -> None:
    app = console(normal(), "prearchive")

    async def fails(*args: object, **options: object) -> Any:
        raise Unavailable("no engine is running")

    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "12 sessions shown")
        monkeypatch.setattr(app.context.engine.prearchive, "list", fails)
        assert "filter" in await offered(app, "filter")


async def test_the_keys_of_a_screen_can_be_searched_and_run() -> None:
    app = console(normal(), "prearchive")
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "12 sessions shown")
        await pilot.press("question_mark")
        await shown(pilot, "Mark and view", "archive…")
        await pilot.press("slash", *"into trash")
        await until(pilot, lambda: keys(app, "found") == ["x"])
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))


async def test_what_is_off_is_said_among_the_keys() -> None:
    app = console(Facts(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, KeysScreen))
        await shown(pilot, "Not now", "there is no session here")
        for key in ("escape", "q", "f1"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, PrearchiveScreen))
            await pilot.press("question_mark")
            await until(pilot, lambda: isinstance(app.screen, KeysScreen))


async def test_nothing_that_fits_runs_nothing() -> None:
    app = console(normal(), "prearchive")
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "12 sessions shown")
        await pilot.press("question_mark", "slash", *"zzz", "enter")
        await until(pilot, lambda: isinstance(app.screen, PrearchiveScreen))


async def test_a_long_text_is_wrapped_and_can_be_read_to_its_end() -> None:
    app = console(Facts(), "prearchive")
    async with app.run_test(size=SMALL) as pilot:
        lines = [("12:00", "word " * 60 + "end"), (HOSTILE, HOSTILE), ("", "山田太郎" * 60)]
        app.push_screen(TextScreen("A log", lines, empty="nothing"))
        await shown(pilot, "A log", "12:00")
        assert "end" in painted(app)
        await pilot.press("G")
        await settled(pilot)
        assert "…" not in painted(app).splitlines()[-4]
        assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(painted(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PrearchiveScreen))


def test_key_lines_fit_a_small_terminal() -> None:
    for name in SCREENS:
        lines = key_lines(tuple(told(name)))
        assert max(map(len, lines)) <= 74
        assert " ".join(lines[0].split()) == "Move and help Mark and view Act"
