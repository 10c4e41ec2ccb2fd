# SPDX-License-Identifier: Apache-2.0
"""What a console knows of what arrives: it asks the engine for it again after news, takes in
events, and asks for those that it has missed."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from console.runtime.context import ConsoleContext
from console.views.arrivals import Arrivals
from console.views.events import EventLines
from engine.model.errors import EngineError
from engine.model.live import EventBatch, LedgerEntry, SenderSeen
from engine.model.prearchive import PrearchiveQuery

SHOWN = 200
"""Transfers, sessions and events that are asked for."""

SENDERS_EVERY = timedelta(minutes=1)
"""How old may be what is known of the senders that are not sending."""

LATEST = PrearchiveQuery(sort="last_object")


class Arriving:
    """What arrives, who sends, and what has happened."""

    def __init__(self, context: ConsoleContext) -> None:
        """Begin without knowing anything."""
        self.arrivals = Arrivals()
        self.event_lines = EventLines()
        self.senders: tuple[SenderSeen, ...] = ()
        self._context = context
        self._stale = False
        """The engine is to be asked again."""
        self._lines_came = True
        """The ledger is to be asked for as well."""
        self._senders_asked: datetime | None = None
        self._epoch = ""
        self._heard = 0

    def outdate(self) -> None:
        """Have the engine asked again."""
        self._stale = True

    async def ask(self) -> bool:
        """Ask for what arrives; False where there was no news since.

        Raises:
            EngineError: the engine did not answer; the next time all is asked for.
        """
        if not self._stale:
            return False
        self._stale = False
        engine = self._context.engine
        try:
            transfers, page, held, ledger, self.senders = await asyncio.gather(
                engine.live.transfers(limit=SHOWN),
                engine.prearchive.list(LATEST, limit=SHOWN),
                engine.live.held(),
                self._ask_ledger(),
                self._ask_senders(),
            )
        except EngineError:
            self._lines_came = True
            self._senders_asked = None
            raise
        self.arrivals.take(transfers, page.rows, held, self._context.clock(), ledger)
        return True

    def follows(self, batch: EventBatch) -> bool:
        """Whether events come right after those that were heard; else some were missed."""
        missed = batch.events and batch.events[0].number > self._heard + 1
        return not (batch.gap or missed or batch.epoch != self._epoch)

    async def catch_up(self) -> int:
        """Hear what was missed; return how many lines have come.

        Raises:
            EngineError: the engine did not answer.
        """
        events = self._context.engine.events
        batch = await events.after(self._epoch, self._heard)
        if batch.gap:
            batch = await events.after(batch.epoch, max(0, batch.last - SHOWN))
        return self.hear(batch)

    def hear(self, batch: EventBatch) -> int:
        """Take in events; return how many lines have come."""
        if batch.epoch != self._epoch:
            # Numbers begin anew.
            self._epoch, self._heard, self.event_lines = batch.epoch, 0, EventLines()
            self._lines_came = True
        found = [one for one in batch.events if one.number > self._heard]
        self._lines_came |= any(one.kind == "ledger" for one in found)
        self._heard = max(self._heard, batch.last)
        self.arrivals.hear(found)
        return self.event_lines.hear(found)

    async def _ask_ledger(self) -> tuple[LedgerEntry, ...] | None:
        """Ask who was refused, where there is news of it; None where there is none."""
        if not self._lines_came:
            return None
        self._lines_came = False
        return await self._context.engine.live.ledger(limit=SHOWN)

    async def _ask_senders(self) -> tuple[SenderSeen, ...]:
        """Ask who has sent of late, now and then: transfers tell who sends now."""
        now = self._context.clock()
        if self._senders_asked is not None and now - self._senders_asked < SENDERS_EVERY:
            return self.senders
        self._senders_asked = now
        return await self._context.engine.live.senders()
