# SPDX-License-Identifier: Apache-2.0
"""Keeps an engine's stores in order: journals that are read to their end or too long, what workers
have left in staging, and what is too old to be kept."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from engine.archive import credentials
from engine.intake.journal import is_being_written
from engine.intake.originals import Originals
from engine.jobs import forgetting, trash
from engine.jobs.context import JobContext
from engine.jobs.kept_reviews import KeptReviews
from engine.receiver.workers.pool import ReceiverPool
from engine.receiver.workers.sweeping import sweep_staging
from engine.service.reception import Reception

LONG_JOURNAL = 32 * 1024 * 1024
"""Bytes after which a worker goes on in another journal: some 50,000 records."""


class Housekeeping:
    """Of one engine."""

    def __init__(self, context: JobContext, pool: ReceiverPool, reception: Reception) -> None:
        """Keep the stores of `context` in order, which the workers of `pool` write to."""
        self._context = context
        self._pool = pool
        self._reception = reception

    async def journals(self) -> None:
        """Let workers leave long journals, and put away those that are read to their end."""
        await self._rotate()
        await self.put_away(self._pool.journals)
        node = self._context.settings.node.name
        await asyncio.to_thread(sweep_staging, self._context.prearchive, node)

    async def put_away(self, alive: tuple[str, ...]) -> None:
        """Put away what dead workers have written to its end."""
        folder = self._context.prearchive / ".journals"
        for journal in await self._context.ingester.left_behind(alive):
            # A worker that outlives its engine for a moment still ends the object it is at.
            if not await asyncio.to_thread(is_being_written, folder / journal):
                self._reception.tell(await self._context.ingester.finish(journal))

    async def forget(self) -> None:
        """Forget what is old. Every journal is read first: its records find their receipts."""
        await self._reception.catch_up()
        await forgetting.forget(self._context, now=datetime.now(UTC))

    async def purge(self) -> None:
        """Remove finished jobs, expired trash, and undo records that are too old, with what was
        found out of them."""
        await self._context.runner.purge()
        await trash.expire(self._context, now=datetime.now(UTC))
        days = timedelta(days=self._context.settings.anonymization.originals_days)
        for store in (Originals(self._context.prearchive), KeptReviews(self._context.prearchive)):
            await asyncio.to_thread(store.expire, days.total_seconds())

    async def sign_ins(self) -> None:
        """Remove sign-ins that are over."""
        async with self._context.archive_db.write() as transaction:
            await credentials.forget(transaction)

    async def reserve(self) -> None:
        """Keep the room that deletions on a full disk need."""
        await asyncio.to_thread(self._context.reserve.fill)

    async def _rotate(self) -> None:
        folder = self._context.prearchive / ".journals"
        for journal in self._pool.journals:
            with suppress(FileNotFoundError):
                if (await asyncio.to_thread((folder / journal).stat)).st_size >= LONG_JOURNAL:
                    await self._pool.rotate(journal)
