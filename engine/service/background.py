# SPDX-License-Identifier: Apache-2.0
"""Work that an engine does by the clock as long as it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from engine.model.errors import Outage
from engine.model.outage import named
from engine.service.event_buffer import EventBuffer

_log = structlog.get_logger(__name__)


class Background:
    """The works of one engine. One that fails is told of once, and done again in its turn."""

    def __init__(self, buffer: EventBuffer) -> None:
        """Tell of failures in `buffer`."""
        self._buffer = buffer
        self._tasks: list[asyncio.Task[None]] = []

    def begin(
        self,
        name: str,
        every: float | Callable[[], float],
        work: Callable[[], Awaitable[object]],
        sees: Callable[[], object] = object,
    ) -> None:
        """Do some work every so many seconds from now on, where `sees` gives something else than
        before the last time; without it each time."""
        self._tasks.append(asyncio.create_task(self._forever(name, every, work, sees)))

    async def end(self) -> None:
        """Stop all works where they are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _forever(
        self,
        name: str,
        every: float | Callable[[], float],
        work: Callable[[], Awaitable[object]],
        sees: Callable[[], object],
    ) -> None:
        failing, seen = False, object()
        while True:
            await asyncio.sleep(every() if callable(every) else every)
            sight = sees()
            if sight == seen and not failing:
                continue
            try:
                await work()
                failing, seen = False, sight
            except Exception as error:
                if not failing:
                    _log.error("background work fails", work=name, error=named(error))
                    why = error.message if isinstance(error, Outage) else "see the log"
                    self._buffer.tell("engine", name, f"{name} fails: {why}", "error")
                failing = True
