# SPDX-License-Identifier: Apache-2.0
"""What has come within each hour, by receiver and sender, as it was received: whatever becomes of
the objects, and also when their transfers are forgotten. Callers pass the transaction in which the
objects are counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.database.connection import insert_into
from engine.model.live import SenderSeen, Throughput, ThroughputBy
from engine.prearchive.tables import ThroughputRow

HOUR = 3_600 * 1_000_000_000
"""Nanoseconds."""

_RECEIVER, _CALLING = 16, 64
"""Characters that the table takes."""

Key = tuple[int, str, str]
"""(hours since 1970, receiver, calling AE)."""


@dataclass(slots=True)
class Brought:
    """What came within an hour."""

    objects: int = 0
    bytes: int = 0
    refused: int = 0
    last: int = 0
    """When the last object came, in nanoseconds since 1970."""


def key(at: int, receiver: str, calling: str) -> Key:
    """Return where an object counts that came at a moment, in nanoseconds since 1970."""
    return at // HOUR, receiver[:_RECEIVER], calling[:_CALLING]


async def add(session: AsyncSession, brought: Mapping[Key, Brought]) -> None:
    """Add to the hours."""
    rows = [
        {
            "hour": datetime.fromtimestamp(hour * 3_600, UTC),
            "receiver": receiver,
            "calling": calling,
            "objects": one.objects,
            "bytes": one.bytes,
            "refused": one.refused,
            "last": datetime.fromtimestamp(one.last / 1e9, UTC),
        }
        # In one order, so that two transactions never wait for each other's rows.
        for (hour, receiver, calling), one in sorted(brought.items())
    ]
    if not rows:
        return
    statement = insert_into(session, ThroughputRow)
    row, new = ThroughputRow, statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["hour", "receiver", "calling"],
            set_={
                "objects": row.objects + new.objects,
                "bytes": row.bytes + new.bytes,
                "refused": row.refused + new.refused,
                "last": case((row.last > new.last, row.last), else_=new.last),
            },
        ),
        rows,
    )


async def by_hour(
    session: AsyncSession, since: datetime, *, by: ThroughputBy, limit: int
) -> tuple[Throughput, ...]:
    """Return the hours in which something came that began at `since` or later, the newest `limit`
    rows of them, the oldest first."""
    row = ThroughputRow
    group = {
        ThroughputBy.ALL: (),
        ThroughputBy.RECEIVER: (row.receiver,),
        ThroughputBy.SENDER: (row.calling,),
    }[by]
    sums = (func.sum(row.objects), func.sum(row.bytes), func.sum(row.refused), func.max(row.last))
    found = await session.execute(
        select(row.hour, *sums, *group)
        .where(row.hour >= since)
        .group_by(row.hour, *group)
        .order_by(row.hour.desc(), *group)
        .limit(limit)
    )
    rows = [
        Throughput(
            hour=hour,
            receiver=named[0] if by is ThroughputBy.RECEIVER else "",
            calling=named[0] if by is ThroughputBy.SENDER else "",
            objects=int(objects),
            bytes=int(size),
            refused=int(refused),
            last=last,
        )
        for hour, objects, size, refused, last, *named in found.all()
    ]
    return tuple(sorted(rows, key=lambda one: one.hour))


async def senders(
    session: AsyncSession, since: datetime, *, today: datetime, week: datetime, limit: int
) -> tuple[SenderSeen, ...]:
    """Return who has sent since a moment and to which receiver, who was seen last first."""
    row = ThroughputRow
    last = func.max(row.last)
    found = await session.execute(
        select(
            row.calling,
            row.receiver,
            last,
            func.sum(case((row.hour >= today, row.objects), else_=0)),
            func.sum(case((row.hour >= week, row.objects), else_=0)),
        )
        .where(row.hour >= since)
        .group_by(row.calling, row.receiver)
        .order_by(last.desc(), row.calling, row.receiver)
        .limit(limit)
    )
    return tuple(
        SenderSeen(calling=calling, receiver=receiver, last=seen, today=int(day), week=int(seven))
        for calling, receiver, seen, day, seven in found.all()
    )
