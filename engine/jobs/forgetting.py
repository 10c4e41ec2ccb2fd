# SPDX-License-Identifier: Apache-2.0
"""Forgets what is older than the settings say: transfers, lines of the ledger, receipts and
hours. What
that means for each table is in `engine.prearchive.retention`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record_triage
from engine.jobs.context import TRASH, WORKING, JobContext
from engine.prearchive import retention

EVENT = "Forgot what is old"
"""What the audit trail says, with how many rows of each kind."""


_MOST_KEPT = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """How many rows went."""

    transfers: int
    ledger: int
    receipts: int
    hours: int
    """Rows of what a sender has brought within an hour."""


async def forget(context: JobContext, *, now: datetime) -> Forgotten:
    """Forget what is too old, and write down how much that was."""
    days = context.settings.retention
    # What lies there may come back, or is yet to be swept by its receipts.
    keep = await asyncio.to_thread(_names, context.prearchive)

    if len(keep) > _MOST_KEPT:
        # More than a statement can name. The trash empties itself, and so does what a crash left.
        return Forgotten(transfers=0, ledger=0, receipts=0, hours=0)

    async def all_of(before: int, take: Callable[[AsyncSession, datetime], Awaitable[int]]) -> int:
        limit, many = now - timedelta(days=before), 0
        while True:
            async with context.prearchive_db.write() as transaction:
                went = await take(transaction, limit)
            many += went
            if not went:
                return many

    forgotten = Forgotten(
        ledger=await all_of(days.ledger_days, retention.forget_ledger),
        transfers=await all_of(
            days.transfers_days,
            lambda transaction, limit: retention.forget_transfers(transaction, limit, keep=keep),
        ),
        receipts=await all_of(
            days.receipts_days,
            lambda transaction, limit: retention.forget_receipts(transaction, limit, keep=keep),
        ),
        hours=await all_of(days.throughput_days, retention.forget_throughput),
    )
    counts = {
        "transfers": forgotten.transfers,
        "ledger": forgotten.ledger,
        "receipts": forgotten.receipts,
        "hours": forgotten.hours,
    }
    if any(counts.values()):
        async with context.prearchive_db.write() as transaction:
            record_triage(transaction, "engine", EVENT, "retention", counts)
    return forgotten


def _names(prearchive: Path) -> list[str]:
    """Name the sessions in the trash and those that a job has taken."""
    return [
        path.name
        for folder in (prearchive / TRASH, prearchive / WORKING)
        if folder.is_dir()
        for path in folder.iterdir()
    ]
