# SPDX-License-Identifier: Apache-2.0
"""Asks again and again how the engine is, and what it lets this person do: its answers tell whether
it lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from console.runtime.context import ConsoleContext
from engine.model.errors import EngineError

STATUS_EVERY = 5.0
STATUS_REST = 1.0
"""Seconds between two questions for the engine's status: at rest, and while there is news."""


async def keep_asking(
    context: ConsoleContext,
    stir: asyncio.Event,
    taken: Callable[[bool], None],
    lost: Callable[[EngineError], None],
) -> None:
    """Ask for the engine's status for ever, sooner where `stir` says that there is news.

    Args:
        context: What the console knows; the status is kept in it.
        stir: Set where there is news.
        taken: Is called after each question; true if the engine was lost before and answers again.
        lost: Is called where it does not answer.
    """
    while True:
        back = False
        try:
            status = await context.engine.system.status()
            # Roles take effect with the next call, and no event tells whose they were.
            context.me = await context.engine.people.who_am_i()
        except EngineError as error:
            lost(error)
        else:
            back = bool(context.status_view.lost)
            context.status_view.take(status, context.clock())
        taken(back)
        stir.clear()
        await asyncio.sleep(STATUS_REST)
        try:
            await asyncio.wait_for(stir.wait(), STATUS_EVERY - STATUS_REST)
        except TimeoutError:
            continue
