# SPDX-License-Identifier: Apache-2.0
"""The rows of requests for a storage commitment: entered once, taken by one engine at a time, and
kept for a while after they have ended. What is committed is decided in `engine.commitment`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from engine.database.connection import insert_into
from engine.model.commitments import Commitment, CommitmentState
from engine.model.errors import NotFound
from engine.prearchive.tables import CommitmentRow


async def enter(transaction: AsyncSession, values: dict[str, Any]) -> None:
    """Add a request; a second time nothing is changed."""
    statement = insert_into(transaction, CommitmentRow).values(**values)
    await transaction.execute(statement.on_conflict_do_nothing())


async def namesakes(
    transaction: AsyncSession, calling: str, transaction_uid: str
) -> Sequence[CommitmentRow]:
    """Return the requests of a sender with one transaction UID."""
    query = select(CommitmentRow).where(
        CommitmentRow.calling == calling, CommitmentRow.transaction_uid == transaction_uid
    )
    return (await transaction.execute(query.order_by(CommitmentRow.at))).scalars().all()


async def unfinished(transaction: AsyncSession) -> int:
    """Count the requests that have not ended."""
    query = select(func.count()).where(CommitmentRow.due.is_not(None))
    return (await transaction.execute(query)).scalar_one()


async def next_due(transaction: AsyncSession) -> datetime | None:
    """Return when somebody is to look at one next."""
    found: datetime | None = await transaction.scalar(select(func.min(CommitmentRow.due)))
    return found


async def due(transaction: AsyncSession, now: datetime, limit: int) -> list[str]:
    """Name those that somebody is to look at, the longest due first."""
    query = select(CommitmentRow.id).where(CommitmentRow.due <= now)
    query = query.order_by(CommitmentRow.due, CommitmentRow.id).limit(limit)
    return list((await transaction.execute(query)).scalars())


async def take(
    transaction: AsyncSession, id: str, node: str, *, now: datetime, until: datetime
) -> CommitmentRow | None:
    """Take one that is due for an engine; None where another was faster. If that engine dies, it is
    due again at `until`."""
    taken = await transaction.execute(
        update(CommitmentRow)
        .where(CommitmentRow.id == id, CommitmentRow.due <= now)
        .values(node=node, due=until)
        .returning(CommitmentRow.id)
    )
    if taken.scalar_one_or_none() is None:
        return None
    query = select(CommitmentRow).where(CommitmentRow.id == id)
    return (await transaction.execute(query.options(undefer(CommitmentRow.objects)))).scalar_one()


async def change(transaction: AsyncSession, id: str, **values: Any) -> None:
    """Set values of one."""
    await transaction.execute(update(CommitmentRow).where(CommitmentRow.id == id).values(**values))


async def take_up_again(transaction: AsyncSession, node: str, now: datetime) -> None:
    """Let all be due now that an engine had taken when it ended."""
    await transaction.execute(
        update(CommitmentRow)
        .where(CommitmentRow.node == node, CommitmentRow.due > now)
        .values(due=now)
    )


async def expire(transaction: AsyncSession, before: datetime, most: int) -> None:
    """Remove those that ended before a moment, and all but the newest `most` that have ended."""
    newest = (
        select(CommitmentRow.id)
        .where(CommitmentRow.due.is_(None))
        .order_by(CommitmentRow.at.desc(), CommitmentRow.id.desc())
        .limit(most)
    )
    await transaction.execute(
        delete(CommitmentRow).where(
            CommitmentRow.due.is_(None),
            or_(CommitmentRow.ended < before, CommitmentRow.id.not_in(newest)),
        )
    )


async def page(
    transaction: AsyncSession, offset: int, limit: int, state: str = ""
) -> tuple[Commitment, ...]:
    """List requests, the newest first."""
    query = select(CommitmentRow).order_by(CommitmentRow.at.desc(), CommitmentRow.id.desc())
    if state:
        query = query.where(CommitmentRow.state == state)
    rows = (await transaction.execute(query.offset(offset).limit(limit))).scalars()
    return tuple(to_commitment(row) for row in rows)


async def show(transaction: AsyncSession, id: str) -> CommitmentRow:
    """Return one with its objects.

    Raises:
        NotFound: there is none.
    """
    query = select(CommitmentRow).where(CommitmentRow.id == id)
    everything = query.options(undefer(CommitmentRow.objects), undefer(CommitmentRow.reasons))
    row: CommitmentRow | None = (await transaction.execute(everything)).scalar_one_or_none()
    if row is None:
        raise NotFound(
            f"there is no request {id} for a storage commitment",
            hint="list them: anteroom commitment list",
        )
    return row


def to_commitment(row: CommitmentRow) -> Commitment:
    """Return what users see of a row."""
    return Commitment(
        id=row.id,
        at=row.at,
        receiver=row.receiver,
        calling=row.calling,
        peer=row.peer,
        objects=row.count,
        failed=row.failed,
        state=CommitmentState(row.state),
        reason=row.reason,
        attempts=row.attempts,
        due=row.due,
        decided=row.decided,
        ended=row.ended,
    )
