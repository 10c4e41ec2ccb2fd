# SPDX-License-Identifier: Apache-2.0
"""The engine as one actor may ask it: each noun of the service, bound to who asks. What nouns do is
in their own modules; what the engine is made of in `engine.service.engine`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model.health import Check
from engine.model.live import EngineStatus, EventBatch
from engine.service import nouns
from engine.service.archive import Archive
from engine.service.audit import Audit
from engine.service.event_buffer import EventBuffer
from engine.service.held import Held
from engine.service.prearchive import Prearchive
from engine.service.receivers import Receivers
from engine.service.scripts import Scripts

if TYPE_CHECKING:
    from engine.service.engine import Engine


class BoundEngine:
    """An engine bound to an actor; satisfies `EngineApi`."""

    def __init__(self, engine: Engine, actor: str) -> None:
        shop = engine.shop
        self.prearchive = Prearchive(shop, engine.buffer, engine.configuration, actor)
        self.archive = Archive(shop, engine.verifying, actor)
        self.projects = nouns.Projects(shop, engine.apply_configuration, actor)
        self.rules = nouns.Rules(shop, engine.apply_configuration, actor)
        self.scripts = Scripts(shop, engine.apply_configuration, actor)
        self.routing = nouns.Routing(shop, engine.configuration, engine.guard)
        self.receivers = Receivers(
            shop.archive_db, engine.configuration, engine.apply_configuration, actor
        )
        self.live = nouns.Live(shop)
        self.held = Held(
            shop, engine.buffer, engine.configuration, engine.guard, engine.releasing, actor
        )
        self.jobs = nouns.Jobs(shop, self.prearchive)
        self.audit = Audit(shop, actor)
        self.events = _Events(engine.buffer)
        self.system = _System(engine, actor)


class _Events:
    """What to look at again."""

    def __init__(self, buffer: EventBuffer) -> None:
        self._buffer = buffer

    async def after(self, epoch: str, number: int, wait: float = 0.0) -> EventBatch:
        """Wait up to `wait` seconds for events after `number`."""
        return await self._buffer.after(epoch, number, wait)


class _System:
    """The engine itself."""

    def __init__(self, engine: Engine, actor: str) -> None:
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
