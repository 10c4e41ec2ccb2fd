# SPDX-License-Identifier: Apache-2.0
"""The one way from what a script did, or would do, to the line of the script that does it."""

from __future__ import annotations

from console.screens.base.overlays import TextScreen
from console.screens.base.screen import BaseScreen
from console.views.changes import scope_of
from engine.model.changes import Statement

AROUND = 8
"""Lines that are shown before the one that is meant."""


async def open_line(screen: BaseScreen, statement: Statement) -> None:
    """Show a version of a script from a little above the line of a statement on. Must be called
    from a worker."""
    if not statement.line:
        screen.tell("no line of a script does this: it is the record of de-identification")
        return
    script = await screen.asked(screen.engine.scripts.show(scope_of(statement), statement.version))
    if script is None:
        return
    lines = script.text.splitlines()
    first = max(0, statement.line - 1 - AROUND)
    numbered = [
        (f"{'▸' if number == statement.line else ' '} {number}", text)
        for number, text in enumerate(lines[first:], first + 1)
    ]
    title = f"{statement.script}, version {statement.version}"
    screen.app.push_screen(TextScreen(title, numbered, empty="it is empty"))
