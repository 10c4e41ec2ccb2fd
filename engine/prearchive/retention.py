# SPDX-License-Identifier: Apache-2.0
"""What is forgotten once it is old: lines of the ledger, transfers, receipts,
and what came within each hour. Counts are never
forgotten: the tallies of a transfer that goes stay in the sums, without its name. Each function
takes a bounded part, so that no transaction lasts long; call it until it finds nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.model.accounts import Place
from engine.prearchive import accounts
from engine.prearchive.tables import (
    LedgerRow,
    ReceiptRow,
    SessionRow,
    TallyRow,
    ThroughputRow,
    TransferRow,
)

MOST = 500
"""Rows that one call takes."""

_HOURS = 24
"""Hours that one call takes, each with a row for every sender."""


async def forget_ledger(session: AsyncSession, before: datetime) -> int:
    """Forget lines that were last counted before a moment; return how many."""
    old = select(LedgerRow.id).where(LedgerRow.last < before).limit(MOST)
    gone = await session.execute(
        delete(LedgerRow).where(LedgerRow.id.in_(old)).returning(LedgerRow.id)
    )
    return len(gone.all())


async def forget_throughput(session: AsyncSession, before: datetime) -> int:
    """Forget the hours that began before a moment; return how many rows."""
    old = select(ThroughputRow.hour).where(ThroughputRow.hour < before).distinct()
    hours = old.order_by(ThroughputRow.hour).limit(_HOURS)
    gone = await session.execute(
        delete(ThroughputRow).where(ThroughputRow.hour.in_(hours)).returning(ThroughputRow.hour)
    )
    return len(gone.all())


async def forget_transfers(
    session: AsyncSession, before: datetime, *, keep: Collection[str] = ()
) -> int:
    """Forget transfers that ended before a moment and of which nothing waits or is held any more;
    return how many. What they have deleted in a session of `keep` may come back."""
    tally = TallyRow.transfer == TransferRow.id
    here = exists().where(tally, TallyRow.place.in_([Place.WAITING.value, Place.HELD.value]))
    back = exists().where(tally, TallyRow.session.in_(keep))
    old = (
        select(TransferRow.id)
        .where(TransferRow.closed < before, ~here, ~back)
        .order_by(TransferRow.id)
        .limit(MOST)
        # In this order everywhere, and not at the same time: who counts locks them too.
        .with_for_update()
    )
    ids = list((await session.execute(old)).scalars())
    if ids:
        await accounts.forget(session, ids)
        await session.execute(delete(TransferRow).where(TransferRow.id.in_(ids)))
    return len(ids)


async def forget_receipts(
    session: AsyncSession, before: datetime, *, keep: Collection[str] = ()
) -> int:
    """Forget receipts of objects that left before a moment; return how many. Those stay whose own
    record is still to come, and those of sessions that are still here or in `keep`."""
    is_here = exists().where(SessionRow.id == ReceiptRow.session)
    old = (
        select(ReceiptRow.sop, ReceiptRow.session)
        .where(
            ReceiptRow.at < before,
            ReceiptRow.recovered.is_(False),
            ReceiptRow.session.not_in(keep),
            ~is_here,
        )
        .limit(MOST)
    )
    rows = (await session.execute(old)).all()
    for sop, of in rows:
        await session.execute(
            delete(ReceiptRow).where(ReceiptRow.sop == sop, ReceiptRow.session == of)
        )
    return len(rows)
