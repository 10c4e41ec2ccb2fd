# SPDX-License-Identifier: Apache-2.0
"""The one way from what a script did, or would do, to the line of the script that does it."""

from __future__ import annotations

from console.screens.base.screen import BaseScreen
from console.views.changes import scope_of
from engine.model.changes import Statement


async def open_line(screen: BaseScreen, statement: Statement) -> None:
    """Open the script of a statement at its line, in the version that ran. Must be called from a
    worker."""
    if not statement.line:
        screen.tell("no line of a script does this: it is the record of de-identification")
        return
    await screen.host.open_script(
        scope_of(statement), version=statement.version, line=statement.line
    )
