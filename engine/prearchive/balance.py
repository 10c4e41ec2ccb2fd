# SPDX-License-Identifier: Apache-2.0
"""Whether the accounts add up (intake contract 12): what every receiver, sender and session has
received is what lies in the places. Each comparison is one statement, so that a count that changes
meanwhile is seen on both sides or on neither."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import Subquery, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from engine.model.accounts import BESIDE, Imbalance, Place
from engine.prearchive.tables import SessionRow, TallyRow, TotalRow, TransferRow

_MOST = 1000
"""Rows that are looked at one by one; more than that is the same fault many times."""


async def imbalances(session: AsyncSession, *, since: datetime) -> tuple[Imbalance, ...]:
    """Return what does not add up, places first."""
    found = [
        Imbalance(of="place", name=place, received=received, found=counted, since=since)
        for place, received, counted in await _differing(session, _places())
    ]
    for of, sums in zip(("receiver", "sender"), await _of_transfers(session), strict=True):
        found += [
            Imbalance(of=of, name=name, received=received, found=counted, since=since)
            for name, (received, counted) in sorted(sums.items())
        ]
    found += [
        Imbalance(of="session", name=id, received=received, found=counted, since=since)
        for id, received, counted in await _differing(session, _sessions())
    ]
    return tuple(found)


def _places() -> Subquery:
    """The totals, and the sums of all tallies."""
    return union_all(
        select(
            TotalRow.place.label("name"),
            TotalRow.count.label("received"),
            literal(0).label("counted"),
        ),
        select(TallyRow.place, literal(0), TallyRow.count),
    ).subquery()


def _sessions() -> Subquery:
    """What sessions hold, and what is counted as waiting in them."""
    waiting = TallyRow.place == Place.WAITING.value
    return union_all(
        select(
            SessionRow.id.label("name"),
            SessionRow.objects.label("received"),
            literal(0).label("counted"),
        ),
        # What waits for the helper of the script is in no session yet.
        select(TallyRow.session, literal(0), TallyRow.count).where(waiting, TallyRow.session != ""),
    ).subquery()


def _transfers() -> Subquery:
    """What transfers have brought, and where it lies. Of a transfer without a row nobody knows
    what it brought."""
    ours = TallyRow.place.not_in([place.value for place in BESIDE])
    return union_all(
        select(
            TransferRow.id.label("name"),
            TransferRow.objects.label("received"),
            literal(0).label("counted"),
        ),
        select(TallyRow.transfer, literal(0), TallyRow.count)
        .join(TransferRow, TransferRow.id == TallyRow.transfer)
        .where(ours),
    ).subquery()


async def _differing(session: AsyncSession, pairs: Subquery) -> list[tuple[str, int, int]]:
    received, counted = func.sum(pairs.c.received), func.sum(pairs.c.counted)
    query = (
        select(pairs.c.name, received, counted)
        .group_by(pairs.c.name)
        .having(received != counted)
        .order_by(pairs.c.name)
        .limit(_MOST)
    )
    return [(name, int(one), int(other)) for name, one, other in await session.execute(query)]


Sums = dict[str, tuple[int, int]]


async def _of_transfers(session: AsyncSession) -> tuple[Sums, Sums]:
    """Sum the transfers that do not add up, by receiver and by sender. Transfers and not their sums
    are compared: an object too many here must not hide one that is missing there."""
    wrong = await _differing(session, _transfers())
    if not wrong:
        return {}, {}
    query = select(TransferRow.id, TransferRow.receiver, TransferRow.calling).where(
        TransferRow.id.in_([name for name, _, _ in wrong])
    )
    names = {id: (receiver, calling) for id, receiver, calling in await session.execute(query)}
    sums: tuple[tuple[Counter[str], Counter[str]], ...] = (
        (Counter(), Counter()),
        (Counter(), Counter()),
    )
    for id, received, counted in wrong:
        for (before, after), name in zip(sums, names.get(id, ("", "")), strict=True):
            before[name or "unknown"] += received
            after[name or "unknown"] += counted
    first, second = ({name: (one[name], other[name]) for name in one} for one, other in sums)
    return first, second
