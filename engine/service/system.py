# SPDX-License-Identifier: Apache-2.0
"""The engine itself, on behalf of an actor: its state, its checks, and stopping it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model.health import Check
from engine.model.live import EngineStatus

if TYPE_CHECKING:
    from engine.service.engine import Engine


class System:
    """The engine itself."""

    def __init__(self, engine: Engine, actor: str) -> None:
        """Ask one engine for one actor."""
        self._engine = engine
        self._actor = actor

    async def status(self) -> EngineStatus:
        """Tell how the engine stands."""
        return replace(await self._engine.status(), actor=self._actor)

    async def checks(self, thorough: bool = False) -> tuple[Check, ...]:
        """Look at itself, the worst first."""
        return await self._engine.health.checks(thorough=thorough)

    async def stop(self) -> None:
        """Ask the process that serves to end the engine."""
        self._engine.stop_asked.set()
