# SPDX-License-Identifier: Apache-2.0
"""The ledger: objects that were dropped, refused or only counted, merged by reason, so that nothing
is dropped silently and many errors of one kind are one line with a count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import case, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.database.connection import insert_into
from engine.model.live import LedgerEntry
from engine.prearchive.tables import LedgerRow

_FOLD = ("transfer", "outcome", "reason", "rule", "session")
LONGEST_REASON, LONGEST_RULE = 400, 160
"""Characters that the table takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One entry before merging. `reason` contains no patient data."""

    transfer: str
    outcome: str
    reason: str
    at: datetime
    rule: str = ""
    session: str = ""
    receiver: str = ""
    calling: str = ""
    peer: str = ""


Fold = dict[tuple[str, ...], tuple[Line, Line, int]]
"""Earliest line, latest line and count by what lines are folded by."""


def fold(into: Fold, line: Line, times: int = 1) -> None:
    """Count a line with those of the same transfer, outcome, reason, rule and session; `times` is
    negative where a line that was counted is taken back."""
    # Cut before folding: two that differ only behind the cut would be one row twice.
    if len(line.reason) > LONGEST_REASON or len(line.rule) > LONGEST_RULE:
        line = replace(line, reason=line.reason[:LONGEST_REASON], rule=line.rule[:LONGEST_RULE])
    key = tuple(getattr(line, name) for name in _FOLD)
    first, last, count = into.get(key, (line, line, 0))
    into[key] = (
        min(first, line, key=lambda each: each.at),
        max(last, line, key=lambda each: each.at),
        count + times,
    )


async def add(session: AsyncSession, folded: Fold) -> None:
    """Add folded lines to the ledger."""
    rows = [
        {
            "transfer": first.transfer,
            "outcome": first.outcome,
            "reason": first.reason,
            "rule": first.rule,
            "session": first.session,
            "receiver": first.receiver,
            "calling": first.calling,
            "peer": first.peer,
            "first": first.at,
            "last": last.at,
            "count": count,
        }
        # In one order, so that two transactions never wait for each other's rows.
        for _, (first, last, count) in sorted(folded.items())
        if count
    ]
    if not rows:
        return
    statement = insert_into(session, LedgerRow)
    new = statement.excluded
    await session.execute(
        statement.values(rows).on_conflict_do_update(
            index_elements=list(_FOLD),
            set_={
                "first": case((LedgerRow.first < new.first, LedgerRow.first), else_=new.first),
                "last": case((LedgerRow.last > new.last, LedgerRow.last), else_=new.last),
                "count": LedgerRow.count + new.count,
            },
        )
    )
    if any(count < 0 for _, _, count in folded.values()):
        await session.execute(delete(LedgerRow).where(LedgerRow.count <= 0))


async def list_entries(
    session: AsyncSession, offset: int, limit: int, outcome: str = ""
) -> tuple[LedgerEntry, ...]:
    """List entries, newest first."""
    query = select(LedgerRow).order_by(LedgerRow.last.desc(), LedgerRow.id.desc())
    if outcome:
        query = query.where(LedgerRow.outcome == outcome)
    rows = (await session.execute(query.offset(offset).limit(limit))).scalars()
    return tuple(entry(row) for row in rows)


def entry(row: LedgerRow) -> LedgerEntry:
    """Return a row as others see it."""
    return LedgerEntry(
        id=row.id,
        transfer=row.transfer,
        outcome=row.outcome,
        reason=row.reason,
        rule=row.rule,
        session=row.session,
        receiver=row.receiver,
        calling=row.calling,
        peer=row.peer,
        first=row.first,
        last=row.last,
        count=row.count,
    )
