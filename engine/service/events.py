# SPDX-License-Identifier: Apache-2.0
"""Events of the engine for its clients: what to reload."""

from __future__ import annotations

from engine.model.live import EventBatch
from engine.service.event_buffer import EventBuffer


class Events:
    """What to look at again."""

    def __init__(self, buffer: EventBuffer) -> None:
        """Read one ring of events."""
        self._buffer = buffer

    async def after(self, epoch: str, number: int, wait: float = 0.0) -> EventBatch:
        """Wait up to `wait` seconds for events after `number`."""
        return await self._buffer.after(epoch, number, wait)
