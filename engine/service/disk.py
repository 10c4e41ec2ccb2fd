# SPDX-License-Identifier: Apache-2.0
"""The prearchive's disk over time: when it will be full, and whether senders are refused for it.
Workers measure for themselves (`engine.storage.staging`); this only tells.

What counts is the free space of the disk, not what was received: senders are refused whoever has
filled it, and what is deleted or archived makes room."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.model.measures import say_size
from engine.model.reserve import Watermark, room
from engine.service.event_buffer import EventBuffer

SPAN = 3600.0
"""Seconds over which the rate is measured: shorter, and one scanner's study looks like the end.
Only after a start it is what has been seen since."""

SHORTEST = 300.0
"""Seconds that have to be seen before anything is foretold."""

_ALL_CLEAR = 1.05
"""Part of what stays free that has to be free before it is told that senders are served: a disk at
its mark is above and below it in turn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskNow:
    """How the disk stands. Sizes are bytes."""

    free: int
    total: int
    keep: int
    """What receiving leaves free."""
    full_in: float | None = None
    """Seconds until only that is left; None where it does not fill, or nobody knows yet."""

    @property
    def refuses(self) -> bool:
        """Whether senders are refused."""
        return self.free < self.keep


class DiskWatch:
    """Looks at a disk now and then."""

    def __init__(
        self,
        folder: Path,
        watermark: Callable[[], Watermark],
        buffer: EventBuffer,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch the disk of a folder."""
        self._folder = folder
        self._watermark = watermark
        self._buffer = buffer
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._refuses = False

    async def look(self) -> DiskNow:
        """Look at the disk, remember it for the rate, and tell what has changed.

        Raises:
            OSError: if it cannot be looked at.
        """
        free, total = await asyncio.to_thread(room, self._folder)
        moment = self._clock()
        self._seen.append((moment, free))
        while moment - self._seen[0][0] > SPAN:
            self._seen.popleft()
        now = self._now(free, total)
        self._tell(now)
        return now

    async def now(self) -> DiskNow:
        """Say how the disk stands now.

        Raises:
            OSError: if it cannot be looked at.
        """
        return self._now(*await asyncio.to_thread(room, self._folder))

    def _now(self, free: int, total: int) -> DiskNow:
        keep = self._watermark().of(total)
        return DiskNow(free=free, total=total, keep=keep, full_in=self._full_in(free - keep))

    def _full_in(self, left: int) -> float | None:
        if not self._seen:
            return None
        first, then = self._seen[0]
        last, since = self._seen[-1]
        if last - first < SHORTEST or since >= then:
            return None
        return max(0.0, left * (last - first) / (then - since))

    def _tell(self, now: DiskNow) -> None:
        if now.refuses and not self._refuses:
            self._refuses = True
            text = (
                f"the prearchive's disk is nearly full: {say_size(now.free)} are left of "
                f"{say_size(now.keep)} that stay free; senders are refused"
            )
            self._buffer.tell("engine", "disk", text, "error")
        elif self._refuses and now.free >= now.keep * _ALL_CLEAR:
            self._refuses = False
            self._buffer.tell(
                "engine", "disk", "the prearchive's disk has room: senders are served"
            )
