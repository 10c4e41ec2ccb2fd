# SPDX-License-Identifier: Apache-2.0
"""The accounts: one tally per transfer, session and place, which always add up (intake contract
12). Callers pass the transaction, so that a count commits together with what it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import delete, func, literal, select, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from engine.database.connection import insert_into
from engine.model.accounts import Accounts, Place
from engine.model.ledger import SenderAccounts
from engine.prearchive.tables import TallyRow, TotalRow, TransferRow

TallyKey = tuple[str, str, Place]
"""(transfer, session or empty, place)."""


async def add(session: AsyncSession, counts: Mapping[TallyKey, int]) -> None:
    """Add to tallies; a count may be negative where a record corrects what was recovered."""
    rows = [
        {"transfer": transfer, "session": of, "place": place.value, "count": count}
        # In one order, so that two transactions never wait for each other's rows.
        for (transfer, of, place), count in sorted(counts.items())
        if count
    ]
    if not rows:
        return
    await session.execute(_upsert_tallies(session).values(rows))
    sums: Counter[Place] = Counter()
    for (_, _, place), count in counts.items():
        sums[place] += count
    await _add_to_totals(session, sums)
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
    there = (TallyRow.session == of, TallyRow.place == source.value)
    moved = await session.scalar(select(func.sum(TallyRow.count)).where(*there)) or 0
    chosen = select(
        TallyRow.transfer, TallyRow.session, literal(target.value), TallyRow.count
    ).where(*there)
    columns = ["transfer", "session", "place", "count"]
    await session.execute(_upsert_tallies(session).from_select(columns, chosen))
    await session.execute(delete(TallyRow).where(*there))
    await _add_to_totals(session, {source: -int(moved), target: int(moved)})


async def forget(session: AsyncSession, transfers: Collection[str]) -> None:
    """Let the tallies of transfers and their sessions go; what they count stays, without a name.
    The totals do not change."""
    gone = await session.execute(
        delete(TallyRow)
        .where(TallyRow.transfer.in_(transfers))
        .returning(TallyRow.place, TallyRow.count)
    )
    sums: Counter[str] = Counter()
    for place, count in gone.all():
        sums[place] += count
    rows = [
        {"transfer": "", "session": "", "place": place, "count": count}
        for place, count in sorted(sums.items())
        if count
    ]
    if rows:
        await session.execute(_upsert_tallies(session).values(rows))


async def by_transfer(session: AsyncSession, of: str, place: Place) -> Counter[str]:
    """Return how many objects of a session each transfer has in a place."""
    there = (TallyRow.session == of, TallyRow.place == place.value)
    found = await session.execute(select(TallyRow.transfer, TallyRow.count).where(*there))
    return Counter({transfer: count for transfer, count in found.all()})


async def total(session: AsyncSession) -> Accounts:
    """Return the accounts of everything."""
    found = (await session.execute(select(TotalRow.place, TotalRow.count))).all()
    return Accounts(counts={Place(place): count for place, count in found if count})


async def summed(session: AsyncSession, *, of: str | None = None) -> Accounts:
    """Sum the tallies, of one prearchive session or of all: what the totals must be."""
    query = select(TallyRow.place, func.sum(TallyRow.count)).group_by(TallyRow.place)
    if of is not None:
        query = query.where(TallyRow.session == of)
    found = (await session.execute(query)).all()
    return Accounts(counts={Place(place): int(count) for place, count in found})


async def waiting_in_sessions(session: AsyncSession) -> int:
    """Return how many objects wait in sessions by the tallies: what their rows must hold together.
    What waits for the script's helper is in none yet."""
    query = select(func.sum(TallyRow.count)).where(
        TallyRow.place == Place.WAITING.value, TallyRow.session != ""
    )
    return int(await session.scalar(query) or 0)


async def by_sender(session: AsyncSession, since: datetime) -> tuple[SenderAccounts, ...]:
    """Return where the objects are that came in transfers that began since a moment, by sender.
    What came and where it lies is read by one statement: it must not change in between."""
    mine = TransferRow.opened >= since
    both = union_all(
        select(
            TransferRow.calling.label("calling"),
            literal("").label("place"),
            TransferRow.objects.label("count"),
        ).where(mine),
        select(TransferRow.calling, TallyRow.place, TallyRow.count)
        .join(TallyRow, TallyRow.transfer == TransferRow.id)
        .where(mine),
    ).subquery()
    query = (
        select(both.c.calling, both.c.place, func.sum(both.c.count))
        .group_by(both.c.calling, both.c.place)
        .order_by(both.c.calling, both.c.place)
    )
    found: dict[str, dict[str, int]] = {}
    for calling, place, count in await session.execute(query):
        found.setdefault(calling, {})[place] = int(count)
    return tuple(
        SenderAccounts(
            calling=calling,
            received=counts.pop("", 0),
            counts={Place(place): count for place, count in counts.items() if count},
        )
        for calling, counts in found.items()
    )


async def _add_to_totals(session: AsyncSession, sums: Mapping[Place, int]) -> None:
    # In one order everywhere: two engines that count at once must not wait for each other in turn.
    rows = [
        {"place": place.value, "count": count} for place, count in sorted(sums.items()) if count
    ]
    if rows:
        statement = insert_into(session, TotalRow).values(rows)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["place"],
                set_={"count": TotalRow.count + statement.excluded.count},
            )
        )


def _upsert_tallies(session: AsyncSession) -> sqlite.Insert | postgresql.Insert:
    statement = insert_into(session, TallyRow)
    return statement.on_conflict_do_update(
        index_elements=["transfer", "session", "place"],
        set_={"count": TallyRow.count + statement.excluded.count},
    )
