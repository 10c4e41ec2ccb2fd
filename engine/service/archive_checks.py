# SPDX-License-Identifier: Apache-2.0
"""Checks of the files in the archive: some of them by name and size, or, if there is time, as many
as possible by digest."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy import func, select

from engine.archive import sessions, verifications
from engine.archive.tables import ArchivedSessionRow
from engine.jobs.context import JobContext
from engine.model.errors import NotFound
from engine.model.health import Check, Finding
from engine.model.measures import say_count
from engine.service.verifying import Verifying

SAMPLE, MOST_LOOKED_AT = 50, 50_000
"""Sessions that are looked at by name and size, and files beyond which no further one is."""

QUICK_SECONDS, THOROUGH_SECONDS = 7.0, 240.0
"""After which no further session is begun; what was begun is given up when the check must end."""

_NAMED = 3
_BATCH = 100
_NAME = "archive files"
_ACTOR = "doctor"


class Shelves:
    """Looks at the files of one archive."""

    def __init__(self, context: JobContext, verifying: Verifying) -> None:
        """Nothing is looked at yet."""
        self._context = context
        self._verifying = verifying

    async def known(self) -> Check:
        """Look at sessions chosen at random by name and size, and at what the last verifications
        have found."""
        query = select(ArchivedSessionRow.id).order_by(func.random()).limit(SAMPLE)
        async with self._context.archive_db.read() as transaction:
            chosen = (await transaction.scalars(query)).all()
        looked, files = 0, 0
        wrong: list[str] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(QUICK_SECONDS):
                for accession in chosen:
                    async with self._context.archive_db.read() as transaction:
                        card = await sessions.card(transaction, accession)
                    if files and files + card.files > MOST_LOOKED_AT:
                        continue
                    try:
                        if (await self._verifying.look(card)).faults.counts.total:
                            wrong.append(accession)
                    except NotFound:
                        wrong.append(accession)
                    looked, files = looked + 1, files + card.files
        return await self._told(f"{say_count(looked, 'session')} looked at", wrong)

    async def verified(self) -> Check:
        """Compare digests, of the least recently verified sessions first."""
        start = datetime.now(UTC)
        done = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(THOROUGH_SECONDS):
                while True:
                    async with self._context.archive_db.read() as transaction:
                        due = await verifications.due(transaction, start, _BATCH)
                    if not due.accessions:
                        break
                    for accession in due.accessions:
                        await self._verifying.whole(accession, _ACTOR)
                        done += 1
        return await self._told(f"{say_count(done, 'session')} verified now", [])

    async def _told(self, seen: str, wrong: list[str]) -> Check:
        async with self._context.archive_db.read() as transaction:
            named, count = await verifications.faulty(transaction, _NAMED)
            never, oldest = await verifications.never(transaction)
        whose = "the others" if never else "all"
        since = f"{whose} verified since {oldest:%Y-%m-%d}" if oldest is not None else ""
        rest = f"{say_count(never, 'session')} never verified" if never else ""
        found = "; ".join(part for part in (seen, rest, since) if part)
        if not wrong and not count:
            return Check.good(_NAME, f"{found}; nothing is wrong")
        every = list(dict.fromkeys((*wrong, *named)))
        more = max(count, len(every)) - len(every[:_NAMED])
        which = ", ".join(every[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        return Check(
            name=_NAME,
            finding=Finding.FAILED,
            found=f"files of {which} are missing, changed or strays ({found})",
            consequence="What is exported is not what was archived; an export says so.",
            remedy=(
                "see which: anteroom archive verify ID",
                "bring them back from a backup, take strays away, and verify again",
            ),
        )
