# SPDX-License-Identifier: Apache-2.0
"""What a sender has brought since a moment, from its transfers, tallies and ledger lines: what its
acceptance is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.model.accounts import Place
from engine.prearchive.tables import LedgerRow, SessionRow, TallyRow, TransferRow

_MOST = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """One session that the sender has fed: None for a project that was not found."""

    session: str
    project: str | None
    waits: bool
    """Whether it is still in the prearchive."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What was seen of a sender."""

    associations: int = 0
    open: int = 0
    broken: tuple[str, ...] = ()
    """How associations ended that were not released."""
    peers: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    echoes: int = 0
    objects: int = 0
    bytes: int = 0
    places: dict[Place, int] = field(default_factory=dict)
    told: tuple[tuple[str, str, int], ...] = ()
    """(outcome, reason, count) of the ledger."""
    sessions: tuple[Brought, ...] = ()


async def gather(session: AsyncSession, calling: str, receiver: str, since: datetime) -> Evidence:
    """Collect what a sender has done since a moment, at one receiver or at any."""
    query = select(TransferRow).where(TransferRow.calling == calling, TransferRow.opened >= since)
    lines = select(LedgerRow).where(LedgerRow.calling == calling, LedgerRow.last >= since)
    if receiver:
        # The lines are of any receiver: a wrong called AE title is the commonest mistake.
        query = query.where(TransferRow.receiver == receiver)
    found = (await session.execute(query.order_by(TransferRow.opened).limit(_MOST))).scalars().all()
    ledger = (await session.execute(lines.order_by(LedgerRow.id).limit(_MOST))).scalars().all()
    counts = await _counts(session, [row.id for row in found])
    places: dict[Place, int] = {}
    for _, place, count in counts:
        places[place] = places.get(place, 0) + count
    return Evidence(
        associations=len(found),
        open=sum(row.closed is None for row in found),
        broken=tuple(
            dict.fromkeys(row.ended for row in found if row.ended not in ("", "released"))
        ),
        peers=tuple(dict.fromkeys(row.peer for row in found)),
        receivers=tuple(dict.fromkeys(row.receiver for row in found)),
        echoes=sum(row.echoes for row in found),
        objects=sum(row.objects for row in found),
        bytes=sum(row.bytes for row in found),
        places=places,
        told=tuple((row.outcome, row.reason, row.count) for row in ledger),
        sessions=await _brought(session, counts),
    )


async def _counts(session: AsyncSession, transfers: Sequence[str]) -> list[tuple[str, Place, int]]:
    query = (
        select(TallyRow.session, TallyRow.place, func.sum(TallyRow.count))
        .where(TallyRow.transfer.in_(transfers), TallyRow.count > 0)
        .group_by(TallyRow.session, TallyRow.place)
        .order_by(TallyRow.session, TallyRow.place)
    )
    return [
        (of, Place(place), int(count)) for of, place, count in (await session.execute(query)).all()
    ]


async def _brought(
    session: AsyncSession, counts: Sequence[tuple[str, Place, int]]
) -> tuple[Brought, ...]:
    ids = list(dict.fromkeys(of for of, _, _ in counts if of))[:_MOST]
    query = select(SessionRow.id, SessionRow.project).where(SessionRow.id.in_(ids))
    waiting = {id: project for id, project in (await session.execute(query)).all()}
    return tuple(Brought(session=id, project=waiting.get(id), waits=id in waiting) for id in ids)
