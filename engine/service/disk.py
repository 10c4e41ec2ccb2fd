# SPDX-License-Identifier: Apache-2.0
"""The prearchive's disk over time: when it will be full, and whether senders are refused for it.
Workers measure for themselves (`engine.storage.staging`); this only tells."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.model.measures import say_size
from engine.model.reserve import Watermark, room
from engine.service.event_buffer import EventBuffer

SPAN = 3600.0
"""Seconds over which the rate is measured: shorter, and one scanner's study looks like the end."""

SHORTEST = 300.0
"""Seconds that have to be seen before anything is foretold."""


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
        watermark: Watermark,
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

    def look(self) -> DiskNow:
        """Look at the disk, and remember it for the rate.

        Raises:
            OSError: if it cannot be looked at.
        """
        moment, (free, total) = self._clock(), room(self._folder)
        self._seen.append((moment, free))
        while moment - self._seen[0][0] > SPAN:
            self._seen.popleft()
        now = self._now(free, total)
        self._tell(now)
        return now

    def now(self) -> DiskNow:
        """Say how the disk stands now.

        Raises:
            OSError: if it cannot be looked at.
        """
        return self._now(*room(self._folder))

    def _now(self, free: int, total: int) -> DiskNow:
        keep = self._watermark.of(total)
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
        if now.refuses == self._refuses:
            return
        self._refuses = now.refuses
        if now.refuses:
            text = (
                f"the prearchive's disk is nearly full: {say_size(now.free)} are left of "
                f"{say_size(now.keep)} that stay free; senders are refused"
            )
            self._buffer.tell("engine", "disk", text, "error")
        else:
            self._buffer.tell(
                "engine", "disk", "the prearchive's disk has room: senders are served"
            )
