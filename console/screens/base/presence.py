# SPDX-License-Identifier: Apache-2.0
"""Telling the engine which session is open on a screen, for those who look at it as well."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from textual import on, work
from textual.events import Mount

from console.runtime.context import ConsoleContext
from console.screens.base.triage import TriageScreen
from engine.model.desk import SAID_AGAIN
from engine.model.errors import EngineError

PATIENCE = 1.0
"""Seconds that leaving waits for the engine to hear of it."""


class PresentScreen(TriageScreen):
    """A screen that has one session open at a time."""

    def __init__(self, context: ConsoleContext) -> None:
        """Nothing is open yet."""
        super().__init__(context)
        self._open = ""

    @on(Mount)
    def stay(self) -> None:
        """Say again and again that it is open."""
        self.set_interval(SAID_AGAIN, self._say_open)

    async def on_unmount(self) -> None:
        """Say that it is open no more; where nobody hears that, the engine forgets it by itself."""
        if self._open:
            with suppress(EngineError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self.engine.desk.close(self.context.client)

    def opened(self, id: str) -> None:
        """Say that a session is open here; those who only watch tell nobody."""
        if id != self._open and not self.context.watching:
            self._open = id
            self._say_open()

    @work(exclusive=True, group="open", exit_on_error=False)
    async def _say_open(self) -> None:
        if self._open:
            await self.permitted(self.engine.desk.open(self._open, self.context.client), ())
