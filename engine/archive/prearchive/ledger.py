"""The ledger: what was dropped, refused or counted only, folded by reason, so that nothing is
dropped in silence and a flood of the same fault stays one line with a count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.prearchive.tables import LedgerRow
from engine.model.live import LedgerEntry

_FOLD = ("transfer", "outcome", "reason", "rule", "session")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One thing to tell of, before folding. No patient data stands in `reason`."""

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
"""First line, last line and count by what lines are folded by."""


def fold(into: Fold, line: Line, times: int = 1) -> None:
    """Count a line with those of the same transfer, outcome, reason, rule and session; `times` is
    negative where a line that was counted is taken back."""
    key = tuple(getattr(line, name) for name in _FOLD)
    first, _, count = into.get(key, (line, line, 0))
    into[key] = (first, line, count + times)


async def add(session: AsyncSession, folded: Fold) -> None:
    """Add folded lines to the ledger."""
    rows = [
        {
            "transfer": first.transfer,
            "outcome": first.outcome,
            "reason": first.reason[:400],
            "rule": first.rule,
            "session": first.session,
            "receiver": first.receiver,
            "calling": first.calling,
            "peer": first.peer,
            "first": first.at,
            "last": last.at,
            "count": count,
        }
        for first, last, count in folded.values()
        if count
    ]
    if not rows:
        return
    statement: sqlite.Insert | postgresql.Insert
    if session.get_bind().dialect.name == "sqlite":
        statement = sqlite.insert(LedgerRow)
    else:
        statement = postgresql.insert(LedgerRow)
    await session.execute(
        statement.values(rows).on_conflict_do_update(
            index_elements=list(_FOLD),
            set_={
                "last": statement.excluded.last,
                "count": LedgerRow.count + statement.excluded.count,
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
    return tuple(_entry(row) for row in rows)


async def size(session: AsyncSession) -> int:
    """Count the entries."""
    return (await session.execute(select(func.count()).select_from(LedgerRow))).scalar_one()


def _entry(row: LedgerRow) -> LedgerEntry:
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
