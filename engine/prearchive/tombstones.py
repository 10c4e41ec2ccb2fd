# SPDX-License-Identifier: Apache-2.0
"""What is left of sessions that were removed for good: their ids and counts, who removed them, when
and why. No label and no subject: those went with the session."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.model.contents import Tombstone
from engine.model.people import Scope
from engine.prearchive.rows import within
from engine.prearchive.tables import TombstoneRow


async def bury(session: AsyncSession, left: Tombstone) -> None:
    """Keep what is left of a session; of one that a crash had half removed nothing new is told."""
    if await session.get(TombstoneRow, left.id) is None:
        session.add(
            TombstoneRow(
                id=left.id,
                project=left.project,
                objects=left.objects,
                bytes=left.bytes,
                deleted=left.deleted,
                deleted_by=left.by,
                gone=left.gone,
                gone_by=left.gone_by,
                reason=left.reason,
            )
        )


async def listed(
    session: AsyncSession, scope: Scope, *, offset: int, limit: int
) -> tuple[Tombstone, ...]:
    """Return what is left of the sessions of a scope, the newest first."""
    query = (
        select(TombstoneRow)
        .where(*within(scope, TombstoneRow.project))
        .order_by(TombstoneRow.gone.desc(), TombstoneRow.id)
        .offset(offset)
        .limit(limit)
    )
    return tuple(_told(row) for row in await session.scalars(query))


def _told(row: TombstoneRow) -> Tombstone:
    return Tombstone(
        id=row.id,
        project=row.project,
        objects=row.objects,
        bytes=row.bytes,
        deleted=row.deleted,
        by=row.deleted_by,
        gone=row.gone,
        gone_by=row.gone_by,
        reason=row.reason,
    )
