# SPDX-License-Identifier: Apache-2.0
"""The rows of requests for a storage commitment: entered once, taken by one engine at a time, and
kept for a while after they have ended. What is committed is decided in `engine.commitment`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import SQLColumnExpression, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from engine.database.connection import insert_into
from engine.model.commitments import Commitment, CommitmentState
from engine.model.errors import NotFound
from engine.prearchive.tables import CommitmentRow

OWN_FIRST = timedelta(seconds=10)
"""How long a request that is due is left to the engine that had it last: its workers have the
association on which the sender waits."""

_IN_CLAUSE = 500


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


async def unfinished_of(transaction: AsyncSession, ids: Collection[str]) -> set[str]:
    """Return those that have not ended."""
    rest, found = iter(ids), set[str]()
    while some := list(islice(rest, _IN_CLAUSE)):
        query = select(CommitmentRow.id).where(CommitmentRow.id.in_(some))
        found.update(await transaction.scalars(query.where(CommitmentRow.due.is_not(None))))
    return found


async def next_due(transaction: AsyncSession, node: str) -> datetime | None:
    """Return when the engine of a node is to look at one next."""
    own = await _first_due(transaction, CommitmentRow.node == node)
    others = await _first_due(transaction, CommitmentRow.node != node)
    if others is not None:
        others += OWN_FIRST
    return min((due for due in (own, others) if due is not None), default=None)


async def _first_due(
    transaction: AsyncSession, which: SQLColumnExpression[bool]
) -> datetime | None:
    query = select(CommitmentRow.due).where(CommitmentRow.due.is_not(None), which)
    found: datetime | None = await transaction.scalar(query.order_by(CommitmentRow.due).limit(1))
    return found


async def due(transaction: AsyncSession, node: str, now: datetime, limit: int) -> list[str]:
    """Name those that the engine of a node is to look at, the longest due first."""
    its_own_or_late = or_(CommitmentRow.node == node, CommitmentRow.due <= now - OWN_FIRST)
    query = select(CommitmentRow.id).where(CommitmentRow.due <= now, its_own_or_late)
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


async def page(
    transaction: AsyncSession, offset: int, limit: int, state: str = ""
) -> tuple[Commitment, ...]:
    """List requests, the newest first."""
    query = select(CommitmentRow).order_by(CommitmentRow.at.desc(), CommitmentRow.id.desc())
    if state:
        query = query.where(CommitmentRow.state == state)
    rows = (await transaction.execute(query.offset(offset).limit(limit))).scalars()
    return tuple(to_commitment(row) for row in rows)


async def given_up_since(
    transaction: AsyncSession, moment: datetime, limit: int
) -> tuple[int, tuple[Commitment, ...]]:
    """Count the requests that were given up since a moment, and return the last of them."""
    given_up = and_(
        CommitmentRow.state == CommitmentState.GIVEN_UP.value, CommitmentRow.ended > moment
    )
    many = await transaction.scalar(select(func.count()).where(given_up)) or 0
    last = select(CommitmentRow).where(given_up).order_by(CommitmentRow.ended.desc()).limit(limit)
    return many, tuple(to_commitment(row) for row in await transaction.scalars(last))


async def show(transaction: AsyncSession, id: str, *, objects: bool = True) -> CommitmentRow:
    """Return one, with its objects unless nobody wants them.

    Raises:
        NotFound: there is none.
    """
    query = select(CommitmentRow).where(CommitmentRow.id == id)
    if objects:
        query = query.options(undefer(CommitmentRow.objects), undefer(CommitmentRow.reasons))
    row: CommitmentRow | None = (await transaction.execute(query)).scalar_one_or_none()
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
