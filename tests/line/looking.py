# SPDX-License-Identifier: Apache-2.0
"""What a person sees who walks through all screens of a console on a running engine: the text of
each, as it is sent to a terminal that is large enough for all of it. It asserts nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

from textual._compositor import Compositor, LayoutUpdate
from textual._context import visible_screen_stack

from console.app import ConsoleApp
from console.runtime.memory import StateFile
from console.runtime.preferences import Preferences
from engine.service.api import EngineApi
from tests.console.bursting import calm, write
from tests.console.piloting import painted, settled, table

LARGE = (200, 420)
MODES = {
    **{"live": "1", "prearchive": "2", "archive": "4", "scripts": "5", "projects": "6"},
    "system": "0",
}
TABS_OF_SYSTEM, TABS_OF_SESSION, TABS_OF_FILED = 3, 6, 6
ESCAPE = "\x1b"
OPENED = {"copied": "y", "log": "o", "moved": "m", "archived": "a", "deleted": "x", "exported": "e"}
"""What opens in front of the list, by the key that opens it."""


async def looked_at(engine: EngineApi, id: str = "") -> AsyncIterator[tuple[str, str]]:
    """Yield the name and the text of every screen, and of all that shows a session of the
    prearchive where there is one with this id."""
    app = ConsoleApp(engine, memory=StateFile(None), preferences=Preferences(reaction=0))
    with patch.object(Compositor, "render_update", _nothing):
        async for name, text in _walk(app, id):
            yield name, text


async def _walk(app: ConsoleApp, id: str) -> AsyncIterator[tuple[str, str]]:
    async with app.run_test(size=LARGE) as pilot:

        async def after(keys: str) -> str:
            write(app, keys)
            await calm(pilot)
            # What is shown once a cursor rests, too.
            await settled(pilot)
            # Behind what has opened in front, too.
            visible_screen_stack.set(app._background_screens)
            return painted(app)

        for name, key in MODES.items():
            yield name, await after(key)
        for tab in range(TABS_OF_SYSTEM):
            yield f"system {tab}", await after(">")
        yield "trash", await after(f"{MODES['prearchive']}d")
        yield "notices", await after(f"{ESCAPE}!")
        await after(f"{ESCAPE}{MODES['archive']}")
        if table(app, "filed").cursor_key is not None:
            yield "filed", await after("\r")
            for tab in range(TABS_OF_FILED):
                yield f"filed, tab {tab}", await after(">")
        await after(MODES["prearchive"])
        if id and table(app, "sessions").go_to_key(id):
            for name, key in OPENED.items():
                yield f"session {name}", await after(key)
                await after(ESCAPE)
            yield "session", await after("\r")
            for tab in range(TABS_OF_SESSION):
                yield f"session, tab {tab}", await after(">")


def _nothing(compositor: Compositor, screen_stack: Any = None, **_: object) -> LayoutUpdate:
    """Render no update for a terminal that is none: only what is looked at is rendered."""
    visible_screen_stack.set(screen_stack or [])
    compositor._dirty_regions.clear()
    return LayoutUpdate([], compositor.size.region)
