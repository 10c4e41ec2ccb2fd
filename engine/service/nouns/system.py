# SPDX-License-Identifier: Apache-2.0
"""The engine itself: jobs, events, status."""

from __future__ import annotations

from typing import Protocol

from engine.model.health import Check
from engine.model.live import EngineStatus, EventBatch, Job


class JobsApi(Protocol):
    """Runs of workflows."""

    async def list(self, limit: int = 100, unfinished: bool = False) -> tuple[Job, ...]: ...
    async def cancel(self, id: str) -> None: ...
    async def retry(self, id: str) -> None: ...


class EventsApi(Protocol):
    """What to look at again."""

    async def after(self, epoch: str, number: int, wait: float = 0.0) -> EventBatch:
        """Wait up to `wait` seconds (at most 30) for events after `number`."""
        ...


class SystemApi(Protocol):
    """The engine itself."""

    async def status(self) -> EngineStatus: ...
    async def checks(self, thorough: bool = False) -> tuple[Check, ...]:
        """Look at itself, the worst first; `thorough` also reads what takes long."""
        ...

    async def stop(self) -> None:
        """End the engine once what it is doing is safe."""
        ...
