# SPDX-License-Identifier: Apache-2.0
"""What a sender has brought since a moment, from its transfers, tallies and ledger lines: what its
acceptance is judged by. It is signed and kept for ever, so every number is of all that came, and
of nothing that came before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, SQLColumnExpression, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.model.accounts import Place
from engine.prearchive.tables import LedgerRow, SessionRow, TallyRow, TransferRow

MOST_NAMED = 100
"""Sessions that are named; all are counted."""

_MOST_REASONS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class FedSession:
    """One session that the sender has fed: None for a project that was not found."""

    session: str
    project: str | None
    waits: bool
    """Whether it is still in the prearchive."""
    filed: bool = False
    """Whether objects of it have been archived."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What the ledger says of some objects or associations of the sender."""

    outcome: str
    reason: str
    count: int | None
    """None where it was so before, too: lines hold one count for all times."""


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
    told: tuple[Told, ...] = ()
    fed: int = 0
    """Sessions that it has fed."""
    routed: int = 0
    """Those of them that wait in a project, or have left for the archive."""
    astray: int = 0
    """Those of them that wait without a project."""
    sessions: tuple[FedSession, ...] = ()
    """The first of them: those without a project, those that wait, and those that have left."""


async def gather(session: AsyncSession, calling: str, receiver: str, since: datetime) -> Evidence:
    """Collect what a sender has done since a moment, at one receiver or at any."""
    mine = [TransferRow.calling == calling, TransferRow.opened >= since]
    if receiver:
        # The lines are of any receiver: a wrong called AE title is the commonest mistake.
        mine.append(TransferRow.receiver == receiver)
    sums = select(
        func.count(),
        func.count(case((TransferRow.closed.is_(None), 1))),
        *(
            func.coalesce(func.sum(column), 0)
            for column in (TransferRow.echoes, TransferRow.objects, TransferRow.bytes)
        ),
    ).where(*mine)
    associations, open, echoes, objects, size = map(int, (await session.execute(sums)).one())
    ended = await _names(session, TransferRow.ended, mine)
    tallies = [TallyRow.transfer.in_(select(TransferRow.id).where(*mine)), TallyRow.count > 0]
    places = (
        select(TallyRow.place, func.sum(TallyRow.count)).where(*tallies).group_by(TallyRow.place)
    )
    fed, routed, astray, sessions = await _fed(session, tallies)
    return Evidence(
        associations=associations,
        open=open,
        broken=tuple(each for each in ended if each not in ("", "released")),
        peers=await _names(session, TransferRow.peer, mine),
        receivers=await _names(session, TransferRow.receiver, mine),
        echoes=echoes,
        objects=objects,
        bytes=size,
        places={Place(place): int(count) for place, count in (await session.execute(places)).all()},
        told=await _told(session, calling, since),
        fed=fed,
        routed=routed,
        astray=astray,
        sessions=sessions,
    )


async def _names(
    session: AsyncSession,
    column: SQLColumnExpression[str],
    mine: Sequence[SQLColumnExpression[bool]],
) -> tuple[str, ...]:
    """Return the values of a column, in the order in which they were seen first."""
    query = select(column).where(*mine).group_by(column)
    return tuple(await session.scalars(query.order_by(func.min(TransferRow.opened), column)))


async def _told(session: AsyncSession, calling: str, since: datetime) -> tuple[Told, ...]:
    query = (
        select(
            LedgerRow.outcome,
            LedgerRow.reason,
            func.sum(LedgerRow.count),
            func.min(LedgerRow.first),
        )
        .where(LedgerRow.calling == calling, LedgerRow.last >= since)
        .group_by(LedgerRow.outcome, LedgerRow.reason)
        .order_by(LedgerRow.outcome, LedgerRow.reason)
        .limit(_MOST_REASONS)
    )
    return tuple(
        Told(outcome=outcome, reason=reason, count=int(count) if first >= since else None)
        for outcome, reason, count, first in (await session.execute(query)).all()
    )


async def _fed(
    session: AsyncSession, tallies: Sequence[SQLColumnExpression[bool]]
) -> tuple[int, int, int, tuple[FedSession, ...]]:
    """Count the sessions: all, those with a place, and those without a project; name the first."""
    filed = func.max(case((TallyRow.place == Place.ARCHIVED.value, 1), else_=0))
    fed = (
        select(TallyRow.session.label("id"), filed.label("filed"))
        .where(*tallies, TallyRow.session != "")
        .group_by(TallyRow.session)
        .subquery()
    )
    waits, has_project = SessionRow.id.is_not(None), SessionRow.project.is_not(None)

    def joined(*columns: Any) -> Select[Any]:
        joint = fed.outerjoin(SessionRow, SessionRow.id == fed.c.id)
        return select(*columns).select_from(joint)

    in_archive = and_(~waits, fed.c.filed == 1)
    counts = joined(
        func.count(),
        func.count(case((and_(waits, has_project), 1))) + func.count(case((in_archive, 1))),
        func.count(case((and_(waits, ~has_project), 1))),
    )
    every, routed, astray = (await session.execute(counts)).one()
    first = joined(fed.c.id, SessionRow.project, waits, fed.c.filed)
    # False comes before true.
    first = first.order_by(~waits, has_project, fed.c.id).limit(MOST_NAMED)
    named = tuple(
        FedSession(session=id, project=project, waits=bool(still), filed=bool(filed))
        for id, project, still, filed in (await session.execute(first)).all()
    )
    return every, routed, astray, named
