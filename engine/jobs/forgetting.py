# SPDX-License-Identifier: Apache-2.0
"""Forgets what is older than the settings say: transfers, lines of the ledger, receipts, hours,
sends and requests for a storage commitment. What that means for each table is in
`engine.prearchive.retention`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record_triage
from engine.jobs.context import TRASH, WORKING, JobContext
from engine.prearchive import queues, retention

EVENT = "Forgot what is old"
"""What the audit trail says, with how many rows of each kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """How many rows went."""

    transfers: int
    ledger: int
    receipts: int
    hours: int
    """Rows of what a sender has brought within an hour."""
    sends: int
    commitments: int
    departures: int


async def forget(context: JobContext, *, now: datetime) -> Forgotten:
    """Forget what is too old, and write down how much that was."""
    days = context.settings.retention

    def limit(before: int) -> datetime:
        return now - timedelta(days=before)

    async def keep() -> Collection[str]:
        # What lies there may come back, or is yet to be swept by its receipts.
        return await asyncio.to_thread(_names, context.prearchive)

    forgotten = Forgotten(
        ledger=await _all_of(context, retention.forget_ledger, limit(days.ledger_days)),
        transfers=await _transfers(context, limit(days.transfers_days), keep),
        receipts=await _receipts(context, limit(days.receipts_days), keep),
        hours=await _all_of(context, retention.forget_throughput, limit(days.throughput_days)),
        sends=await _all_of(context, retention.forget_sends, limit(days.sends_days)),
        commitments=await _all_of(
            context, retention.forget_commitments, limit(days.commitments_days)
        ),
        departures=await _all_of(context, queues.forget_departures, limit(days.departures_days)),
    )
    counts = asdict(forgotten)
    if any(counts.values()):
        async with context.prearchive_db.write() as transaction:
            record_triage(transaction, "engine", EVENT, "retention", counts)
    return forgotten


async def _all_of(
    context: JobContext, take: Callable[[AsyncSession, datetime], Awaitable[int]], before: datetime
) -> int:
    many = 0
    while True:
        async with context.prearchive_db.write() as transaction:
            went = await take(transaction, before)
        many += went
        if not went:
            return many


async def _transfers(context: JobContext, before: datetime, keep: retention.Kept) -> int:
    many, last = 0, ""
    while True:
        async with context.prearchive_db.write() as transaction:
            went, last = await retention.forget_transfers(transaction, before, keep, last)
        many += went
        if not last:
            return many


async def _receipts(context: JobContext, before: datetime, keep: retention.Kept) -> int:
    many, last = 0, ("", "")
    while True:
        async with context.prearchive_db.read() as transaction:
            found = await retention.old_receipts(transaction, before, last)
        if not found:
            return many
        last = found[-1]
        async with context.prearchive_db.write() as transaction:
            many += await retention.forget_receipts(transaction, found, keep)


def _names(prearchive: Path) -> set[str]:
    """Name the sessions in the trash and those that a job has taken."""
    return {
        path.name
        for folder in (prearchive / TRASH, prearchive / WORKING)
        if folder.is_dir()
        for path in folder.iterdir()
    }
