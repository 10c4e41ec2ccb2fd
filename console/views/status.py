# SPDX-License-Identifier: Apache-2.0
"""What every screen shows of the engine: receivers, transfers, disk usage, and how much waits for
review. Pure: it is fed with the engine's status and returns texts; the app does the asking."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from engine.model.accounts import Place
from engine.model.live import EngineStatus
from engine.model.states import Status

SPARKS = 8
STEP = timedelta(seconds=10)
"""What one bar of the rate stands for."""

KEPT = 60
"""Steps that are kept: ten minutes."""

SMOOTHED = timedelta(seconds=4)
"""The rate is an average of so long."""

SETTLED = frozenset({Status.READY, Status.CONFLICT, Status.ERROR})


@dataclass(slots=True)
class StatusView:
    """The last status, and rates from those before it."""

    status: EngineStatus | None = None
    lost: str = ""
    """Why the engine does not answer; empty while it does."""
    way: str = ""
    """What to do about that."""
    opened: int = 0
    """Associations that are open, as Live counts them."""
    _seen: deque[tuple[datetime, int]] = field(default_factory=deque)
    _steps: deque[tuple[datetime, int]] = field(default_factory=lambda: deque(maxlen=KEPT + 1))
    _rates: deque[tuple[datetime, float]] = field(default_factory=deque)
    """The rates that were told, each higher than those after it."""

    def take(self, status: EngineStatus, at: datetime) -> None:
        """Take a new status."""
        if self.status is None or self.status.started != status.started:
            self._seen.clear()
            self._steps.clear()
            self._rates.clear()
        self.status, self.lost, self.way = status, "", ""
        received = status.accounts.received
        self._seen.append((at, received))
        while len(self._seen) > 2 and at - self._seen[1][0] >= SMOOTHED:
            self._seen.popleft()
        if not self._steps or at - self._steps[-1][0] >= STEP:
            self._steps.append((at, received))
        rate = self.rate(at)
        while self._rates and self._rates[-1][1] <= rate:
            self._rates.pop()
        self._rates.append((at, rate))

    def peak(self, at: datetime) -> float:
        """Return the highest rate that was told in the time of the history: a step levels out what
        lasted for less."""
        while self._rates and at - self._rates[0][0] > KEPT * STEP:
            self._rates.popleft()
        return max(self._rates[0][1] if self._rates else 0.0, *self.history(), 0.0)

    def lose(self, why: str, way: str) -> None:
        """Take it that the engine does not answer, and what to do."""
        self.lost, self.way = why, way

    def rate(self, at: datetime) -> float:
        """Return the objects a second of the last moments."""
        if len(self._seen) < 2 or at - self._seen[-1][0] > 3 * SMOOTHED:
            return 0.0
        (begun, before), (_, now) = self._seen[0], self._seen[-1]
        seconds = (self._seen[-1][0] - begun).total_seconds()
        return max(0.0, (now - before) / seconds) if seconds > 0 else 0.0

    def history(self) -> list[float]:
        """Return the objects a second of each step that is kept, the oldest first."""
        steps = list(self._steps)
        return [
            max(0.0, (after - before) / (later - earlier).total_seconds())
            for (earlier, before), (later, after) in pairwise(steps)
        ]

    @property
    def waiting(self) -> int:
        """Sessions that wait for review."""
        if self.status is None:
            return 0
        return sum(self.status.sessions.get(one.value, 0) for one in SETTLED)

    @property
    def disk_used(self) -> float:
        """The part of the disk that is used, from 0 to 1."""
        if self.status is None or not self.status.disk_total:
            return 0.0
        return 1 - self.status.disk_free / self.status.disk_total

    @property
    def troubled(self) -> bool:
        """Whether something stands with the engine that an admin should see."""
        if self.status is None:
            return bool(self.lost)
        silent = not any(one.listening for one in self.status.receivers)
        return bool(self.lost or self.status.problems or silent or self.disk_used > 0.9)

    def count(self, mode: str) -> str:
        """Say what waits behind a mode; empty for nothing."""
        if self.status is None or self.lost:
            # What waited then may be done by now.
            return "!" if mode == "system" and self.troubled else ""
        if mode == "live":
            return str(self.status.associations) if self.status.associations else ""
        if mode == "prearchive":
            return str(self.waiting) if self.waiting else ""
        if mode == "ledger":
            held = self.status.accounts.at(Place.HELD)
            return str(held) if held else ""
        return "!" if mode == "system" and self.troubled else ""
