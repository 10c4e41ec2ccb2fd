# SPDX-License-Identifier: Apache-2.0
"""The only way in which news of the engine reaches the screens: one worker waits for events and
posts them, the first at once, then at most one batch every 250 ms. An engine that does not answer
is news too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message

from engine.model.errors import EngineError
from engine.model.live import EventBatch
from engine.service.api import EngineApi

WAIT = 20.0
"""Seconds that one question waits for news."""

PACE = 0.25
"""Seconds between two batches."""

RETRY = 1.0
"""Seconds until an engine that did not answer is asked again."""


@dataclass
class EngineEvents(Message):
    """Something happened: look again. `batch.gap` says that everything is to be looked at."""

    batch: EventBatch


@dataclass
class EngineLost(Message):
    """The engine does not answer; it is asked again until it does."""

    error: EngineError


async def pump(engine: EngineApi, post: Callable[[EngineEvents | EngineLost], object]) -> None:
    """Post events until cancelled."""
    epoch, number = "", 0
    while True:
        try:
            batch = await engine.events.after(epoch, number, WAIT if epoch else 0.0)
        except EngineError as error:
            post(EngineLost(error))
            # What happens until it answers again is unknown: the next batch is a gap.
            epoch = ""
            await asyncio.sleep(RETRY)
            continue
        # Up to `last`, not to the last event: after a gap there are no events to count from.
        epoch, number = batch.epoch, batch.last
        if batch.events or batch.gap:
            post(EngineEvents(batch))
            await asyncio.sleep(PACE)
