# SPDX-License-Identifier: Apache-2.0
"""What is forgotten once it is old: lines of the ledger, transfers, receipts, what came within each
hour, and sends and requests for a storage commitment that have ended. Counts are never forgotten:
the tallies of a transfer that goes stay in the sums, without its name. Each function takes a
bounded part, so that no transaction lasts long; call it until it finds nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, exists, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from engine.model.accounts import Place
from engine.prearchive import accounts
from engine.prearchive.tables import (
    CommitmentRow,
    LedgerRow,
    ReceiptRow,
    SendRow,
    SessionRow,
    TallyRow,
    ThroughputRow,
    TransferRow,
)

Kept = Callable[[], Awaitable[Collection[str]]]
"""Names the sessions that may come back, as they are when it is called."""

ReceiptKey = tuple[str, str]
"""(mark, session)."""

MOST = 500
"""Rows that one call takes."""

MOST_COMMITMENTS = 10_000
"""Requests for a storage commitment that are kept after they have ended, however young."""

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


async def forget_sends(session: AsyncSession, before: datetime) -> int:
    """Forget sends that ended before a moment; return how many."""
    old = select(SendRow.id).where(SendRow.ended < before).limit(MOST)
    gone = await session.execute(delete(SendRow).where(SendRow.id.in_(old)).returning(SendRow.id))
    return len(gone.all())


async def forget_commitments(session: AsyncSession, before: datetime) -> int:
    """Forget requests for a storage commitment that ended before a moment, and all but the newest
    of those that have ended; return how many."""
    ended = select(CommitmentRow.id).where(CommitmentRow.due.is_(None))
    newest = ended.order_by(CommitmentRow.at.desc(), CommitmentRow.id.desc())
    old = ended.where(
        or_(
            CommitmentRow.ended < before,
            CommitmentRow.id.not_in(newest.limit(MOST_COMMITMENTS)),
        )
    ).limit(MOST)
    gone = await session.execute(
        delete(CommitmentRow).where(CommitmentRow.id.in_(old)).returning(CommitmentRow.id)
    )
    return len(gone.all())


async def forget_transfers(
    session: AsyncSession, before: datetime, keep: Kept, after: str = ""
) -> tuple[int, str]:
    """Forget transfers that ended before a moment and of which nothing waits or is held any more;
    return how many, and the last that was looked at: pass it as `after` to go on. What they have
    deleted in a session of `keep` may come back."""
    tally = TallyRow.transfer == TransferRow.id
    here = exists().where(tally, TallyRow.place.in_([Place.WAITING.value, Place.HELD.value]))
    old = (
        select(TransferRow.id)
        .where(TransferRow.closed < before, TransferRow.id > after, ~here)
        .order_by(TransferRow.id)
        .limit(MOST)
        # In this order everywhere, and not at the same time: who counts locks them too.
        .with_for_update()
    )
    found = list((await session.execute(old)).scalars())
    if not found:
        return 0, ""
    # Now, and not before: a session is in the trash before its objects count as deleted.
    back = await keep()
    fed = select(TallyRow.transfer, TallyRow.session).where(TallyRow.transfer.in_(found))
    stay = {transfer for transfer, of in (await session.execute(fed)).all() if of in back}
    gone = [id for id in found if id not in stay]
    if gone:
        await accounts.forget(session, gone)
        await session.execute(delete(TransferRow).where(TransferRow.id.in_(gone)))
    return len(gone), found[-1]


async def old_receipts(
    session: AsyncSession, before: datetime, after: ReceiptKey = ("", "")
) -> list[ReceiptKey]:
    """Find receipts of objects that left before a moment, behind one of them. All receipts may have
    to be looked at: not for a transaction that others wait for."""
    key = tuple_(ReceiptRow.sop, ReceiptRow.session)
    old = (
        select(ReceiptRow.sop, ReceiptRow.session)
        .where(ReceiptRow.at < before, ReceiptRow.recovered.is_(False), key > tuple_(*after))
        .order_by(ReceiptRow.sop, ReceiptRow.session)
        .limit(MOST)
    )
    return [(sop, of) for sop, of in (await session.execute(old)).all()]


async def forget_receipts(session: AsyncSession, found: Sequence[ReceiptKey], keep: Kept) -> int:
    """Forget receipts that `old_receipts` has found; return how many. Those stay whose own record
    is still to come, and those of sessions that are still here or in `keep`."""
    is_here = select(SessionRow.id).where(SessionRow.id.in_({of for _, of in found}))
    here = set((await session.execute(is_here)).scalars())
    back = await keep()
    gone = 0
    for sop, of in found:
        if of not in here and of not in back:
            went = await session.execute(
                delete(ReceiptRow)
                .where(ReceiptRow.sop == sop, ReceiptRow.session == of)
                .where(ReceiptRow.recovered.is_(False))
                .returning(ReceiptRow.sop)
            )
            gone += len(went.all())
    return gone
