"""The accounts: one tally per transfer, session and place, that always add up (intake contract 12).
Callers pass the transaction, so that a count commits together with what it counts."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.prearchive.tables import TallyRow
from engine.model.accounts import Accounts, Place

TallyKey = tuple[str, str, Place]
"""(transfer, session or empty, place)."""


async def add(session: AsyncSession, counts: Mapping[TallyKey, int]) -> None:
    """Add to tallies; a count may be negative where a record corrects what was recovered."""
    rows = [
        {"transfer": transfer, "session": of, "place": place.value, "count": count}
        for (transfer, of, place), count in counts.items()
        if count
    ]
    if not rows:
        return
    await session.execute(_upsert(session).values(rows))
    # Only what was taken from can have come to nothing: never look through all tallies.
    for (transfer, of, place), count in counts.items():
        if count < 0:
            await session.execute(
                delete(TallyRow).where(
                    TallyRow.transfer == transfer,
                    TallyRow.session == of,
                    TallyRow.place == place.value,
                    TallyRow.count == 0,
                )
            )


async def move(session: AsyncSession, of: str, source: Place, target: Place) -> None:
    """Move all that a session has in one place to another."""
    chosen = select(
        TallyRow.transfer, TallyRow.session, literal(target.value), TallyRow.count
    ).where(TallyRow.session == of, TallyRow.place == source.value)
    columns = ["transfer", "session", "place", "count"]
    await session.execute(_upsert(session).from_select(columns, chosen))
    await session.execute(
        delete(TallyRow).where(TallyRow.session == of, TallyRow.place == source.value)
    )


async def total(session: AsyncSession, *, of: str | None = None) -> Accounts:
    """Sum the accounts, of one prearchive session or of all."""
    query = select(TallyRow.place, func.sum(TallyRow.count)).group_by(TallyRow.place)
    if of is not None:
        query = query.where(TallyRow.session == of)
    found = (await session.execute(query)).all()
    return Accounts(counts={Place(place): int(count) for place, count in found})


def _upsert(session: AsyncSession) -> sqlite.Insert | postgresql.Insert:
    dialect = session.get_bind().dialect.name
    statement: sqlite.Insert | postgresql.Insert
    statement = sqlite.insert(TallyRow) if dialect == "sqlite" else postgresql.insert(TallyRow)
    keys = ["transfer", "session", "place"]
    return statement.on_conflict_do_update(
        index_elements=keys, set_={"count": TallyRow.count + statement.excluded.count}
    )
